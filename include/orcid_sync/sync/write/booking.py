"""What the outcome of a call means for its change, its item and its put code: booked in one piece with the outcome.

Nothing here talks to the registry. Call each function inside a transaction on the writer's connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from psycopg.types.json import Jsonb

from orcid_sync.errors import SyncError
from orcid_sync.ledger.session import Connection, audit
from orcid_sync.sync.write.approved import Approved, RecordWork
from orcid_sync.sync.write.journal import Intent, hold_item, record_outcome


def written(
    connection: Connection,
    work: RecordWork,
    change: Approved,
    intent: Intent,
    *,
    put_code: int,
    result: str = "written",
    known_content: bool = True,
) -> None:
    """The content stands on the record under this put code: outcome, put code, states.

    With `known_content` false the item is ours and stands, but what it holds was not sent by us: the next proposal
    compares.
    """
    digest = change.payload_digest if known_content else None
    record_outcome(connection, intent, result, put_code=put_code)
    if change.put_code_id is None:
        connection.execute(
            "INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, digest, origin) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                change.item_id,
                change.unit_id,
                work.client_id,
                work.orcid,
                change.section,
                put_code,
                digest,
                "adopted" if result == "adopted" else "written",
            ),
        )
    else:
        connection.execute(
            "UPDATE put_code SET digest = %s, written_at = clock_timestamp() WHERE id = %s",
            (digest, change.put_code_id),
        )
    _close(connection, change, "written")
    connection.execute(
        "UPDATE item SET held = NULL, reason = NULL, detail = NULL, held_since = NULL, removed_at = NULL "
        "WHERE id = %s",
        (change.item_id,),
    )


_ADDED: Final = """
WITH done AS (
    SELECT change.id, change.item_id, change.unit_id, change.payload_digest, answer.intent_id, answer.put_code, item.section
    FROM unnest(%(intents)s::bigint[], %(changes)s::bigint[], %(put_codes)s::bigint[])
        AS answer (intent_id, change_id, put_code)
    JOIN change ON change.id = answer.change_id JOIN item ON item.id = change.item_id
), outcomes AS (
    INSERT INTO outcome (intent_id, change_id, result, put_code) SELECT intent_id, id, 'written', put_code FROM done
), put_codes AS (
    INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, digest, origin)
    SELECT item_id, unit_id, %(client_id)s, %(orcid)s, section, put_code, payload_digest, 'written' FROM done
)
UPDATE item SET held = NULL, reason = NULL, detail = NULL, held_since = NULL, removed_at = NULL
FROM done WHERE item.id = done.item_id
"""


def added(connection: Connection, work: RecordWork, answers: Sequence[tuple[Approved, Intent, int]]) -> None:
    """`written` for many adds of one call, with the put code of each."""
    changes = [change.id for change, _, _ in answers]
    connection.execute(
        _ADDED,
        {
            "intents": [intent.id for _, intent, _ in answers],
            "changes": changes,
            "put_codes": [put_code for _, _, put_code in answers],
            "client_id": work.client_id,
            "orcid": work.orcid,
        },
    )
    # After the outcomes: without them the database would not let it be called written.
    connection.execute("UPDATE change SET state = 'written' WHERE id = ANY (%s)", (changes,))


def removed(connection: Connection, work: RecordWork, change: Approved, intent: Intent) -> None:
    """Our item is off the record, as it was approved (or had gone already)."""
    record_outcome(connection, intent, "removed", put_code=change.put_code)
    _close_put_code(connection, work, change, "removed")
    connection.execute(
        "UPDATE item SET removed_at = now(), held = NULL, reason = NULL, detail = NULL, held_since = NULL "
        "WHERE id = %s",
        (change.item_id,),
    )
    _close(connection, change, "written")


def gone(
    connection: Connection, work: RecordWork, change: Approved, intent: Intent, error: SyncError | None
) -> None:
    """The researcher removed our item: a tombstone, and the update is off the table."""
    record_outcome(connection, intent, "gone", put_code=change.put_code, error=error)
    _close_put_code(connection, work, change, "removed_by_researcher")
    connection.execute(
        "UPDATE item SET tombstone_at = coalesce(tombstone_at, now()), held = NULL, reason = NULL, detail = NULL, "
        "held_since = NULL, asserted_at = NULL WHERE id = %s",
        (change.item_id,),
    )
    _close(connection, change, "withdrawn")
    audit(connection, "removed_by_researcher", item_id=change.item_id, change_id=change.id)


def refused(
    connection: Connection,
    change: Approved,
    intent: Intent,
    error: SyncError,
    *,
    reason: str,
    detail: str,
    other: int | None = None,
) -> None:
    """The registry does not take this content: withheld with its own words, until the content changes.

    `other` is the put code of our entry that stands in its way. Of an update that has given up identifiers already the
    call is over but not the change: it gets back what it held before.
    """
    record_outcome(connection, intent, "refused", put_code=other, error=error)
    hold_item(connection, change, "withheld", reason, detail)
    _remember(connection, change, detail)
    if not change.reduced:
        _close(connection, change, "refused")


def record_full(
    connection: Connection, work: RecordWork, change: Approved, intent: Intent, error: SyncError
) -> None:
    """The record has no room: the change keeps its approval and waits until a reading shows fewer works than now."""
    record_outcome(connection, intent, "refused", error=error)
    connection.execute(
        "UPDATE record SET works_when_full = coalesce(works_on_record, 0) WHERE orcid = %s AND client_id = %s",
        (work.orcid, work.client_id),
    )
    hold_item(connection, change, "withheld", "record_full", str(error))
    connection.execute("UPDATE change SET state = 'open' WHERE id = %s AND state = 'writing'", (change.id,))


def withdrawn(
    connection: Connection, change: Approved, held: str | None, reason: str | None, detail: str | None
) -> None:
    """An approved change that must not go out any more; the next proposal decides anew."""
    if held is not None:
        hold_item(connection, change, held, reason, detail)
    _close(connection, change, "withdrawn")


def reduced(connection: Connection, change: Approved, intent: Intent) -> None:
    """The first phase has arrived: what stands is nobody's wish, and the change stays with the writer until it is over."""
    record_outcome(connection, intent, "written", put_code=change.put_code)
    connection.execute("UPDATE put_code SET digest = NULL WHERE id = %s", (change.put_code_id,))


