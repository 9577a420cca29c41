"""What a run asked of the registry: its calls, how few would have done, and how much of the allowed rate it used."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Connection
from orcid_sync.orcid.limiter import REGISTRY_RATE

# A longer silence is a pause (a task that waits for its next try), no slow work.
PAUSE_SECONDS: Final = 10
BULK: Final = 100


@dataclass(frozen=True)
class Floor:
    """The fewest calls in which the same could have been done.

    One call reads a record with all its sections; a bulk adds up to 100 works to one record, or reads 100 adopted ones;
    any other addition, each correction and each removal takes a call of its own. What was sent again after a lost answer
    or an error, and what was read again just before writing, is above the floor.
    """

    reads: int
    bulks: int
    singles: int
    adopted: int

    @property
    def calls(self) -> int:
        return self.reads + self.bulks + self.singles + self.adopted


@dataclass(frozen=True)
class Pace:
    """How fast calls went out: `seconds` from first to last answer without pauses, `share` of what the registry allows."""

    calls: int
    seconds: int
    busiest: int

    @property
    def per_second(self) -> float:
        return self.calls / self.seconds if self.seconds else 0.0

    @property
    def share(self) -> float:
        return self.per_second / REGISTRY_RATE


_READS: Final = """
SELECT coalesce(sum((counts ->> 'read')::int), 0)::int AS n FROM stage_run WHERE run_id = %(run)s AND stage = 'mirror'
"""
_WRITES: Final = """
SELECT coalesce(sum(ceil(bulk / %(bulk)s)), 0)::int AS bulks, coalesce(sum(singles), 0)::int AS singles FROM (
    SELECT count(DISTINCT intent.change_id) FILTER (WHERE intent.action = 'add' AND item.section = 'work')::numeric AS bulk,
           count(DISTINCT intent.change_id) FILTER (WHERE intent.action <> 'add' OR item.section <> 'work') AS singles
    FROM intent JOIN item ON item.id = intent.item_id
    WHERE intent.run_id = %(run)s GROUP BY item.researcher_id, item.client_id
) record
"""
_ADOPTED: Final = """
SELECT coalesce(ceil(sum(items) / %(bulk)s::numeric), 0)::int AS n FROM api_call
WHERE run_id = %(run)s AND method = 'GET' AND endpoint = '/{orcid}/works/{put_codes}' AND status = 200
"""
_PACE: Final = """
SELECT coalesce(sum(calls), 0)::int AS calls, coalesce(max(calls), 0)::int AS busiest,
       coalesce(sum(CASE WHEN step <= %(pause)s THEN step ELSE 1 END), 0)::int AS seconds
FROM (
    SELECT calls, coalesce(extract(epoch FROM second - lag(second) OVER (ORDER BY second)), 1) AS step
    FROM (SELECT second, sum(calls) AS calls FROM api_call_second WHERE run_id = %(run)s GROUP BY second) second
) stepped
"""


def floor_of(connection: Connection, run_id: str) -> Floor:
    """The floor of a run's calls."""
    values = {"run": run_id, "bulk": BULK}
    reads: Any = connection.execute(_READS, values).fetchone()
    writes: Any = connection.execute(_WRITES, values).fetchone()
    adopted: Any = connection.execute(_ADOPTED, values).fetchone()
    return Floor(reads.n, writes.bulks, writes.singles, adopted.n)


def pace_of(connection: Connection, run_id: str) -> Pace:
    """The pace of a run's calls."""
    row: Any = connection.execute(_PACE, {"run": run_id, "pause": PAUSE_SECONDS}).fetchone()
    return Pace(row.calls, row.seconds, row.busiest)


def calls_of(connection: Connection, run_id: str) -> dict[str, Any]:
    """`{calls, items, seconds, by_endpoint, by_status, floor: {...}, pace: {...}}`; `seconds` is time spent waiting."""
    rows = connection.execute(
        "SELECT method || ' ' || endpoint AS endpoint, status, calls, items, seconds FROM api_call "
        "WHERE run_id = %s ORDER BY 1, 2, error_code",
        (run_id,),
    ).fetchall()
    by_endpoint: dict[str, int] = {}
    by_status: dict[str, int] = {}
    for row in rows:
        by_endpoint[row.endpoint] = by_endpoint.get(row.endpoint, 0) + row.calls
        status = str(row.status) if row.status else "no answer"
        by_status[status] = by_status.get(status, 0) + row.calls
    floor, pace = floor_of(connection, run_id), pace_of(connection, run_id)
    return {
        "calls": sum(row.calls for row in rows),
        "items": sum(row.items for row in rows),
        "seconds": sum(row.seconds for row in rows),
        "by_endpoint": by_endpoint,
        "by_status": by_status,
        "floor": asdict(floor) | {"calls": floor.calls},
        "pace": asdict(pace) | {"per_second": pace.per_second, "share": pace.share},
    }
