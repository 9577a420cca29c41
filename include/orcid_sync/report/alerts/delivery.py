"""Alerts on their way out: by e-mail and by webhook, each message once, what failed tried again."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from html import escape
from http import HTTPStatus
from typing import Any, Final

import psycopg
import requests

from orcid_sync.ledger.session import ALERT_LOCK, Connection, Ledger
from orcid_sync.report.alerts.store import Alert
from orcid_sync.review.mail import Sender
from orcid_sync.secret import Secret

POST_SECONDS: Final = 10
WAIT_FOR_OTHERS: Final = "15s"
ONCE: Final = "You are told once, and again only if it comes back after it had gone."

# The messages that are still to be sent: (alert, channel, unit whose contact it is); null where it is nobody's.
_DUE: Final = """
WITH contact AS (
    SELECT DISTINCT ON (lower(address)) unit.id AS unit_id, address
    FROM unit, coalesce(contacts -> 'technical' ->> 'email', contacts -> 'main' ->> 'email') AS address
    WHERE active AND address IS NOT NULL ORDER BY lower(address), unit.id
), target AS (
    SELECT alert.id AS alert_id, 'webhook' AS channel, NULL::int AS unit_id, '' AS address
    FROM alert WHERE %(webhook)s
    UNION ALL SELECT alert.id, 'mail', NULL, '' FROM alert WHERE %(operators)s
    UNION ALL SELECT alert.id, 'mail', unit.id,
        coalesce(contacts -> 'technical' ->> 'email', contacts -> 'main' ->> 'email')
    FROM alert JOIN unit ON unit.id = alert.unit_id WHERE %(mail)s
    UNION ALL SELECT alert.id, 'mail', contact.unit_id, contact.address
    FROM alert, contact WHERE alert.unit_id IS NULL AND %(mail)s
)
SELECT alert.id, alert.cause, unit.code AS unit, unit.name AS unit_name, what, remedy, who, path, first_seen,
       target.channel, target.unit_id AS contact_of, target.address
FROM target JOIN alert ON alert.id = target.alert_id LEFT JOIN unit ON unit.id = alert.unit_id
LEFT JOIN alert_delivery ON alert_delivery.alert_id = alert.id AND alert_delivery.channel = target.channel
    AND alert_delivery.unit_id IS NOT DISTINCT FROM target.unit_id
WHERE resolved_at IS NULL AND delivered_at IS NULL AND address IS NOT NULL
ORDER BY alert.id, target.channel, target.unit_id
"""
_DONE: Final = """
INSERT INTO alert_delivery (alert_id, channel, unit_id, attempts, failure, tried_at, delivered_at)
VALUES (%(alert)s, %(channel)s, %(unit)s, 1, %(failure)s, now(), CASE WHEN %(failure)s::text IS NULL THEN now() END)
ON CONFLICT (alert_id, channel, unit_id) DO UPDATE SET attempts = alert_delivery.attempts + 1,
    failure = excluded.failure, tried_at = excluded.tried_at, delivered_at = excluded.delivered_at
