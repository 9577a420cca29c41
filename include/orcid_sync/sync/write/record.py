"""Writing to one record, exactly once as seen from the record.

The caller holds the record's lock on `connection`. Every call is framed by the journal; whatever is in doubt is read
before anything is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from orcid_sync.errors import (
    Duplicate,
    Gone,
    ItemRefused,
    RateLimited,
    RecordFull,
    SyncError,
    Transient,
)
from orcid_sync.ledger.session import Connection
from orcid_sync.model.identifiers import match_key
from orcid_sync.model.sections import SECTIONS
from orcid_sync.model.validation import same_meaning
from orcid_sync.orcid.client import ApiClient
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.write import heal, journal
from orcid_sync.sync.write.approved import Approved, RecordWork
from orcid_sync.sync.write.journal import Intent
from orcid_sync.sync.write.order import Move, Step, order_updates, without_blocked
from orcid_sync.sync.write.recheck import still_valid

Result = TypeVar("Result")
_Place = tuple[str, int]


@dataclass
class Tally:
    """What one record's writing came to."""

    added: int = 0
    updated: int = 0
    removed: int = 0
    refused: int = 0
    gone: int = 0
    blocked: int = 0
    retrying: int = 0
    healed: int = 0
    withdrawn: int = 0
    # for an identifier that another of our entries has yet to give up
    waiting: int = 0

    def count(self, action: str) -> None:
        """One change of this action is written."""
        field_name = {"add": "added", "update": "updated", "remove": "removed"}[action]
        setattr(self, field_name, getattr(self, field_name) + 1)


class Paused(SyncError):
    """Somebody paused the sync, the unit or the researcher: nothing was sent."""

    kind = "paused"


class TooLate(RateLimited):
    """The wait for a turn took so long that the call was not made."""

    kind = "too_late"


