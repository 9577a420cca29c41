"""Writing to one record, exactly once as seen from the record.

The caller holds the record's lock. Every call is framed by the journal; whatever is in doubt is read before anything is
sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from orcid_sync.errors import Gone, ItemRefused
from orcid_sync.ledger.session import Connection
from orcid_sync.sync.write import booking, heal, journal
from orcid_sync.sync.write.additions import Additions
from orcid_sync.sync.write.approved import Approved, RecordWork
from orcid_sync.sync.write.calls import Calls
from orcid_sync.sync.write.recheck import still_valid
from orcid_sync.sync.write.tally import Tally
from orcid_sync.sync.write.updates import Updates


@dataclass
class RecordWriter:
    """The writer of one record. `reread` reads the record anew into the mirror."""

    calls: Calls
    reread: Callable[[], object]
    must_read: bool = False

    @property
    def connection(self) -> Connection:
        return self.calls.connection

    @property
    def work(self) -> RecordWork:
        return self.calls.work

    @property
    def tally(self) -> Tally:
        return self.calls.tally

    def write(self, changes: Sequence[Approved], reload: Callable[[], list[Approved]]) -> None:
        """Carry out what is approved, in the order removals, updates, adds. Raises StopRecord."""
        in_doubt = [change for change in changes if change.state == "writing"]
        if journal.unsettled(self.connection, [change.id for change in in_doubt]):
            # A request that was lost on the way may still land; reading now would prove nothing.
            self.tally.retrying += len(in_doubt)
            return
        if self.work.delete_only:
            self._remove([change for change in self._certain(changes) if change.action == "remove"])
            return
        if in_doubt or self.must_read or any(change.attempts for change in changes):
            self.calls.read(self.reread)
            if in_doubt:
                self._heal(in_doubt)
            before = reload()
            changes = still_valid(self.connection, self.work, before)
            self.tally.withdrawn += len(before) - len(changes)
            # An exchange of identifiers that another writer left in the middle is carried through.
            self.calls.bound |= {change.id for change in changes if change.state == "writing"}
        else:
            changes = self._with_put_code(changes)
        self._remove([change for change in changes if change.action == "remove"])
        Updates(self.calls).send([change for change in changes if change.action == "update"])
        Additions(self.calls).send([change for change in changes if change.action == "add"])

    def _with_put_code(self, changes: Sequence[Approved]) -> list[Approved]:
        """Updates and removals whose put code is no longer live on this record are withdrawn: a 404 would mislead."""
        valid = [change for change in changes if change.action == "add" or change.put_code_id is not None]
        lost = [change for change in changes if change not in valid]
        with self.connection.transaction():
            for change in lost:
                booking.withdrawn(self.connection, change, None, None, None)
        self.tally.withdrawn += len(lost)
        return valid

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
                    attempts=self.calls.settings.attempts,
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
        standing = self.calls.full_contents(
            [
                change
                for change in in_doubt
                if change.action == "update" and (change.section, change.put_code) in on_record
            ]
        )
        settled = heal.settle(
            self.connection, self.work, in_doubt, standing, on_record, self.calls.settings.attempts
        )
        self.tally.healed += settled.arrived
        self.tally.blocked += settled.blocked
        self.tally.restored += settled.restored

    def _remove(self, changes: Sequence[Approved]) -> None:
        for change in changes:
            intent = self.calls.begin([change]).get(change.id)
            if intent is None or change.put_code is None:
                continue
            item = (self.work.orcid, change.section, change.put_code, self.calls.token)
            try:
                self.calls.send([(change, intent)], partial(self.calls.client.delete_item, *item))
            except Gone:
                pass
            except ItemRefused as error:
                self.calls.refuse(change, intent, error)
                continue
            with self.connection.transaction():
                booking.removed(self.connection, self.work, change, intent)
            self.tally.count("remove")