"""


@dataclass(frozen=True)
class Channels:
    """The ways out: an SMTP server with a sender and the operators' own addresses, a webhook, Airflow's address.

    Either way may be missing; then nothing goes there.
    """

    send: Sender | None = None
    sender: str = ""
    operators: tuple[str, ...] = ()
    webhook: Secret | None = None
    base_url: str = ""

    @property
    def any(self) -> bool:
        """Whether there is a way at all."""
        return self.send is not None or self.webhook is not None


def deliver(ledger: Ledger, channels: Channels, only: Collection[int] | None = None) -> dict[str, int]:
    """Send what was not delivered yet, of all alerts or `only` of these; returns `{delivered, failed}`.

    A failure is noted and tried again by the next call; it stops nothing. Two that deliver at once take turns.
    """
    counts = {"delivered": 0, "failed": 0}
    if not channels.any:
        return counts
    mail = channels.send is not None
    ways = {
        "webhook": channels.webhook is not None,
        "mail": mail,
        "operators": mail and bool(channels.operators),
    }
    with ledger.connection() as connection:
        if not _my_turn(connection):
            return counts
        for row in connection.execute(_DUE, ways).fetchall():
            if only is not None and row.id not in only:
                continue
            failure = _attempt(channels, row)
            counts["failed" if failure else "delivered"] += 1
            values = {"alert": row.id, "channel": row.channel, "unit": row.contact_of, "failure": failure}
            connection.execute(_DONE, values)
    return counts


def tell_without_ledger(channels: Channels, alerts: Iterable[Alert]) -> int:
    """Send alerts while the ledger can't be asked: to the operators' addresses and the webhook; returns how many went.

    The caller has to remember that it was done.
    """
    gone = 0
    for alert in alerts:
        if channels.send is not None and channels.operators:
            gone += _mail(channels, _message(channels, alert, ", ".join(channels.operators))) is None
        if channels.webhook is not None:
            gone += _post(channels, alert) is None
    return gone


def _my_turn(connection: Connection) -> bool:
    connection.execute("SELECT set_config('lock_timeout', %s, false) AS set", (WAIT_FOR_OTHERS,))
    try:
        # It goes with the connection.
        connection.execute("SELECT pg_advisory_lock(%s, 0) AS got", (ALERT_LOCK,))
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _attempt(channels: Channels, row: Any) -> str | None:
    """Why it could not be delivered, or None."""
    if row.channel == "webhook":
        return _post(channels, row)
    return _mail(channels, _message(channels, row, row.address or ", ".join(channels.operators)))


def _mail(channels: Channels, message: EmailMessage) -> str | None:
    assert channels.send is not None
    return _failure_of(lambda: channels.send(message))  # type: ignore[misc]


def _post(channels: Channels, alert: Any) -> str | None:
    assert channels.webhook is not None
    lines = (_subject(alert), *(f"{label}: {text}" for label, text in _parts(channels, alert)))
    body = {
        # What chat programs show; the rest is for programs that read it.
        "text": "\n".join(lines),
        "cause": alert.cause,
        "unit": alert.unit,
        "what": alert.what,
        "remedy": alert.remedy,
        "who": alert.who,
        "link": _link(channels, alert),
    }

    def post() -> None:
        address = channels.webhook.reveal() if channels.webhook else ""
        answer = requests.post(address, json=body, timeout=POST_SECONDS, allow_redirects=False)
        if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise _Refused(answer.status_code)

    return _failure_of(post)


class _Refused(OSError):
    """The receiver of a webhook answered with an error."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _failure_of(action: Callable[[], object]) -> str | None:
    """The kind of failure, never its text: a server may quote an address, and an address may hold a secret."""
    try:
        action()
    except _Refused as refused:
        return f"status {refused.status}"
    except (OSError, smtplib.SMTPException, ValueError) as failure:
        return type(failure).__name__
    return None


def _message(channels: Channels, alert: Any, to: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = _subject(alert), channels.sender, to
    made["Auto-Submitted"] = "auto-generated"
    parts = _parts(channels, alert)
    made.set_content("\n\n".join([*(f"{label}: {text}" for label, text in parts), ONCE]) + "\n")
    rows = "".join(f"<dt><b>{label}</b></dt><dd>{_html(text)}</dd>" for label, text in parts)
    made.add_alternative(f'<html lang="en"><body><dl>{rows}</dl><p>{ONCE}</p></body></html>', subtype="html")
    return made


def _subject(alert: Any) -> str:
    unit = getattr(alert, "unit_name", None) or alert.unit
    head = f"ORCID sync, {unit}" if unit else "ORCID sync"
    what = alert.what if len(alert.what) <= 120 else alert.what[:120].rpartition(" ")[0] + " ..."
    return " ".join(f"{head}: {what}".split())


def _parts(channels: Channels, alert: Any) -> list[tuple[str, str]]:
    since = getattr(alert, "first_seen", None)
    parts = [
        ("What happened", f"{alert.what}."),
        ("What to do", f"{alert.remedy}."),
        ("Whose move", alert.who),
        ("Since", f"{since:%Y-%m-%d %H:%M} UTC" if since else ""),
        ("Where to look", _link(channels, alert) or ""),
    ]
    return [(label, text) for label, text in parts if text]


def _link(channels: Channels, alert: Any) -> str | None:
    return f"{channels.base_url}{alert.path}" if channels.base_url and alert.path else None


def _html(text: str) -> str:
    shown = escape(text)
    return f'<a href="{shown}">{shown}</a>' if text.startswith(("https://", "http://")) else shown
