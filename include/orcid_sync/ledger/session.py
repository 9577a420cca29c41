"""How everything of ours talks to the ledger: short transactions, never as more than the application role."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import TupleRow, namedtuple_row
from psycopg.types.json import Jsonb

from orcid_sync.errors import Misconfigured

Connection = psycopg.Connection[Any]
Connect = Callable[[], psycopg.Connection[TupleRow]]

# First part of the two-part advisory locks; the second is the unit's id, a hash of the API client and the iD, or of the
# permission's id.
UNIT_LOCK = 0x0C1D0001
RECORD_LOCK = 0x0C1D0002
EXTRACT_LOCK = 0x0C1D0003
REFRESH_LOCK = 0x0C1D0004
INVITATION_LOCK = 0x0C1D0006
ALERT_LOCK = 0x0C1D0005


@dataclass(frozen=True)
class Ledger:
    """The ledger database behind a function that opens a psycopg connection.

    `connect` comes from `PostgresHook("ledger").get_conn` in a DAG task and from the environment on the command line.
    Whatever it logs in as, each connection handed out has done SET ROLE to the application role, or to one unit's.
    """

    connect: Connect

    @contextmanager
    def connection(self, unit_role: str | None = None) -> Iterator[Connection]:
        """A connection in autocommit mode; the caller opens transactions with `with connection.transaction()`."""
        connection = self.connect()
        try:
            # A hook may hand it over inside a transaction; SET would be undone with that one.
            connection.rollback()
            connection.autocommit = True
            connection.row_factory = namedtuple_row
            _take_role(connection, unit_role)
            yield connection
        finally:
            connection.close()

    @contextmanager
    def transaction(self, unit_role: str | None = None) -> Iterator[Connection]:
        """One transaction on a connection of its own: committed at the end, rolled back by an exception."""
        with self.connection(unit_role) as connection, connection.transaction():
            yield connection


def work_in_bulk(connection: Connection) -> None:
    """Room for a transaction that goes over everything; to be asked for before its first temporary table.

    A sample a fifth of the usual size tells enough of a table that lives for one run; compiled plans cost more than they
    save here.
    """
    connection.execute(
        "SET LOCAL work_mem = '64MB'; SET LOCAL temp_buffers = '64MB'; SET LOCAL jit = off; "
        "SET LOCAL default_statistics_target = 20"
    )


def refresh_statistics(connection: Connection, tables: Sequence[str]) -> None:
    """Let the planner know, for good, of tables that a stage has just filled."""
    connection.execute("SET LOCAL default_statistics_target TO DEFAULT")
    connection.execute("SELECT refresh_statistics(%s)", (list(tables),))


def _take_role(connection: Connection, unit_role: str | None) -> None:
    try:
        connection.execute(
            "SELECT set_config('search_path', 'ledger, staging', false) AS path, "
            "set_config('role', coalesce(%s, current_database() || '_app'), false) AS role, "
            "set_config('timezone', 'UTC', false) AS timezone",
            (unit_role,),
        )
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
        raise Misconfigured(
            f"the ledger database {connection.info.dbname} can't be used as {connection.info.user}",
            why=str(error).strip(),
            remedy="run `orcid-sync migrate` with AIRFLOW_CONN_LEDGER_OWNER set: it makes the roles and the membership",
        ) from None


def record_lock_key(client_id: str, orcid: str) -> int:
    """The signed 32-bit key of one record's lock: the same in every worker, whatever its hash seed."""
    digest = hashlib.sha256(f"{client_id} {orcid}".encode()).digest()
    return int.from_bytes(digest[:4], "big", signed=True)


def key_array(keys: Iterable[int]) -> str:
    """Keys as PostgreSQL writes an array, for `%s::bigint[]`: ten thousand are passed in a tenth of a list's time."""
    return "{" + ",".join(map(str, keys)) + "}"


def actor_id(connection: Connection, name: str) -> int:
    """The internal key of somebody who acts, made on first sight."""
    found = connection.execute("SELECT id FROM actor WHERE name = %s", (name,)).fetchone()
    if found is None:
        connection.execute("INSERT INTO actor (name) VALUES (%s) ON CONFLICT (name) DO NOTHING", (name,))
        found = connection.execute("SELECT id FROM actor WHERE name = %s", (name,)).fetchone()
    assert found is not None
    return int(found.id)


def audit(
    connection: Connection,
    what: str,
    *,
    actor: int | None = None,
    unit_id: int | None = None,
    researcher_id: int | None = None,
    item_id: int | None = None,
    change_id: int | None = None,
    **detail: object,
) -> None:
    """Append one audit event. `detail` holds keys, counts and digests: never a name, an iD, an e-mail or a payload."""
    connection.execute(
        "INSERT INTO audit_event (what, actor_id, unit_id, researcher_id, item_id, change_id, detail) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (what, actor, unit_id, researcher_id, item_id, change_id, Jsonb(detail)),
    )
