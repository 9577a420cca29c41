"""The journal around each call: the intent is committed before it, outcome, put code and state in one piece after it.

Nothing here talks to the registry. Each function is one transaction on the writer's connection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from orcid_sync.errors import SyncError
from orcid_sync.ledger.session import Connection, audit
from orcid_sync.sync.write.approved import NOT_HELD, NOT_REFUSED, Approved

FIRST_WAIT: Final = 60.0
LONGEST_WAIT: Final = 6 * 3600.0
NOT_ARRIVED: Final = "calls were made, and none of them reached the record"

# The phases of an update: without the identifiers it exchanges, as approved, and back to what it was.
REDUCED: Final = 1
FINAL: Final = 2
FORMER: Final = 3


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
    -- For another person of the CRIS with the same record, or under another kind.
    SELECT FROM removed_from_record removed
    WHERE removed.researcher_id = item.researcher_id AND removed.client_id = item.client_id
      AND removed.section = item.section AND removed.cris_id = item.cris_id AND removed.item_id <> item.id
    -- Looked up for these few; as a join it would go over everything that was ever removed.
    OFFSET 0))
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
    phase: int = FINAL,
    sent_keys: Collection[str] | None = None,
    together: Collection[int] = (),
) -> dict[int, Intent]:
    """Commit the intents of one call; returns them by change. Left out: what is no longer approved, or is paused.

    `sent_keys` are the identifiers that are sent, where these are not all of the content's. `together` are changes that
    are carried through with this one or not at all: they begin to be written too, each with an intent of its own later;
    where one of them is not allowed any more nothing begins.
    """
    wanted = {change.id for change in changes} | set(together)
    with connection.transaction():
        allowed = [row.id for row in connection.execute(_STILL_ALLOWED, (sorted(wanted),))]
        if together and len(allowed) < len(wanted):
            return {}
        connection.execute(
            "UPDATE change SET state = 'writing' WHERE id = ANY(%s) AND state = 'open'", (allowed,)
        )
        rows = connection.execute(
            """
            INSERT INTO intent (change_id, item_id, unit_id, run_id, action, phase, digest, put_code, sent_keys,
                                settles_at)
            SELECT change.id, change.item_id, change.unit_id, %s, change.action, %s, change.digest, change.put_code,
                   coalesce(%s, payload.self_keys, '{}'), clock_timestamp() + %s
            FROM change LEFT JOIN payload ON payload.digest = change.payload_digest
            WHERE change.id = ANY(%s)
            RETURNING id, change_id, phase, sent_keys
            """,
            (
                run_id,
                phase,
                None if sent_keys is None else sorted(sent_keys),
                settles_in,
                [change.id for change in changes if change.id in allowed],
            ),
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


def requeue(
    connection: Connection,
    change: Approved,
    intent: Intent | None,
    result: str,
    *,
    error: SyncError | None,
    attempts: int,
    at_once: bool = False,
    bound: bool = False,
) -> bool:
    """Nothing arrived: the change goes back to open and is tried again, later each time; the first time `at_once`.

    A `bound` one (it exchanges identifiers with others) stays with the writer. After `attempts` failures it is blocked:
    the item says why, and a person lets it go on. What has given up identifiers already has as many attempts again to get
    back what it held before. Returns whether it was blocked.
    """
    if intent is not None:
        record_outcome(connection, intent, result, error=error)
    tried = change.attempts + 1
    message = NOT_ARRIVED if error is None else str(error)
    if tried >= (2 * attempts if change.reduced else attempts):
        hold_item(connection, change, "blocked", "between_versions" if change.reduced else "gave_up", message)
        connection.execute(
            "UPDATE change SET attempts = %s, last_error = %s, state = 'refused' WHERE id = %s",
            (tried, message, change.id),
        )
        audit(connection, "gave_up", item_id=change.item_id, change_id=change.id, attempts=tried)
        return True
    connection.execute(
        "UPDATE change SET state = %s, attempts = %s, last_error = coalesce(%s, last_error), "
        "next_attempt_at = clock_timestamp() + %s WHERE id = %s",
        (
            "writing" if bound or change.reduced else "open",
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
    connection: Connection,
    change: Approved,
    intent: Intent,
    result: str,
    error: SyncError | None,
    *,
    bound: bool = False,
    over: bool = False,
) -> None:
    """The call was not made, or not taken, for a reason that is not this change's: it waits, its attempts unharmed.

    A `bound` one waits with the writer: what it exchanges identifiers with has begun. With `over` no entry is there that
    an exchange could be carried through on.
    """
    record_outcome(connection, intent, result, error=error)
    if over or not (bound or change.reduced):
        connection.execute(
            "UPDATE change SET state = 'open' WHERE id = %s AND state = 'writing'", (change.id,)
        )


def release(connection: Connection, change_ids: Collection[int]) -> None:
    """Changes that were to be carried through with one that did not begin: open again, and to be decided on."""
    connection.execute(
        "UPDATE change SET state = 'open' WHERE id = ANY (%s) AND state = 'writing'", (list(change_ids),)
    )


def doubtful(connection: Connection, change: Approved, error: SyncError) -> None:
    """The request may have been carried out: the intent stays open, the record is read before anything is repeated.

    Whether it counts as a failed attempt shows when the record has been read.
    """
    connection.execute("UPDATE change SET last_error = %s WHERE id = %s", (str(error), change.id))


def hold_item(
    connection: Connection, change: Approved, held: str, reason: str | None, detail: str | None
) -> None:
    """Say on the item why it does not go out."""
    connection.execute(
        "UPDATE item SET held = %s, reason = %s, detail = %s, held_since = now(), asserted_at = NULL WHERE id = %s",
        (held, reason, detail, change.item_id),
    )
