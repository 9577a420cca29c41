"""Which records to read, reading them in parallel, and the figures of it."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from orcid_sync.errors import (
    PermissionLost,
    RecordUnavailable,
    SyncError,
    TokenOfAnotherRecord,
    TokenRefused,
    Transient,
)
from orcid_sync.ledger.holds import HOLDS_NOW
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.model.sections import OF_PERSON
from orcid_sync.orcid.client import ApiClient
from orcid_sync.orcid.in_flight import InFlight
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.mirror.changed import flag_changed
from orcid_sync.sync.mirror.store import Reading, Stored, store_readings
from orcid_sync.sync.mirror.trouble import explain_refusal, mark_trouble
from orcid_sync.vault.registry import Registry

CHUNK: Final = 200
# The weekly audit reads every record; one that it left out twice is read here.
UNAUDITED: Final = dt.timedelta(days=14)
# One permission for each record and client: where two persons share an iD, one reading serves both.
_CANDIDATES: Final = """
SELECT DISTINCT ON (permission.client_id, permission.orcid)
       permission.id AS permission_id, permission.client_id, permission.orcid, record.read_at, record.flagged_at
FROM permission
JOIN token ON token.permission_id = permission.id
JOIN api_client ON api_client.client_id = permission.client_id
CROSS JOIN run
LEFT JOIN record ON record.orcid = permission.orcid AND record.client_id = permission.client_id
LEFT JOIN change_search search ON search.client_id = permission.client_id
WHERE permission.state = 'granted' AND permission.orcid IS NOT NULL AND permission.client_id = ANY (%(clients)s)
  AND (%(unit)s::text IS NULL OR api_client.code = (SELECT client FROM unit WHERE code = %(unit)s))
  AND CASE WHEN %(only_flagged)s
      THEN permission.suspect_since IS NOT NULL OR record.flagged_at IS NOT NULL
      ELSE %(everything)s OR record.read_at IS NULL OR record.flagged_at IS NOT NULL OR record.status <> 'active'
           OR permission.suspect_since IS NOT NULL OR (%(person)s AND NOT record.person_read)
           OR record.read_at < CASE WHEN search.asked_at >= run.started_at THEN now() - %(unaudited)s
                               ELSE run.started_at END END
-- A suspected token first: nothing else would ever tell what is wrong with it.
ORDER BY permission.client_id, permission.orcid, permission.suspect_since NULLS LAST, permission.id
"""
_PAUSED: Final = f"""
EXISTS (SELECT FROM hold WHERE {HOLDS_NOW} AND hold.unit_id IS NULL
        AND (hold.researcher_id IS NULL OR hold.researcher_id = permission.researcher_id))
"""


@dataclass(frozen=True)
class _Task:
    """One record to read, with everything a thread needs: no thread holds a connection to the ledger."""

    permission_id: int
    orcid: str
    client: ApiClient
    token: Secret
    started: dt.datetime
    person: bool = False


@dataclass(frozen=True)
class _Result:
    """What came of it: a reading, or an error. `explained`: a refused token's record was looked at, and is fine."""

    task: _Task
    reading: Reading | None = None
    error: SyncError | None = None
    explained: bool = False


@dataclass
class _Tally:
    read: int = 0
    unchanged: int = 0
    permission_lost: int = 0
    failed: int = 0
    removed_by_researcher: int = 0
    unavailable: Counter[str] = field(default_factory=Counter)

    def add(self, stored: Stored, errors: Sequence[SyncError]) -> None:
        self.read += stored.read
        self.unchanged += stored.unchanged
        self.removed_by_researcher += stored.removed_by_researcher
        if stored.emptied:
            self.unavailable["emptied"] += stored.emptied
        for error in errors:
            if isinstance(error, RecordUnavailable):
                self.unavailable[error.kind] += 1
            elif isinstance(error, PermissionLost):
                self.permission_lost += 1
            else:
                self.failed += 1


