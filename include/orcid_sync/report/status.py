"""How things stand: items, permissions, batches, runs, holds; as one object and as tables."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.report.alerts import open_alerts, undelivered_alerts
from orcid_sync.report.reasons import STATES, WAITING, explain
from orcid_sync.report.schedule import next_write
from orcid_sync.review.mail import undelivered_mails
from orcid_sync.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

LAST_RUNS: Final = 10


def status(ledger: Ledger, settings: Settings) -> dict[str, Any]:
    """The object that `status --json` prints.

    `items` {state: n}, `by_unit` {unit: {state: n}}, `reasons` {state: {reason: n}}, `permissions` {state: n} (staff
    without any count as never_asked), `batches` {state: n, undecided: n}, `open_batches`, `quarantined` {check: n},
    `last_runs`, `holds`, `drift` {class: n}, `alerts` that last, `undelivered` messages about them, `undelivered_mails`
    about batches, `next_write`.
    """
    with ledger.transaction() as connection:
        by_unit: dict[str, dict[str, int]] = {}
        items: dict[str, int] = {}
        reasons: dict[str, dict[str, int]] = {}
        for row in connection.execute(_ITEMS):
            items[row.state] = items.get(row.state, 0) + row.n
            unit = by_unit.setdefault(row.unit, {})
            unit[row.state] = unit.get(row.state, 0) + row.n
            if row.reason is not None:
                held = reasons.setdefault(row.state, {})
                held[row.reason] = held.get(row.reason, 0) + row.n
        open_batches = connection.execute(_OPEN_BATCHES).fetchall()
        return {
            "items": items,
            "permissions": _pairs(connection, _PERMISSIONS),
            "batches": {
                **dict.fromkeys(("open", "decided", "replaced", "closed"), 0),
                **_pairs(connection, "SELECT state, count(*) FROM batch GROUP BY state"),
                "undecided": sum(row.undecided for row in open_batches),
            },
            "by_unit": by_unit,
            "reasons": reasons,
            "open_batches": [row._asdict() for row in open_batches],
            "quarantined": _pairs(
                connection,
                "SELECT check_name, count(*) FROM quarantine WHERE resolved_at IS NULL GROUP BY check_name ORDER BY 1",
            ),
            "last_runs": [row._asdict() for row in connection.execute(_LAST_RUNS, (LAST_RUNS,))],
            "holds": [row._asdict() for row in connection.execute(_HOLDS)],
            "drift": _pairs(
                connection,
                "SELECT class AS kind, count(*) FROM drift WHERE resolved_at IS NULL GROUP BY class ORDER BY 1",
            ),
            "alerts": open_alerts(connection),
            "undelivered": undelivered_alerts(connection),
            "undelivered_mails": undelivered_mails(connection),
            "next_write": next_write(settings),
        }


def show_status(found: dict[str, Any], console: Console) -> None:
    """The same as tables for a terminal."""
    from rich.table import Table

    units = sorted(found["by_unit"])
    table = Table("items", *units, "all", title="Items by state and unit", title_justify="left")
    for state in [state for state in STATES if state in found["items"]]:
        shares = [str(found["by_unit"][unit].get(state, "")) for unit in units]
        table.add_row(STATES[state].label, *shares, str(found["items"][state]))
    console.print(table if found["items"] else "No items yet.")
    _show_reasons(found["reasons"], console)
    table = Table("permissions", "researchers", title="Permissions", title_justify="left")
    for state, count in found["permissions"].items():
        table.add_row(WAITING[state].label, str(count))
    console.print(table)
    for batch in found["open_batches"]:
        asked = "asked" if batch["asked_at"] else "not asked yet"
        console.print(f"Batch {batch['batch']} of {batch['unit']}: {batch['undecided']} undecided, {asked}")
    for check, count in found["quarantined"].items():
        console.print(f"Quarantined by {check}: {count}")
    for hold in found["holds"]:
        console.print(
            f"Paused: {hold['unit'] or hold['person'] or 'everything'} (since {hold['since']:%Y-%m-%d %H:%M})"
        )
    for name, count in found["drift"].items():
        console.print(f"Differences found ({name}): {count}")
    for alert in found["alerts"]:
        console.print(f"Alert: {alert['what']}. {alert['remedy']}. [{alert['who']}]", markup=False)
    for message in found["undelivered"]:
        console.print(f"Alert {message['cause']} not delivered by {message['channel']}: {message['why']}")
    for mail in found["undelivered_mails"]:
        console.print(f"E-mail about batch {mail['batch']} not delivered: {mail['why']}")
    _show_runs(found["last_runs"], console)
    console.print(f"Approved changes are written next on {found['next_write']:%Y-%m-%d %H:%M %Z}")


def _show_reasons(reasons: dict[str, dict[str, int]], console: Console) -> None:
    from rich.table import Table

    if not reasons:
        return
    table = Table(
        "state", "reason", "items", "what to do", "whose move", title="Why not", title_justify="left"
    )
    for state, counted in reasons.items():
        for reason, count in sorted(counted.items(), key=lambda pair: -pair[1]):
            word = explain(state, reason)
            table.add_row(STATES[state].label, word.label, str(count), word.remedy, str(word.who or ""))
    console.print(table)


def _show_runs(runs: list[dict[str, Any]], console: Console) -> None:
    from rich.table import Table

    table = Table("started", "stage", "run", "took", "ended", title="Last runs", title_justify="left")
    for run in runs:
        took = "" if run["seconds"] is None else f"{run['seconds']:.1f} s"
        table.add_row(f"{run['started_at']:%Y-%m-%d %H:%M}", run["stage"], run["run"], took, _end(run))
    if runs:
        console.print(table)


def _end(run: dict[str, Any]) -> str:
    if run["error"]:
        return str(run["error"])
    return "well" if run["ended_at"] else "not ended"


def as_text(value: Any) -> Any:
    """For JSON: moments in ISO form."""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    msg = f"{type(value).__name__} is nothing that a report holds"
    raise TypeError(msg)


def _pairs(connection: Connection, query: str) -> dict[str, int]:
    return dict(connection.execute(query).fetchall())


_ITEMS: Final = """
SELECT unit.code AS unit, state, count(*) AS n,
       CASE WHEN state IN ('withheld', 'on_hold', 'waiting_permission', 'blocked') THEN reason END AS reason
