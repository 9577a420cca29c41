"""What follows a task or a run: the alert of a failure, the note with the counts, the end of an alert that is over.

Airflow calls these after it has taken the task's end. None of them may make a run fail: what goes wrong in them is logged,
and `watch_records` sends later what could not be sent now.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from orcid_sync.errors import SyncError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context
    from orcid_sync.report.alerts import Alert, Failure

log = logging.getLogger(__name__)

# Airflow ends a task's process soon after the task; a database that does not answer must not use that time up.
CONNECT_SECONDS: Final = "5"
# Remembers an alert while the ledger, which remembers all others, does not answer.
TOLD_WITHOUT_LEDGER: Final = "orcid_sync_told_without_ledger"
AGAIN_AFTER: Final = dt.timedelta(days=1)


def after_success(context: Context) -> None:
    """A task went well: alerts about it are over, its run gets a note with the counts so far."""
    with _harmless("note the end of a task"):
        from orcid_sync.report.alerts import settle_task, settle_tasks
        from orcid_sync_airflow import ledger

        done = _failure(context)
        with ledger().transaction() as connection:
            settle_task(connection, done.job, done.task_id, done.map_index)
            if context["task"].trigger_rule == "all_success":
                settle_tasks(connection, done.job, context["task"].upstream_task_ids)
        _note(done.run_id)


def after_failure(context: Context) -> None:
    """A task failed for good: tell the unit's technical contact what happened, what to do and whose move it is."""
    with _harmless("tell about a failed task"):
        from orcid_sync.report.alerts import failure_alerts

        failed = _failure(context)
        _tell(failure_alerts(failed))
        _note(failed.run_id)


def after_failed_run(context: Context) -> None:
    """A run failed and no task could say why: its worker died, for instance. Called by the DAG processor."""
    with _harmless("tell about a failed run"):
        from orcid_sync.report.alerts import Failure, failure_alerts, run_is_told
        from orcid_sync_airflow import ledger

        failed = _failure(context) if "task_instance" in context else Failure(_run_id(context))
        _be_quick()
        with ledger().transaction() as connection:
            told = run_is_told(connection, failed.run_id)
        if not told:
            _tell(failure_alerts(failed))


@contextmanager
def _harmless(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # The text of an error that is none of ours may quote anything.
        log.warning("Could not %s: %s", what, error if isinstance(error, SyncError) else type(error).__name__)


def _failure(context: Context) -> Failure:
    from orcid_sync.report.alerts import Failure

    task = context["task_instance"]
    error = context.get("exception")
    return Failure(
        run_id=f"{task.dag_id}/{task.run_id}",
        task_id=task.task_id,
        map_index=-1 if task.map_index is None else task.map_index,
        error=error if isinstance(error, BaseException) else None,
    )


def _run_id(context: Context) -> str:
    return f"{context['dag'].dag_id}/{context['run_id']}"


def _tell(alerts: list[Alert]) -> None:
    import psycopg
    from airflow.sdk.exceptions import AirflowNotFoundException
    from orcid_sync.report.alerts import deliver, raise_alerts
    from orcid_sync_airflow import channels, ledger

    _be_quick()
    try:
        with ledger().transaction() as connection:
            keys = raise_alerts(connection, alerts)
    except (psycopg.OperationalError, AirflowNotFoundException):
        _tell_without_ledger()
        return
    counts = deliver(ledger(), channels(), only=keys)
    log.info("Alerts: %(delivered)s messages sent, %(failed)s to be tried again", counts)


def _tell_without_ledger() -> None:
    from airflow.sdk import Variable
    from orcid_sync.report.alerts import LEDGER_AWAY, tell_without_ledger
    from orcid_sync_airflow import channels

    now = dt.datetime.now(dt.UTC)
    last = Variable.get(TOLD_WITHOUT_LEDGER, default=None)
    if last and now - dt.datetime.fromisoformat(last) < AGAIN_AFTER:
        return
    if tell_without_ledger(channels(), [LEDGER_AWAY]):
        Variable.set(TOLD_WITHOUT_LEDGER, now.isoformat())


def _note(run_id: str) -> None:
    """Log what the run did so far, and write it on the run where Airflow's API may be asked."""
    from orcid_sync.report.run_summary import run_summary
    from orcid_sync_airflow import airflow_api, ledger

    said = run_summary(ledger(), run_id)
    if not said:
        return
    log.info("%s", said)
    if api := airflow_api():
        api.note_run(run_id, said)


def _be_quick() -> None:
    os.environ.setdefault("PGCONNECT_TIMEOUT", CONNECT_SECONDS)
