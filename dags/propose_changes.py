"""
## What should change on the records

Reads the records that may have changed, compares them with what the CRIS wants, and puts the differences of each unit
into a batch. Units with the policy `automatic` are decided by that policy, under its name; for each batch that needs
a person, a run of `approve_batch` is started.

| | |
|---|---|
| reads | the ledger; connection `orcid`: a search for what changed, then one call for each changed record |
| writes | connection `ledger`: the mirror of the records, items, changes, batches, the policy's decisions |
| when | after each `extract_cris` (asset `cris_snapshot`) |
| starts | `approve_batch`, one run for each batch, named `batch-N`; the asset `changes_proposed` |

**Parameters.** `proceed`: go on although a guard stopped the run, after having looked at its figures.

**Healthy**: green, one mapped `ask` for each batch that needs a person. The note says what is proposed and withheld, how
many researchers can't be served, why, and whose move that is.

**When it fails.** A guard names the unit and the figures: most often a mapping or the CRIS changed in bulk. A record
that can't be read (locked, permission revoked) never fails the run; `orcid-sync status` counts them by reason.

**Run it again** at any moment; with `proceed` where a guard's figures are meant. Open changes are found again and keep their
decisions.

**It never** writes to a record.
"""

from __future__ import annotations

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, dag, task
from orcid_sync_airflow import (
    CHANGES_PROPOSED,
    CRIS_SNAPSHOT,
    SETTINGS,
    default_args,
    ledger,
    registry,
    run_id,
)
from orcid_sync_callbacks import after_failed_run


@dag(
    schedule=[CRIS_SNAPSHOT],
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    tags=["orcid", "approval"],
    doc_md=__doc__,
    on_failure_callback=after_failed_run,
    params={"proceed": Param(False, type="boolean", description="Go on although a guard stopped the run")},
)
def propose_changes() -> None:
    @task
    def mirror() -> dict:
        from orcid_sync.sync.mirror import search_and_mirror

        return search_and_mirror(ledger(), registry(), run_id=run_id(), settings=SETTINGS)

    @task(outlets=[CHANGES_PROPOSED])
    def propose(params: dict) -> dict:
        from orcid_sync.sync.propose import propose

        return propose(ledger(), run_id=run_id(), settings=SETTINGS, proceed=params["proceed"])

    @task
    def list_batches_to_ask() -> list[dict]:
        from orcid_sync.review.batches import batches_to_ask

        waiting = [(row["batch"], row["unit_name"]) for row in batches_to_ask(ledger())]
        return [{"trigger_run_id": f"batch-{n}", "conf": {"batch": n, "unit": unit}} for n, unit in waiting]

    ask = TriggerDagRunOperator.partial(
        task_id="ask",
        trigger_dag_id="approve_batch",
        logical_date=None,
        # A batch is asked about once; its run may have been started by an earlier try or an earlier run.
        skip_when_already_exists=True,
        map_index_template="{{ task.conf.unit }}, batch {{ task.conf.batch }}",
    )
    batches = list_batches_to_ask()
    mirror() >> propose() >> batches
    ask.expand_kwargs(batches)


propose_changes()