FROM item_state JOIN unit ON unit.id = item_state.unit_id GROUP BY 1, 2, 4 ORDER BY 1, 2, 4
"""
_PERMISSIONS: Final = """
SELECT state, sum(n)::bigint FROM (
    SELECT state, count(*) AS n FROM permission GROUP BY state
    UNION ALL
    SELECT 'never_asked', count(*) FROM cris_staff
    WHERE is_current AND gone IS NULL AND NOT EXISTS (
        SELECT FROM researcher JOIN permission ON permission.researcher_id = researcher.id
        WHERE researcher.person_id = cris_staff.person_id)
    HAVING count(*) > 0
) AS counted GROUP BY state ORDER BY state
"""
_OPEN_BATCHES: Final = """
SELECT batch.id AS batch, unit.code AS unit, batch.kind, batch.created_at, batch.asked_at,
       count(change.id) FILTER (WHERE change.state = 'open' AND verdict IS NULL) AS undecided,
       count(change.id) FILTER (WHERE change.state = 'open' AND action = 'remove' AND verdict IS NULL) AS removals
FROM batch JOIN unit ON unit.id = batch.unit_id
LEFT JOIN batch_change ON batch_change.batch_id = batch.id LEFT JOIN change ON change.id = batch_change.change_id
WHERE batch.state = 'open' GROUP BY batch.id, unit.code ORDER BY batch.id
"""
_LAST_RUNS: Final = """
SELECT run_id AS run, stage, started_at, ended_at, extract(epoch FROM ended_at - started_at)::float8 AS seconds, error
FROM stage_run ORDER BY id DESC LIMIT %s
"""
_HOLDS: Final = """
SELECT unit.code AS unit, researcher.person_id AS person, hold.since, hold.until
FROM hold LEFT JOIN unit ON unit.id = hold.unit_id LEFT JOIN researcher ON researcher.id = hold.researcher_id
WHERE until IS NULL OR until > now() ORDER BY hold.id
"""
