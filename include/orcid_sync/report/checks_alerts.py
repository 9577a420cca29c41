"""Doctor: whether failures reach somebody, what could not be delivered, and what waits for a person just now."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from orcid_sync.connections import connection, variable_name
from orcid_sync.environment import variable
from orcid_sync.errors import SettingInvalid, SyncError
from orcid_sync.ledger.session import Ledger
from orcid_sync.report.alerts import open_alerts, undelivered_alerts
from orcid_sync.report.doctor import Finding, ok, warn
from orcid_sync.review.airflow_api import CONNECTION as AIRFLOW_API
from orcid_sync.review.mail import undelivered_mails
from orcid_sync.settings import Settings, load_settings

SMTP = "smtp_default"
_TIMEOUT = 5


def check() -> Iterator[Finding]:
    """The ways out, the notes on runs, then what the ledger knows."""
    yield _ways_out(load_settings())
    if variable(variable_name(AIRFLOW_API)) is None:
        yield ok(
            "run notes",
            f"runs get no notes, and questions about replaced batches wait for their time: {variable_name(AIRFLOW_API)} "
            "is not set here",
        )
    else:
        yield ok("run notes", f"written by the login of the connection {AIRFLOW_API}")
    yield from _from_the_ledger()


def _ways_out(settings: Settings) -> Finding:
    mail = settings.mail_from is not None
    ways = ["e-mail"] * mail + ["webhook"] * (settings.alert_webhook is not None)
    if not ways:
        return warn(
            "alerts",
            "nobody is told of a failure",
            f"Set ORCID_SYNC_MAIL_FROM and the connection {SMTP}, or ORCID_SYNC_ALERT_WEBHOOK_URL",
        )
    seen = not mail or variable(variable_name(SMTP)) is not None
    unseen = "" if seen else f"; {variable_name(SMTP)} is not set here, so Airflow itself has to have it"
    return ok("alerts", f"told by {' and '.join(ways)}{unseen}")


def _from_the_ledger() -> Iterator[Finding]:
    """Nothing where the ledger can't be asked: that was told already."""
    try:
        dsn = connection("ledger").dsn()
        with Ledger(lambda: psycopg.connect(dsn, connect_timeout=_TIMEOUT)).transaction() as session:
            mails, messages = undelivered_mails(session), undelivered_alerts(session)
            lasting = open_alerts(session)
    except (psycopg.Error, SettingInvalid, SyncError):
        return
    for mail in mails:
        yield warn(
            f"e-mail about batch {mail['batch']}",
            f"it could not be delivered ({mail['why']})",
            f"Check the connection {SMTP} and the contacts of unit {mail['unit']}; it is tried again each hour",
        )
    for message in messages:
        to = f"the contact of unit {message['unit']}" if message["unit"] else "the operators"
        to = "the webhook" if message["channel"] == "webhook" else to
        yield warn(
            f"alert {message['cause']}",
            f"it did not reach {to} ({message['why']}, {message['attempts']} attempts)",
            "Correct the address or the way there; it is tried again each hour",
        )
    for alert in lasting:
        yield warn(f"alert {alert['cause']}", f"{alert['what']} [{alert['who']}]", alert["remedy"])
