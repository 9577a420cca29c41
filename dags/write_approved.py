"""
## What was approved, written to ORCID

Writes approved changes to the records, one researcher after the other, and checks each from the registry's answer.

| | |
|---|---|
| reads | the ledger: changes whose latest decision approves exactly this content |
| writes | connection `orcid`: additions, updates, removals; connection `ledger`: journal, put codes, daily snapshot |
| when | as often as `extract_cris`, `ORCID_SYNC_WRITE_AFTER_HOURS` hours later; and by hand |

It does not wait for `extract_cris`: a failed extraction does not stop what was approved. Researchers are split over
at most `ORCID_SYNC_SHARDS` tasks of about as many calls each; all of them together keep to `ORCID_SYNC_RATE` calls a
second.

**Healthy**: every shard green; the note says what was written, refused and stopped, how many researchers can't be served,
why, and whose move that is.

**When it fails.** A shard that met a server error or a timeout is tried again later and reads each record first, so
nothing is sent twice. A refused client secret or scope stops everything at once: correct the connection `orcid`. A
locked record, a revoked permission or a refused item never fails the run: `orcid-sync status` counts them by reason.

**Run it again** at any moment; trigger it to write now. **To stop it at once**: `orcid-sync pause`.

**It never** writes anything without a decision on that content, and never repeats a call whose answer was lost without
having read the record.
"""

from __future__ import annotations

from dataclasses import asdict

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag, get_current_context, task
from orcid_sync_airflow import SETTINGS, default_args, ledger, registry, run_id, writing_rhythm
from orcid_sync_callbacks import after_failed_run


@dag(
    schedule=writing_rhythm(),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    tags=["orcid", "write"],
    doc_md=__doc__,
    on_failure_callback=after_failed_run,
)
def write_approved() -> None:
    @task
    def plan_shards() -> list[dict]:
        from orcid_sync.sync.write import plan_shards

        shards = plan_shards(ledger(), SETTINGS.shards)
        return [
            {"label": f"{n} of {len(shards)}", "places": asdict(shard)} for n, shard in enumerate(shards, 1)
        ]

    @task(map_index_template="{{ shard_label }}")
    def write_shard(label: str, places: dict) -> dict:
        from orcid_sync.sync.write import Shard, run_error, write

        get_current_context()["shard_label"] = label
        counts = write(ledger(), registry(), run_id=run_id(), settings=SETTINGS, shard=Shard(**places))
        # The stage ends well with what it could do; what is left brings the next try.
        if left := run_error(counts):
            raise left
        return counts

    # The figures of a day are wanted whatever became of its shards.
    @task(trigger_rule="all_done")
    def take_snapshot() -> dict:
        from orcid_sync.ledger.snapshot import take_snapshot

        return take_snapshot(ledger())

    shards, snapshot = write_shard.expand_kwargs(plan_shards()), take_snapshot()
    shards >> snapshot
    # The last task decides the colour of the run: without this one, a failed shard would not show.
    [shards, snapshot] >> EmptyOperator(task_id="finish")


write_approved()
