"""What the DAGs share: their defaults, and the ways from Airflow's connections to the stages.

This is the one place where Airflow and the stages meet. Nothing here runs at import but reading the settings.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import (
    Asset,
    BaseHook,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    Variable,
    conf,
    get_current_context,
)
from airflow.sdk.exceptions import AirflowSkipException
from every_n_days import EveryNDays
from orcid_sync.report.schedule import ANCHOR, next_write, write_time
from orcid_sync.settings import load_settings
from orcid_sync_callbacks import after_failure, after_success

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context
    from orcid_sync.connections import ConnectionInfo
    from orcid_sync.ledger.session import Connect, Ledger
    from orcid_sync.report.alerts import Channels
    from orcid_sync.review.airflow_api import AirflowApi
    from orcid_sync.review.mail import Sender
    from orcid_sync.vault.registry import Registry

SETTINGS: Final = load_settings()
CRIS_SNAPSHOT: Final = Asset("cris_snapshot", "x-orcid-sync://cris_snapshot")
CHANGES_PROPOSED: Final = Asset("changes_proposed", "x-orcid-sync://changes_proposed")

RETRY_POLICY: Final = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            "orcid_sync.errors.Transient",
            RetryAction.RETRY,
            retry_delay=dt.timedelta(minutes=5),
            reason="it may work later",
        ),
        RetryRule("psycopg.OperationalError", RetryAction.RETRY, reason="the database did not answer"),
        RetryRule(
            "orcid_sync.errors.SyncError",
            RetryAction.FAIL,
            reason="it needs a person; trying again changes nothing",
        ),
        # A worker that dies raises nothing here and is tried again by the number of retries.
        RetryRule(
            "builtins.Exception", RetryAction.FAIL, reason="unexpected: look at it, then clear the task"
        ),
    ]
)


def default_args(**overrides: Any) -> dict[str, Any]:
    """The defaults of every task: owner, retries by the consequence of the error, a limit to its time."""
    return {
        "owner": "orcid-sync",
        "retries": 3,
        "retry_delay": dt.timedelta(minutes=2),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": dt.timedelta(minutes=30),
        "retry_policy": RETRY_POLICY,
        "execution_timeout": dt.timedelta(hours=4),
        "on_success_callback": after_success,
        "on_failure_callback": after_failure,
        **overrides,
    }


def extraction_rhythm() -> EveryNDays:
    """When `extract_cris` runs."""
    return _rhythm(ANCHOR, SETTINGS.extract_time)


def writing_rhythm() -> EveryNDays:
    """When `write_approved` runs: as often, later by `ORCID_SYNC_WRITE_AFTER_HOURS` on the clock on the wall."""
    days, at = write_time(SETTINGS)
    return _rhythm(ANCHOR + dt.timedelta(days=days), at)


def _rhythm(anchor: dt.date, at: dt.time) -> EveryNDays:
    return EveryNDays(SETTINGS.every_days, anchor=anchor, at=at, timezone=SETTINGS.timezone)


def cris() -> Connect:
    """Opens connections to the CRIS, for a stage."""
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    return PostgresHook("cris").get_conn


def ledger() -> Ledger:
    """The ledger, for a stage."""
    # Not the hook's own methods: they log every statement with its parameters.
    from airflow.providers.postgres.hooks.postgres import PostgresHook
    from orcid_sync.ledger.session import Ledger

    return Ledger(PostgresHook("ledger").get_conn)


def registry() -> Registry:
    """The API clients and the vault, for a stage."""
    from orcid_sync.vault.registry import registry_from

    return registry_from(SETTINGS, ledger(), connection=_known_connection)


def _known_connection(name: str) -> ConnectionInfo:
    """A connection, or the error of ours that says that there is none."""
    from airflow.sdk.exceptions import AirflowNotFoundException
    from orcid_sync.errors import SettingInvalid

    try:
        return connection_info(name)
    except AirflowNotFoundException:
        raise SettingInvalid(
            f"Connection {name}",
            why="Airflow knows no such connection",
            remedy=f"Add it in Airflow, its secrets backend, or as AIRFLOW_CONN_{name.upper()}",
            variable=f"AIRFLOW_CONN_{name.upper()}",
        ) from None


def connection_info(name: str) -> ConnectionInfo:
    """One of Airflow's connections, as the stages read them."""
    from orcid_sync.connections import connection_from_parts

    found = BaseHook.get_connection(name)
    return connection_from_parts(
        name,
        conn_type=found.conn_type,
        host=found.host,
        login=found.login,
        password=found.password,
        port=found.port,
        schema=found.schema,
        extra=found.extra,
    )


