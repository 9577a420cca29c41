"""What one run did: its stages with counts and times, its calls, what failed."""

from __future__ import annotations

from typing import Any

from orcid_sync.ledger.session import Ledger
from orcid_sync.review.rights import NothingSelected


def run_report(ledger: Ledger, run_id: str) -> dict[str, Any]:
    """`{run, started_at, stages: [{stage, started_at, seconds, ended, counts, error}], calls: {...}, decided}`.

    `calls` counts all, by endpoint and by status, with the items they carried and the calls a second while there were
    any. Raises NothingSelected for an unknown run.
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
        calls = connection.execute(
            "SELECT method || ' ' || endpoint AS endpoint, status, error_code, calls, items, seconds FROM api_call "
            "WHERE run_id = %s ORDER BY 1, 2, 3",
            (run_id,),
        ).fetchall()
        proposed = connection.execute(
            "SELECT action, count(*) AS n FROM change WHERE run_id = %s GROUP BY action", (run_id,)
        ).fetchall()
    return {
        "run": run_id,
        "started_at": run.started_at,
        "stages": [row._asdict() for row in stages],
        "calls": _calls(calls),
        "proposed": {row.action: row.n for row in proposed},
    }


def _calls(rows: list[Any]) -> dict[str, Any]:
    by_endpoint: dict[str, int] = {}
    by_status: dict[str, int] = {}
    for row in rows:
        by_endpoint[row.endpoint] = by_endpoint.get(row.endpoint, 0) + row.calls
        status = str(row.status) if row.status else "no answer"
        by_status[status] = by_status.get(status, 0) + row.calls
    return {
        "calls": sum(row.calls for row in rows),
        "items": sum(row.items for row in rows),
        "seconds": sum(row.seconds for row in rows),
        "by_endpoint": by_endpoint,
        "by_status": by_status,
    }
