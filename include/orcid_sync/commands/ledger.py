"""The ledger itself: schema, units, put codes, the daily snapshot."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import AsJson, Note, RunId

OptionalName = Annotated[
    str | None, typer.Option("--as", help="Who does it; default: the system's user.", metavar="NAME")
]
units = typer.Typer(
    help="Which units curate, approve and own what.", no_args_is_help=True, rich_markup_mode=None
)
put_codes = typer.Typer(
    help="The registry's keys of what we wrote.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(migrate)
    app.command()(snapshot)
    units.command("apply")(apply)
    units.command("move")(move)
    app.add_typer(units, name="units")
    put_codes.command("export")(export_put_codes)
    put_codes.command("import")(import_put_codes)
    put_codes.command("rebuild")(rebuild)
    app.add_typer(put_codes, name="put-codes")


def migrate(as_json: AsJson = False) -> None:
    """Bring roles, schema and rights of the ledger to the newest version. Safe to run at any time."""
    from orcid_sync.connections import connection
    from orcid_sync.ledger.migrate import migrate as bring_up

    connect, info = context.owner()
    own = info.name == "ledger_owner"
    done = [] if own else ["AIRFLOW_CONN_LEDGER_OWNER is not set: everything was done as AIRFLOW_CONN_LEDGER"]
    done += bring_up(connect, application_login=connection("ledger").login if own else None)

    def text() -> None:
        for line in done:
            typer.echo(line)
        typer.echo("The ledger is at the newest version.")

    context.emit({"done": done}, as_json, text)


def snapshot(as_json: AsJson = False) -> None:
    """Write down today's figures: permissions, items by state, writes."""
    from orcid_sync.ledger.snapshot import take_snapshot

    context.emit(take_snapshot(context.ledger()), as_json)


def apply(
    file: Annotated[Path, typer.Argument(help="The units file (YAML).")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, change nothing.")
    ] = False,
    name: OptionalName = None,
    as_json: AsJson = False,
) -> None:
    """Bring the units in line with the units file, and show what changed."""
    from orcid_sync.ledger.units import apply_units, load_units

    content = load_units(file)
    connect, _ = context.owner()
    changes = apply_units(connect, context.ledger(), content, actor=context.actor(name), dry_run=dry_run)

    def text() -> None:
        for line in changes:
            typer.echo(line)
        if not changes:
            typer.echo("Nothing to do: the units are as the file says.")
        elif dry_run:
            typer.echo("Nothing was changed (--dry-run).")

    context.emit({"changes": changes, "dry_run": dry_run}, as_json, text)


def move(
    source: Annotated[str, typer.Option("--from", help="Code of the unit that gives.")],
    target: Annotated[str, typer.Option("--to", help="Code of the unit that takes over.")],
    section: Annotated[str | None, typer.Option("--section", help="Only this section.")] = None,
    items: Annotated[list[int] | None, typer.Option("--item", help="Only this item; repeatable.")] = None,
    subtree: Annotated[
        list[str] | None, typer.Option("--subtree", help="Only below this unit of the CRIS; repeatable.")
    ] = None,
    name: OptionalName = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Give items of one unit to another; put codes and API client stay."""
    from orcid_sync.ledger.units import move_items

    moved = move_items(
        context.ledger(),
        source,
        target,
        actor=context.actor(name),
        section=section,
        items=items or None,
        subtree=subtree or None,
        note=note,
    )
    context.emit({"from": source, "to": target, "moved": moved}, as_json)


def export_put_codes(
    file: Annotated[Path | None, typer.Argument(help="CSV file; default: stdout.")] = None,
) -> None:
    """All live put codes as CSV."""
    from orcid_sync.ledger.put_codes import PUT_CODE_COLUMNS
    from orcid_sync.ledger.put_codes import export_put_codes as rows

    with context.written_to(file) as stream:
        writer = csv.DictWriter(stream, PUT_CODE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(context.ledger()))


def import_put_codes(
    file: Annotated[Path, typer.Argument(help="CSV file; - is stdin.")],
    name: OptionalName = None,
    as_json: AsJson = False,
) -> None:
    """Take over put codes from CSV, of another system or of an earlier export."""
    from orcid_sync.commands.imports import tell
    from orcid_sync.ledger.imports import read_csv
    from orcid_sync.ledger.put_codes import PUT_CODE_COLUMNS
    from orcid_sync.ledger.put_codes import import_put_codes as take_over

    with context.read_from(file) as stream:
        rows = read_csv(stream, PUT_CODE_COLUMNS, "put codes")
        report = take_over(context.ledger(), rows, actor=context.actor(name))
    tell(report, as_json)


def rebuild(run_id: RunId = None, as_json: AsJson = False) -> None:
    """Find lost put codes again, from the records and the stored payloads."""
    from orcid_sync.sync.mirror import mirror
    from orcid_sync.sync.rebuild import rebuild_put_codes

    ledger, found = context.ledger(), context.settings()
    run = context.run_name("rebuild", run_id)
    with context.registry(found, ledger) as registry:
        read = mirror(ledger, registry, run_id=run, settings=found, everything=True)
        counts = rebuild_put_codes(ledger, registry, run_id=run, settings=found)
    context.emit({**counts, "calls": read.get("calls", 0) + counts.get("calls", 0)}, as_json)
