"""
## Inviting researchers, on working days

Sends the invitations and dated reminders of the units' campaigns that are due: by e-mail where `smtp_default` and
`ORCID_SYNC_MAIL_FROM` are set, into the ORCID inbox where a campaign says so. Campaigns are planned with
`orcid-sync invitations plan`; without one nothing is sent.

| | |
|---|---|
| reads | connection `ledger`: campaigns, who answered, who wants none |
| writes | connection `ledger`: each message before it is sent, and what became of it; connection `orcid`: notifications |
| when | Monday to Friday at nine, on the clock of `ORCID_SYNC_TIMEZONE` |

**Healthy**: green; `send_due_invitations` returns how many were `sent` and `reminded`, and how many `failed`, were
`refused` or are `doubtful`. `orcid-sync invitations figures` shows what came of each campaign.

**When it fails.** The mail server or the registry took nothing any more. What certainly did not go out is still due;
what is in doubt is not sent twice by itself. **Run it again** at any moment: it goes on where it ended.

**It never** invites anybody who said no, opted out, or is invited by another unit, and sends no message twice.
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task
from orcid_sync_airflow import SETTINGS, default_args, ledger, registry, smtp_connection
from orcid_sync_callbacks import after_failed_run


@dag(
    schedule=CronTriggerTimetable("0 9 * * 1-5", timezone=SETTINGS.timezone),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    tags=["orcid", "watch"],
    doc_md=__doc__,
    on_failure_callback=after_failed_run,
)
def invite_researchers() -> None:
    @task
    def send_due_invitations() -> dict:
        from orcid_sync.consent.invitations.outgoing import refuse_stopped, send_all
        from orcid_sync.settings import load_settings

        return refuse_stopped(send_all(ledger(), registry(), load_settings(), smtp_connection()))

    send_due_invitations()


invite_researchers()
