"""
## Looking after permissions and questions, hourly

Reads the records that changed, checks the permissions of researchers whose last call was refused, proves
`ORCID_SYNC_PERMISSION_CHECKS` others that nothing was heard of for longest, renews tokens that are about to expire,
closes batches in which nothing is left to decide, and gives up tokens that were kept to remove what we wrote for longer
than `ORCID_SYNC_DELETE_ONLY_DAYS`. Where the connection `airflow_api` has a login, questions about batches that a newer
one replaced are ended. Where `smtp_default` and `ORCID_SYNC_MAIL_FROM` are set, each batch is told to its librarians by
one e-mail, with one reminder after a week, and researchers who connected in the portal get one after their first update
and one when ORCID does not take their permission any more. Whoever disconnects and wants our entries gone is
disconnected when they are. What needs a person is told once to the unit's technical contact, by e-mail
and to `ORCID_SYNC_ALERT_WEBHOOK_URL`: a failed run or a stopped guard at once, the rest by `send_alerts`.

| | |
|---|---|
| reads | connection `orcid`: a search for changed records; one call for each of these, each permission in doubt or proved |
| writes | connection `ledger`: permissions with reasons, the mirror of flagged records, batches, daily snapshot |
| when | every hour |

**Healthy**: green each hour. `send_alerts` returns how many alerts last (`open`) and how many messages could not be sent
(`failed`).

**When it fails.** Nothing is lost: the next hour does the same. If it fails for hours, `orcid-sync doctor` names the
cause. **Run it again** at any moment.

**It never** adds to a record or changes what stands there; it removes only what its researcher, who leaves, wants removed.
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task
from orcid_sync_airflow import default_args
from orcid_sync_callbacks import after_failed_run
from orcid_sync_hourly import HOURLY


@dag(
    schedule=CronTriggerTimetable("17 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(retries=1),
    tags=["orcid", "watch"],
    doc_md=__doc__,
    on_failure_callback=after_failed_run,
)
def watch_records() -> None:
    # Independent of each other: a registry that does not answer must not keep batches open, or an alert back.
    for stage in HOURLY:
        task(stage)()


watch_records()
