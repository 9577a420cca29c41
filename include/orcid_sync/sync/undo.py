"""Taking a written batch back: a batch of its own, with its own approval, through the same writer."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any, Final

import orjson
from psycopg.types.json import Jsonb

from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import UNIT_LOCK, Connection, Ledger, actor_id, audit
from orcid_sync.model.validation import as_sendable
from orcid_sync.sync.write.heal import self_keys

_SQL: Final = (resources.files("orcid_sync.sync") / "undo.sql").read_text


class NothingToUndo(Misconfigured):
    """The batch does not exist, is an undo itself, or nothing of it stands on a record any more."""

    kind = "nothing_to_undo"


def undo(ledger: Ledger, batch_id: int, *, actor: str, run_id: str) -> Counts:
    """Propose to take back what a batch wrote; returns `{run, batch, unit, undoes, add, update, remove, left}`.

    What it added is removed, what it updated gets the content from before, what it removed is added again. An entry that
    was taken over gets the content that was read on the record before its first update. `left` counts what can't be taken
    back: changed or removed since, linked without a call, or without a known former content. The undone content is rejected
    for its items, so that the next proposal does not bring it back by itself. Raises NothingToUndo.
    """
    with stage_run(ledger, run_id, "undo") as counts, ledger.transaction() as connection:
        batch = connection.execute(
            "SELECT batch.id, batch.unit_id, batch.kind, unit.code AS unit FROM batch "
            "JOIN unit ON unit.id = batch.unit_id WHERE batch.id = %s",
            (batch_id,),
        ).fetchone()
        if batch is None or batch.kind == "undo":
            raise NothingToUndo(
                f"batch {batch_id} can't be undone",
                why="there is no such batch" if batch is None else "it is itself an undo",
                remedy="`orcid-sync review list` shows the batches",
            )
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (UNIT_LOCK, batch.unit_id))
        connection.execute(
            "SELECT set_config('orcid_sync.run_id', %s, true) AS run, set_config('orcid_sync.batch', %s, true) AS batch",
            (run_id, str(batch_id)),
        )
        _make_payloads_as_read(connection, batch_id)
        connection.execute(_SQL())
        counts |= {"unit": batch.unit, "undoes": batch_id, **_figures(connection)}
        if not counts["add"] + counts["update"] + counts["remove"]:
            raise NothingToUndo(
                f"batch {batch_id} can't be undone",
                why=f"nothing of it stands on a record as it was written ({counts['left']} changes since)",
                remedy="nothing is to be done",
            )
        audit(
            connection,
            "undo_proposed",
            actor=actor_id(connection, actor),
            unit_id=batch.unit_id,
            undoes=batch_id,
            batch=counts["batch"],
        )
    return counts


# The first update of an entry that was taken over, where a call was made for it.
_ADOPTED: Final = """
SELECT done.id AS change_id, live.id AS put_code_id, live.section, adopted.content
FROM batch_change
JOIN change done ON done.id = batch_change.change_id AND done.state = 'written' AND done.action = 'update'
    AND done.replaces_digest IS NULL
JOIN put_code live ON live.item_id = done.item_id AND live.closed_at IS NULL AND live.put_code = done.put_code
JOIN adopted_content adopted ON adopted.put_code_id = live.id
WHERE batch_change.batch_id = %s
  AND EXISTS (SELECT FROM outcome WHERE outcome.change_id = done.id AND outcome.result = 'written')
  AND NOT EXISTS (SELECT FROM change earlier WHERE earlier.item_id = done.item_id AND earlier.id < done.id
                  AND earlier.state = 'written' AND earlier.put_code = done.put_code)
"""


def _make_payloads_as_read(connection: Connection, batch_id: int) -> None:
    """What entries that were taken over held before, as payloads that can be decided on: table `as_read`.

    Their digest is over all that was read, not the meaning alone: what the CRIS makes of it must not take its place.
    """
    connection.execute(
        "CREATE TEMP TABLE as_read (change_id bigint, put_code_id bigint, digest text) ON COMMIT DROP"
    )
    for row in connection.execute(_ADOPTED, (batch_id,)).fetchall():
        content = as_sendable(row.content)
        plain = orjson.dumps(["as read", row.section, content], option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(plain).hexdigest()
        connection.execute(
            "INSERT INTO payload (digest, section, content, title, type, year, self_keys) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (digest, row.section, Jsonb(content), *_told(row.section, content), sorted(self_keys(content))),
        )
        connection.execute(
            "INSERT INTO as_read VALUES (%s, %s, %s)", (row.change_id, row.put_code_id, digest)
        )


def _told(section: str, content: dict[str, Any]) -> tuple[str | None, str | None, int | None]:
    """Title, type and year of an item as it was read, for the pages."""
    work = section == "work"
    title = (
        ((content.get("title") or {}).get("title") or {}).get("value") if work else content.get("role-title")
    )
    date = content.get("publication-date" if work else "start-date") or {}
    year = (date.get("year") or {}).get("value")
    return title, content.get("type") if work else section, int(year) if year else None


def _figures(connection: Connection) -> dict[str, int]:
    row = connection.execute(
        """
        SELECT (SELECT id FROM undo_batch) AS batch,
               count(*) FILTER (WHERE undo.action = 'add') AS add,
               count(*) FILTER (WHERE undo.action = 'update') AS update,
               count(*) FILTER (WHERE undo.action = 'remove') AS remove,
               count(*) FILTER (WHERE undo.action IS NULL) AS left
        FROM undo
        """
    ).fetchone()
    assert row is not None
    return dict(row._asdict())
