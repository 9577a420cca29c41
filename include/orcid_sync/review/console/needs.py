"""What waits for a person: how many of what, what to do, and whose move it is."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from orcid_sync.errors import Who
from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.report.reasons import explain
from orcid_sync.review.console.differing_ids import differing_ids
from orcid_sync.review.console.visitor import Desk, SeenUnit

OLD_BATCH: Final = dt.timedelta(days=7)


@dataclass(frozen=True)
class Need:
    """Something that waits for a person: how many of what, what to do, whose move it is, and where to look."""

    count: int
    what: str
    remedy: str
    who: Who | None
    path: str


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
    found += _differing(desk)
    if desk.visitor.sees_all:
        found += _failures(desk.ledger)
    return found


_HELD: Final = """
SELECT state, reason, count(*) AS n FROM item_state
WHERE state IN ('withheld', 'on_hold', 'waiting_permission', 'blocked') AND reason IS NOT NULL GROUP BY 1, 2
"""


def needs_of_run(desk: Desk, units: tuple[SeenUnit, ...], report: dict[str, Any]) -> list[Need]:
    """What one run left for a person: stages that failed, units that a guard stopped, batches, differences found."""
    found: list[Need] = []
    here = f"runs/{quote(report['run'])}#stages"
    for stage in report["stages"]:
        if not stage["error"] or _tried_again(stage, report["stages"]):
            continue
        stopped = stage["counts"].get("stopped", {}) if stage["stage"] == "propose" else {}
        for unit, alarm in stopped.items():
            found.append(Need(1, f"proposal stopped for {unit}: {alarm}", _IF_MEANT, Who.US, here))
        if not stopped:
            found.append(_failed(stage["stage"], stage["error"], here))
    with desk.each(units) as turns:
        for unit, connection in turns:
            found += _batches(connection, unit, None, report["run"])
    return found + [_difference(kind, n) for kind, n in report["drift"].items()]


def _tried_again(failed: dict[str, Any], stages: list[dict[str, Any]]) -> bool:
    """Whether the stage began anew after it had failed, and went well; its parallel shards began before."""
    end = failed["started_at"] + dt.timedelta(seconds=failed["seconds"] or 0)
    return any(
        other["stage"] == failed["stage"]
        and other["started_at"] >= end
        and other["ended"]
        and not other["error"]
        for other in stages
    )


def _failed(stage: str, error: str, path: str) -> Need:
    return Need(1, f"stage failed: {stage}", error.splitlines()[0][:300], Who.US, path)


_IF_MEANT: Final = (
    "Look at the counts of the extraction; if it is meant, an operator runs `orcid-sync propose --proceed`"
)


def _difference(kind: str, count: int) -> Need:
    return Need(
        count,
        f"differences found: {kind.replace('_', ' ')}",
        "Look at what the audit says of them; `orcid-sync audit` rebuilds what is certain",
        Who.US,
        "health",
    )


def _batches(
    connection: Connection, unit: SeenUnit, old: dt.datetime | None, run_id: str | None = None
) -> list[Need]:
    rows = connection.execute(
        "SELECT batch.id, batch.created_at, count(*) AS n FROM batch JOIN batch_change ON batch_id = batch.id "
        "JOIN change ON change.id = change_id AND change.state = 'open' AND change.verdict IS NULL "
        "WHERE batch.state = 'open' AND (%(run)s::text IS NULL OR batch.run_id = %(run)s) "
        "GROUP BY batch.id ORDER BY batch.id",
        {"run": run_id},
    ).fetchall()
    return [
        Need(
            row.n,
            f"changes of {unit.name} to decide"
            + (", waiting for more than a week" if old is not None and row.created_at < old else ""),
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


def _differing(desk: Desk) -> list[Need]:
    """iDs that differ from the CRIS's, by whose move they are."""
    moves = Counter(one.who for one in differing_ids(desk))
    remedy = "Each has its remedy on the page; the CSV is for the CRIS team"
    return [
        Need(count, "researchers with another iD in the CRIS", remedy, who, "differing-ids")
        for who, count in sorted(moves.items())
    ]


def _failures(ledger: Ledger) -> list[Need]:
    with ledger.transaction() as connection:
        drift = connection.execute(
            "SELECT class AS sort, count(*) AS n FROM drift WHERE resolved_at IS NULL GROUP BY class ORDER BY n DESC"
        ).fetchall()
        failed = connection.execute(
            "SELECT DISTINCT ON (stage) stage, run_id, error FROM stage_run ORDER BY stage, id DESC"
        ).fetchall()
    found = [_failed(row.stage, row.error, f"runs/{quote(row.run_id)}#stages") for row in failed if row.error]
    return found + [_difference(row.sort, row.n) for row in drift]