def airflow_api() -> AirflowApi | None:
    """Airflow's own API, where the connection `airflow_api` has a login for it."""
    from airflow.sdk.exceptions import AirflowNotFoundException
    from orcid_sync.review.airflow_api import CONNECTION, AirflowApi

    try:
        return AirflowApi.from_connection(connection_info(CONNECTION))
    except AirflowNotFoundException:
        return None


def mailer() -> Sender | None:
    """Sends e-mails by the connection `smtp_default`, where it and a sender are set."""
    from orcid_sync.review.mail import smtp_sender

    found = smtp_connection() if load_settings().mail_from else None
    return smtp_sender(found) if found else None


def smtp_connection() -> ConnectionInfo | None:
    """The mail server, where there is one."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return connection_info("smtp_default")
    except AirflowNotFoundException:
        return None


def channels() -> Channels:
    """The ways in which alerts leave, as far as they are set."""
    from orcid_sync.report.alerts import Channels

    settings = load_settings()
    return Channels(
        send=mailer(),
        sender=settings.mail_from or "",
        operators=settings.alert_mail_to,
        webhook=settings.alert_webhook,
        base_url=settings.console_url or "",
    )


def run_id() -> str:
    """The run that the ledger ties a stage to: DAG and run, which together are unique."""
    dag_run = get_current_context()["dag_run"]
    return f"{dag_run.dag_id}/{dag_run.run_id}"


class AskLibrarians(HITLOperator):
    """Puts one batch before the librarians of its unit, in Required Actions.

    What they read is made when they are asked, and is not passed through XCom. Without an answer in time the option
    `Leave open` is taken, which decides nothing. A batch in which nothing is left to decide is skipped.
    """

    def execute(self, context: Context) -> Any:
        """Fill in the question and wait for the answer."""
        from orcid_sync.review.question import ask

        batch = context["params"]["batch"]
        question = ask(ledger(), batch, next_write=next_write(SETTINGS), console_url=console_page(batch))
        if question is None:
            raise AirflowSkipException("Nothing is left to decide in this batch")
        self.subject, self.body = question.subject, question.body
        self.assigned_users = assigned_users(question.librarians)
        return super().execute(context)


def console_page(batch: int) -> str | None:
    """The batch's page in the librarians' console, where its address is known."""
    return f"{SETTINGS.console_url}/orcid-review/batches/{batch}" if SETTINGS.console_url else None


def assigned_users(librarians: Sequence[str]) -> list[dict[str, str]] | None:
    """Who may answer, by the ids of Airflow's user management; None leaves it to roles and to the recorder's check.

    The login of `airflow_api` may, too, so that it can end the question; it decides nothing unless it is a librarian.

    The simple user management knows people by their names. For others the Variable `orcid_sync_user_ids` may map the
    names of the units file to ids, as JSON: `{"ann": "3"}`.
    """
    ids = Variable.get("orcid_sync_user_ids", default={}, deserialize_json=True)
    api = airflow_api()
    ours = [api.login] if api and api.login not in librarians else []
    if "SimpleAuthManager" in conf.get("core", "auth_manager"):
        ids = {name: name for name in (*librarians, *ours)} | ids
    if not librarians or not ids.keys() >= set(librarians):
        return None
    return [{"id": str(ids[name]), "name": name} for name in (*librarians, *ours) if name in ids]
