"""What a check is: one condition on the staged rows of one relation, and what follows from it.

A check is data. The condition stands once, as SQL that is true for a *bad* row `t`; Great Expectations counts by it and
quarantine is filled by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a bad row means for the run."""

    CRITICAL = "critical"
    """The view as a whole can't be trusted: the run stops."""
    WARNING = "warning"
    """The row is quarantined, its neighbours go on."""


class Effect(StrEnum):
    """What is kept out of the merge because of a bad row."""

    HOLD = "hold"
    """The row; for a child its publication. What was good last stays."""
    DROP = "drop"
    """The child row alone; its publication goes on without it."""
    IGNORE = "ignore"
    """The value in question; the row goes on without it."""


@dataclass(frozen=True)
class Check:
    """One check. `bad` is SQL over the row `t` and the suite's joins; NULL counts as good."""

    name: str
    bad: str
    message: str
    remedy: str
    effect: Effect = Effect.HOLD
    severity: Severity = Severity.WARNING


@dataclass(frozen=True)
class Suite:
    """The checks of one contract relation.

    `key` is SQL for the text that names a row; `cris_id` and `section`, SQL as well, say what waits for the correction;
    `owner` names the relation whose staged rows decide whether an open quarantine row was looked at again (by
    `owner_key`).
    """

    relation: str
    key: str
    checks: tuple[Check, ...]
    cris_id: str
    owner: str
    owner_key: str
    section: str | None = None
    joins: str = ""

    def check(self, name: str) -> Check:
        """The check of that name; KeyError if there is none."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"{self.relation}.{name}")
