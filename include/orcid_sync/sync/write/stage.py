"""The write stage: every record with approved changes, several at a time, each under its own lock."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Final

import psycopg

from orcid_sync.errors import PermissionLost, RecordUnavailable, SyncError, Transient, Who
from orcid_sync.ledger.batches import settle_batches
from orcid_sync.ledger.holds import HOLDS_NOW
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import RECORD_LOCK, UNIT_LOCK, Connection, Ledger, record_lock_key
from orcid_sync.orcid.in_flight import InFlight
from orcid_sync.settings import Settings
from orcid_sync.sync.mirror import mark_trouble, reads_person, refresh_record
from orcid_sync.sync.write.approved import (
    EVERYTHING,
    RecordWork,
    Shard,
    approved_changes,
    held_changes,
    records_with_work,
)
from orcid_sync.sync.write.calls import Calls
from orcid_sync.sync.write.record import RecordWriter
from orcid_sync.sync.write.tally import Paused, StopRecord, Tally
from orcid_sync.vault.permissions import permission_lost
from orcid_sync.vault.registry import Registry

logger = logging.getLogger(__name__)

WAIT_FOR_PROPOSAL: Final = "10min"
_PASSES: Final = frozenset({Transient.kind, *(error.kind for error in Transient.__subclasses__())})


@dataclass
class Totals:
    """The whole stage's tally. Shared by the threads of the stage."""

    tally: Tally = field(default_factory=Tally)
    records: int = 0
    busy: int = 0
    stopped: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, tally: Tally) -> None:
        with self.lock:
            self.records += 1
            for part in fields(Tally):
                setattr(self.tally, part.name, getattr(self.tally, part.name) + getattr(tally, part.name))

    def stop(self, kind: str) -> None:
        with self.lock:
            self.stopped[kind] = self.stopped.get(kind, 0) + 1


def write(
    ledger: Ledger,
    registry: Registry,
    *,
    run_id: str,
    settings: Settings,
    unit: str | None = None,
    limit: int | None = None,
    shard: Shard = EVERYTHING,
    permission_id: int | None = None,
) -> Counts:
    """Write what is approved; returns `{written: {add, update, remove}, failed, blocked, retrying, held, calls, ...}`.

    With `permission_id` on that one's record alone. `limit` is a number of records, `shard` one of `plan_shards`. Several of
    these may run at once: a record is written by one of them at a time.
    Whatever is left in doubt (`retrying`) is looked at by the next call of the stage, which reads the record before it
    repeats anything. `held` is what is approved and paused (`held_changes`). Raises Misconfigured when nothing works until
    a person acts.
    """
    with stage_run(ledger, run_id, "write") as counts:
        totals = Totals()
        with _units_held(ledger, unit) as connection:
            work = records_with_work(
                connection, unit=unit, shard=shard, limit=limit, permission_id=permission_id
            )
            person = reads_person(connection)
            one = _RecordStage(ledger, registry, run_id, settings, unit, totals, person)
            pool = InFlight(settings.calls_in_flight, "write")
            try:
                for done in [pool.submit(one.run, record) for record in work]:
                    done.result()
            finally:
                # What stops one record for good stops the others too: those that have not begun are left.
                pool.shutdown(cancel_futures=True)
            settle_batches(connection)
            held = held_changes(connection, unit)
        tally = totals.tally
        counts |= {
            "written": {"add": tally.added, "update": tally.updated, "remove": tally.removed},
            "failed": tally.refused + tally.gone,
            "blocked": tally.blocked,
            "retrying": tally.retrying,
            "healed": tally.healed,
            "withdrawn": tally.withdrawn,
            "waiting": tally.waiting,
            "restored": tally.restored,
            "records": totals.records,
            "busy": totals.busy,
            "stopped": totals.stopped,
            "held": held,
            "calls": registry.flush_calls(ledger, run_id),
        }
    return counts


@contextmanager
def _units_held(ledger: Ledger, unit: str | None):  # type: ignore[no-untyped-def]
    """Keep proposals of these units out while their changes are being written; writers share."""
    with ledger.connection() as connection:
        connection.execute(f"SET lock_timeout = '{WAIT_FOR_PROPOSAL}'")
        try:
            connection.execute(
                "SELECT pg_advisory_lock_shared(%s, id) FROM (SELECT id FROM unit "
                "WHERE code = coalesce(%s, code) ORDER BY id) AS units",
                (UNIT_LOCK, unit),
            )
        except psycopg.errors.LockNotAvailable:
            raise Transient(
                "Writing could not begin",
                why=f"a proposal has held a unit for {WAIT_FOR_PROPOSAL}",
                doubt=False,
            ) from None
        connection.execute("SET lock_timeout = 0")
        yield connection


