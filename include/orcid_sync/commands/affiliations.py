"""Affiliations as a file: uploaded, checked row by row, and downloaded with what became of each."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import AsJson

affiliations = typer.Typer(
    help="Affiliations that a unit uploads as a file.", no_args_is_help=True, rich_markup_mode=None
)
UnitCode = Annotated[str, typer.Option("--unit", help="Code of the unit that owns the rows.")]
SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    affiliations.command("upload")(upload)
    affiliations.command("download")(download)
    app.add_typer(affiliations, name="affiliations")


def upload(
    file: Annotated[
        Path, typer.Argument(help="CSV file with the columns of ORCID's Affiliation Manager; - is stdin.")
    ],
    unit: UnitCode,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write every wrong row to this CSV file.")
    ] = None,
    good_rows: Annotated[
        bool, typer.Option("--good-rows", help="Take the rows that are right although others are wrong.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check the file, change nothing.")] = False,
    links: Annotated[
        Path | None,
        typer.Option(
            "--links", help="Write a permission link for each person who is not connected to this CSV file."
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="Days for which these links work.")] = 30,
    name: Annotated[
        str | None, typer.Option("--as", help="Who does it; default: the system's user.", metavar="NAME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take over a file of affiliations; they are proposed, approved and written like everything else."""
    from orcid_sync.ledger.imports import read_csv
    from orcid_sync.ledger.uploads import upload_affiliations
    from orcid_sync.model.upload_rows import COLUMNS, NEEDED

    today = dt.datetime.now(context.settings().zone).date()
    with context.read_from(file) as stream:
        result = upload_affiliations(
            context.ledger(),
            read_csv(stream, NEEDED, "affiliations", optional=COLUMNS),
            unit=unit,
            actor=context.actor(name),
            today=today,
            good_rows_only=good_rows,
            check_only=check,
        )
    errors = [
        {"line": error.line, "field": error.field, "reason": error.reason, "remedy": error.remedy}
        for error in result.errors
    ]
    if report is not None:
        with report.open("w", newline="", encoding="utf-8") as written:
            writer = csv.DictWriter(written, ("line", "field", "reason", "remedy"))
            writer.writeheader()
            writer.writerows(errors)

    if links is not None:
        _write_links(links, result.not_connected, days)

    wrong = len({error.line for error in result.errors})

    def text() -> None:
        if result.applied:
            typer.echo(
                f"{result.rows} rows: {result.new} new, {result.changed} changed, {result.unchanged} unchanged, "
                f"{result.removed} to be removed, {wrong} wrong"
            )
        else:
            typer.echo(f"{result.rows} rows, {wrong} wrong: nothing was changed")
        for error in result.errors[:SHOWN]:
            context.say(str(error))
        if len(result.errors) > SHOWN:
            context.say(f"and {len(result.errors) - SHOWN} more; --report writes them all to a file")
        if result.not_connected:
            context.say(
                f"{len(result.not_connected)} people have given no permission yet; their rows wait for it: "
                + ", ".join(result.not_connected[:SHOWN])
            )

    summary = {
        name: getattr(result, name) for name in ("rows", "applied", "new", "changed", "unchanged", "removed")
    }
    context.emit({**summary, "not_connected": list(result.not_connected), "errors": errors}, as_json, text)
    if errors:
        raise typer.Exit(1)


def _write_links(file: Path, persons: tuple[str, ...], days: int) -> None:
    """Each person's own link, to be sent to nobody else: the file is readable by its owner alone."""
    from orcid_sync.consent.links import address, make_links
    from orcid_sync.consent.people import researcher_keys

    settings, ledger = context.settings(), context.ledger()
    with context.registry(settings, ledger) as registry, ledger.transaction() as connection:
        known = researcher_keys(connection, persons)
        made = make_links(
            connection, registry.keys, "connect", list(known.values()), valid=dt.timedelta(days=days)
        )
        with context.written_to(file, private=True) as stream:
            writer = csv.writer(stream)
            writer.writerow(("person-id", "permission-link"))
            for person, key in known.items():
                writer.writerow((person, address(settings.portal_url, "connect", made[key]).reveal()))


def download(
    unit: UnitCode,
    file: Annotated[Path, typer.Argument(help="CSV file to write; - is stdout.")] = Path("-"),
) -> None:
    """The unit's uploaded rows and what became of them, to be edited and uploaded again."""
    from orcid_sync.ledger.uploads import STATUS_COLUMNS, download_affiliations
    from orcid_sync.model.upload_rows import shown_in_a_spreadsheet

    with context.written_to(file) as stream:
        writer = csv.DictWriter(stream, STATUS_COLUMNS)
        writer.writeheader()
        for row in download_affiliations(context.ledger(), unit=unit):
            writer.writerow({name: shown_in_a_spreadsheet(value) for name, value in row.items()})
