"""The stages, each one by hand: the same functions that the DAGs call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import AsJson, Limit, RunId, UnitOption

if TYPE_CHECKING:
    from orcid_sync.ledger.session import Ledger


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (extract, mirror, propose, write, audit, undo):
        app.command()(command)


def extract(
    full: Annotated[
        bool, typer.Option("--full", help="Read everything, and find out what is no longer there.")
    ] = False,
    confirm_shrink: Annotated[
        bool, typer.Option("--confirm-shrink", help="Go on although a view lost many rows.")
    ] = False,
    unit: Annotated[str | None, typer.Option("--unit", hidden=True)] = None,
    limit: Annotated[int | None, typer.Option("--limit", hidden=True)] = None,
    run_id: RunId = None,
    as_json: AsJson = False,
) -> None:
    """Copy what changed in the CRIS into the ledger: extract, validate, merge."""
    from orcid_sync.errors import Misconfigured
    from orcid_sync.sync.extract import extract as extract_stage
    from orcid_sync.sync.merge import merge
    from orcid_sync.sync.validate import validate

    if unit is not None or limit is not None:
        raise Misconfigured(
            "`orcid-sync extract` takes neither --unit nor --limit",
            why="the CRIS is read as a whole: part of it would look like rows that vanished",
            remedy="Leave them out; mirror, propose, write and audit take both",
        )
    ledger, found = context.ledger(), context.settings()
    run = context.run_name("extract", run_id)
    counts: dict[str, Any] = {}
    counts |= extract_stage(
        ledger, context.cris(), run_id=run, settings=found, full=full, confirm_shrink=confirm_shrink
    )
    counts |= validate(ledger, run_id=run, settings=found)
    counts |= merge(ledger, run_id=run, settings=found, full=full, confirm_shrink=confirm_shrink)
    context.emit(counts, as_json)


def mirror(
    unit: UnitOption = None, limit: Limit = None, run_id: RunId = None, as_json: AsJson = False
) -> None:
    """Read the records that may have changed."""
    from orcid_sync.sync.mirror import search_and_mirror

    ledger, found = context.ledger(), context.settings()
    context.check_unit(ledger, unit)
    run = context.run_name("mirror", run_id)
    with context.registry(found, ledger) as registry:
        counts = search_and_mirror(ledger, registry, run_id=run, settings=found, unit=unit, limit=limit)
    searched = counts["search"]
    counts["calls"] += searched["calls"]
    context.emit(
        counts | {"search": {key: searched[key] for key in ("asked", "changed", "queries")}}, as_json
    )


def propose(
    unit: UnitOption = None,
    limit: Limit = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show everything, keep nothing.")] = False,
    proceed: Annotated[bool, typer.Option("--proceed", help="Go on although a guard stopped it.")] = False,
    run_id: RunId = None,
    as_json: AsJson = False,
) -> None:
    """Compare what the CRIS wants with the records, and put the differences into batches."""
    from orcid_sync.sync.propose import propose as propose_stage

    ledger, found = context.ledger(), context.settings()
    context.check_unit(ledger, unit)
    counts = propose_stage(
        ledger,
        run_id=context.run_name("propose", run_id),
        settings=found,
        unit=unit,
        limit=limit,
        dry_run=dry_run,
        proceed=proceed,
    )

    def text() -> None:
        _say([*context.lines(counts), *_unserved(ledger)])

    context.emit(counts, as_json, text)


def write(
    unit: UnitOption = None, limit: Limit = None, run_id: RunId = None, as_json: AsJson = False
) -> None:
    """Write what was approved."""
    from orcid_sync.sync.write import write as write_stage

    ledger, found = context.ledger(), context.settings()
    context.check_unit(ledger, unit)
    with context.registry(found, ledger) as registry:
        counts = write_stage(
            ledger, registry, run_id=context.run_name("write", run_id), settings=found, unit=unit, limit=limit
        )

    def text() -> None:
        plain = {name: value for name, value in counts.items() if name != "held"}
        _say([*context.lines(plain), *_held(ledger, counts["held"]), *_unserved(ledger)])

    context.emit(counts, as_json, text)


def _say(lines: list[str]) -> None:
    for line in lines:
        typer.echo(line)


def _unserved(ledger: Ledger) -> Iterator[str]:
    """How many researchers can't be served, why, and whose move it is."""
    from orcid_sync.report.run_summary import unserved_line

    if line := unserved_line(ledger):
        yield line


def _held(ledger: Ledger, held: dict[str, Any]) -> Iterator[str]:
    """What is approved and paused, who paused it, and how it goes on."""
    from orcid_sync.review.holds import holds

    if not held:
        return
    yield f"held: {held['changes']} approved changes are paused and were not sent"
    for hold in holds(ledger):
        what = " ".join(str(part) for part in (hold["unit"], hold["person"]) if part) or "everything"
        options = "".join(f" --{name} {hold[name]}" for name in ("unit", "person") if hold[name])
        yield (
            f"held: {what}, paused by {hold['by']} since {hold['since']:%Y-%m-%d %H:%M}; "
            f"an operator lets it go on with `orcid-sync resume{options}`"
        )


def audit(
    unit: UnitOption = None, limit: Limit = None, run_id: RunId = None, as_json: AsJson = False
) -> None:
    """Read every permitted record, heal what is certain, list the other differences."""
    from orcid_sync.sync.audit import audit_ledger

    ledger, found = context.ledger(), context.settings()
    context.check_unit(ledger, unit)
    with context.registry(found, ledger) as registry:
        counts = audit_ledger(
            ledger, registry, run_id=context.run_name("audit", run_id), settings=found, unit=unit, limit=limit
        )
    context.emit(counts, as_json)


def undo(
    batch: Annotated[int, typer.Option("--batch", help="Number of the batch to take back.")],
    name: Annotated[str | None, typer.Option("--as", help="Who asks for it.", metavar="NAME")] = None,
    run_id: RunId = None,
    as_json: AsJson = False,
) -> None:
    """Propose to take back what a batch wrote; a librarian decides on it like on anything else."""
    from orcid_sync.sync.undo import undo as undo_stage

    ledger = context.ledger()
    counts = undo_stage(ledger, batch, actor=context.actor(name), run_id=context.run_name("undo", run_id))
    context.emit(counts, as_json)
