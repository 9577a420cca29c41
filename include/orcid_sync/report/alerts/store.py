"""Alerts in the ledger: raised once for each cause, settled when the cause has gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Connection

NOT_MAPPED: Final = -1


@dataclass(frozen=True)
class Alert:
    """What happened, what to do, whose move it is (`who`), and where to look (`path`, below Airflow's address).

    `cause` is the same for as long as it lasts. `unit` is a unit's code, or `batch` one of its batches; without either
    it concerns every unit. `map_index` tells which of a task's mapped instances met it.
    """

    cause: str
    what: str
    remedy: str
    who: str
    path: str = ""
    unit: str | None = None
    batch: int | None = None
    run_id: str | None = None
    map_index: int = NOT_MAPPED


_RAISE: Final = """
INSERT INTO alert (cause, unit_id, what, remedy, who, path, run_id, map_indexes)
VALUES (%(cause)s, coalesce((SELECT id FROM unit WHERE code = %(unit)s), (SELECT unit_id FROM batch WHERE id = %(batch)s)),
        %(what)s, %(remedy)s, %(who)s, %(path)s, %(run_id)s, ARRAY[%(map_index)s::int])
ON CONFLICT (cause) WHERE resolved_at IS NULL DO UPDATE SET
    what = excluded.what, remedy = excluded.remedy, who = excluded.who, path = excluded.path,
    run_id = excluded.run_id, last_seen = now(),
    map_indexes = ARRAY(SELECT DISTINCT unnest(alert.map_indexes || excluded.map_indexes) ORDER BY 1)
RETURNING id
"""
_OPEN: Final = """
SELECT alert.id, alert.cause, unit.code AS unit, unit.name AS unit_name, what, remedy, who, path, run_id,
       first_seen, last_seen,
       count(delivered_at) AS delivered,
       count(alert_delivery.id) FILTER (WHERE delivered_at IS NULL) AS undelivered
FROM alert LEFT JOIN unit ON unit.id = alert.unit_id LEFT JOIN alert_delivery ON alert_id = alert.id
WHERE resolved_at IS NULL GROUP BY alert.id, unit.id ORDER BY alert.id
"""
_UNDELIVERED: Final = """
SELECT alert.cause, channel, unit.code AS unit, attempts, failure AS why, tried_at
FROM alert_delivery JOIN alert ON alert.id = alert_id LEFT JOIN unit ON unit.id = alert_delivery.unit_id
WHERE delivered_at IS NULL AND resolved_at IS NULL ORDER BY alert_delivery.id
"""


def raise_alerts(connection: Connection, alerts: Iterable[Alert]) -> list[int]:
    """Note these alerts and return their keys; one that is known already keeps its key, and its text is made anew."""
    found: list[Any] = [connection.execute(_RAISE, asdict(alert)).fetchone() for alert in alerts]
    return [int(row.id) for row in found]


def settle_task(connection: Connection, job: str, task_id: str, map_index: int = NOT_MAPPED) -> int:
    """A task went well: what it had failed of is over, as is a crash of its job; returns how many alerts that ends.

    Of a mapped task each instance has to go well that had failed.
    """
    return connection.execute(
        "UPDATE alert SET map_indexes = array_remove(map_indexes, %(index)s), "
        "resolved_at = CASE WHEN array_remove(map_indexes, %(index)s) = '{}' THEN now() END "
        "WHERE resolved_at IS NULL AND %(index)s = ANY (map_indexes) "
        "AND (starts_with(cause, %(task)s) OR starts_with(cause, %(job)s))",
        {"index": map_index, "task": f"failed:{job}:{task_id}:", "job": f"failed:{job}::"},
    ).rowcount


def settle_tasks(connection: Connection, job: str, task_ids: Collection[str]) -> int:
    """Of these tasks every instance of a run went well: alerts are over, also about instances that the run doesn't have."""
    return connection.execute(
        "UPDATE alert SET map_indexes = '{}', resolved_at = now() WHERE resolved_at IS NULL "
        "AND starts_with(cause, %s) AND split_part(cause, ':', 3) = ANY (%s)",
        (f"failed:{job}:", list(task_ids)),
    ).rowcount


def settle_gone(connection: Connection, kinds: Collection[str], still: Collection[str]) -> int:
    """End the alerts of these kinds (the cause's first part) whose cause is not among `still`."""
    return connection.execute(
        "UPDATE alert SET resolved_at = now() WHERE resolved_at IS NULL "
        "AND split_part(cause, ':', 1) = ANY (%s) AND cause <> ALL (%s)",
        (list(kinds), list(still)),
    ).rowcount


def run_is_told(connection: Connection, run_id: str) -> bool:
    """Whether an alert speaks of this run already."""
    row: Any = connection.execute(
        "SELECT EXISTS (SELECT FROM alert WHERE run_id = %s) AS told", (run_id,)
    ).fetchone()
    return bool(row.told)


def open_alerts(connection: Connection) -> list[dict[str, Any]]:
    """Alerts whose cause lasts, the oldest first: `id, cause, unit, unit_name, what, remedy, who, path, run_id,
    first_seen, last_seen, delivered, undelivered`; the last two count messages."""
    return [row._asdict() for row in connection.execute(_OPEN)]


def undelivered_alerts(connection: Connection) -> list[dict[str, Any]]:
    """Messages about lasting causes that could not be delivered: `cause, channel, unit, attempts, why, tried_at`."""
    return [row._asdict() for row in connection.execute(_UNDELIVERED)]
