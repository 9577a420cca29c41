"""What became of calls whose answer was lost: read from the record, never guessed.

Called with a mirror of the record that is younger than the last moment at which a lost request could still land.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Connection
from orcid_sync.model.validation import same_meaning
from orcid_sync.sync.write import journal
from orcid_sync.sync.write.approved import Approved, RecordWork
from orcid_sync.sync.write.journal import Intent

# Our own items on the record that no unit holds, with the identifiers they share with what was sent.
_CANDIDATES: Final = """
SELECT sent.change_id, found.put_code, count(*) AS shared
FROM unnest(%(change_ids)s::bigint[], %(sections)s::text[], %(keys)s::text[]) AS sent (change_id, section, key)
JOIN record_item_key standing ON standing.orcid = %(orcid)s AND standing.client_id = %(client_id)s
    AND standing.key = sent.key AND standing.section = sent.section AND standing.relationship = 'self'
JOIN record_item found ON found.orcid = standing.orcid AND found.client_id = standing.client_id
    AND found.section = standing.section AND found.put_code = standing.put_code
WHERE found.source_client_id = %(client_id)s
  AND NOT EXISTS (SELECT FROM put_code owner WHERE owner.client_id = %(client_id)s AND owner.orcid = %(orcid)s
                  AND owner.section = found.section AND owner.put_code = found.put_code AND owner.closed_at IS NULL)
GROUP BY sent.change_id, found.put_code
ORDER BY shared DESC, found.put_code, sent.change_id
"""


def arrived_adds(
    connection: Connection, work: RecordWork, adds: Sequence[tuple[Approved, Intent]]
) -> dict[int, int]:
    """Put codes of lost adds that stand on the record: change id -> put code, best match first, one to one."""
    keys = [(change.id, change.section, key) for change, intent in adds for key in intent.sent_keys]
    rows = connection.execute(
        _CANDIDATES,
        {
            "change_ids": [key[0] for key in keys],
            "sections": [key[1] for key in keys],
            "keys": [key[2] for key in keys],
            "orcid": work.orcid,
            "client_id": work.client_id,
        },
    ).fetchall()
    found: dict[int, int] = {}
    for row in rows:
        if row.change_id not in found and row.put_code not in found.values():
            found[row.change_id] = row.put_code
    return found


@dataclass
class Settled:
    """How many calls in doubt had arrived, and how many changes were blocked because theirs never do."""

    arrived: int = 0
    blocked: int = 0

    def not_arrived(self, connection: Connection, change: Approved, intent: Intent, attempts: int) -> None:
        """Try it again, or block it."""
        if journal.requeue(
            connection, change, intent, "not_arrived", error=None, attempts=attempts, at_once=True
        ):
            self.blocked += 1


def settle(
    connection: Connection,
    work: RecordWork,
    changes: Sequence[Approved],
    standing: Mapping[int, Mapping[str, Any]],
    on_record: frozenset[tuple[str, int]],
    attempts: int,
) -> Settled:
    """Give every open intent of these changes its outcome.

    `standing` holds the full items of updates in doubt by change id, `on_record` all (section, put code) on the record.
    What did not arrive is tried again; after `attempts` times it is blocked.
    """
    by_id = {change.id: change for change in changes}
    intents = journal.open_intents(connection, by_id)
    adds = [(by_id[i.change_id], i) for i in intents if by_id[i.change_id].action == "add"]
    found = arrived_adds(connection, work, adds)
    settled = Settled()
    last = {intent.change_id: intent for intent in intents}
    with connection.transaction():
        for intent in intents:
            change = by_id[intent.change_id]
            if intent is not last[change.id]:
                journal.record_outcome(connection, intent, "not_arrived")
            elif change.action == "add":
                put_code = found.get(change.id)
                if put_code is None:
                    settled.not_arrived(connection, change, intent, attempts)
                else:
                    journal.written(connection, work, change, intent, put_code=put_code)
                    settled.arrived += 1
            elif change.put_code_id is None:
                # Its put code was closed, or is one of another record: absence here says nothing.
                journal.back_to_open(connection, change, intent, "not_arrived", None)
            elif (change.section, change.put_code) not in on_record:
                if change.action == "remove":
                    journal.removed(connection, work, change, intent)
                    settled.arrived += 1
                else:
                    journal.gone(connection, work, change, intent, None)
            elif change.action == "update" and same_meaning(
                change.section, dict(change.content or {}), dict(standing.get(change.id, {}))
            ):
                assert change.put_code is not None
                journal.written(connection, work, change, intent, put_code=change.put_code)
                settled.arrived += 1
            else:
                if intent.phase == 1:
                    journal.forget_content(connection, change)
                settled.not_arrived(connection, change, intent, attempts)
        # Left in the middle before an intent was written, or after its outcome: nothing is in flight.
        for change in changes:
            if change.state == "writing" and change.id not in last:
                connection.execute(
                    "UPDATE change SET state = 'open' WHERE id = %s AND state = 'writing'", (change.id,)
                )
    return settled
