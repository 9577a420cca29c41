"""For operators: how things stand, what is wrong, stop, go on; and the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import AsJson, Note, UnitOption

if TYPE_CHECKING:
    from rich.console import Console

OptionalName = Annotated[
    str | None, typer.Option("--as", help="Who does it; default: the system's user.", metavar="NAME")
]
Person = Annotated[str | None, typer.Option("--person", help="`person_id` of a researcher.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (status, doctor, pause, resume, simulator):
        app.command()(command)


def status(as_json: AsJson = False) -> None:
    """Items, permissions, batches, last runs, the next writing."""
    from orcid_sync.report.status import show_status
    from orcid_sync.report.status import status as read_status

    found = read_status(context.ledger(), context.settings())
    context.emit(found, as_json, lambda: show_status(found, _console()))


def doctor(
    badges: Annotated[
        bool, typer.Option("--badges", help="What ORCID's Collect & Connect asks for, with the evidence.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check everything that has to be in place, with a remedy a line; exit code 1 if something is wrong."""
    from orcid_sync.report.doctor import examine

    if badges:
        _badges(as_json)
        return
    findings = examine()

    def text() -> None:
        for finding in findings:
            typer.echo(finding.line)

    failed = any(finding.verdict == "fail" for finding in findings)
    context.emit({"ok": not failed, "checks": [finding.as_json() for finding in findings]}, as_json, text)
    if failed:
        raise typer.Exit(1)


def _badges(as_json: bool) -> None:
    from orcid_sync.connections import connection, environment_name
    from orcid_sync.report.badges import badges

    found = badges(context.ledger(), context.settings(), environment_name(connection("orcid")))

    def text() -> None:
        for criterion in found:
            typer.echo(criterion.line)

    context.emit({"criteria": [criterion.as_json() for criterion in found]}, as_json, text)


def pause(
    unit: UnitOption = None,
    person: Person = None,
    name: OptionalName = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Hold everything, a unit or a researcher before the next call."""
    from orcid_sync.review.holds import pause as hold

    number = hold(context.ledger(), actor_name=context.actor(name), unit=unit, person=person, note=note)
    context.emit({"hold": number, "unit": unit, "person": person}, as_json)


def resume(
    unit: UnitOption = None,
    person: Person = None,
    everything: Annotated[bool, typer.Option("--all", help="End every hold there is.")] = False,
    name: OptionalName = None,
    as_json: AsJson = False,
) -> None:
    """End the hold on everything, on a unit or on a researcher."""
    from orcid_sync.review.holds import holds
    from orcid_sync.review.holds import resume as go_on

    ledger = context.ledger()
    ended = go_on(ledger, actor_name=context.actor(name), unit=unit, person=person, everything=everything)
    left = holds(ledger)
    context.emit({"ended": ended, "still_held": [_hold(hold) for hold in left]}, as_json)


def _hold(hold: dict[str, object]) -> str:
    return " ".join(str(part) for part in (hold["unit"], hold["person"]) if part) or "everything"


def simulator(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 leaves the choice to the kernel.")
    ] = 8090,
    rate: Annotated[
        float, typer.Option("--rate", min=0, help="Calls a second and API client; 0: unlimited.")
    ] = 24.0,
    burst: Annotated[
        int, typer.Option("--burst", min=0, help="Calls that wait before the answer is 503.")
    ] = 40,
    state: Annotated[Path | None, typer.Option("--state", help="Folder to keep the records in.")] = None,
    control_token: Annotated[
        str | None, typer.Option("--control-token", help="Bearer that opens /control to other machines.")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Run a stand-in for the ORCID registry until it is interrupted."""
    from orcid_simulator.__main__ import serve
    from orcid_simulator.settings import Settings as SimulatorSettings

    chosen = SimulatorSettings(state=state, rate=rate, burst=burst, control_token=control_token)
    raise typer.Exit(serve(chosen, port, host))


def _console() -> Console:
    from rich.console import Console

    return Console()
