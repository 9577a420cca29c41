"""Our own time and memory for each stage, first over everything, then with nothing changed."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orcid_sync.cris.demo import demo_researchers, generate
from orcid_sync.ledger.session import Ledger
from orcid_sync.settings import Settings
from orcid_sync.sync.extract import extract
from orcid_sync.sync.merge import merge
from orcid_sync.sync.propose import propose
from orcid_sync.sync.validate import validate

from tests.benchmarks.setup import CLIENT, Server, new_database, new_ledger, opener


def stage_times(server: Server, folder: Path, pairs: int) -> dict[str, Any]:
    """Seconds and peak memory (of this process; PostgreSQL apart) of extract, validate, merge and propose."""
    feed = new_database(server)
    publications = pairs // 3
    made = generate(feed, staff=max(30, publications // 11), publications=publications)
    ledger, _ = new_ledger(server)
    settings = Settings(data_docs_dir=folder)
    rows: list[dict[str, Any]] = []
    for label in ("first", "nothing changed"):
        total = 0.0
        stages: dict[str, Callable[..., Any]] = {
            "extract": lambda **run: extract(ledger, opener(feed), **run),
            "validate": lambda **run: validate(ledger, **run),
            "merge": lambda **run: merge(ledger, **run),
            "propose": lambda **run: propose(ledger, **run),
        }
        for name, stage in stages.items():
            started = time.perf_counter()
            stage(run_id=f"bench {label}", settings=settings)
            seconds = time.perf_counter() - started
            total += seconds
            rows.append(_row(label, name, seconds))
            if (label, name) == ("first", "merge"):
                _permit_everybody(ledger, feed)
        rows.append(_row(label, "together", total))
    return {"pairs": made.pairs, "rows": rows}


def _row(run: str, stage: str, seconds: float) -> dict[str, Any]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"run": run, "stage": stage, "seconds": round(seconds, 2), "peak MB": peak}


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
