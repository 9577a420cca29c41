"""The propose stage: the decision table over everything at once, in one transaction."""

from __future__ import annotations

from importlib import resources
from typing import Any, Final

import psycopg

from orcid_sync.errors import Transient
from orcid_sync.ledger.batches import settle_batches
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import UNIT_LOCK, Connection, Ledger, refresh_statistics, work_in_bulk
from orcid_sync.model.sections import OF_PERSON
from orcid_sync.settings import Settings
from orcid_sync.sync.propose.guards import stop_units, stopped_error
from orcid_sync.sync.propose.payloads import make_payloads

WAIT_FOR_WRITER: Final = "10min"
_FILLED: Final = ("item", "change", "batch_change", "payload", "cris_row", "cris_row_key")
_SQL: Final = resources.files("orcid_sync.sync.propose") / "sql"


def propose(
    ledger: Ledger,
    *,
    run_id: str,
    settings: Settings,
    unit: str | None = None,
    limit: int | None = None,
    dry_run: bool = False,
    proceed: bool = False,
) -> Counts:
    """Compare what the CRIS wants with what stands on the records, and put the differences into batches.

    Returns `{run, batches: [{batch, unit, add, update, remove}], withheld: {reason: n}, ...}`. With `unit` only that
    unit's items are looked at, with `limit` only those of so many researchers (the first that are known); with
    `dry_run` everything is computed, nothing is kept, and `changes` lists what would be proposed. Raises GuardStopped
    when a unit's proposal is implausibly large and `proceed` is not given; other units' proposals are kept all the same.
    Transient when a writer holds a unit for too long.
    """
    with stage_run(ledger, run_id, "propose") as counts:
        stopped: dict[str, str] = {}
        with ledger.connection() as connection, connection.transaction():
            connection.execute(
                "SELECT set_config('orcid_sync.run_id', %s, true) AS run, "
                "set_config('orcid_sync.of_person', %s, true) AS sections",
                (run_id, ",".join(OF_PERSON)),
            )
            work_in_bulk(connection)
            _lock_units(connection, unit)
            counts["payloads"] = make_payloads(connection, settings)
            for step in ("1_left_behind", "1_owners", "2_wishes"):
                _run(connection, step)
            if unit is not None:
                connection.execute(
                    "DELETE FROM wish WHERE unit_id <> (SELECT id FROM unit WHERE code = %s)", (unit,)
                )
            if limit is not None:
                connection.execute(
                    "DELETE FROM wish WHERE researcher_id NOT IN "
                    "(SELECT DISTINCT researcher_id FROM wish ORDER BY researcher_id LIMIT %s)",
                    (limit,),
                )
            for step in ("3_carry", "4_record", "5_verdicts"):
                _run(connection, step)
            if not proceed:
                stopped = stop_units(connection, settings)
            for step in ("6_apply", "7_batches"):
                _run(connection, step)
            settle_batches(connection)
            counts |= _counts(connection)
            if counts["proposed"]:
                refresh_statistics(connection, _FILLED)
            if stopped:
                counts["stopped"] = stopped
            if dry_run:
                counts["changes"] = _changes(connection)
                # Their numbers go back with the transaction: nobody could look them up.
                counts["batches"] = [{**batch, "batch": None} for batch in counts["batches"]]
                raise psycopg.Rollback
    if stopped and not dry_run:
        raise stopped_error(stopped)
    return counts


def _run(connection: Connection, step: str) -> None:
    connection.execute((_SQL / f"{step}.sql").read_text())


def _lock_units(connection: Connection, unit: str | None) -> None:
    """Keep writers of these units out until the end of the transaction."""
    connection.execute(f"SET LOCAL lock_timeout = '{WAIT_FOR_WRITER}'")
    try:
        connection.execute(
            "SELECT pg_advisory_xact_lock(%s, id) FROM (SELECT id FROM unit "
            "WHERE code = coalesce(%s, code) ORDER BY id) AS units",
            (UNIT_LOCK, unit),
        )
    except psycopg.errors.LockNotAvailable:
        raise Transient(
            "the proposal could not begin", why=f"a writer has held a unit for {WAIT_FOR_WRITER}", doubt=False
        ) from None
    connection.execute("SET LOCAL lock_timeout = 0")


def _counts(connection: Connection) -> dict[str, Any]:
    batches = connection.execute(
        """
        SELECT new_batch.id AS batch, unit.code AS unit, count(*) FILTER (WHERE action = 'add') AS add,
               count(*) FILTER (WHERE action = 'update') AS update, count(*) FILTER (WHERE action = 'remove') AS remove
        FROM new_batch JOIN unit ON unit.id = new_batch.unit_id
        JOIN batch_change ON batch_change.batch_id = new_batch.id JOIN change ON change.id = batch_change.change_id
        GROUP BY new_batch.id, unit.code ORDER BY new_batch.id
        """
    ).fetchall()
    held: dict[str, dict[str, int]] = {"withheld": {}, "on_hold": {}, "waiting_permission": {}, "blocked": {}}
    for row in connection.execute(
        "SELECT held, reason, count(*) AS n FROM verdict WHERE held IS NOT NULL GROUP BY held, reason ORDER BY 1, 2"
    ):
        held[row.held][row.reason] = row.n
    rulings = dict(
        connection.execute(
            "SELECT ruling, count(*) FROM verdict WHERE held IS NULL GROUP BY ruling"
        ).fetchall()
    )
    figures = connection.execute(
        "SELECT (SELECT count(*) FROM proposed) AS proposed, (SELECT count(*) FROM carry) AS moved, "
        "(SELECT count(*) FILTER (WHERE becomes = 'superseded') FROM closing) AS superseded, "
        "(SELECT count(*) FILTER (WHERE becomes = 'withdrawn') FROM closing) AS withdrawn"
    ).fetchone()
    assert figures is not None
    return {
        "batches": [row._asdict() for row in batches],
        **held,
        "proposed": figures.proposed,
        "adopted": rulings.get("adopt", 0),
        "stands": rulings.get("stands", 0),
        "record_not_read": rulings.get("unread", 0),
        "moved": figures.moved,
        "superseded": figures.superseded,
        "withdrawn": figures.withdrawn,
    }


def _changes(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.execute(
        """
        SELECT unit.code AS unit, researcher.person_id, item.section, item.cris_id, change.action, change.why,
               payload.title
        FROM proposed JOIN change USING (id) JOIN item ON item.id = change.item_id
        JOIN unit ON unit.id = change.unit_id JOIN researcher ON researcher.id = item.researcher_id
        LEFT JOIN payload ON payload.digest = change.payload_digest
        ORDER BY unit.code, researcher.person_id, item.section, item.cris_id
        """
    ).fetchall()
    return [row._asdict() for row in rows]
