"""What became of calls whose answer was lost: read from the record, never guessed.

Called with a mirror of the record that is younger than the last moment at which a lost request could still land.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Connection
from orcid_sync.model.identifiers import match_key
from orcid_sync.model.validation import same_meaning
from orcid_sync.sync.write import booking, journal
from orcid_sync.sync.write.approved import Approved, RecordWork
from orcid_sync.sync.write.journal import Intent

# Stands in for the identifiers of a work that gives up all of its own in a first phase.
STAND_IN: Final = "source-work-id:"

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
    """How many calls in doubt had arrived, how many changes were blocked because theirs never do, and how many got back
    what they held before."""

    arrived: int = 0
    blocked: int = 0
    restored: int = 0


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
    What did not arrive is tried again; after `attempts` times it is blocked. While an exchange of identifiers is under way
    its changes stay with the writer; else what nothing is known of is open again.
    """
    with connection.transaction():
        return _Settling(connection, work, changes, standing, on_record, attempts).settle()


class _Settling:
    """One settling, inside its transaction."""

    def __init__(
        self,
        connection: Connection,
        work: RecordWork,
        changes: Sequence[Approved],
        standing: Mapping[int, Mapping[str, Any]],
        on_record: frozenset[tuple[str, int]],
        attempts: int,
    ) -> None:
        self.connection, self.work, self.attempts = connection, work, attempts
        self.standing, self.on_record = standing, on_record
        self.changes = {change.id: change for change in changes}
        self.settled = Settled()
        self.exchanging = False

    def settle(self) -> Settled:
        intents = journal.open_intents(self.connection, self.changes)
        adds = [(self.changes[i.change_id], i) for i in intents if self.changes[i.change_id].action == "add"]
        found = arrived_adds(self.connection, self.work, adds)
        last = {intent.change_id: intent for intent in intents}
        self.exchanging = any(self._is_reduced(change, last.get(key)) for key, change in self.changes.items())
        for intent in intents:
            change = self.changes[intent.change_id]
            if intent is not last[change.id]:
                journal.record_outcome(self.connection, intent, "not_arrived")
            elif change.action == "add":
                self._add(change, intent, found.get(change.id))
            elif change.put_code_id is None:
                # Its put code was closed, or is one of another record: absence here says nothing.
                journal.back_to_open(self.connection, change, intent, "not_arrived", None, over=True)
            elif (change.section, change.put_code) not in self.on_record:
                self._absent(change, intent)
            elif change.action == "update":
                self._update(change, intent)
            else:
                self._not_arrived(change, intent)
        # Left in the middle before an intent was written, or after its outcome: nothing is in flight.
        idle = {key: change for key, change in self.changes.items() if key not in last}
        journal.release(self.connection, [key for key, change in idle.items() if not self._stays(change)])
        return self.settled

    def _is_reduced(self, change: Approved, intent: Intent | None) -> bool:
        """Whether its first phase stands on the record: booked before, or found there now."""
        if change.put_code_id is None or (change.section, change.put_code) not in self.on_record:
            return False
        return change.reduced or (intent is not None and self._first_phase_arrived(change, intent))

    def _first_phase_arrived(self, change: Approved, intent: Intent) -> bool:
        if intent.phase != journal.REDUCED or change.id not in self.standing:
            return False
        # What it gave up can't be on it any more, and what it is to get not yet.
        return self_keys(self.standing[change.id]) <= set(intent.sent_keys)

    def _stays(self, change: Approved) -> bool:
        return self.exchanging and change.action == "update" and change.put_code_id is not None

    def _add(self, change: Approved, intent: Intent, put_code: int | None) -> None:
        if put_code is None:
            self._not_arrived(change, intent)
        else:
            booking.written(self.connection, self.work, change, intent, put_code=put_code)
            self.settled.arrived += 1

    def _absent(self, change: Approved, intent: Intent) -> None:
        if change.action == "remove":
            booking.removed(self.connection, self.work, change, intent)
            self.settled.arrived += 1
        else:
            booking.gone(self.connection, self.work, change, intent, None)

    def _update(self, change: Approved, intent: Intent) -> None:
        assert change.put_code is not None
        standing = dict(self.standing.get(change.id, {}))
        if intent.phase == journal.FORMER:
            former = booking.former_content(self.connection, change)
            if former is not None and same_meaning(change.section, former[1], standing):
                booking.restored(self.connection, change, intent, former[0])
                self.settled.restored += 1
                return
        elif same_meaning(change.section, dict(change.content or {}), standing):
            booking.written(self.connection, self.work, change, intent, put_code=change.put_code)
            self.settled.arrived += 1
            return
        elif self._first_phase_arrived(change, intent):
            booking.reduced(self.connection, change, intent)
            self.settled.arrived += 1
            return
        self._not_arrived(change, intent)

    def _not_arrived(self, change: Approved, intent: Intent) -> None:
        """Try it again, or block it."""
        self.settled.blocked += journal.requeue(
            self.connection,
            change,
            intent,
            "not_arrived",
            error=None,
            attempts=self.attempts,
            at_once=True,
            bound=self._stays(change),
        )


def self_keys(content: Mapping[str, Any]) -> set[str]:
    """The match keys of an item's own identifiers, as it was read in full."""
    identifiers = (content.get("external-ids") or {}).get("external-id") or []
    return {
        key
        for one in identifiers
        if (one.get("external-id-relationship") or "self") == "self"
        and not (key := match_key(one["external-id-type"], one["external-id-value"])).startswith(STAND_IN)
    }
