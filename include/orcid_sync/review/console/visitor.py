"""Who is looking, which units they see and for which they decide."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from orcid_sync.errors import SyncError
from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.review.console.ports import Person

Table = Literal["batch", "change", "item"]


class NotFound(SyncError):
    """There is no such thing, or the visitor may not know that there is."""

    kind: ClassVar[str] = "not_found"
    default_remedy: ClassVar[str] = "Check the address, or ask a librarian of the unit"


class Forbidden(SyncError):
    """The visitor may see this, and may not do it."""

    kind: ClassVar[str] = "forbidden"


@dataclass(frozen=True)
class SeenUnit:
    """A unit that a visitor sees; `user_name` is the name by which they decide for it, None if they only read."""

    id: int
    code: str
    name: str
    role_name: str
    sections: tuple[str, ...]
    default_for: tuple[str, ...]
    paused: bool
    user_name: str | None

    @property
    def decides(self) -> bool:
        return self.user_name is not None


@dataclass(frozen=True)
class Visitor:
    """A signed-in person and their units.

    A librarian sees the units whose `librarians` name them. Operators see all units. So does an auditor: somebody
    whom the host lets read only, and who is a librarian of none. `sees_all`: there is no unit that they don't see, so
    that reports about everything hold nothing of somebody else's.
    """

    person: Person
    units: tuple[SeenUnit, ...]
    sees_all: bool

    def unit(self, code: str) -> SeenUnit:
        """A unit by its code. Raises NotFound for one that isn't this visitor's."""
        for unit in self.units:
            if unit.code == code:
                return unit
        raise NotFound("There is no such unit", why="either it does not exist or it is not yours")

    def chosen(self, code: str | None) -> tuple[SeenUnit, ...]:
        """The unit of that code, or all."""
        return self.units if not code else (self.unit(code),)


def visitor_of(ledger: Ledger, person: Person) -> Visitor:
    """Look the person's units up."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            """
            SELECT unit.id, code, unit.name, role_name, sections, default_for,
                   paused_at IS NOT NULL OR EXISTS (
                       SELECT FROM hold WHERE (hold.unit_id = unit.id OR hold.unit_id IS NULL)
                       AND hold.researcher_id IS NULL AND (until IS NULL OR until > now())) AS paused,
                   (SELECT min(user_name) FROM unit_librarian
                    WHERE unit_id = unit.id AND user_name = ANY (%s)) AS user_name
            FROM unit WHERE active ORDER BY unit.name, code
            """,
            (list(person.names),),
        ).fetchall()
    named = [row for row in rows if row.user_name is not None]
    auditor = person.may_read and not person.may_decide and not named
    everything = person.operator or auditor or bool(rows and len(named) == len(rows))
    seen = rows if everything else named
    return Visitor(person, tuple(_seen(row, person) for row in seen), sees_all=everything)


def _seen(row: Any, person: Person) -> SeenUnit:
    return SeenUnit(
        id=row.id,
        code=row.code,
        name=row.name,
        role_name=row.role_name,
        sections=tuple(row.sections),
        default_for=tuple(row.default_for),
        paused=row.paused,
        user_name=row.user_name if person.may_decide else None,
    )


@dataclass(frozen=True)
class Desk:
    """The ledger as one visitor may use it: every query runs as the role of one of their units."""

    ledger: Ledger
    visitor: Visitor

    @contextmanager
    def open(self, unit: SeenUnit) -> Iterator[Connection]:
        """A transaction as that unit: row-level security shows its rows and no others."""
        with self.ledger.transaction(unit.role_name) as connection:
            yield connection

    @contextmanager
    def each(self, units: tuple[SeenUnit, ...]) -> Iterator[Iterator[tuple[SeenUnit, Connection]]]:
        """One connection that takes the role of each unit in turn."""
        with self.ledger.connection() as connection:

            def turns() -> Iterator[tuple[SeenUnit, Connection]]:
                for unit in units:
                    with connection.transaction():
                        connection.execute("SELECT set_config('role', %s, true)", (unit.role_name,))
                        yield unit, connection

            yield turns()

    def unit_of(self, table: Table, key: int) -> SeenUnit:
        """The unit that a batch, change or item belongs to. Raises NotFound unless it is one of the visitor's."""
        with self.each(self.visitor.units) as turns:
            for unit, connection in turns:
                if connection.execute(f"SELECT FROM {table} WHERE id = %s", (key,)).fetchone() is not None:
                    return unit
        raise NotFound(f"There is no {table} {key}", why="either it does not exist or it is not your unit's")


def deciding(unit: SeenUnit, person: Person) -> str:
    """The name by which a person decides for a unit. Raises Forbidden with the way to be allowed."""
    if unit.user_name is not None:
        return unit.user_name
    raise Forbidden(
        f"You may not decide for {unit.name}",
        why="your role in Airflow only reads"
        if not person.may_decide
        else "its `librarians` in the units file don't include you",
        remedy="Ask the operator for the role that may answer required actions"
        if not person.may_decide
        else "Ask the operator to add you to the unit's librarians",
    )
