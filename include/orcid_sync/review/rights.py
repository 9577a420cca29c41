"""Who may decide for a unit, and what is said to somebody who may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg

from orcid_sync.errors import Misconfigured, SyncError
from orcid_sync.ledger.session import Connection


class NotAllowed(SyncError):
    """Somebody who isn't a librarian of the unit tried to decide for it."""

    kind: ClassVar[str] = "not_allowed"


class BatchClosed(SyncError):
    """The batch was replaced or everything in it was decided."""

    kind: ClassVar[str] = "batch_closed"


class NothingSelected(Misconfigured):
    """What was named doesn't exist, or nothing was named."""

    kind: ClassVar[str] = "nothing_selected"


@dataclass(frozen=True)
class DecidingUnit:
    """The unit that a decision is taken for, and the database role it is recorded as."""

    id: int
    code: str
    role_name: str
    approval: str


def deciding_unit(connection: Connection, unit_id: int) -> DecidingUnit:
    """The unit of that internal key."""
    row: Any = connection.execute(
        "SELECT id, code, role_name, approval FROM unit WHERE id = %s", (unit_id,)
    ).fetchone()
    return DecidingUnit(row.id, row.code, row.role_name, row.approval)


def unit_by_code(connection: Connection, code: str) -> DecidingUnit:
    """The unit of that code. Raises NothingSelected, naming the known ones."""
    row = connection.execute("SELECT id FROM unit WHERE code = %s", (code,)).fetchone()
    if row is None:
        known = ", ".join(unit.code for unit in connection.execute("SELECT code FROM unit ORDER BY code"))
        raise NothingSelected(
            f"There is no unit {code}", why=f"known are {known or 'none'}", remedy="Name a known unit"
        )
    return deciding_unit(connection, row.id)


def is_librarian(connection: Connection, unit_id: int, user_name: str) -> bool:
    """Whether the units file names this user as a librarian of the unit."""
    found = connection.execute(
        "SELECT FROM unit_librarian WHERE unit_id = %s AND user_name = %s", (unit_id, user_name)
    ).fetchone()
    return found is not None


def check_librarian(connection: Connection, unit: DecidingUnit, user_name: str) -> None:
    """Raises NotAllowed with the way to become a librarian of the unit."""
    if not is_librarian(connection, unit.id, user_name):
        raise NotAllowed(
            f"{user_name or 'Nobody'} may not decide for unit {unit.code}",
            why="the unit's `librarians` in the units file don't include this user name",
            remedy=f"Add the name to `librarians` of unit {unit.code} and run `orcid-sync units apply`, "
            "or ask one of its librarians",
        )


def act_as(connection: Connection, unit: DecidingUnit) -> None:
    """For the rest of the transaction, be the unit and nothing more: row-level security holds from here on."""
    try:
        connection.execute("SELECT set_config('role', %s, true)", (unit.role_name,))
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
        raise Misconfigured(
            f"Nothing can be decided for unit {unit.code}: its database role {unit.role_name} can't be taken",
            why=str(error).strip().splitlines()[0],
            remedy="Run `orcid-sync units apply` with AIRFLOW_CONN_LEDGER_OWNER set: it makes the role",
        ) from None


def act_as_application(connection: Connection) -> None:
    """For the rest of the transaction, be the application again."""
    connection.execute("SELECT set_config('role', current_database() || '_app', true)")
