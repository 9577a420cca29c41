"""
## Does the ledger tell what stands on the records?

Reads every permitted record once and compares it with the ledger, both ways. What is certain is healed: an entry that
a researcher removed gets its tombstone, a put code that was lost here is found again. The rest is listed as
differences by class, with examples; nothing is deleted or written because of them. Registers the webhooks again, where
`ORCID_SYNC_WEBHOOK_URL` is set. Reads the CRIS in full, too, so that rows that left it without a word are noticed.

| | |
|---|---|
| reads | connection `cris`, all views; connection `orcid`: one call for each permitted record |
| writes | connection `ledger`: the mirror of the records, tombstones, put codes, differences |
| when | once a week, in the night to Sunday |

**Healthy**: green, and its note says "0 differences" or a number that `orcid-sync status` names by class.

**When it fails.** The reconciliation with the CRIS stops when implausibly many rows have gone: look at the views, and
run `orcid-sync extract --full --confirm-shrink` if it is meant. A registry that does not answer is tried again.

**Run it again** at any moment.

**It never** writes to a record.
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task
from orcid_sync_airflow import SETTINGS, cris, default_args, ledger, registry, run_id
from orcid_sync_callbacks import after_failed_run


@dag(
    schedule=CronTriggerTimetable("30 0 * * 0", timezone=SETTINGS.timezone),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    tags=["orcid", "audit"],
    doc_md=__doc__,
    on_failure_callback=after_failed_run,
)
def audit_ledger() -> None:
    @task
    def audit_records() -> dict:
        from orcid_sync.sync.audit import audit_ledger

        return audit_ledger(ledger(), registry(), run_id=run_id(), settings=SETTINGS)

    @task
    def repair_webhooks() -> dict:
        from orcid_sync.sync.mirror import register_webhooks

        return register_webhooks(ledger(), registry(), run_id=run_id(), settings=SETTINGS, repair=True)

    @task
    def extract_everything() -> dict:
        from orcid_sync.sync.extract import extract

        return extract(ledger(), cris(), run_id=run_id(), settings=SETTINGS, full=True)

    @task
    def validate() -> dict:
        from orcid_sync.sync.validate import validate

        return validate(ledger(), run_id=run_id(), settings=SETTINGS)

    @task
    def reconcile() -> dict:
        from orcid_sync.sync.merge import merge

        return merge(ledger(), run_id=run_id(), settings=SETTINGS, full=True)

    @task
    def let_go_of_finished() -> dict:
        from orcid_sync.ledger.retention import let_go_of_finished

        return let_go_of_finished(ledger(), SETTINGS)

    # Independent of each other: a broken feed must not keep the records from being audited.
    let_go_of_finished()
    audit_records() >> repair_webhooks()
    extract_everything() >> validate() >> reconcile()


audit_ledger()