class StopRecord(Exception):
    """Nothing more can be done on this record now; `error` says why."""

    def __init__(self, error: SyncError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass
class RecordWriter:
    """The writer of one record. `reread` reads the record anew into the mirror and returns what stands on it."""

    connection: Connection
    client: ApiClient
    token: Secret
    work: RecordWork
    settings: Settings
    run_id: str
    reread: Callable[[], object]
    must_read: bool = False
    tally: Tally = field(default_factory=Tally)
    clock: Callable[[], float] = time.monotonic
    _send_before: float | None = None

    def write(self, changes: Sequence[Approved], reload: Callable[[], list[Approved]]) -> Tally:
        """Carry out what is approved, in the order removals, updates, adds. Raises StopRecord."""
        in_doubt = [change for change in changes if change.state == "writing"]
        if journal.unsettled(self.connection, [change.id for change in in_doubt]):
            # A request that was lost on the way may still land; reading now would prove nothing.
            self.tally.retrying += len(in_doubt)
            return self.tally
        if self.work.delete_only:
            self._remove([change for change in self._certain(changes) if change.action == "remove"])
            return self.tally
        if in_doubt or self.must_read or any(change.attempts for change in changes):
            self._call(self.reread)
            if in_doubt:
                self._heal(in_doubt)
            before = len(reload_all := reload())
            changes = still_valid(self.connection, self.work, reload_all)
            self.tally.withdrawn += before - len(changes)
        else:
            changes = self._with_put_code(changes)
        self._remove([change for change in changes if change.action == "remove"])
        self._update([change for change in changes if change.action == "update"])
        self._add([change for change in changes if change.action == "add"])
        return self.tally

    def check_time(self) -> None:
        """Asked right before each call: would a writing call still end before its intents count as settled?

        A wait for a turn can be long. A request that leaves too late could land after somebody has read the record to
        see whether it did.
        """
        if self._send_before is not None and self.clock() > self._send_before:
            raise TooLate(
                "The call was not made", why="its turn came so late that it could have landed unnoticed"
            )

    def _with_put_code(self, changes: Sequence[Approved]) -> list[Approved]:
        """Updates and removals whose put code is no longer live on this record are withdrawn: a 404 would mislead."""
        valid = [change for change in changes if change.action == "add" or change.put_code_id is not None]
        lost = [change for change in changes if change not in valid]
        with self.connection.transaction():
            for change in lost:
                journal.withdrawn(self.connection, change, None, None, None)
        self.tally.withdrawn += len(lost)
        return valid

    # ---- after a doubt

    def _certain(self, changes: Sequence[Approved]) -> list[Approved]:
        """With a token that can't read, only removals are left, and these may be repeated: each call says what is."""
        by_id = {change.id: change for change in changes if change.state == "writing"}
        later: set[int] = set()
        with self.connection.transaction():
            for intent in journal.open_intents(self.connection, by_id):
                change = by_id[intent.change_id]
                blocked = journal.requeue(
                    self.connection,
                    change,
                    intent,
                    "not_arrived",
                    error=None,
                    attempts=self.settings.attempts,
                    at_once=True,
                )
                self.tally.blocked += blocked
                if blocked or change.attempts:
                    later.add(change.id)
        return self._with_put_code([change for change in changes if change.id not in later])

    def _heal(self, in_doubt: Sequence[Approved]) -> None:
        on_record = frozenset(
            (row.section, row.put_code)
            for row in self.connection.execute(
                "SELECT section, put_code FROM record_item WHERE orcid = %s AND client_id = %s",
                (self.work.orcid, self.work.client_id),
            )
        )
        updates = [
            change
            for change in in_doubt
            if change.action == "update" and (change.section, change.put_code) in on_record
        ]
        standing = self._full_contents(updates)
        settled = heal.settle(
            self.connection, self.work, in_doubt, standing, on_record, self.settings.attempts
        )
        self.tally.healed += settled.arrived
        self.tally.blocked += settled.blocked

    def _full_contents(self, changes: Sequence[Approved]) -> dict[int, Mapping[str, Any]]:
        """What stands on the record for these changes, in full: bulk where the section has it."""
        contents: dict[int, Mapping[str, Any]] = {}
        works = {change.put_code: change for change in changes if SECTIONS[change.section].bulk > 1}
        if works:
            read = self._call(
                lambda: self.client.read_works(self.work.orcid, [code for code in works if code], self.token)
            )
            contents |= {works[code].id: content for code, content in read.found.items()}
        for change in changes:
            if SECTIONS[change.section].bulk == 1 and change.put_code is not None:
                try:
                    contents[change.id] = self._call(
                        partial(
                            self.client.read_item,
                            self.work.orcid,
                            change.section,
                            change.put_code,
                            self.token,
                        )
                    )
                except ItemRefused:
                    continue
        return contents

    # ---- removals

    def _remove(self, changes: Sequence[Approved]) -> None:
        for change in changes:
            intent = self._begin([change]).get(change.id)
            if intent is None or change.put_code is None:
                continue
            try:
                self._send(
                    [(change, intent)],
                    partial(
                        self.client.delete_item, self.work.orcid, change.section, change.put_code, self.token
                    ),
                )
            except Gone:
                pass
            except ItemRefused as error:
                self._refuse(change, intent, error)
                continue
            with self.connection.transaction():
                journal.removed(self.connection, self.work, change, intent)
            self.tally.count("remove")

    # ---- updates

    def _update(self, changes: Sequence[Approved]) -> None:
        changes = self._skip_what_stands(changes)
        by_id = {change.id: change for change in changes}
        has, leaving = self._keys_on_record()
        moves = [
            Move(
                change.id,
                has.get((change.section, change.put_code or 0), frozenset()),
                frozenset(change.self_keys),
            )
            for change in changes
        ]
        own = {(change.section, change.put_code) for change in changes}
        moves, waiting = without_blocked(moves, (has[place] for place in leaving - own))
        self.tally.waiting += len(waiting)
        for step in order_updates(moves):
            if step.change_id in by_id and not self._put(by_id[step.change_id], step):
                # Its second phase has nothing left to do.
                del by_id[step.change_id]

    def _put(self, change: Approved, step: Step) -> bool:
        intent = self._begin([change], phase=step.phase).get(change.id)
        if intent is None or change.put_code is None:
            return False
        content = stripped(change, step.strip) if step.strip else dict(change.content or {})
        try:
            self._send(
                [(change, intent)],
                partial(
                    self.client.update_item,
                    self.work.orcid,
                    change.section,
                    change.put_code,
                    content,
                    self.token,
                ),
            )
        except Gone as error:
            with self.connection.transaction():
                journal.gone(self.connection, self.work, change, intent, error)
            self.tally.gone += 1
            return False
        except ItemRefused as error:
            self._refuse(change, intent, error)
            return False
        with self.connection.transaction():
            if step.strip:
                journal.record_outcome(self.connection, intent, "written", put_code=change.put_code)
                # The content in between is nobody's wish: until the second phase the next comparison must not trust it.
                journal.forget_content(self.connection, change)
                return True
            journal.written(self.connection, self.work, change, intent, put_code=change.put_code)
        self.tally.count("update")
        return True

    def _skip_what_stands(self, changes: Sequence[Approved]) -> list[Approved]:
        """Adopted items are read in full before their first PUT; what stands as approved needs no call."""
        adopted = [change for change in changes if change.written_digest is None]
        if not adopted:
            return list(changes)
        contents = self._full_contents(adopted)
        equal: set[int] = set()
        for change in adopted:
            content = contents.get(change.id)
            if content is None or change.put_code is None or change.put_code_id is None:
                continue
            with self.connection.transaction():
                journal.keep_content(self.connection, change.put_code_id, dict(content))
            if same_meaning(change.section, dict(change.content or {}), dict(content)):
                intent = self._begin([change]).get(change.id)
                if intent is not None:
                    with self.connection.transaction():
                        journal.written(
                            self.connection,
                            self.work,
                            change,
                            intent,
                            put_code=change.put_code,
                            result="adopted",
                        )
                    self.tally.count("update")
                equal.add(change.id)
        return [change for change in changes if change.id not in equal]

    def _keys_on_record(self) -> tuple[dict[_Place, frozenset[str]], set[_Place]]:
        """Identifiers of our entries by section and put code, as read and as written since.

        And the entries that have a change before them, be it not approved yet or to be tried again later: what another
        item wants of theirs may become free.
        """
        rows = self.connection.execute(
            """
            SELECT live.section, live.put_code, array_agg(known.key) AS keys, EXISTS (
                SELECT FROM change WHERE change.item_id = live.item_id
                AND (state = 'writing' OR (state = 'open' AND verdict IS DISTINCT FROM 'reject'))) AS leaving
            FROM put_code live
            JOIN LATERAL (
                SELECT key FROM record_item_key
                WHERE orcid = live.orcid AND client_id = live.client_id AND section = live.section
                  AND put_code = live.put_code AND relationship = 'self' AND NOT key LIKE 'content:%%'
                UNION
                SELECT unnest(self_keys) FROM payload WHERE payload.digest = live.digest
            ) known ON true
            WHERE live.orcid = %s AND live.client_id = %s AND live.closed_at IS NULL
            GROUP BY live.id
            """,
            (self.work.orcid, self.work.client_id),
        ).fetchall()
        keys = {(row.section, row.put_code): frozenset(row.keys) for row in rows}
        return keys, {(row.section, row.put_code) for row in rows if row.leaving}

    # ---- adds

    def _add(self, changes: Sequence[Approved]) -> None:
        single = self._must_go_alone(changes)
        for name, section in SECTIONS.items():
            of_section = [change for change in changes if change.section == name]
            if section.bulk > 1:
                together = [change for change in of_section if change.id not in single]
                for start in range(0, len(together), section.bulk):
                    self._post_bulk(together[start : start + section.bulk])
                of_section = [change for change in of_section if change.id in single]
            for change in of_section:
                self._post(change)

    def _must_go_alone(self, changes: Sequence[Approved]) -> set[int]:
        """Adds whose identifier another item of ours names as another version of itself.

        In a bulk call the registry takes that for a duplicate, in a call of its own it does not.
        """
        versions = {
            row.key
            for row in self.connection.execute(
                "SELECT key.key FROM record_item_key key JOIN record_item item USING (orcid, section, put_code, client_id) "
                "WHERE key.orcid = %s AND key.client_id = %s AND key.relationship = 'version-of' "
                "AND item.source_client_id = key.client_id",
                (self.work.orcid, self.work.client_id),
            )
        }
        for change in changes:
            versions |= _version_keys(change)
        return {change.id for change in changes if versions & set(change.self_keys)}

    def _post_bulk(self, changes: Sequence[Approved]) -> None:
        intents = self._begin(changes)
        sent = [change for change in changes if change.id in intents]
        if not sent:
            return
        pairs = [(change, intents[change.id]) for change in sent]
        try:
            answers = self._send(
                pairs,
                lambda: self.client.add_works_bulk(
                    self.work.orcid, [change.content or {} for change in sent], self.token
                ),
            )
        except ItemRefused as error:
            # The call as a whole: nothing of it was taken. One by one it shows which of them is to blame.
            with self.connection.transaction():
                for change, intent in pairs:
                    journal.back_to_open(self.connection, change, intent, "failed", error)
            for change in sent:
                self._post(change)
            return
        added = [
            (change, intent, answer.put_code)
            for (change, intent), answer in zip(pairs, answers, strict=True)
            if answer.error is None and answer.put_code is not None
        ]
        with self.connection.transaction():
            journal.added(self.connection, self.work, added)
        self.tally.added += len(added)
        for (change, intent), answer in zip(pairs, answers, strict=True):
            if answer.error is None and answer.put_code is not None:
                continue
            if isinstance(answer.error, ItemRefused):
                self._refuse(change, intent, answer.error)
            elif isinstance(answer.error, Transient) and answer.error.doubt:
                journal.doubtful(self.connection, change, answer.error)
                self.tally.retrying += 1
            else:
                self._requeue([(change, intent)], answer.error)

    def _post(self, change: Approved) -> None:
        intent = self._begin([change]).get(change.id)
        if intent is None:
            return
        try:
            put_code = self._send(
                [(change, intent)],
                lambda: self.client.add_item(
                    self.work.orcid, change.section, change.content or {}, self.token
                ),
            )
        except ItemRefused as error:
            self._refuse(change, intent, error)
            return
        with self.connection.transaction():
            journal.written(self.connection, self.work, change, intent, put_code=put_code)
        self.tally.count("add")

    # ---- the frame around each call

    def _begin(self, changes: Sequence[Approved], *, phase: int = 2) -> dict[int, Intent]:
        # Half of the time beyond the deadline may be spent on waiting for a turn, the other half on the way.
        self._send_before = self.clock() + max(1.0, self.settings.settle_seconds / 2)
        settles_in = timedelta(seconds=self.settings.call_deadline + self.settings.settle_seconds)
        return journal.begin(self.connection, changes, run_id=self.run_id, settles_in=settles_in, phase=phase)

    def _send(self, pairs: Sequence[tuple[Approved, Intent]], call: Callable[[], Result]) -> Result:
        """Make one writing call; errors of the call as a whole draw their consequences here and stop the record."""
        try:
            return call()
        except ItemRefused:
            raise
        except Transient as error:
            if error.doubt:
                for change, _ in pairs:
                    journal.doubtful(self.connection, change, error)
                self.tally.retrying += len(pairs)
            else:
                self._requeue(pairs, error)
            raise StopRecord(error) from error
        except RecordFull as error:
            with self.connection.transaction():
                for change, intent in pairs:
                    journal.refused(
                        self.connection, change, intent, error, reason="record_full", detail=str(error)
                    )
            self.tally.refused += len(pairs)
            raise StopRecord(error) from error
        except SyncError as error:
            with self.connection.transaction():
                for change, intent in pairs:
                    journal.back_to_open(self.connection, change, intent, "failed", error)
            raise StopRecord(error) from error

    def _call(self, call: Callable[[], Result]) -> Result:
        """Make one reading call: nothing is in doubt, an error stops the record."""
        self._send_before = None
        try:
            return call()
        except ItemRefused:
            raise
        except SyncError as error:
            raise StopRecord(error) from error

    def _requeue(self, pairs: Sequence[tuple[Approved, Intent]], error: SyncError | None) -> None:
        limited = isinstance(error, RateLimited)
        with self.connection.transaction():
            for change, intent in pairs:
                if limited:
                    # Our own pace, not this change's fault: it costs no attempt.
                    journal.back_to_open(self.connection, change, intent, "not_sent", error)
                    self.tally.retrying += 1
                elif journal.requeue(
                    self.connection,
                    change,
                    intent,
                    "failed",
                    error=error,
                    attempts=self.settings.attempts,
                ):
                    self.tally.blocked += 1
                else:
                    self.tally.retrying += 1

    def _refuse(self, change: Approved, intent: Intent, error: ItemRefused) -> None:
        if isinstance(error, Duplicate):
            self._duplicate(change, intent, error)
            return
        with self.connection.transaction():
            message = error.registry_message or error.why or error.what
            journal.refused(
                self.connection,
                change,
                intent,
                error,
                reason="refused_by_orcid",
                detail=f"{error.field}: {message}" if error.field else message,
            )
        self.tally.refused += 1

    def _duplicate(self, change: Approved, intent: Intent, error: Duplicate) -> None:
        """Our own item with this identifier stands already: ours to take over if no unit holds it."""
        owner = self.connection.execute(
            "SELECT item.cris_id, unit.code FROM put_code JOIN item ON item.id = put_code.item_id "
            "JOIN unit ON unit.id = put_code.unit_id WHERE put_code.client_id = %s AND put_code.orcid = %s "
            "AND put_code.section = %s AND put_code.put_code = %s AND put_code.closed_at IS NULL",
            (self.work.client_id, self.work.orcid, change.section, error.put_code),
        ).fetchone()
        with self.connection.transaction():
            if owner is None and error.put_code is not None and change.action == "add":
                journal.written(
                    self.connection,
                    self.work,
                    change,
                    intent,
                    put_code=error.put_code,
                    result="adopted",
                    known_content=False,
                )
                self.tally.count("add")
                return
            reason = "same_work_twice_in_cris"
            detail = "an identifier stands on another of our items"
            if owner is not None:
                detail = f"sent as {owner.cris_id} by {owner.code}"
            journal.refused(self.connection, change, intent, error, reason=reason, detail=detail)
        self.tally.refused += 1


def stripped(change: Approved, strip: frozenset[str]) -> dict[str, Any]:
    """The approved content without the contested identifiers, for the first phase of an update.

    A work needs one `self` identifier at any moment: where none is left, its number in the CRIS stands in until the
    second phase.
    """
    content = dict(change.content or {})
    kept = [
        identifier
        for identifier in content["external-ids"]["external-id"]
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
    content["external-ids"] = {"external-id": kept}
    return content


def _version_keys(change: Approved) -> set[str]:
    identifiers = ((change.content or {}).get("external-ids") or {}).get("external-id") or []
    return {
        match_key(identifier["external-id-type"], identifier["external-id-value"])
        for identifier in identifiers
        if identifier.get("external-id-relationship") == "version-of"
    }