def mirror(
    ledger: Ledger,
    registry: Registry,
    *,
    run_id: str,
    settings: Settings,
    unit: str | None = None,
    limit: int | None = None,
    everything: bool = False,
    only_flagged: bool = False,
) -> Counts:
    """Read the records that may have changed: one call each, all sections.

    These are records of granted permissions that were never read, are flagged, or weren't readable the last time; and,
    where `flag_changed` didn't say in this run which ones changed, those that were last read before this run began: the
    same run called again goes on where it stopped. `everything` reads all of them,
    `only_flagged` the flagged ones and those whose token was refused. `limit` is a number of records.

    Returns `{run, read, unchanged, permission_lost, unavailable: {status: n}, removed_by_researcher, failed, paused,
    calls}`; `failed` records could not be read this time and keep their last mirror. Raises Misconfigured when nothing
    works until a person acts, Transient when the registry answers nobody; what was read by then is kept.
    """
    with stage_run(ledger, run_id, "mirror") as counts:
        tally = _Tally()
        with ledger.transaction() as connection:
            person = reads_person(connection)
            chosen = _choose(
                connection,
                registry,
                run_id,
                unit=unit,
                limit=limit,
                everything=everything,
                only_flagged=only_flagged,
                person=person,
            )
        paused = 0
        try:
            with InFlight(settings.calls_in_flight, "mirror") as pool:
                for results, skipped in _read_chunks(ledger, registry, pool, chosen, person):
                    paused += skipped
                    _keep(ledger, results, tally)
        finally:
            counts |= {
                "read": tally.read,
                "unchanged": tally.unchanged,
                "permission_lost": tally.permission_lost,
                "unavailable": dict(tally.unavailable),
                "removed_by_researcher": tally.removed_by_researcher,
                "failed": tally.failed,
                "paused": paused,
                "calls": registry.flush_calls(ledger, run_id),
            }
    return counts


def search_and_mirror(
    ledger: Ledger, registry: Registry, *, run_id: str, settings: Settings, **which: Any
) -> Counts:
    """Ask the registry which records changed, then read these; `which` as for `mirror`.

    Returns what `mirror` does, and the counts of the search as `search`.
    """
    searched = flag_changed(ledger, registry, run_id=run_id, settings=settings)
    return {"search": searched, **mirror(ledger, registry, run_id=run_id, settings=settings, **which)}


def refresh_record(
    connection: Connection, client: ApiClient, *, permission_id: int, orcid: str, token: Secret, person: bool
) -> Stored:
    """Read one record and store it, with all that follows from it. Raises what the registry answers.

    `person`: its sections of the person too (`reads_person`).

    The connection is idle during the call; it must not be inside a transaction that is worth more than this record.
    """
    started = _now(connection)
    activities = client.read_activities(orcid, token, person=person)
    with connection.transaction():
        return store_readings(
            connection, [Reading(permission_id, client.client_id, orcid, started, activities)]
        )


def reads_person(connection: Connection) -> bool:
    """Whether the sections of the person concern us: a unit may own them, or something of ours stands there.

    Where none does, all put codes are looked through: to be asked once a run.
    """
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM unit WHERE active AND sections && %(person)s) "
        "OR EXISTS (SELECT FROM put_code WHERE closed_at IS NULL AND section = ANY (%(person)s)) AS so",
        {"person": sorted(OF_PERSON)},
    ).fetchone()
    return bool(row and row.so)


def _now(connection: Connection) -> dt.datetime:
    row = connection.execute("SELECT clock_timestamp() AS now").fetchone()
    assert row is not None
    now: dt.datetime = row.now
    return now


