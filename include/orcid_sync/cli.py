"""`orcid-sync`: every stage, decision and repair by hand.

Exit codes: 0 done, 1 something failed or was refused, 2 used or configured wrongly. Errors are lines on stderr that
name the thing, the reason and the remedy; `--debug` shows where they came from.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from orcid_sync.commands import (
    affiliations,
    broker,
    invitations,
    ledger,
    operate,
    organizations,
    people,
    portal,
    review,
    stages,
)
from orcid_sync.errors import Misconfigured, SyncError

app = typer.Typer(
    name="orcid-sync",
    help="Keeps researchers' ORCID records true from the CRIS, with their permission and a librarian's approval.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    ledger,
    stages,
    review,
    people,
    portal,
    operate,
    broker,
    invitations,
    affiliations,
    organizations,
):
    module.register(app)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell on stderr what is being done.")
    ] = False,
) -> None:
    """What holds for all commands; the errors' part of it is done in `main`."""
    level = logging.INFO if verbose or debug else logging.WARNING
    handler = logging.StreamHandler(sys.stderr)
    # Libraries that set a level of their own are not heard below ours either.
    handler.setLevel(level)
    logging.basicConfig(level=level, handlers=[handler], format="%(levelname)s %(name)s: %(message)s")


def main(arguments: list[str] | None = None) -> None:
    """The console script: runs a command and turns errors into lines and an exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        app(given)
    except SyncError as error:
        if "--debug" in given:
            raise
        _tell(str(error))
        sys.exit(2 if isinstance(error, Misconfigured) else 1)
    except BrokenPipeError:
        # The reader of our output had enough. Python would complain once more when it flushes at the end.
        sys.stdout = None
        sys.exit(1)
    except Exception as error:
        if "--debug" in given:
            raise
        _tell(_unexpected(error))
        sys.exit(1)


def _unexpected(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    first = lines[0] if lines else "no message"
    if type(error).__module__.partition(".")[0] == "psycopg":
        return f"The database refused: {first}. Run `orcid-sync doctor`, or add --debug before the command"
    return f"{type(error).__name__}: {first}. Add --debug before the command to see where it came from"


def _tell(message: str) -> None:
    sys.stderr.write(f"orcid-sync: {message}\n")
