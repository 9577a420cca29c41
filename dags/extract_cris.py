"""
## What the CRIS says, copied and checked

Copies the contract views of the CRIS (schema `orcid_feed`) by watermark into staging, checks the copy, puts rows that
need a correction into quarantine, and merges the rest into the ledger.

| | |
|---|---|
| reads | connection `cris` (a read-only role) |
| writes | connection `ledger`: `cris_*`, `quarantine`, `watermark`; a page for each run in `ORCID_SYNC_DATA_DOCS_DIR` |
| when | every `ORCID_SYNC_EVERY_DAYS` calendar days at `ORCID_SYNC_EXTRACT_AT`, local time |
| starts | `propose_changes`, through the asset `cris_snapshot` |

**Parameters.** `full`: read every row and find the ones that vanished; ask for it after a restore or a migration of
the CRIS. `confirm_shrink`: go on although a view lost more rows than the guard allows.

**Healthy**: three green tasks; the note says how many rows changed and how many need a correction in the CRIS. Quarantined
rows are the CRIS team's move, and no failure.

**When it fails.** A missing view or column, an empty or shrunken view and a broken check stop the run and say which and
why; nothing is merged then and the last good content stays. `write_approved` goes on with what was approved.

**Run it again** at any moment: clear the failed task or trigger the DAG. The same input gives the same result.

**It never** writes to the CRIS and never calls ORCID.
"""

from __future__ import annotations

from airflow.sdk import Param, dag, task
from orcid_sync_airflow import (
    CRIS_SNAPSHOT,
    SETTINGS,
    cris,
    default_args,
    extraction_rhythm,
    ledger,
    run_id,
)
from orcid_sync_callbacks import after_failed_run


@dag(
    schedule=extraction_rhythm(),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    tags=["orcid", "cris"],
    doc_md=__doc__,
    on_failure_callback=after_failed_run,
    params={
        "full": Param(False, type="boolean", description="Read every row and find the ones that vanished"),
        "confirm_shrink": Param(False, type="boolean", description="Go on although a view lost many rows"),
    },
)
def extract_cris() -> None:
    @task
    def extract(params: dict) -> dict:
        from orcid_sync.sync.extract import extract

        choices = {name: params[name] for name in ("full", "confirm_shrink")}
        return extract(ledger(), cris(), run_id=run_id(), settings=SETTINGS, **choices)

    @task
    def validate() -> dict:
        from orcid_sync.sync.validate import validate

        return validate(ledger(), run_id=run_id(), settings=SETTINGS)

    @task(outlets=[CRIS_SNAPSHOT])
    def merge(params: dict) -> dict:
        from orcid_sync.sync.merge import merge

        choices = {name: params[name] for name in ("full", "confirm_shrink")}
        return merge(ledger(), run_id=run_id(), settings=SETTINGS, **choices)

    extract() >> validate() >> merge()


extract_cris()
