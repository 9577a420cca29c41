"""The frame around each call to one record: intents before it, consequences after it, nothing sent late or paused."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from orcid_sync.errors import ItemRefused, RateLimited, RecordFull, SyncError, Transient
from orcid_sync.ledger.session import Connection
from orcid_sync.model.sections import SECTIONS
from orcid_sync.orcid.client import ApiClient
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.write import booking, duplicates, groups, journal
from orcid_sync.sync.write.approved import Approved, RecordWork
from orcid_sync.sync.write.journal import Intent
from orcid_sync.sync.write.tally import StopRecord, Tally, TooLate

Result = TypeVar("Result")


@dataclass
class Calls:
    """Makes the calls to one record, whose lock is held on `connection`."""

    connection: Connection
    client: ApiClient
    token: Secret
    work: RecordWork
    settings: Settings
    run_id: str
    tally: Tally = field(default_factory=Tally)
    clock: Callable[[], float] = time.monotonic
    # Updates that exchange identifiers: once the first of them has gone out they are carried through as one.
    bound: set[int] = field(default_factory=set)
    _send_before: float | None = None

    def check_time(self) -> None:
        """Asked right before each call: would a writing call still end before its intents count as settled?

        A wait for a turn can be long. A request that leaves too late could land after somebody has read the record to
        see whether it did.
        """
        if self._send_before is not None and self.clock() > self._send_before:
            raise TooLate(
                "The call was not made", why="its turn came so late that it could have landed unnoticed"
            )

    # ---- writing

    def begin(
        self,
        changes: Sequence[Approved],
        *,
        phase: int = journal.FINAL,
        sent_keys: Collection[str] | None = None,
        together: Collection[int] = (),
    ) -> dict[int, Intent]:
        """`journal.begin` for a call that is made next."""
        # Half of the time beyond the deadline may be spent on waiting for a turn, the other half on the way.
        self._send_before = self.clock() + self.settings.send_within
        settles_in = timedelta(seconds=self.settings.call_deadline + self.settings.settle_seconds)
        return journal.begin(
            self.connection,
            changes,
            run_id=self.run_id,
            settles_in=settles_in,
            phase=phase,
            sent_keys=sent_keys,
            together=together,
        )

    def put(self, change: Approved, intent: Intent, content: Mapping[str, Any]) -> None:
        """Make the PUT of one change. Raises Gone, ItemRefused or StopRecord."""
        put_code = change.put_code
        assert put_code is not None

        def update() -> object:
            groups.prepare(self.connection, self.client, change.section, content)
            return self.client.update_item(
                self.work.orcid, change.section, put_code, dict(content), self.token
            )

        self.send([(change, intent)], update)

    def send(self, pairs: Sequence[tuple[Approved, Intent]], call: Callable[[], Result]) -> Result:
        """Make one writing call; errors of the call as a whole draw their consequences here and stop the record.

        A refusal (ItemRefused), and a bulk for which the record has no room (RecordFull), are the caller's.
        """
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
                self.requeue(pairs, error)
            raise StopRecord(error) from error
        except RecordFull as error:
            if len(pairs) > 1:
                raise
            with self.connection.transaction():
                booking.record_full(self.connection, self.work, pairs[0][0], pairs[0][1], error)
            self.tally.refused += 1
            raise StopRecord(error) from error
        except SyncError as error:
            with self.connection.transaction():
                for change, intent in pairs:
                    self.back(change, intent, "failed", error)
            raise StopRecord(error) from error

    def requeue(self, pairs: Sequence[tuple[Approved, Intent]], error: SyncError | None) -> None:
        """Nothing arrived: each of these is tried again, or blocked when that was tried often enough."""
        with self.connection.transaction():
            for change, intent in pairs:
                if isinstance(error, RateLimited):
                    # Our own pace, not this change's fault: it costs no attempt.
                    self.back(change, intent, "not_sent", error)
                    self.tally.retrying += 1
                elif journal.requeue(
                    self.connection,
                    change,
                    intent,
                    "failed",
                    error=error,
                    attempts=self.settings.attempts,
                    bound=change.id in self.bound,
                ):
                    self.tally.blocked += 1
                else:
                    self.tally.retrying += 1

    def back(self, change: Approved, intent: Intent, result: str, error: SyncError | None) -> None:
        """`journal.back_to_open`; what is bound stays with the writer."""
        journal.back_to_open(self.connection, change, intent, result, error, bound=change.id in self.bound)

    def refuse(self, change: Approved, intent: Intent, error: ItemRefused) -> None:
        """The registry does not take this content: withheld with its words, or linked to our entry that it names."""
        with self.connection.transaction():
            if duplicates.settle(self.connection, self.work, change, intent, error):
                self.tally.count("add")
                return
        self.tally.refused += 1

    # ---- reading

    def read(self, call: Callable[[], Result]) -> Result:
        """Make one reading call: nothing is in doubt, an error stops the record."""
        self._send_before = None
        try:
            return call()
        except ItemRefused:
            raise
        except SyncError as error:
            raise StopRecord(error) from error

    def full_contents(self, changes: Sequence[Approved]) -> dict[int, Mapping[str, Any]]:
        """What stands on the record for these changes, in full: bulk where the section has it."""
        contents: dict[int, Mapping[str, Any]] = {}
        works = {change.put_code: change for change in changes if SECTIONS[change.section].bulk > 1}
        if works:
            found = self.read(
                lambda: self.client.read_works(self.work.orcid, [code for code in works if code], self.token)
            ).found
            contents |= {works[code].id: content for code, content in found.items()}
        for change in changes:
            if SECTIONS[change.section].bulk == 1 and change.put_code is not None:
                one = (self.work.orcid, change.section, change.put_code, self.token)
                try:
                    contents[change.id] = self.read(partial(self.client.read_item, *one))
                except ItemRefused:
                    continue
        return contents
