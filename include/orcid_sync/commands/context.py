"""What the commands share: databases and registry from the environment, output, and who is asking."""

from __future__ import annotations

import json
import os
import pwd
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

if TYPE_CHECKING:
    from orcid_sync.connections import ConnectionInfo
    from orcid_sync.ledger.session import Connect, Ledger
    from orcid_sync.settings import Settings
    from orcid_sync.vault.registry import Registry

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
UnitOption = Annotated[str | None, typer.Option("--unit", help="Code of a unit.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many records.")]
RunId = Annotated[str | None, typer.Option("--run-id", help="Name of the run; default: a new one.")]
As = Annotated[str, typer.Option("--as", help="Airflow user name of whoever decides.", metavar="NAME")]
Note = Annotated[str | None, typer.Option("--note", help="Why; kept beside the decision.")]


def settings() -> Settings:
    """The settings of this process."""
    from orcid_sync.settings import load_settings

    return load_settings()


def run_name(command: str, given: str | None) -> str:
    """The run id that was given, or a new one."""
    from orcid_sync.ledger.runs import new_run_id

    return given or new_run_id(command)


def ledger() -> Ledger:
    """The ledger that AIRFLOW_CONN_LEDGER names."""
    from orcid_sync.connections import connection
    from orcid_sync.ledger.session import Ledger

    return Ledger(opener(connection("ledger")))


def owner() -> tuple[Connect, ConnectionInfo]:
    """Opens connections as AIRFLOW_CONN_LEDGER_OWNER, or, where that is not set, as AIRFLOW_CONN_LEDGER."""
    from orcid_sync.connections import connection
    from orcid_sync.environment import variable

    info = connection("ledger_owner" if variable("AIRFLOW_CONN_LEDGER_OWNER") else "ledger")
    return opener(info), info


def cris() -> Connect:
    """Opens connections to the CRIS that AIRFLOW_CONN_CRIS names."""
    from orcid_sync.connections import connection

    return opener(connection("cris"))


def opener(info: ConnectionInfo) -> Connect:
    """Opens psycopg connections. Raises Unreachable or Misconfigured naming the variable, never the password."""
    import psycopg

    from orcid_sync.errors import Misconfigured, Unreachable

    dsn = info.dsn()

    def connect() -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(dsn, connect_timeout=10, application_name="orcid-sync")
        except psycopg.OperationalError as error:
            why = " ".join(str(error).split())
            refused = any(
                word in why for word in ("authentication", "does not exist", "password", "permission denied")
            )
        what = f"The database of connection {info.name} ({info.variable}) can't be opened"
        if refused:
            raise Misconfigured(
                what, why=why, remedy="Correct login, password or database name of the connection"
            )
        raise Unreachable(
            what, why=why, remedy="Check host and port of the connection, and whether the server runs"
        )

    return connect


@contextmanager
def registry(found: Settings, of: Ledger) -> Iterator[Registry]:
    """Our API clients and the vault, closed at the end."""
    from orcid_sync.vault.registry import registry_from

    made = registry_from(found, of)
    try:
        yield made
    finally:
        made.close()


def system_user() -> str:
    """The operating system's user, by the process's own id: the environment could name anybody."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def actor(given: str | None) -> str:
    """Who is recorded as acting: the name that was given, else the system's user."""
    return given or f"system user {system_user()}"


def check_unit(of: Ledger, unit: str | None) -> None:
    """Raises NothingSelected for a unit that the ledger doesn't know."""
    from orcid_sync.review.rights import unit_by_code

    if unit is not None:
        with of.transaction() as connection:
            unit_by_code(connection, unit)


def emit(found: Mapping[str, Any], as_json: bool, text: Callable[[], None] | None = None) -> None:
    """Print a command's result: one JSON object, or lines for people."""
    if as_json:
        from orcid_sync.report.status import as_text

        typer.echo(json.dumps(found, default=as_text, ensure_ascii=False))
    elif text is not None:
        text()
    else:
        for line in lines(found):
            typer.echo(line)


def lines(found: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Counts as `name: value` lines; nested ones carry their path."""
    for name, value in found.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from lines(value, f"{path}.")
        elif isinstance(value, list):
            for entry in value:
                shown = (
                    ", ".join(f"{k} {v}" for k, v in entry.items()) if isinstance(entry, Mapping) else entry
                )
                yield f"{path}: {shown}"
        elif value is not None:
            yield f"{path}: {value}"


def say(line: str) -> None:
    """A line for people, on stderr, so that stdout keeps data alone."""
    typer.echo(line, err=True)


@contextmanager
def written_to(path: Path | None, *, private: bool = False) -> Iterator[TextIO]:
    """A text file to write, whole or not at all, or stdout. A private one can be read by its owner alone."""
    if path is None or str(path) == "-":
        yield sys.stdout
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def read_from(path: Path) -> Iterator[TextIO]:
    """A text file to read; `-` is stdin. Raises Misconfigured naming it."""
    from orcid_sync.errors import Misconfigured

    if str(path) == "-":
        yield sys.stdin
        return
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise Misconfigured(
            f"The file {path} can't be read", why=error.strerror or "", remedy="Name a readable file"
        ) from None
    with file:
        yield file
