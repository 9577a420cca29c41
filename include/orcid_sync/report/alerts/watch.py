"""What the ledger itself shows to be in need of a person, looked at again each hour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orcid_sync.errors import SettingInvalid, Who
from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.report.alerts.store import Alert, raise_alerts, settle_gone
from orcid_sync.report.reasons import explain
from orcid_sync.settings import Settings
from orcid_sync.vault.crypto import KeyRing

KINDS: Final = ("waiting", "blocked", "keys", "stalled")
# Longer than any task may take.
STALLED_HOURS: Final = 6
# A failure that neither came back nor was followed by a success: a task that is no more, for instance.
FORGOTTEN_DAYS: Final = 30

# A change is carried over into newer batches, so its own age counts.
_WAITING: Final = """
SELECT unit.code AS unit, unit.name, max(batch.id) AS batch, count(*) AS changes,
       extract(day FROM now() - min(change.created_at))::int AS days
FROM batch JOIN unit ON unit.id = batch.unit_id
JOIN batch_change ON batch_change.batch_id = batch.id JOIN change ON change.id = batch_change.change_id
WHERE batch.state = 'open' AND change.state = 'open' AND change.verdict IS NULL
  AND (unit.approval = 'librarian' OR batch.kind = 'undo')
GROUP BY unit.id HAVING min(change.created_at) < now() - make_interval(days => %s) ORDER BY unit.code
"""
_BLOCKED: Final = """
SELECT unit.code AS unit, unit.name, reason, count(*) AS items
FROM item_state JOIN unit ON unit.id = item_state.unit_id
WHERE state = 'blocked' GROUP BY unit.id, reason ORDER BY unit.code, reason
"""
_KEYS: Final = """
SELECT key_id, count(*) AS tokens FROM (
    SELECT access_key_id AS key_id FROM token
    UNION ALL SELECT refresh_key_id FROM token WHERE refresh_key_id IS NOT NULL
) AS used GROUP BY key_id ORDER BY key_id
"""
# The last try of each stage of a DAG began long ago and never ended: its process died, and nothing said so.
_STALLED: Final = """
SELECT stage, run_id, started_at FROM (
    SELECT DISTINCT ON (split_part(run_id, '/', 1), stage) stage, run_id, started_at, ended_at
    FROM stage_run WHERE run_id LIKE '%%/%%' ORDER BY split_part(run_id, '/', 1), stage, id DESC
) AS last
WHERE ended_at IS NULL AND started_at < now() - make_interval(hours => %s)
"""


def look(ledger: Ledger, settings: Settings) -> dict[str, int]:
    """Raise what needs a person and settle what has gone; returns `{open, settled}`."""
    with ledger.transaction() as connection:
        found = [
            *_waiting(connection, settings.alert_batch_days),
            *_blocked(connection),
            *_keys(connection, settings),
            *_stalled(connection),
        ]
        raise_alerts(connection, found)
        settled = settle_gone(connection, KINDS, [alert.cause for alert in found])
        settled += connection.execute(
            "UPDATE alert SET resolved_at = now() WHERE resolved_at IS NULL AND starts_with(cause, 'failed:') "
            "AND last_seen < now() - make_interval(days => %s)",
            (FORGOTTEN_DAYS,),
        ).rowcount
        row = connection.execute("SELECT count(*) AS n FROM alert WHERE resolved_at IS NULL").fetchone()
        return {"open": int(row.n) if row else 0, "settled": settled}


def _waiting(connection: Connection, days: int) -> Iterator[Alert]:
    for row in connection.execute(_WAITING, (days,)):
        one = row.changes == 1
        wait = f"1 change of {row.name} waits" if one else f"{row.changes:,} changes of {row.name} wait"
        yield Alert(
            f"waiting:{row.unit}",
            f"{wait} for a decision, the oldest for {row.days} days",
            "Decide them in ORCID review, or name more librarians in the units file; nothing is sent until then",
            "the unit's librarians",
            f"/orcid-review/batches/{row.batch}",
            unit=row.unit,
        )


def _blocked(connection: Connection) -> Iterator[Alert]:
    for row in connection.execute(_BLOCKED):
        word = explain("blocked", row.reason)
        stopped = "1 item" if row.items == 1 else f"{row.items:,} items"
        be = "is stopped and needs" if row.items == 1 else "are stopped and need"
        yield Alert(
            f"blocked:{row.unit}:{row.reason}",
            f"{stopped} of {row.name} {be} a person. {word.label}: {word.happened}",
            word.remedy or "Look at the items",
            str(word.who or Who.US),
            f"/orcid-review/items?state=blocked&reason={row.reason}",
            unit=row.unit,
        )


def _keys(connection: Connection, settings: Settings) -> Iterator[Alert]:
    used = connection.execute(_KEYS).fetchall()
    try:
        known = KeyRing.parse(settings.vault_keys).key_ids if used else ()
    except SettingInvalid as error:
        yield Alert("keys:unusable", str(error.what), error.remedy, str(error.who))
        return
    for row in used:
        if row.key_id not in known:
            yield Alert(
                f"keys:{row.key_id}",
                f"{row.tokens:,} tokens can't be read: ORCID_SYNC_KEYS lacks their key {row.key_id}",
                "Add that key behind the first one, then run `orcid-sync keys rotate`",
                str(Who.US),
            )


def _stalled(connection: Connection) -> Iterator[Alert]:
    for row in connection.execute(_STALLED, (STALLED_HOURS,)):
        dag, _, run = row.run_id.partition("/")
        yield Alert(
            f"stalled:{dag}:{row.stage}",
            f"The stage {row.stage} of {dag} began more than {STALLED_HOURS} hours ago and never ended",
            "Look whether its process still runs; clear its task, or trigger the DAG: nothing is done twice",
            str(Who.US),
            f"/dags/{dag}/runs/{run}",
            run_id=row.run_id,
        )
