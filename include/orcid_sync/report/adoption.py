"""How many researchers gave permission, over time: in all by state, and by unit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from orcid_sync.ledger.session import Ledger

DAYS: Final = 366
CONNECTED: Final = "granted"


@dataclass(frozen=True)
class UnitAdoption:
    """One unit's staff and how many of them are connected, for each of the days of `Adoption.days`; None: not counted."""

    unit: str
    name: str
    staff: tuple[int | None, ...]
    connected: tuple[int | None, ...]

    @property
    def shares(self) -> tuple[float | None, ...]:
        """Connected out of a hundred."""
        return tuple(
            100 * got / all_ if got is not None and all_ else None
            for got, all_ in zip(self.connected, self.staff, strict=True)
        )


@dataclass(frozen=True)
class Adoption:
    """`states`: permissions by state on each day, of all units together; `units`: the share connected, by unit."""

    days: tuple[dt.date, ...]
    states: dict[str, tuple[int, ...]]
    units: tuple[UnitAdoption, ...]


def adoption(ledger: Ledger, units: Collection[str] | None = None) -> Adoption:
    """The last year, from the daily figures; of these units (codes), or of all."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            "SELECT day, kind, unit, state, sum(count)::bigint AS n FROM daily_snapshot "
            "WHERE kind IN ('permission', 'adoption') AND day > current_date - %s::int "
            "GROUP BY day, kind, unit, state",
            (DAYS,),
        ).fetchall()
        names = dict(connection.execute("SELECT code, name FROM unit WHERE active ORDER BY name").fetchall())
    days = tuple(sorted({row.day for row in rows}))
    counted = {(row.kind, row.unit, row.day, row.state): int(row.n) for row in rows}
    states = sorted({row.state for row in rows if row.kind == "permission"})
    seen = [code for code in names if units is None or code in units]
    return Adoption(
        days,
        {state: tuple(counted.get(("permission", "", day, state), 0) for day in days) for state in states},
        tuple(_of_unit(code, names[code], days, counted) for code in seen),
    )


def _of_unit(
    code: str, name: str, days: tuple[dt.date, ...], counted: dict[tuple[str, str, dt.date, str], int]
) -> UnitAdoption:
    staff: dict[dt.date, int] = {}
    for (kind, unit, day, _), n in counted.items():
        if kind == "adoption" and unit == code:
            staff[day] = staff.get(day, 0) + n
    return UnitAdoption(
        code,
        name,
        tuple(staff.get(day) for day in days),
        tuple(counted.get(("adoption", code, day, CONNECTED), 0) if day in staff else None for day in days),
    )
