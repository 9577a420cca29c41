"""Runs and health: what ran, what it counted, how far everything got, and what needs a person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.errors import Who
from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.report.reasons import explain
from orcid_sync.report.run_report import run_report
from orcid_sync.review.console.visitor import Desk, NotFound, SeenUnit, Visitor
from orcid_sync.review.rights import NothingSelected

LAST_RUNS: Final = 60
OLD_BATCH: Final = dt.timedelta(days=7)

_RUNS: Final = """
SELECT run.run_id, run.started_at, max(stage_run.ended_at) AS ended_at, count(*) AS stages,
       count(*) FILTER (WHERE stage_run.ended_at IS NULL) AS open, count(stage_run.error) AS failed,
       array_agg(stage_run.stage ORDER BY stage_run.id) AS names,
       extract(epoch FROM max(stage_run.ended_at) - run.started_at)::float8 AS seconds
FROM run JOIN stage_run USING (run_id) GROUP BY run.run_id, run.started_at
ORDER BY run.started_at DESC LIMIT %s
"""


@dataclass(frozen=True)
class Step:
    """One step from the CRIS to the records: what it is and how many are left at it."""

    label: str
    count: int
    note: str = ""


@dataclass(frozen=True)
class Need:
    """Something that waits for a person: how many of what, what to do, whose move it is, and where to look."""

    count: int
    what: str
    remedy: str
    who: Who | None
    path: str


def last_runs(ledger: Ledger) -> list[Any]:
    """The last runs with their stages, the newest first."""
    with ledger.transaction() as connection:
        return connection.execute(_RUNS, (LAST_RUNS,)).fetchall()


def run_page(ledger: Ledger, visitor: Visitor, run_id: str) -> dict[str, Any]:
    """The report of a run, less what its counts say of units that the visitor doesn't see. Raises NotFound."""
    try:
        report = run_report(ledger, run_id)
    except NothingSelected as unknown:
        raise NotFound(unknown.what, why=unknown.why) from None
    seen = {unit.code for unit in visitor.units}
    for stage in report["stages"]:
        stage["counts"] = stage["counts"] if visitor.sees_all else _of_units(stage["counts"], seen)
        if stage["error"] and not visitor.sees_all:
            stage["error"] = stage["error"].partition(":")[0]
    return report


def _of_units(counts: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    """Totals of all units stay; what is told unit by unit stays for those that are seen."""
    kept: dict[str, Any] = {}
    for name, value in counts.items():
        if isinstance(value, list):
            kept[name] = [one for one in value if isinstance(one, dict) and one.get("unit") in seen]
        elif name not in ("stopped", "changes", "units"):
            kept[name] = value
    return kept


def flat_counts(counts: dict[str, Any]) -> list[tuple[str, str]]:
    """Counts as pairs of a label and a text."""
    found: list[tuple[str, str]] = []
    for name, value in counts.items():
        label = name.replace("_", " ")
        if name in ("run", "changes") or value in (None, {}, []):
            continue
        if isinstance(value, dict):
            pairs = (f"{str(key).replace('_', ' ')}: {_shown(one)}" for key, one in value.items())
            found.append((label, ", ".join(pairs)))
        elif isinstance(value, list):
            found.append((label, "; ".join(_shown(one) for one in value)))
        else:
            found.append((label, _shown(value)))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(one)}" for key, one in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def funnel(desk: Desk, units: tuple[SeenUnit, ...]) -> list[Step]:
    """From what the CRIS knows to what stands on the records; of the visitor's units from the items on."""
    with desk.ledger.transaction() as connection:
        rows: Any = connection.execute(
            "SELECT count(*) AS known, count(*) FILTER (WHERE NOT quarantined) AS valid, "
            "count(*) FILTER (WHERE NOT quarantined AND payload_digest IS NOT NULL) AS sendable "
            "FROM cris_row WHERE gone IS NULL"
        ).fetchone()
    states: dict[str, int] = {}
    with desk.each(units) as turns:
        for _unit, connection in turns:
            for row in connection.execute("SELECT state, count(*) AS n FROM item_state GROUP BY state"):
                states[row.state] = states.get(row.state, 0) + row.n
    wanted = sum(states.values()) - states.get("removed", 0) - states.get("none", 0)
    held = sum(states.get(state, 0) for state in ("withheld", "on_hold", "waiting_permission", "blocked"))
    refused = sum(
        states.get(state, 0)
        for state in (
            "suppressed",
            "declined_by_researcher",
            "removed_by_researcher",
            "rejected",
            "record_merged",
        )
    )
    approved = sum(states.get(state, 0) for state in ("approved", "retrying", "written"))
    return [
        Step("Rows in the CRIS", rows.known, "publications and posts"),
        Step("Passed the checks", rows.valid, "not in need of correction"),
        Step("Can be sent", rows.sendable, "with what ORCID asks for"),
        Step("Items", wanted, "one for each of our researchers"),
        Step("Not held back", wanted - held, "by a rule or for want of permission"),
        Step("Wanted by people", wanted - held - refused, "not rejected, removed or declined"),
        Step("Approved", approved, "by a person or the unit's policy"),
        Step("On the records", states.get("written", 0), "as the CRIS has them"),
    ]