@dataclass
class _RecordStage:
    """What a thread does with one record."""

    ledger: Ledger
    registry: Registry
    run_id: str
    settings: Settings
    unit: str | None
    totals: Totals
    person: bool

    def run(self, work: RecordWork) -> None:
        with self.ledger.connection() as connection:
            key = record_lock_key(work.client_id, work.orcid)
            locked = connection.execute(
                "SELECT pg_try_advisory_lock(%s, %s) AS got", (RECORD_LOCK, key)
            ).fetchone()
            if locked is None or not locked.got:
                with self.totals.lock:
                    self.totals.busy += 1
                return
            # The lock goes with this connection: it is released when the connection closes, also by a crash.
            self._write(connection, work)

    def _write(self, connection: Connection, work: RecordWork) -> None:
        try:
            token = self.registry.token(work.permission_id)
        except PermissionLost as error:
            self._trouble(connection, work, error)
            return

        def before_call(_: str | None) -> None:
            _check_still_ours(connection, work)
            calls.check_time()

        calls = Calls(
            connection=connection,
            client=replace(self.registry.client(work.client_id), before_call=before_call),
            token=token,
            work=work,
            settings=self.settings,
            run_id=self.run_id,
        )
        writer = RecordWriter(
            calls,
            reread=lambda: refresh_record(
                connection,
                calls.client,
                permission_id=work.permission_id,
                orcid=work.orcid,
                token=calls.token,
                person=self.person,
            ),
            must_read=self._is_stale(connection, work),
        )
        try:
            changes = approved_changes(connection, work, self.unit)
            writer.write(changes, lambda: approved_changes(connection, work, self.unit))
        except StopRecord as stop:
            self._trouble(connection, work, stop.error)
        finally:
            self.totals.add(calls.tally)

    def _trouble(self, connection: Connection, work: RecordWork, error: SyncError) -> None:
        """What stopped one record is kept; what would stop them all is raised."""
        self.totals.stop(error.kind)
        if isinstance(error, PermissionLost) and work.delete_only:
            # It was kept to remove what we wrote, and does not even do that.
            permission_lost(connection, work.permission_id, error.kind, "revoked")
        elif isinstance(error, (PermissionLost, RecordUnavailable)):
            mark_trouble(connection, work.permission_id, work.client_id, work.orcid, error)
        elif not isinstance(error, (Transient, Paused)):
            # Nothing works until a person acts: the other records would fail alike.
            raise error from None

    def _is_stale(self, connection: Connection, work: RecordWork) -> bool:
        row = connection.execute(
            # Unchanged since it was read, says a later search: as good as read then.
            "SELECT read_at IS NULL OR coalesce(flagged_at > read_at, false) "
            "OR greatest(read_at, search.asked_at) < now() - make_interval(secs => %s) AS stale "
            "FROM record LEFT JOIN change_search search USING (client_id) WHERE orcid = %s AND client_id = %s",
            (self.settings.mirror_max_age * 86400, work.orcid, work.client_id),
        ).fetchone()
        return row is None or bool(row.stale)


def _check_still_ours(connection: Connection, work: RecordWork) -> None:
    """Asked right before each call: is the lock's connection alive, and has nobody paused us meanwhile?"""
    row = connection.execute(
        f"SELECT EXISTS (SELECT FROM hold WHERE {HOLDS_NOW} AND unit_id IS NULL "
        "AND (researcher_id IS NULL OR researcher_id = permission.researcher_id)) AS paused, "
        "permission.state IN ('granted', 'delete_only') AND permission.suspect_since IS NULL AS allowed "
        "FROM permission WHERE permission.id = %s",
        (work.permission_id,),
    ).fetchone()
    if row is None or row.paused or not row.allowed:
        raise Paused(
            "The call was not made",
            why="calls for this researcher, or all calls, are paused",
            remedy="Run `orcid-sync resume` when it may go on",
            who=Who.US,
        )


def run_error(counts: Counts) -> SyncError | None:
    """What a scheduler should see of a finished stage: Transient when something is left to be tried again.

    What waits for a person (a locked record, a lost permission, a pause) is no reason to try again.
    """
    unread = sum(number for kind, number in counts["stopped"].items() if kind in _PASSES)
    if counts["retrying"] or counts["busy"] or unread:
        return Transient(
            f"{counts['retrying']} changes and {counts['busy'] + unread} records are left for the next try",
            why="the registry did not answer, or another writer is at work",
            doubt=False,
        )
    return None
