"""
## One batch before the librarians of its unit

Asks in *Required Actions* and records the answer. The question shows what would be added, updated and removed, with
removals and warnings apart. Single changes are decided in *ORCID review*, before or instead of an answer here.

| answer | what it decides |
|---|---|
| Approve additions and updates | all of them that carry no warning; removals stay open |
| Approve all, removals included | everything in the batch |
| Reject all | everything; the same content is not proposed again |
| Leave open | nothing; taken by itself when nobody answers in time |

| | |
|---|---|
| when | started by `propose_changes`, one run for each batch, so that an open question never blocks another DAG |
| waits | until just before the next sync (`ORCID_SYNC_APPROVAL_TIMEOUT_HOURS`); then it ends green, nothing decided |
| writes | connection `ledger`: decisions, each on the content that was shown |

**Healthy**: a run waits (*awaiting input*) or has ended green; its note says what became of the batch. A batch that has
waited for `ORCID_SYNC_ALERT_BATCH_DAYS` days raises an alert, and its unit gets a reminder after a week.

**Who may answer.** The `librarians` of the unit in the units file. Whatever Airflow lets through, an answer by
somebody else, without a person, or about a batch that a newer one replaced decides nothing and is logged.

**When it fails.** The answer was not recorded; nothing is approved. Clear the task `record`, never `ask`: clearing
`ask` forgets the answer and asks again. Only if `ask` itself failed, nobody was asked yet: clear that.

**It never** calls ORCID. What was approved is written by `write_approved`.
"""

from __future__ import annotations

import datetime as dt

from airflow.sdk import Param, dag, task
from orcid_sync.review.answers import LEAVE_OPEN, OPTIONS
from orcid_sync_airflow import SETTINGS, AskLibrarians, default_args, ledger
from orcid_sync_callbacks import after_failed_run


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=64,
    default_args=default_args(),
    tags=["orcid", "approval"],
    doc_md=__doc__,
    on_failure_callback=after_failed_run,
    params={"batch": Param(type="integer", minimum=1, description="Number of the batch")},
    # Librarians need to edit this DAG, and no other, to answer.
    access_control={"Librarian": {"DAGs": {"can_read", "can_edit"}}},
)
def approve_batch() -> None:
    ask = AskLibrarians(
        task_id="ask",
        subject="Batch {{ params.batch }}",
        options=list(OPTIONS),
        defaults=LEAVE_OPEN,
        response_timeout=SETTINGS.approval_timeout,
        # Trying again would ask again and forget an answer that was given.
        retries=0,
        execution_timeout=None,
    )

    @task(execution_timeout=dt.timedelta(minutes=30))
    def record(answer: dict, params: dict) -> dict:
        from orcid_sync.review.answers import record_answer

        options, person = answer["chosen_options"], answer["responded_by_user"]
        return record_answer(ledger(), params["batch"], options, person)

    record(ask.output)


approve_batch()
