"""One e-mail for each batch that people have to decide, and one reminder; never about a batch in which nothing is new.

It goes to the `main` contact of the unit. Whether and when it went is an audit event, so that nothing is sent twice and
a failed delivery is seen and tried again. Titles and names stay out: a mailbox
is no place for them.
"""

from __future__ import annotations

import datetime as dt
import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from html import escape
from typing import Any, Final, Protocol

from orcid_sync.connections import ConnectionInfo
from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.session import Ledger, audit
from orcid_sync.review.batches import batch_counts

REMIND_AFTER: Final = dt.timedelta(days=7)
TIMEOUT: Final = 30


@dataclass(frozen=True)
class Mail:
    """A message about one batch, in both forms."""

    batch: int
    unit_id: int
    to: str
    subject: str
    text: str
    html: str
    reminder: bool

    def message(self, sender: str) -> EmailMessage:
        """As it goes over the wire."""
        made = EmailMessage()
        made["Subject"], made["From"], made["To"] = self.subject, sender, self.to
        # So that nobody's out-of-office answers a machine.
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(self.text)
        made.add_alternative(self.html, subtype="html")
        return made


class Sender(Protocol):
    """Delivers one message or raises OSError or smtplib.SMTPException."""

    def __call__(self, message: EmailMessage) -> None: ...


def smtp_sender(connection: ConnectionInfo) -> Sender:
    """Sends by the SMTP server of a connection: host, port, login and password; `extra` may say `starttls` or `ssl`."""
    secure = str(connection.extra.get("ssl", "")).lower() in ("true", "1")
    upgrade = str(connection.extra.get("starttls", "true")).lower() in ("true", "1") and not secure
    if not connection.host:
        raise Misconfigured(
            "No e-mail can be sent",
            why=f"connection {connection.name} names no host",
            remedy="Name the SMTP server",
        )

    def send(message: EmailMessage) -> None:
        port = connection.port or (465 if secure else 587)
        kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
        with kind(connection.host, port, timeout=TIMEOUT) as server:
            if upgrade:
                server.starttls(context=ssl.create_default_context())
            if connection.login:
                server.login(connection.login, connection.password.reveal())
            server.send_message(message)

    return send


def mail_batches(
    ledger: Ledger,
    send: Sender,
    *,
    sender: str,
    console_url: str | None,
    next_write: dt.datetime | None = None,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> dict[str, Any]:
    """Send what is due; returns `{sent, reminded, failed, without_contact: [unit]}`.

    A delivery that fails is recorded and tried again by the next call; it never stops the others.
    """
    counts: dict[str, Any] = {"sent": 0, "reminded": 0, "failed": 0, "without_contact": []}
    for row in _due(ledger, now()):
        if not row.address:
            counts["without_contact"].append(row.unit)
            continue
        mail = batch_mail(ledger, row, console_url=console_url, next_write=next_write)
        try:
            send(mail.message(sender))
        except (OSError, smtplib.SMTPException) as failure:
            counts["failed"] += 1
            # The server's text may quote the address; the kind of failure is enough to act on.
            _record(ledger, mail, "mail_failed", {"why": type(failure).__name__})
        else:
            counts["reminded" if mail.reminder else "sent"] += 1
            _record(ledger, mail, "mailed")
    return counts


_DUE: Final = """
SELECT batch.id, unit.id AS unit_id, unit.code AS unit, unit.name AS unit_name,
       unit.contacts -> 'main' ->> 'email' AS address, mailed.last IS NOT NULL AS reminder
FROM batch JOIN unit ON unit.id = batch.unit_id
LEFT JOIN LATERAL (
    SELECT max(at) AS last, count(*) AS times FROM audit_event
    WHERE what = 'mailed' AND audit_event.unit_id = unit.id AND (detail ->> 'batch')::bigint = batch.id
) mailed ON true
WHERE batch.state = 'open' AND (unit.approval = 'librarian' OR batch.kind = 'undo')
  AND EXISTS (SELECT FROM batch_change JOIN change ON change.id = batch_change.change_id
              WHERE batch_change.batch_id = batch.id AND change.state = 'open' AND change.verdict IS NULL
              -- Something new: not only what an earlier batch, which was written about, held already.
              AND (mailed.last IS NOT NULL OR NOT EXISTS (
                  SELECT FROM batch_change before JOIN audit_event ON audit_event.what = 'mailed'
                  AND (audit_event.detail ->> 'batch')::bigint = before.batch_id
                  WHERE before.change_id = change.id AND before.batch_id <> batch.id)))
  AND (mailed.last IS NULL OR (mailed.times = 1 AND mailed.last < %s))
ORDER BY batch.id
"""


def _due(ledger: Ledger, now: dt.datetime) -> list[Any]:
    with ledger.transaction() as connection:
        return connection.execute(_DUE, (now - REMIND_AFTER,)).fetchall()


def batch_mail(ledger: Ledger, row: Any, *, console_url: str | None, next_write: dt.datetime | None) -> Mail:
    """The message about a batch: counts in the subject, what follows, and the link."""
    with ledger.transaction() as connection:
        batch = batch_counts(connection, row.id)
    counts = ", ".join(_parts(batch))
    head = "Reminder: " if row.reminder else ""
    link = f"{console_url}/orcid-review/batches/{row.id}" if console_url else None
    when = f" What you approve is written on {next_write:%A, %d %B %Y at %H:%M %Z}." if next_write else ""
    lead = (
        f"{batch['undecided']:,} changes of {row.unit_name} wait for a decision: {counts}, "
        f"on the records of {batch['researchers']:,} researchers."
    )
    promise = f"Nothing is sent until you decide.{when}"
    text = "\n\n".join(filter(None, (lead, promise, f"Look and decide: {link}" if link else None))) + "\n"
    button = f'<p><a href="{escape(link)}">Look and decide</a></p>' if link else ""
    return Mail(
        batch=row.id,
        unit_id=row.unit_id,
        to=row.address,
        subject=f"{head}ORCID, {row.unit_name}: {counts}",
        text=text,
        html=f'<html lang="en"><body><p>{escape(lead)}</p><p>{escape(promise)}</p>{button}</body></html>',
        reminder=row.reminder,
    )


def _parts(batch: dict[str, Any]) -> Iterator[str]:
    for name, one, many in (
        ("add", "new", "new"),
        ("update", "correction", "corrections"),
        ("remove", "removal", "removals"),
        ("with_warnings", "with warnings", "with warnings"),
        ("researchers", "researcher", "researchers"),
    ):
        if batch[name]:
            yield f"{batch[name]:,} {one if batch[name] == 1 else many}"


def _record(ledger: Ledger, mail: Mail, what: str, more: dict[str, str] | None = None) -> None:
    detail: dict[str, Any] = {"batch": mail.batch, "reminder": mail.reminder, **(more or {})}
    with ledger.transaction() as connection:
        audit(connection, what, unit_id=mail.unit_id, **detail)
