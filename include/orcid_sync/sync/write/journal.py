"""The journal around each call: the intent is committed before it, outcome, put code and state in one piece after it.

Nothing here talks to the registry. Each function is one transaction on the writer's connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from orcid_sync.errors import SyncError
from orcid_sync.ledger.session import Connection, audit
from orcid_sync.sync.write.approved import NOT_HELD, NOT_REFUSED, Approved, RecordWork

FIRST_WAIT: Final = 60.0
LONGEST_WAIT: Final = 6 * 3600.0
NOT_ARRIVED: Final = "calls were made, and none of them reached the record"


@dataclass(frozen=True)
class Intent:
    """A call that is about to be made, or whose outcome is not known."""

    id: int
    change_id: int
    phase: int
    sent_keys: tuple[str, ...]


_STILL_ALLOWED: Final = f"""
SELECT change.id FROM change JOIN item ON item.id = change.item_id
WHERE change.id = ANY(%s) AND (change.state = 'writing' OR (change.state = 'open' AND change.verdict = 'approve'
      AND {NOT_REFUSED}))
  AND (change.action <> 'add' OR NOT EXISTS (
    -- Another person of the CRIS with the same record, from which its researcher removed this.
    SELECT FROM item removed
    JOIN permission theirs ON theirs.researcher_id = removed.researcher_id AND theirs.client_id = removed.client_id
    JOIN permission ours ON ours.researcher_id = item.researcher_id AND ours.client_id = item.client_id
    WHERE removed.section = item.section AND removed.cris_id = item.cris_id AND removed.tombstone_at IS NOT NULL
      AND theirs.orcid = ours.orcid))
  -- An approval by the unit that owned the item before does not count.
  AND change.unit_id = (SELECT unit_id FROM decision WHERE decision.change_id = change.id ORDER BY id DESC LIMIT 1)
  AND {NOT_HELD}
