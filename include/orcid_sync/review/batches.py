"""Batches as people see them: which there are, what is in one, and when its question was put and ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.review.rights import NothingSelected

_COUNTS: Final = """
SELECT batch.id AS batch, unit.code AS unit, unit.name AS unit_name, batch.kind, batch.undoes, batch.state,
       batch.run_id, batch.created_at, batch.asked_at, batch.lapsed_at, batch.closed_at,
       count(change.id) AS changes,
       count(change.id) FILTER (WHERE action = 'add') AS add,
       count(change.id) FILTER (WHERE action = 'update') AS update,
       count(change.id) FILTER (WHERE action = 'remove') AS remove,
       count(change.id) FILTER (WHERE cardinality(warnings) > 0) AS with_warnings,
       count(DISTINCT item.researcher_id) AS researchers,
       count(change.id) FILTER (WHERE change.state = 'open' AND verdict IS NULL) AS undecided,
       count(change.id) FILTER (WHERE change.state IN ('open', 'writing') AND verdict = 'approve') AS approved,
       count(change.id) FILTER (WHERE change.state IN ('open', 'writing') AND verdict = 'reject') AS rejected,
       count(change.id) FILTER (WHERE change.state = 'written') AS written,
       count(change.id) FILTER (WHERE change.state IN ('superseded', 'withdrawn', 'refused')) AS closed
FROM batch JOIN unit ON unit.id = batch.unit_id
LEFT JOIN batch_change ON batch_change.batch_id = batch.id
LEFT JOIN change ON change.id = batch_change.change_id
LEFT JOIN item ON item.id = change.item_id
WHERE {condition}
GROUP BY batch.id, unit.code, unit.name ORDER BY batch.id DESC
"""

_CHANGES: Final = """
SELECT change.id AS change, change.item_id AS item, researcher.person_id,
       coalesce(put_code.orcid, permission.orcid) AS orcid, item.section, item.cris_id,
       change.action, change.state, change.verdict AS decision,
       decided.by AS decided_by, decided.at AS decided_at, decided.via AS decided_via, change.why AS reason, item.held,
       item.reason AS held_reason, payload.title, payload.type, payload.year, change.warnings, change.put_code,
       change.last_error
FROM batch_change JOIN change ON change.id = batch_change.change_id
JOIN item ON item.id = change.item_id JOIN researcher ON researcher.id = item.researcher_id
LEFT JOIN permission ON permission.researcher_id = item.researcher_id AND permission.client_id = item.client_id
LEFT JOIN put_code ON put_code.item_id = item.id AND put_code.closed_at IS NULL
LEFT JOIN payload ON payload.digest = coalesce(change.payload_digest, change.replaces_digest, put_code.digest)
LEFT JOIN LATERAL (
    SELECT actor.name AS by, decision.at, decision.via FROM decision LEFT JOIN actor ON actor.id = decision.actor_id
    WHERE decision.change_id = change.id AND change.verdict IS NOT NULL ORDER BY decision.id DESC LIMIT 1
) decided ON true
WHERE batch_change.batch_id = %s
ORDER BY researcher.person_id, item.section, item.cris_id, change.id
"""

_WITHHELD: Final = """
SELECT item.id AS item, researcher.person_id, permission.orcid, item.section, item.cris_id, item.reason, item.detail,
       item.held_since, payload.title, payload.type, payload.year
