"""`python -m orcid_sync.local up | down | demo | demonstration`: the whole product on this machine, nothing installed."""

from __future__ import annotations

import fcntl
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import requests
import typer
from rich.console import Console

from orcid_sync.local import university
from orcid_sync.local.airflow_api import AirflowRefused, TookTooLong
from orcid_sync.local.demo import Demo, show, unpause
from orcid_sync.local.demonstration import Demonstration
from orcid_sync.local.executors import Executor
from orcid_sync.local.figures import Ledger
from orcid_sync.local.postgres import PostgresUnavailable
from orcid_sync.local.processes import ProcessFailed
from orcid_sync.local.progress import Progress
from orcid_sync.local.registry_people import ControlRefused
from orcid_sync.local.stack import PROJECT, Stack, forget
from orcid_sync.local.state import USERS

EXPECTED_ERRORS: Final = (
    AirflowRefused, ControlRefused, PostgresUnavailable, ProcessFailed, TookTooLong, requests.RequestException,
)  # fmt: skip

Home = Annotated[Path, typer.Option(help="Folder that keeps everything of the stack.")]
Staff = Annotated[int, typer.Option(min=10, help="Staff of the demo university, when it is made.")]
Publications = Annotated[int, typer.Option(min=10, help="Publications of the demo university.")]
Rate = Annotated[float, typer.Option(min=0, help="Calls a second the simulator allows; 0 is unlimited.")]
DEFAULT_HOME: Final = PROJECT / ".local"

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)


@app.command()
def up(
    home: Home = DEFAULT_HOME,
    staff: Staff = 300,
    publications: Publications = 3000,
    rate: Rate = 24,
    executor: Annotated[
        Executor | None, typer.Option(help="Who runs the tasks; default: as last time, at first local.")
    ] = None,
) -> None:
    """Start everything and leave it running."""
    with _alone(home), _explained():
        stack = Stack(home, rate)
        _choose_executor(stack, executor)
        try:
            is_new = not stack.state.loaded
            progress = Progress(console)
            stack.start(progress)
            _fill(stack, university.Size(staff, publications), progress)
            stack.start_portal(progress)
            airflow = stack.api("admin")
            unpause(airflow)
            if is_new:
                # So that there is something to look at, and a batch to decide, a minute from now.
                airflow.trigger("extract_cris")
        except BaseException:
            stack.stop()
            raise
        _show_places(stack)


@app.command()
def down(home: Home = DEFAULT_HOME) -> None:
    """End everything that `up` started; what it kept stays."""
    with _alone(home), _explained():
        Stack(home).stop()
        console.print("Stopped. `make up` goes on where this ended.")


@app.command()
def demo(
    home: Home = DEFAULT_HOME,
    staff: Staff = 300,
    publications: Publications = 3000,
    rate: Rate = 24,
    summary: Annotated[Path | None, typer.Option("--json", help="File for the figures as JSON.")] = None,
) -> None:
    """Run the whole product once, from the CRIS to the ORCID records, and end it again."""
    with _alone(home), _explained():
        stack = Stack(home, rate)
        was_up = stack.running()
        try:
            progress = Progress(console)
            stack.start(progress)
            ledger = Ledger(stack.ledger_dsn)
            _fill(stack, university.Size(staff, publications), progress)
            outcome = Demo(stack, progress, ledger).run()
        finally:
            # What `make up` keeps running is not ours to end.
            if not was_up:
                stack.stop()
        show(console, outcome)
        if summary:
            summary.write_text(json.dumps(outcome.as_json(), indent=2))
        for promise in outcome.broken:
            console.print(f"[red]Not as promised:[/red] {promise}")
        if outcome.broken:
            raise typer.Exit(1)
        console.print("`make up` keeps all of this running, to look at; `make down` ends it.")


def _choose_executor(stack: Stack, executor: Executor | None) -> None:
    if executor is None or executor is stack.executor:
        return
    if stack.running():
        raise ProcessFailed("The stack runs with another executor. End it first: `make down`.")
    stack.state.executor = executor.value


@app.command()
def demonstration(
    folder: Annotated[
        Path, typer.Option(help="Folder for the pictures and the page that shows them.")
    ] = PROJECT / "demonstration",
    home: Home = PROJECT / ".local" / "demonstration",
) -> None:
    """Play the demonstration for production credentials on the simulator, with a picture of each step."""
    with _alone(home), _explained():
        folder.mkdir(parents=True, exist_ok=True)
        stack = Stack(home, rate=0)
        try:
            page = Demonstration(stack, folder.resolve(), Progress(console)).run()
        finally:
            forget(home)
        console.print(f"The pictures are shown by {page}", soft_wrap=True)


def _fill(stack: Stack, size: university.Size, progress: Progress) -> None:
    university.found(stack, size, progress)
    stack.start_airflow(progress)
    university.connect(stack, progress)


def _show_places(stack: Stack) -> None:
    lines = [
        "",
        "[bold]Pages[/bold]",
        f"  Airflow: the DAGs and their runs     {stack.airflow_url}/",
        f"  Review: batches, item by item        {stack.airflow_url}/orcid-review/",
        f"  Batches that wait for a librarian    {stack.airflow_url}/required_actions?response_received=false",
        f"  Portal: the researchers' side        {stack.portal_url}/   (come in as anybody of the list)",
        f"  ORCID registry simulator             {stack.simulator_url}/",
        f"  Data quality of each extraction      {stack.home / 'data_docs'}",
        "",
        "[bold]Logins[/bold]",
        *(f"  {user:<12}{stack.state.users[user]}  (role {role})" for user, role in USERS.items()),
        "",
        "[bold]Command line[/bold]",
        f"  export ORCID_SYNC_SECRETS_FILE={stack.secrets_file}",
        "  .venv/bin/orcid-sync status",
        "",
        f"`make down` ends it; what it kept stays in {stack.home}",
    ]
    # An address that is wrapped can't be copied.
    console.print("\n".join(lines), soft_wrap=True)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One command at a time: two would start and end each other's processes."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            console.print(f"Another command works on {home}. Wait until it has ended.")
            raise typer.Exit(1) from None
        yield


@contextmanager
def _explained() -> Iterator[None]:
    """Say what went wrong in a line or two, and end children on Ctrl-C and on being ended alike."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except EXPECTED_ERRORS as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("Interrupted; everything it had started was ended.")
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    app()
