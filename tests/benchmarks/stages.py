"""Our own time and memory for each stage: first over everything, then with nothing changed, then with a tenth gone bad.

Seconds pass more slowly on a machine with other work; the seconds of processor time, ours and the database's, hardly do.
"""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from orcid_sync.cris.demo import demo_researchers, generate
from orcid_sync.ledger.session import Ledger
from orcid_sync.local.postgres import EmbeddedPostgres
from orcid_sync.settings import Settings
from orcid_sync.sync.extract import extract
from orcid_sync.sync.merge import merge
from orcid_sync.sync.propose import propose
from orcid_sync.sync.validate import validate

from tests.benchmarks.setup import CLIENT, Server, new_database, new_ledger, opener


def stage_times(server: Server, folder: Path, pairs: int) -> dict[str, Any]:
    """Seconds, processor time, and peak memory (ours; PostgreSQL apart) of extract, validate, merge and propose."""
    feed = new_database(server)
    publications = pairs // 3
    made = generate(feed, staff=max(30, publications // 11), publications=publications)
    ledger, _ = new_ledger(server)
    settings = Settings(data_docs_dir=folder)
    rows: list[dict[str, Any]] = []
    for label in ("first", "nothing changed", "a tenth bad"):
        if label == "a tenth bad":
            _spoil(feed)
        total, highest = _Spent(), 0
        stages: dict[str, Callable[..., Any]] = {
            "extract": lambda **run: extract(ledger, opener(feed), **run),
            "validate": lambda **run: validate(ledger, **run),
            "merge": lambda **run: merge(ledger, **run),
            "propose": lambda **run: propose(ledger, **run),
        }
        for name, stage in stages.items():
            before = _Spent.until_now(server)
            with _peak_memory() as peak:
                stage(run_id=f"bench {label}", settings=settings)
                highest = max(highest, peak())
            spent = _Spent.until_now(server) - before
            total += spent
            rows.append(_row(label, name, spent, highest))
            if (label, name) == ("first", "merge"):
                _permit_everybody(ledger, feed)
        rows.append(_row(label, "together", total, highest))
    return {"pairs": made.pairs, "rows": rows}


@dataclass(frozen=True)
class _Spent:
    """Seconds by the clock, and of processor time: of this process and its children, and of PostgreSQL's."""

    clock: float = 0
    ours: float = 0
    database: float = 0

    @classmethod
    def until_now(cls, server: Server) -> _Spent:
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        ours = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        return cls(time.perf_counter(), ours, _database_seconds(server))

    def __sub__(self, other: _Spent) -> _Spent:
        return _Spent(self.clock - other.clock, self.ours - other.ours, self.database - other.database)

    def __add__(self, other: _Spent) -> _Spent:
        return _Spent(self.clock + other.clock, self.ours + other.ours, self.database + other.database)


def _database_seconds(server: Server) -> float:
    """Processor time of an embedded server's processes, ended ones included; 0 where the server is not ours."""
    if not isinstance(server, EmbeddedPostgres):
        return 0.0
    seconds = 0.0
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] != "postgres" or str(server.home) not in " ".join(
            process.info["cmdline"] or ()
        ):
            continue
        with suppress(psutil.NoSuchProcess):
            for one in (process, *process.children()):
                times = one.cpu_times()
                seconds += times.user + times.system
            ended = process.cpu_times()
            seconds += ended.children_user + ended.children_system
    return seconds


@contextmanager
def _peak_memory(every: float = 0.2) -> Iterator[Callable[[], int]]:
    """The most bytes that this process and its children had in memory together, looked at every so many seconds."""
    peak, over = 0, threading.Event()

    def look() -> int:
        nonlocal peak
        own = psutil.Process()
        now = 0
        for process in (own, *own.children(recursive=True)):
            # The server's own processes are PostgreSQL's memory, not ours.
            with suppress(psutil.Error):
                now += 0 if process.name() == "postgres" else process.memory_info().rss
        peak = max(peak, now)
        return peak

    def watch() -> None:
        while not over.wait(every):
            look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield look
    finally:
        over.set()
        watcher.join()


def _row(run: str, stage: str, spent: _Spent, peak: int) -> dict[str, Any]:
    return {
        "run": run,
        "stage": stage,
        "seconds": round(spent.clock, 2),
        "our CPU s": round(spent.ours, 2),
        "database CPU s": round(spent.database, 2),
        "peak MB": peak >> 20,
    }


def _spoil(feed: str) -> None:
    """A tenth of the publications lose their titles, all at once, as by a migration that went wrong."""
    with psycopg.connect(feed) as cris:
        cris.execute(
            "UPDATE cris_base.output SET headline = ' ', changed_at = clock_timestamp() WHERE hashtext(output_id) % 10 = 0"
        )


def _permit_everybody(ledger: Ledger, feed: str) -> None:
    """Permissions and empty records, so that proposals are changes and not a list of who has not been asked."""
    people = demo_researchers(feed)
    with ledger.transaction() as connection:
        connection.execute("CREATE TEMP TABLE people (person_id text, orcid text) ON COMMIT DROP")
        with connection.cursor() as cursor, cursor.copy("COPY people FROM STDIN") as copy:
            for person in people:
                copy.write_row(person)
        connection.execute(
            "INSERT INTO researcher (person_id) SELECT person_id FROM people ON CONFLICT DO NOTHING"
        )
        connection.execute(
            "INSERT INTO permission (researcher_id, client_id, orcid, state) "
            "SELECT researcher.id, %s, orcid, 'granted' FROM people JOIN researcher USING (person_id)",
            (CLIENT,),
        )
        connection.execute(
            "INSERT INTO record (orcid, client_id, read_at) SELECT DISTINCT orcid, client_id, now() FROM permission"
        )