def needs(desk: Desk, units: tuple[SeenUnit, ...], now: dt.datetime | None = None) -> list[Need]:
    """What waits for a person: questions, stopped items, corrections, permissions; of the visitor's units."""
    found: list[Need] = []
    old = (now or dt.datetime.now(dt.UTC)) - OLD_BATCH
    held: dict[tuple[str, str], int] = {}
    with desk.each(units) as turns:
        for unit, connection in turns:
            found += _batches(connection, unit, old)
            for row in connection.execute(_HELD):
                held[row.state, row.reason] = held.get((row.state, row.reason), 0) + row.n
    for (state, reason), count in sorted(held.items(), key=lambda pair: -pair[1]):
        word = explain(state, reason)
        if word.who is not None and not word.remedy.startswith("Nothing"):
            path = f"items?state={state}&reason={reason}"
            found.append(Need(count, f"items: {word.label}", word.remedy, word.who, path))
    found += _undelivered(desk.ledger, units)
    if desk.visitor.sees_all:
        found += _failures(desk.ledger)
    return found


_HELD: Final = """
SELECT state, reason, count(*) AS n FROM item_state
WHERE state IN ('withheld', 'on_hold', 'waiting_permission', 'blocked') AND reason IS NOT NULL GROUP BY 1, 2
"""


def _batches(connection: Connection, unit: SeenUnit, old: dt.datetime) -> list[Need]:
    rows = connection.execute(
        "SELECT batch.id, batch.created_at, count(*) AS n FROM batch JOIN batch_change ON batch_id = batch.id "
        "JOIN change ON change.id = change_id AND change.state = 'open' AND change.verdict IS NULL "
        "WHERE batch.state = 'open' GROUP BY batch.id ORDER BY batch.id"
    ).fetchall()
    return [
        Need(
            row.n,
            f"changes of {unit.name} to decide"
            + (", waiting for more than a week" if row.created_at < old else ""),
            "Approve or reject them",
            Who.US,
            f"batches/{row.id}",
        )
        for row in rows
    ]


def _undelivered(ledger: Ledger, units: tuple[SeenUnit, ...]) -> list[Need]:
    """Open batches whose last e-mail did not get through."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            "SELECT batch.id FROM batch JOIN LATERAL (SELECT what FROM audit_event WHERE what IN ('mailed', 'mail_failed') "
            "AND audit_event.unit_id = batch.unit_id AND (detail ->> 'batch')::bigint = batch.id ORDER BY id DESC LIMIT 1"
            ") latest ON latest.what = 'mail_failed' WHERE batch.state = 'open' AND batch.unit_id = ANY (%s) ORDER BY 1",
            ([unit.id for unit in units],),
        ).fetchall()
    remedy = "Check the mail server and the unit's main contact; it is tried again by itself"
    return [
        Need(1, f"e-mail about batch {row.id} not delivered", remedy, Who.US, f"batches/{row.id}")
        for row in rows
    ]


def _failures(ledger: Ledger) -> list[Need]:
    with ledger.transaction() as connection:
        drift = connection.execute(
            "SELECT class AS sort, count(*) AS n FROM drift WHERE resolved_at IS NULL GROUP BY class ORDER BY n DESC"
        ).fetchall()
        failed = connection.execute(
            "SELECT DISTINCT ON (stage) stage, run_id, error FROM stage_run ORDER BY stage, id DESC"
        ).fetchall()
    found = [
        Need(1, f"stage failed: {row.stage}", row.error.splitlines()[0][:300], Who.US, f"runs/{row.run_id}")
        for row in failed
        if row.error
    ]
    return found + [
        Need(
            row.n,
            f"differences found: {row.sort.replace('_', ' ')}",
            "Look at what the audit says of them; `orcid-sync audit` rebuilds what is certain",
            Who.US,
            "health",
        )
        for row in drift
    ]


def adoption(ledger: Ledger) -> tuple[list[dt.date], dict[str, list[int]]]:
    """Permissions by state over time: the days, and for each state its count on each of them."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            "SELECT day, state, sum(count)::bigint AS n FROM daily_snapshot WHERE kind = 'permission' "
            "AND day > current_date - 366 GROUP BY day, state ORDER BY day, state"
        ).fetchall()
    days = sorted({row.day for row in rows})
    states = sorted({row.state for row in rows})
    counted = {(row.day, row.state): int(row.n) for row in rows}
    return days, {state: [counted.get((day, state), 0) for day in days] for state in states}
