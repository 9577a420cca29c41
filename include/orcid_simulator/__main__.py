"""`python -m orcid_simulator`: the registry on its own."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from orcid_simulator.server import LOOPBACK, bind, build_server, run, url_of
from orcid_simulator.settings import Settings

_HELP = {
    "state": "folder of the SQLite file; without it everything is in memory",
    "rate": "calls a second and API client, 0 is unlimited",
    "burst": "calls that wait in the queue before the answer is 503",
    "control_token": "bearer that opens the control API to callers outside the loopback interface",
    "strict_organizations": "refuse organisation identifiers that are not in the table",
}


def parser() -> argparse.ArgumentParser:
    """The command line: port, host, and every field of `Settings`."""
    command = argparse.ArgumentParser(
        prog="orcid_simulator", description="A stand-in for the ORCID registry."
    )
    command.add_argument("--port", type=int, default=8090, help="0 leaves the choice to the kernel")
    command.add_argument("--host", default=LOOPBACK)
    for field in fields(Settings):
        _add_option(command, field)
    return command


def _add_option(command: argparse.ArgumentParser, field: Field[Any]) -> None:
    option = "--" + field.name.replace("_", "-")
    text = _HELP.get(field.name)
    default = field.default
    if default is MISSING:
        return
    if isinstance(default, bool):
        command.add_argument(option, action=argparse.BooleanOptionalAction, default=default, help=text)
    elif isinstance(default, frozenset):
        command.add_argument(option, action="append", default=[], help=text)
    elif field.name in ("state", "organizations"):
        command.add_argument(option, type=Path, default=None, help=text)
    else:
        kind = str if default is None else type(default)
        command.add_argument(option, type=kind, default=default, help=text)


def settings_from(options: argparse.Namespace) -> Settings:
    """The settings that the options name."""
    values = {field.name: getattr(options, field.name) for field in fields(Settings)}
    values["known_issns"] = frozenset(values["known_issns"])
    return Settings(**values)


def serve(settings: Settings, port: int, host: str = LOOPBACK) -> int:
    """Run until interrupted; the exit code. One line on stdout tells the address once it listens."""
    try:
        listener = bind(port, host)
    except OSError as error:
        sys.stderr.write(f"cannot listen on {host}:{port}: {error.strerror}. Choose another --port.\n")
        return 1
    try:
        server = build_server(settings)
    except sqlite3.Error as error:
        remedy = "Stop the simulator that uses it, or choose another --state."
        sys.stderr.write(f"cannot open the state in {settings.state}: {error}. {remedy}\n")
        return 1
    except (OSError, ValueError) as error:
        sys.stderr.write(f"cannot start: {error}. Check --state and --organizations.\n")
        return 1
    sys.stdout.write(f"ORCID registry simulator listening on {url_of(listener)}\n")
    sys.stdout.flush()
    run(server, listener)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Entry point of the command."""
    options = parser().parse_args(arguments)
    return serve(settings_from(options), options.port, options.host)


if __name__ == "__main__":
    sys.exit(main())
