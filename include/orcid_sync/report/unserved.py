"""Researchers for whom something waits that can't be written: how many, why, and whose move it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Ledger
from orcid_sync.report.reasons import Word, explain


@dataclass(frozen=True)
class Unserved:
    """Researchers who can't be served for one reason, in words with the remedy and whose move it is."""

    state: str
    reason: str
    researchers: int
    word: Word


@dataclass(frozen=True)
class UnservedReport:
    """`researchers` counts each once, however many reasons there are; `reasons` has the most frequent first."""

    researchers: int
    reasons: tuple[Unserved, ...]


_UNSERVED: Final = """
SELECT state, reason, count(DISTINCT researcher_id) AS n FROM item_state
WHERE state IN ('waiting_permission', 'blocked') AND reason IS NOT NULL
  AND (%(units)s::int[] IS NULL OR unit_id = ANY (%(units)s))
GROUP BY GROUPING SETS ((state, reason), ()) ORDER BY n DESC, state, reason
"""


def unserved(ledger: Ledger, unit_ids: Collection[int] | None = None) -> UnservedReport:
    """Of these units, or of all: who waits for a permission or has a record that can't be written to."""
    with ledger.transaction() as connection:
        rows: list[Any] = connection.execute(
            _UNSERVED, {"units": None if unit_ids is None else list(unit_ids)}
        ).fetchall()
    return UnservedReport(
        next(row.n for row in rows if row.state is None),
        tuple(
            Unserved(row.state, row.reason, row.n, explain(row.state, row.reason))
            for row in rows
            if row.state is not None
        ),
    )
