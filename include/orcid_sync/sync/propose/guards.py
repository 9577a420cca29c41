"""Stops before a proposal that is too large to be meant: the sign of a broken feed or a changed mapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.session import Connection
from orcid_sync.settings import Settings

ALL_OF_MORE_THAN: Final = 5
PERSON_FEW: Final = 3

_FIGURES: Final = """
WITH standing AS (
    SELECT unit_id, count(*) AS written FROM put_code WHERE closed_at IS NULL GROUP BY unit_id
), moves AS (
    SELECT unit_id, count(*) FILTER (WHERE action = 'remove' AND ruling <> 'take_off') AS removals,
           count(*) FILTER (WHERE action = 'update' AND written_digest IS NOT NULL) AS updates
    FROM verdict GROUP BY unit_id
), persons AS (
    SELECT unit_id, researcher_id, count(*) FILTER (WHERE action = 'remove' AND ruling <> 'take_off') AS removals,
           count(*) FILTER (WHERE put_code_id IS NOT NULL) AS written
    FROM verdict GROUP BY unit_id, researcher_id
    HAVING count(*) FILTER (WHERE action = 'remove' AND ruling <> 'take_off') > %(person_few)s
), worst AS (
    SELECT unit_id, count(*) AS persons FROM persons WHERE removals * 100 > written * %(person_percent)s GROUP BY unit_id
)
SELECT unit.id, unit.code, coalesce(standing.written, 0) AS written, moves.removals, moves.updates,
       coalesce(worst.persons, 0) AS persons
FROM moves JOIN unit ON unit.id = moves.unit_id
LEFT JOIN standing ON standing.unit_id = moves.unit_id
LEFT JOIN worst ON worst.unit_id = moves.unit_id
"""


class GuardStopped(Misconfigured):
    """A unit's proposal would touch more than is plausible; nothing of it was proposed.

    `stopped` has the alarm of each unit by its code.
    """

    kind = "guard_stopped"

    def __init__(self, what: str, *, stopped: dict[str, str], **details: Any) -> None:
        super().__init__(what, **details)
        self.stopped = stopped


@dataclass(frozen=True)
class Figures:
    """What a proposal would do to one unit's written items."""

    unit_id: int
    unit: str
    written: int
    removals: int
    updates: int
    persons: int

    def alarm(self, settings: Settings) -> str | None:
        """Why this proposal must not go on by itself, or None."""
        if self.removals > max(settings.guard_removals, self.written * settings.guard_removals_percent / 100):
            return f"{self.removals} of its {self.written} written items would be removed"
        if self.written > ALL_OF_MORE_THAN and self.removals >= self.written:
            return f"all of its {self.written} written items would be removed"
        # A small unit's few corrections are no alarm.
        if self.updates > max(settings.guard_removals, self.written * settings.guard_updates_percent / 100):
            return f"{self.updates} of its {self.written} written items would be updated, and each researcher told"
        if self.persons:
            return f"{self.persons} researchers would lose more than half of their items"
        return None


def stop_units(connection: Connection, settings: Settings) -> dict[str, str]:
    """Take the verdicts of implausible units out of the temporary table `verdict`; returns unit code -> alarm."""
    stopped: dict[str, str] = {}
    for row in connection.execute(
        _FIGURES, {"person_few": PERSON_FEW, "person_percent": settings.guard_person_percent}
    ).fetchall():
        figures = Figures(row.id, row.code, row.written, row.removals, row.updates, row.persons)
        alarm = figures.alarm(settings)
        if alarm is not None:
            stopped[figures.unit] = alarm
            connection.execute("DELETE FROM verdict WHERE unit_id = %s", (figures.unit_id,))
    return stopped


def stopped_error(stopped: dict[str, str]) -> GuardStopped:
    """The error that tells an operator about stopped units, with the figures and the way on."""
    return GuardStopped(
        "the proposal was stopped for "
        + "; ".join(f"unit {unit}: {alarm}" for unit, alarm in stopped.items()),
        stopped=stopped,
        why="that many at once is more often a broken feed or a new mapping than a wish",
        remedy="look at the extraction's counts; if it is meant, run `orcid-sync propose --proceed` "
        "(--unit for one unit)",
    )