def former_content(connection: Connection, change: Approved) -> tuple[str | None, dict[str, Any]] | None:
    """What stood under the item's put code before this change: its digest (None: never written by us) and content."""
    row = connection.execute(
        """
        SELECT payload.digest, coalesce(payload.content, adopted.content) AS content
        FROM change LEFT JOIN payload ON payload.digest = change.replaces_digest
        LEFT JOIN adopted_content adopted ON adopted.put_code_id = %s
        WHERE change.id = %s
        """,
        (change.put_code_id, change.id),
    ).fetchone()
    return None if row is None or row.content is None else (row.digest, row.content)


def restored(connection: Connection, change: Approved, intent: Intent, digest: str | None) -> None:
    """The former content stands again: the change is over, and the item says why it did not go through."""
    record_outcome(connection, intent, "written", put_code=change.put_code)
    connection.execute(
        "UPDATE put_code SET digest = %s, written_at = clock_timestamp() WHERE id = %s",
        (digest, change.put_code_id),
    )
    if not change.was_refused:
        hold_item(connection, change, "blocked", "gave_up", change.last_error)
    _close(connection, change, "refused")
    audit(connection, "former_content_restored", item_id=change.item_id, change_id=change.id)


def left_between(connection: Connection, change: Approved, detail: str) -> None:
    """Neither the approved content nor the former one can stand: a person has to look."""
    hold_item(connection, change, "blocked", "between_versions", detail)
    _remember(connection, change, detail)
    _close(connection, change, "refused")
    audit(connection, "left_between_versions", item_id=change.item_id, change_id=change.id)


def keep_content(connection: Connection, put_code_id: int, content: object) -> None:
    """Keep what an adopted item held before our first PUT, for undo. The first reading counts."""
    connection.execute(
        "INSERT INTO adopted_content (put_code_id, content) SELECT id, %s FROM put_code "
        "WHERE id = %s AND origin <> 'written' ON CONFLICT DO NOTHING",
        (Jsonb(content), put_code_id),
    )


def _close_put_code(connection: Connection, work: RecordWork, change: Approved, because: str) -> None:
    connection.execute(
        "UPDATE put_code SET closed_at = now(), closed_because = %s WHERE id = %s AND closed_at IS NULL",
        (because, change.put_code_id),
    )
    # What is not on the record any more must not be found there by the next proposal.
    for table in ("record_item", "record_item_key"):
        connection.execute(
            f"DELETE FROM {table} WHERE orcid = %s AND section = %s AND put_code = %s",
            (work.orcid, change.section, change.put_code),
        )


def _close(connection: Connection, change: Approved, state: str) -> None:
    connection.execute("UPDATE change SET state = %s WHERE id = %s", (state, change.id))


def _remember(connection: Connection, change: Approved, error: str) -> None:
    connection.execute("UPDATE change SET last_error = %s WHERE id = %s", (error, change.id))
