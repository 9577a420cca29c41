"""Updates of one record: in an order without conflicts, and an exchange of identifiers as one thing.

Where items exchange identifiers, one of them gives its own up in a first phase. From that call on the exchange is under
way: its changes stay with the writer, no decision on them can be taken back, and each ends with a content that somebody
approved: the new one, or, where the registry does not take that, the one that stood before.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orcid_sync.errors import Gone, ItemRefused
from orcid_sync.model.identifiers import match_key
from orcid_sync.model.sections import SECTIONS
from orcid_sync.model.validation import as_sendable, same_meaning
from orcid_sync.sync.write import booking, journal
from orcid_sync.sync.write.approved import Approved
from orcid_sync.sync.write.calls import Calls
from orcid_sync.sync.write.order import Move, Step, order_updates, without_blocked

_Place = tuple[str, int]


@dataclass
class Updates:
    """Carries out the approved updates of one record."""

    calls: Calls
    changes: dict[int, Approved] = field(default_factory=dict)

    def send(self, changes: Sequence[Approved]) -> None:
        """Send them all, as far as they can go. Raises StopRecord."""
        failed = [change for change in changes if self._has_failed(change)]
        going = self._skip_what_stands([change for change in changes if change not in failed])
        self.changes = {change.id: change for change in going}
        has, leaving = self._keys_on_record()
        moves = [
            Move(
                change.id,
                has.get((change.section, change.put_code or 0), frozenset()),
                identifier_keys(change),
            )
            for change in going
        ]
        own = {(change.section, change.put_code) for change in changes}
        moves, waiting = without_blocked(moves, (has[place] for place in leaving - own))
        self.calls.tally.waiting += len(waiting)
        self._in_order(moves)
        for change in failed:
            self._restore(change)

    def _has_failed(self, change: Approved) -> bool:
        return change.reduced and (change.was_refused or change.attempts >= self.calls.settings.attempts)

    def _in_order(self, moves: list[Move]) -> None:
        has = {move.change_id: move.has for move in moves}
        gets = {move.change_id: move.gets for move in moves}
        left = set(has)
        for step in order_updates(moves):
            if step.change_id not in left or self._put(step):
                continue
            # What wants an identifier that was not given up would only be refused. An exchange under way is ended.
            stuck = {step.change_id}
            while more := {
                other
                for other in left - stuck - self.calls.bound
                if any(gets[other] & has[holder] for holder in stuck)
            }:
                stuck |= more
            left -= stuck
            self.calls.tally.waiting += len(stuck) - 1

    def _put(self, step: Step) -> bool:
        """Make one step's call; returns whether what the item had to give up is free now."""
        change, connection = self.changes[step.change_id], self.calls.connection
        content: dict[str, Any] = dict(change.content or {})
        keys, others = frozenset(change.self_keys), frozenset[int]()
        if step.strip:
            content, keys, others = stripped(change, step.strip), keys - step.strip, step.together
        intent = self.calls.begin([change], phase=step.phase, sent_keys=keys, together=others).get(change.id)
        if intent is None or change.put_code is None:
            return False
        try:
            self.calls.put(change, intent, content)
        except Gone as error:
            with connection.transaction():
                booking.gone(connection, self.calls.work, change, intent, error)
                journal.release(connection, others)
            self.calls.tally.gone += 1
            return True
        except ItemRefused as error:
            self.calls.refuse(change, intent, error)
            journal.release(connection, others)
            if change.reduced:
                self._restore(replace(change, was_refused=True))
            return False
        with connection.transaction():
            if step.strip:
                booking.reduced(connection, change, intent)
            else:
                booking.written(connection, self.calls.work, change, intent, put_code=change.put_code)
        if step.strip:
            self.changes[change.id] = replace(change, state="writing", reduced=True)
            self.calls.bound |= others | {change.id}
        else:
            self.calls.tally.count("update")
        return True

    def _restore(self, change: Approved) -> None:
        """The approved content does not go through: what stood before it was approved once, and stands again."""
        connection = self.calls.connection
        former = booking.former_content(connection, change)
        if former is None or change.put_code is None:
            self._left_between(change, "what it held before is not known")
            return
        digest, content = former
        intent = self.calls.begin([change], phase=journal.FORMER).get(change.id)
        if intent is None:
            return
        try:
            self.calls.put(change, intent, as_sendable(content))
        except Gone as error:
            with connection.transaction():
                booking.gone(connection, self.calls.work, change, intent, error)
            self.calls.tally.gone += 1
        except ItemRefused as error:
            with connection.transaction():
                journal.record_outcome(connection, intent, "refused", error=error)
            self._left_between(change, error.registry_message or error.why or error.what)
        else:
            with connection.transaction():
                booking.restored(connection, change, intent, digest)
            self.calls.tally.restored += 1

    def _left_between(self, change: Approved, detail: str) -> None:
        with self.calls.connection.transaction():
            booking.left_between(self.calls.connection, change, detail)
        self.calls.tally.blocked += 1

    def _skip_what_stands(self, changes: Sequence[Approved]) -> list[Approved]:
        """Adopted items are read in full before their first PUT; what stands as approved needs no call."""
        adopted = [change for change in changes if change.written_digest is None and not change.reduced]
        if not adopted:
            return list(changes)
        contents = self.calls.full_contents(adopted)
        equal: set[int] = set()
        for change in adopted:
            content = contents.get(change.id)
            if content is None or change.put_code is None or change.put_code_id is None:
                continue
            with self.calls.connection.transaction():
                booking.keep_content(self.calls.connection, change.put_code_id, dict(content))
            if same_meaning(change.section, dict(change.content or {}), dict(content)):
                self._link(change, change.put_code)
                equal.add(change.id)
        return [change for change in changes if change.id not in equal]

    def _link(self, change: Approved, put_code: int) -> None:
        intent = self.calls.begin([change]).get(change.id)
        if intent is None:
            return
        with self.calls.connection.transaction():
            booking.written(
                self.calls.connection,
                self.calls.work,
                change,
                intent,
                put_code=put_code,
                result="adopted",
            )
        self.calls.tally.count("update")

    def _keys_on_record(self) -> tuple[dict[_Place, frozenset[str]], set[_Place]]:
        """Identifiers of our entries by section and put code, as read and as written since.

        And the entries that have a change before them, be it not approved yet or to be tried again later: what another
        item wants of theirs may become free.
        """
        work = self.calls.work
        rows = self.calls.connection.execute(_KEYS_ON_RECORD, (work.orcid, work.client_id)).fetchall()
        keys = {(row.section, row.put_code): frozenset(row.keys) for row in rows}
        return keys, {(row.section, row.put_code) for row in rows if row.leaving}


