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
from orcid_sync.report.schedule import next_write
from orcid_sync_airflow import SETTINGS, airflow_api, channels, default_args, ledger, mailer, registry, run_id
from orcid_sync_callbacks import after_failed_run


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
    @task
    def read_changed_records() -> dict:
        from orcid_sync.sync.mirror import flag_changed, mirror

        common = {"run_id": run_id(), "settings": SETTINGS}
        searched = flag_changed(ledger(), registry(), **common)
        return {"search": searched, **mirror(ledger(), registry(), **common, only_flagged=True)}

    @task
    def register_webhooks() -> dict:
        from orcid_sync.sync.mirror import register_webhooks

        return register_webhooks(ledger(), registry(), run_id=run_id(), settings=SETTINGS)

    @task
    def prove_permissions() -> dict:
        from orcid_sync.sync.check_permissions import check_permissions

        return check_permissions(ledger(), registry(), run_id=run_id(), limit=SETTINGS.permission_checks)

    @task
    def refresh_tokens() -> dict:
        from orcid_sync.vault.refresh import refresh_tokens

        return refresh_tokens(ledger(), registry(), before=SETTINGS.refresh_before)

    @task
    def close_finished_batches() -> int:
        from orcid_sync.review.decisions import close_finished

        return close_finished(ledger())

    @task
    def end_delete_only() -> int:
        from orcid_sync.vault.store import end_delete_only

        with ledger().transaction() as connection:
            return end_delete_only(connection, SETTINGS.delete_only_days)

    @task
    def close_replaced_questions() -> int:
        from orcid_sync.review.replaced import close_replaced

        api = airflow_api()
        return close_replaced(ledger(), api) if api else 0

    @task
    def take_snapshot() -> dict:
        from orcid_sync.ledger.snapshot import take_snapshot

        return take_snapshot(ledger())

    @task
    def mail_librarians() -> dict:
        from orcid_sync.review.mail import mail_batches

        send, told = mailer(), {"sender": SETTINGS.mail_from, "console_url": SETTINGS.console_url}
        return mail_batches(ledger(), send, **told, next_write=next_write(SETTINGS)) if send else {}

    @task
    def disconnect_leaving() -> dict:
        from orcid_sync.consent.leaving import finish_leaving

        return finish_leaving(ledger(), registry(), settings=SETTINGS)

    @task
    def mail_researchers() -> dict:
        from orcid_sync.consent.letters import mail_researchers

        send, told = mailer(), {"sender": SETTINGS.mail_from, "portal_url": SETTINGS.portal_url}
        return mail_researchers(ledger(), send, **told) if send else {}

    @task
    def sweep_portal() -> int:
        from orcid_sync.consent.portal.sessions import sweep

        with ledger().transaction() as connection:
            return sweep(connection)

    @task
    def send_alerts() -> dict:
        from orcid_sync.report.alerts import deliver, look

        found = look(ledger(), SETTINGS)
        return found | deliver(ledger(), channels())

    # Independent of each other: a registry that does not answer must not keep batches open, or an alert back.
    for registry_side in (read_changed_records, register_webhooks, prove_permissions, refresh_tokens):
        registry_side()
    for our_side in (close_finished_batches, end_delete_only, close_replaced_questions, take_snapshot):
        our_side()
    for people_side in (mail_librarians, disconnect_leaving, mail_researchers, sweep_portal, send_alerts):
        people_side()


watch_records()