ORDER BY change.id FOR UPDATE OF change
"""


def begin(
    connection: Connection,
    changes: Sequence[Approved],
    *,
    run_id: str,
    settles_in: timedelta,
    phase: int = 2,
) -> dict[int, Intent]:
    """Commit the intents of one call; returns them by change. Left out: what is no longer approved, or is paused."""
    with connection.transaction():
        allowed = [row.id for row in connection.execute(_STILL_ALLOWED, ([change.id for change in changes],))]
        connection.execute(
            "UPDATE change SET state = 'writing' WHERE id = ANY(%s) AND state = 'open'", (allowed,)
        )
        rows = connection.execute(
            """
            INSERT INTO intent (change_id, item_id, unit_id, run_id, action, phase, digest, put_code, sent_keys,
                                settles_at)
            SELECT change.id, change.item_id, change.unit_id, %s, change.action, %s, change.digest, change.put_code,
                   coalesce(payload.self_keys, '{}'), clock_timestamp() + %s
            FROM change LEFT JOIN payload ON payload.digest = change.payload_digest
            WHERE change.id = ANY(%s)
            RETURNING id, change_id, phase, sent_keys
            """,
            (run_id, phase, settles_in, allowed),
        ).fetchall()
    return {row.change_id: _intent(row) for row in rows}


def _intent(row: Any) -> Intent:
    return Intent(row.id, row.change_id, row.phase, tuple(row.sent_keys))


def open_intents(connection: Connection, change_ids: Iterable[int]) -> list[Intent]:
    """Intents without an outcome, of these changes."""
    rows = connection.execute(
        "SELECT intent.id, intent.change_id, intent.phase, intent.sent_keys FROM intent LEFT JOIN outcome "
        "ON outcome.intent_id = intent.id WHERE intent.change_id = ANY(%s) AND outcome.intent_id IS NULL "
        "ORDER BY intent.id",
        (list(change_ids),),
    ).fetchall()
    return [_intent(row) for row in rows]


def unsettled(connection: Connection, change_ids: Iterable[int]) -> bool:
    """Whether a request of these changes may still land."""
    row = connection.execute(
        "SELECT FROM intent LEFT JOIN outcome ON outcome.intent_id = intent.id WHERE intent.change_id = ANY(%s) "
        "AND outcome.intent_id IS NULL AND intent.settles_at > clock_timestamp() LIMIT 1",
        (list(change_ids),),
    ).fetchone()
    return row is not None


def record_outcome(
    connection: Connection,
    intent: Intent,
    result: str,
    *,
    put_code: int | None = None,
    error: SyncError | None = None,
) -> None:
    """Append one outcome. Call it inside the transaction that draws its consequences."""
    connection.execute(
        "INSERT INTO outcome (intent_id, change_id, result, put_code, status, error_code) VALUES (%s, %s, %s, %s, %s, %s)",
        (
            intent.id,
            intent.change_id,
            result,
            put_code,
            None if error is None else error.status,
            None if error is None else error.error_code,
        ),
    )


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
) -> None:
    """The registry does not take this content: withheld with its own words, until the content changes."""
    record_outcome(connection, intent, "refused", error=error)
    hold_item(connection, change, "withheld", reason, detail)
    _close(connection, change, "refused")


def withdrawn(
    connection: Connection, change: Approved, held: str | None, reason: str | None, detail: str | None
) -> None:
    """An approved change that must not go out any more; the next proposal decides anew."""
    if held is not None:
        hold_item(connection, change, held, reason, detail)
    _close(connection, change, "withdrawn")


def requeue(
    connection: Connection,
    change: Approved,
    intent: Intent | None,
    result: str,
    *,
    error: SyncError | None,
    attempts: int,
    at_once: bool = False,
) -> bool:
    """Nothing arrived: the change goes back to open and is tried again, later each time; the first time `at_once`.

    After `attempts` failures it is blocked instead: the item says why, and a person lets it go on. Returns whether it
    was blocked.
    """
    if intent is not None:
        record_outcome(connection, intent, result, error=error)
    tried = change.attempts + 1
    message = NOT_ARRIVED if error is None else str(error)
    if tried >= attempts:
        hold_item(connection, change, "blocked", "gave_up", message)
        connection.execute(
            "UPDATE change SET attempts = %s, last_error = %s, state = 'refused' WHERE id = %s",
            (tried, message, change.id),
        )
        audit(connection, "gave_up", item_id=change.item_id, change_id=change.id, attempts=tried)
        return True
    connection.execute(
        "UPDATE change SET state = 'open', attempts = %s, last_error = coalesce(%s, last_error), "
        "next_attempt_at = clock_timestamp() + %s WHERE id = %s",
        (
            tried,
            None if error is None else message,
            timedelta(seconds=0 if at_once and tried == 1 else _wait(change, error)),
            change.id,
        ),
    )
    return False


def _wait(change: Approved, error: SyncError | None) -> float:
    """Seconds until the next attempt: doubled with each failure, never less than the registry asked for."""
    asked = (error.retry_after if error is not None else None) or 0.0
    return max(asked, min(LONGEST_WAIT, FIRST_WAIT * 2.0**change.attempts))


def back_to_open(
    connection: Connection, change: Approved, intent: Intent, result: str, error: SyncError | None
) -> None:
    """The call was not made, or not taken, for a reason that is not this change's: it waits, its attempts unharmed."""
    record_outcome(connection, intent, result, error=error)
    connection.execute("UPDATE change SET state = 'open' WHERE id = %s AND state = 'writing'", (change.id,))


def doubtful(connection: Connection, change: Approved, error: SyncError) -> None:
    """The request may have been carried out: the intent stays open, the record is read before anything is repeated.

    Whether it counts as a failed attempt shows when the record has been read.
    """
    connection.execute("UPDATE change SET last_error = %s WHERE id = %s", (str(error), change.id))


def forget_content(connection: Connection, change: Approved) -> None:
    """What stands under the item's put code is not what we last sent as a whole: the next comparison reads it."""
    connection.execute("UPDATE put_code SET digest = NULL WHERE id = %s", (change.put_code_id,))


def keep_content(connection: Connection, put_code_id: int, content: object) -> None:
    """Keep what an adopted item held before our first PUT, for undo. The first reading counts."""
    connection.execute(
        "INSERT INTO adopted_content (put_code_id, content) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (put_code_id, Jsonb(content)),
    )


def hold_item(
    connection: Connection, change: Approved, held: str, reason: str | None, detail: str | None
) -> None:
    """Say on the item why it does not go out."""
    connection.execute(
        "UPDATE item SET held = %s, reason = %s, detail = %s, held_since = now(), asserted_at = NULL WHERE id = %s",
        (held, reason, detail, change.item_id),
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
