"""
## Take a written batch back

Proposes the reverse of what a batch wrote, as a batch of its own that the unit's librarians decide like any other: what
it added is removed, what it updated gets the content from before, what it removed is added again. What was changed or
removed since is left alone. The undone content does not come back by itself.

| | |
|---|---|
| reads | the ledger |
| writes | connection `ledger`: a batch of kind *undo*; starts a run of `approve_batch` for it |
| when | by hand, with the number of the batch |

**Healthy**: green, and a new batch waits in `approve_batch`; the note says its number.

**When it fails.** The batch does not exist, is itself an undo, or nothing of it stands as it was written; the message
says which.

**Run it again**: not needed. A second undo of the same batch finds nothing that still stands.

**It never** writes to a record: what is approved goes out with `write_approved`.
"""

from __future__ import annotations

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, dag, get_current_context, task
from orcid_sync_airflow import default_args, ledger, run_id
from orcid_sync_callbacks import after_failed_run


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    tags=["orcid", "approval"],
    doc_md=__doc__,
    on_failure_callback=after_failed_run,
    params={"batch": Param(type="integer", minimum=1, description="Number of the written batch")},
)
def undo_batch() -> None:
    @task
    def propose_undo(params: dict) -> int:
        from orcid_sync.sync.undo import undo

        run = get_current_context()["dag_run"]
        actor = getattr(run, "triggering_user_name", None) or "operator"
        return undo(ledger(), params["batch"], actor=actor, run_id=run_id())["batch"]

    batch = propose_undo()
    ask = TriggerDagRunOperator(
        task_id="ask",
        trigger_dag_id="approve_batch",
        trigger_run_id=f"batch-{batch}",
        conf={"batch": batch},
        logical_date=None,
        skip_when_already_exists=True,
    )
    batch >> ask


undo_batch()
