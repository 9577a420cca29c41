"""What one run did: its stages with counts and times, its calls, what failed."""

from __future__ import annotations

from typing import Any

from orcid_sync.ledger.session import Ledger
from orcid_sync.report.calls import calls_of
from orcid_sync.review.rights import NothingSelected


def run_report(ledger: Ledger, run_id: str) -> dict[str, Any]:
    """`{run, started_at, stages: [{stage, started_at, seconds, ended, counts, error}], calls: {...}, proposed, drift}`.

    `calls` as `calls_of` gives them, `proposed` changes by action, `drift` differences found by class. Raises
    NothingSelected for an unknown run.
    """
    with ledger.transaction() as connection:
        run = connection.execute("SELECT started_at FROM run WHERE run_id = %s", (run_id,)).fetchone()
        if run is None:
            raise NothingSelected(
                "There is no such run",
                why="the ledger doesn't know its id",
                remedy="`orcid-sync status` names runs",
            )
        stages = connection.execute(
            "SELECT stage, started_at, ended_at IS NOT NULL AS ended, counts, error, "
            "extract(epoch FROM ended_at - started_at)::float8 AS seconds FROM stage_run WHERE run_id = %s ORDER BY id",
            (run_id,),
        ).fetchall()
        calls = calls_of(connection, run_id)
        proposed = connection.execute(
            "SELECT action, count(*) AS n FROM change WHERE run_id = %s GROUP BY action", (run_id,)
        ).fetchall()
        drift = connection.execute(
            "SELECT class AS kind, count(*) AS n FROM drift WHERE run_id = %s AND resolved_at IS NULL GROUP BY class "
            "ORDER BY n DESC, class",
            (run_id,),
        ).fetchall()
    return {
        "run": run_id,
        "started_at": run.started_at,
        "stages": [row._asdict() for row in stages],
        "calls": calls,
        "proposed": {row.action: row.n for row in proposed},
        "drift": {row.kind: row.n for row in drift},
    }