_KEYS_ON_RECORD = """
SELECT live.section, live.put_code, array_agg(known.key) AS keys, EXISTS (
    SELECT FROM change WHERE change.item_id = live.item_id
    AND (state = 'writing' OR (state = 'open' AND verdict IS DISTINCT FROM 'reject'))) AS leaving
FROM put_code live
JOIN LATERAL (
    SELECT key FROM record_item_key
    WHERE orcid = live.orcid AND client_id = live.client_id AND section = live.section
      AND put_code = live.put_code AND relationship = 'self' AND NOT key LIKE 'content:%%'
    UNION
    SELECT sent.key FROM payload CROSS JOIN LATERAL unnest(payload.self_keys) AS sent (key)
    WHERE payload.digest = live.digest AND NOT sent.key LIKE 'content:%%'
) known ON true
WHERE live.orcid = %s AND live.client_id = %s AND live.closed_at IS NULL
GROUP BY live.id
"""


def identifier_keys(change: Approved) -> frozenset[str]:
    """The identifiers that the item gets and could lend for a while: what an affiliation says is none, nor is a page."""
    if not SECTIONS[change.section].identifiers:
        return frozenset()
    return frozenset(key for key in change.self_keys if not key.startswith("content:"))


def stripped(change: Approved, strip: frozenset[str]) -> dict[str, Any]:
    """The approved content without the contested identifiers, for the first phase of an update.

    An item needs one `self` identifier at any moment: where none is left, its number in the CRIS stands in until the
    second phase.
    """
    content = copy.deepcopy(dict(change.content or {}))
    *above, field = SECTIONS[change.section].identifiers
    holder = content
    for step in above:
        holder = holder[step]
    kept = [
        identifier
        for identifier in holder[field]["external-id"]
        if match_key(identifier["external-id-type"], identifier["external-id-value"]) not in strip
    ]
    if not any(identifier["external-id-relationship"] == "self" for identifier in kept):
        kept.append(
            {
                "external-id-type": "source-work-id",
                "external-id-value": change.cris_id,
                "external-id-relationship": "self",
            }
        )
    holder[field] = {"external-id": kept}
    return content