def _choose(
    connection: Connection,
    registry: Registry,
    run_id: str,
    *,
    unit: str | None,
    limit: int | None,
    everything: bool,
    only_flagged: bool,
    person: bool,
) -> list[Any]:
    """The records to read: never read first, then flagged, then the oldest."""
    return connection.execute(
        f"WITH run AS (SELECT started_at FROM run WHERE run_id = %(run)s), candidate AS ({_CANDIDATES}) "
        "SELECT permission_id, client_id, orcid FROM candidate "
        "ORDER BY read_at IS NOT NULL, flagged_at IS NULL, read_at, permission_id LIMIT %(limit)s",
        {
            "run": run_id,
            "clients": list(registry.client_ids),
            "unit": unit,
            "limit": limit,
            "everything": everything,
            "only_flagged": only_flagged,
            "unaudited": UNAUDITED,
            "person": person,
        },
    ).fetchall()


def _read_chunks(
    ledger: Ledger, registry: Registry, pool: InFlight, chosen: Sequence[Any], person: bool
) -> Iterator[tuple[list[_Result], int]]:
    """Results chunk by chunk, with how many records were paused; the next chunk is under way while one is stored."""
    waiting: deque[tuple[list[Future[_Result]], int]] = deque()
    try:
        for start in range(0, len(chosen), CHUNK):
            tasks = _tasks(ledger, registry, chosen[start : start + CHUNK], person)
            skipped = len(chosen[start : start + CHUNK]) - len(tasks)
            waiting.append(([pool.submit(_read, task) for task in tasks], skipped))
            if len(waiting) > 1:
                yield _first_done(waiting)
        while waiting:
            yield _first_done(waiting)
    finally:
        for futures, _ in waiting:
            for future in futures:
                future.cancel()


def _first_done(waiting: deque[tuple[list[Future[_Result]], int]]) -> tuple[list[_Result], int]:
    futures, skipped = waiting[0]
    results = [future.result() for future in futures]
    waiting.popleft()
    return results, skipped


def _tasks(ledger: Ledger, registry: Registry, rows: Sequence[Any], person: bool) -> list[_Task]:
    """What may be read now: permissions may have been lost, and researchers paused, since the run began."""
    with ledger.transaction() as connection:
        started = _now(connection)
        allowed = connection.execute(
            f"SELECT permission.id FROM permission WHERE id = ANY (%s) AND state = 'granted' AND NOT {_PAUSED}",
            ([row.permission_id for row in rows],),
        ).fetchall()
    tokens = registry.tokens([row.id for row in allowed])
    return [
        _Task(
            row.permission_id,
            row.orcid,
            registry.client(row.client_id),
            tokens[row.permission_id],
            started,
            person,
        )
        for row in rows
        if row.permission_id in tokens
    ]


def _read(task: _Task) -> _Result:
    """Read one record. What concerns this researcher alone is a result; Misconfigured is raised."""
    try:
        activities = task.client.read_activities(task.orcid, task.token, person=task.person)
    except TokenOfAnotherRecord as error:
        return _Result(task, error=error, explained=True)
    except TokenRefused as error:
        return _explained(task, error)
    except (PermissionLost, RecordUnavailable, Transient) as error:
        return _Result(task, error=error, explained=True)
    return _Result(
        task, Reading(task.permission_id, task.client.client_id, task.orcid, task.started, activities)
    )


def _explained(task: _Task, error: TokenRefused) -> _Result:
    try:
        why = explain_refusal(task.client, task.orcid)
    except Transient:
        return _Result(task, error=error)
    return _Result(task, error=why or error, explained=True)


def _keep(ledger: Ledger, results: Sequence[_Result], tally: _Tally) -> None:
    """Store one chunk. Raises Transient if the registry answered nobody in it."""
    readings = [result.reading for result in results if result.reading is not None]
    troubles = [(result, result.error) for result in results if result.error is not None]
    with ledger.transaction() as connection:
        stored = store_readings(connection, readings) if readings else Stored()
        for result, error in troubles:
            task = result.task
            mark_trouble(
                connection,
                task.permission_id,
                task.client.client_id,
                task.orcid,
                error,
                explained=result.explained,
            )
    tally.add(stored, [error for _, error in troubles])
    silent = [error for _, error in troubles if isinstance(error, Transient)]
    if silent and len(silent) == len(results):
        raise silent[-1]
