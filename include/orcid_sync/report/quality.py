"""How many rows failed which check, over the last extractions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from orcid_sync.ledger.session import Ledger

LAST_EXTRACTIONS: Final = 12


@dataclass(frozen=True)
class CheckHistory:
    """One check (`relation.check`): rows that failed it in each of the extractions of `QualityHistory.runs`."""

    relation: str
    check: str
    bad: tuple[int, ...]


@dataclass(frozen=True)
class QualityHistory:
    """Extractions that checked anything, oldest first: (run id, when, rows checked); and the checks that rows failed."""

    runs: tuple[tuple[str, dt.datetime, int], ...]
    checks: tuple[CheckHistory, ...]


_RUNS: Final = """
SELECT * FROM (
    SELECT DISTINCT ON (run_id) run_id, started_at, (counts ->> 'checked')::bigint AS checked,
           coalesce(counts -> 'quarantined_by_check', '{}') AS found
    FROM stage_run WHERE stage = 'validate' AND error IS NULL AND (counts ->> 'checked')::bigint > 0
    ORDER BY run_id, id DESC
) validated ORDER BY started_at DESC LIMIT %s
"""


def quality_history(ledger: Ledger, last: int = LAST_EXTRACTIONS) -> QualityHistory:
    """The last extractions that had rows to check. The check that failed most rows lately comes first."""
    with ledger.transaction() as connection:
        rows = list(reversed(connection.execute(_RUNS, (last,)).fetchall()))
    names = {name for row in rows for name in row.found}
    checks = []
    for name in names:
        relation, _, check = name.partition(".")
        checks.append(CheckHistory(relation, check, tuple(int(row.found.get(name, 0)) for row in rows)))
    checks.sort(key=lambda one: (tuple(-n for n in reversed(one.bad)), one.relation, one.check))
    return QualityHistory(
        tuple((row.run_id, row.started_at, row.checked) for row in rows),
        tuple(checks),
    )