FROM item JOIN researcher ON researcher.id = item.researcher_id
LEFT JOIN permission ON permission.researcher_id = item.researcher_id AND permission.client_id = item.client_id
LEFT JOIN cris_row ON cris_row.section = item.section AND cris_row.cris_id = item.cris_id
LEFT JOIN payload ON payload.digest = cris_row.payload_digest
WHERE item.unit_id = %s AND item.held = 'withheld' AND item.suppressed_at IS NULL AND item.declined_at IS NULL
ORDER BY item.reason, researcher.person_id, item.section, item.cris_id
"""


def list_batches(ledger: Ledger, unit: str | None = None, state: str | None = None) -> list[dict[str, Any]]:
    """Batches with their counts, the newest first; of one unit, in one state (open, decided, replaced, closed)."""
    with ledger.transaction() as connection:
        return _counts(
            connection,
            "(%(unit)s::text IS NULL OR unit.code = %(unit)s) AND (%(state)s::text IS NULL OR batch.state = %(state)s)",
            {"unit": unit, "state": state},
        )


def batch_counts(connection: Connection, batch_id: int) -> dict[str, Any]:
    """One batch with its counts. Raises NothingSelected."""
    found = _counts(connection, "batch.id = %(batch)s", {"batch": batch_id})
    if not found:
        raise NothingSelected(
            f"There is no batch {batch_id}",
            why="the ledger has no such number",
            remedy="`orcid-sync review list` names the batches",
        )
    return found[0]


def show_batch(ledger: Ledger, batch_id: int) -> dict[str, Any]:
    """One batch: its counts, its `changes`, and what of its unit is `withheld` (in no batch, but assertable).

    A change: change, item, person_id, orcid, section, cris_id, action, decision (approve, reject or None), reason (why
    it is proposed), title, type, year, warnings, who decided and when. Raises NothingSelected.
    """
    with ledger.transaction() as connection:
        batch = batch_counts(connection, batch_id)
        changes = connection.execute(_CHANGES, (batch_id,)).fetchall()
        unit: Any = connection.execute("SELECT unit_id FROM batch WHERE id = %s", (batch_id,)).fetchone()
        withheld = connection.execute(_WITHHELD, (unit.unit_id,)).fetchall()
    return batch | {
        "changes_total": batch["changes"],
        "changes": [row._asdict() for row in changes],
        "withheld": [row._asdict() for row in withheld],
    }


def check_same_unit(ledger: Ledger, batch_id: int, item_ids: Sequence[int]) -> None:
    """Raises NothingSelected unless all items belong to the batch's unit (withheld ones are in no batch)."""
    with ledger.transaction() as connection:
        unit = batch_counts(connection, batch_id)["unit"]
        strangers = connection.execute(
            "SELECT item.id FROM item JOIN unit ON unit.id = item.unit_id WHERE item.id = ANY (%s) AND unit.code <> %s "
            "ORDER BY item.id",
            (list(item_ids), unit),
        ).fetchall()
    if strangers:
        raise NothingSelected(
            f"Item {', '.join(str(row.id) for row in strangers[:5])} is none of unit {unit}",
            why=f"batch {batch_id} belongs to unit {unit}",
            remedy="Leave --batch out, or name items of its unit",
        )


def batches_to_ask(ledger: Ledger) -> list[dict[str, Any]]:
    """Open batches that need a person and were not put to one yet.

    Each `{batch, unit, unit_name, kind, undecided, librarians}`. Those of units
    whose researchers or whose policy decide are left out, but not what takes a batch back.
    """
    with ledger.transaction() as connection:
        rows = connection.execute(
            """
            SELECT batch.id AS batch, unit.code AS unit, unit.name AS unit_name, batch.kind, undecided.n AS undecided,
                   ARRAY(SELECT user_name FROM unit_librarian WHERE unit_id = unit.id ORDER BY user_name) AS librarians
            FROM batch JOIN unit ON unit.id = batch.unit_id
            CROSS JOIN LATERAL (
                SELECT count(*) AS n FROM batch_change JOIN change ON change.id = batch_change.change_id
                WHERE batch_change.batch_id = batch.id AND change.state = 'open' AND change.verdict IS NULL
            ) undecided
            WHERE batch.state = 'open' AND batch.asked_at IS NULL AND undecided.n > 0
              AND (unit.approval = 'librarian' OR batch.kind = 'undo')
            ORDER BY batch.id
            """
        ).fetchall()
    return [row._asdict() for row in rows]


def mark_asked(ledger: Ledger, batch_id: int) -> None:
    """The question was put to people: `batches_to_ask` names the batch no more."""
    with ledger.transaction() as connection:
        connection.execute("UPDATE batch SET asked_at = coalesce(asked_at, now()) WHERE id = %s", (batch_id,))


def mark_lapsed(ledger: Ledger, batch_id: int) -> None:
    """The question ended and left something undecided: the next proposal puts it again, in a new batch."""
    with ledger.transaction() as connection:
        connection.execute("UPDATE batch SET lapsed_at = now() WHERE id = %s AND state = 'open'", (batch_id,))


def _counts(connection: Connection, condition: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    rows = connection.execute(_COUNTS.format(condition=condition), values).fetchall()
    return [row._asdict() for row in rows]
