"""One e-mail for each batch that people have to decide, and one reminder; never about a batch in which nothing is new.

It goes to the `librarians` among the unit's contacts, or to its `main` contact where none are named. Whether and when it
went is an audit event, so that nothing is sent twice and a failed delivery is seen and tried again. Titles and names
stay out: a mailbox is no place for them.
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
from orcid_sync.ledger.session import Connection, Ledger, audit
from orcid_sync.review.batches import batch_counts

REMIND_AFTER: Final = dt.timedelta(days=7)
TIMEOUT: Final = 30


@dataclass(frozen=True)
class Mail:
    """A message about one batch, in both forms."""

    batch: int
    unit_id: int
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    reminder: bool

    def message(self, sender: str) -> EmailMessage:
        """As it goes over the wire."""
        made = EmailMessage()
        made["Subject"], made["From"], made["To"] = self.subject, sender, ", ".join(self.to)
        # So that nobody's out-of-office answers a machine.
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(self.text)
        made.add_alternative(self.html, subtype="html")
        return made


class Sender(Protocol):
    """Delivers one message or raises OSError or smtplib.SMTPException.

    Returns how many of several recipients the server refused; where it refuses all of them, that is an exception.
    """

    def __call__(self, message: EmailMessage) -> int: ...


def smtp_sender(connection: ConnectionInfo) -> Sender:
    """Sends by the SMTP server of a connection (`smtp_opener`), one connection for each message."""
    opened = smtp_opener(connection)

    def send(message: EmailMessage) -> int:
        with opened() as server:
            return len(server.send_message(message))

    return send


def smtp_opener(connection: ConnectionInfo) -> Callable[[], smtplib.SMTP]:
    """Opens the SMTP server of a connection: host, port, login and password, and how the way there is encrypted.

    That is said as Airflow's own SMTP form says it (`disable_ssl`, `disable_tls`), or by `ssl` and `starttls`.
    """
    extra = connection.extra
    secure = _yes(extra.get("ssl", not _yes(extra.get("disable_ssl", True))))
    upgrade = _yes(extra.get("starttls", not _yes(extra.get("disable_tls", False)))) and not secure
    if not connection.host:
        raise Misconfigured(
            "No e-mail can be sent",
            why=f"connection {connection.name} names no host",
            remedy="Name the SMTP server",
        )

    def opened() -> smtplib.SMTP:
        port = connection.port or (465 if secure else 587)
        kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
        server = kind(connection.host, port, timeout=TIMEOUT)
        try:
            if upgrade:
                server.starttls(context=ssl.create_default_context())
            if connection.login:
                server.login(connection.login, connection.password.reveal())
        except BaseException:
            server.close()
            raise
        return server

    return opened


def _yes(value: object) -> bool:
    return str(value).lower() in ("true", "1")


def mail_batches(
    ledger: Ledger,
    send: Sender,
    *,
    sender: str,
    console_url: str | None,
    next_write: dt.datetime | None = None,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> dict[str, Any]:
    """Send what is due; returns `{sent, reminded, failed, refused, without_contact: [unit]}`.

    `refused` counts recipients that the server would not take beside others that it took.

    A delivery that fails is recorded and tried again by the next call; it never stops the others.
    """
    counts: dict[str, Any] = {"sent": 0, "reminded": 0, "failed": 0, "refused": 0, "without_contact": []}
    for row in _due(ledger, now()):
        if not row.addresses:
            counts["without_contact"].append(row.unit)
            continue
        mail = batch_mail(ledger, row, console_url=console_url, next_write=next_write)
        try:
            refused = send(mail.message(sender))
        except (OSError, smtplib.SMTPException) as failure:
            counts["failed"] += 1
            # The server's text may quote the address; the kind of failure is enough to act on.
            _record(ledger, mail, "mail_failed", {"why": type(failure).__name__})
        else:
            counts["reminded" if mail.reminder else "sent"] += 1
            counts["refused"] += refused
            _record(ledger, mail, "mailed", {"refused": refused} if refused else None)
    return counts


# What is undecided in an open batch, with the last e-mail about it: each sync puts an open change into a newer batch.
_DUE: Final = """
WITH undecided AS (
    SELECT batch.id AS batch_id, change.id AS change_id
    FROM batch JOIN unit ON unit.id = batch.unit_id
    JOIN batch_change ON batch_change.batch_id = batch.id JOIN change ON change.id = batch_change.change_id
    WHERE batch.state = 'open' AND (unit.approval = 'librarian' OR batch.kind = 'undo')
      AND change.state = 'open' AND change.verdict IS NULL
), mail AS (
    SELECT id, at, (detail ->> 'batch')::bigint AS batch_id, (detail ->> 'reminder')::boolean AS reminder
    FROM audit_event WHERE what = 'mailed'
), told AS (
    SELECT undecided.batch_id, undecided.change_id, mail.id AS mail_id
    FROM undecided JOIN batch_change ON batch_change.change_id = undecided.change_id
    JOIN mail ON mail.batch_id = batch_change.batch_id
), waiting AS (
    SELECT batch_id, count(*) AS changes,
           count(*) FILTER (WHERE EXISTS (SELECT FROM told WHERE told.batch_id = undecided.batch_id
                                          AND told.change_id = undecided.change_id)) AS known,
           (SELECT max(mail_id) FROM told WHERE told.batch_id = undecided.batch_id) AS last_mail
    FROM undecided GROUP BY batch_id
)
SELECT batch.id, unit.id AS unit_id, unit.code AS unit, unit.name AS unit_name, known = changes AS reminder,
       array_remove(coalesce(
           (SELECT array_agg(contact ->> 'email' ORDER BY n)
            FROM jsonb_array_elements(unit.contacts -> 'librarians') WITH ORDINALITY AS named (contact, n)),
           ARRAY[unit.contacts -> 'main' ->> 'email']), NULL) AS addresses
FROM waiting JOIN batch ON batch.id = waiting.batch_id JOIN unit ON unit.id = batch.unit_id
LEFT JOIN mail ON mail.id = waiting.last_mail
-- Something new; or nothing new, and a week since the last e-mail, which was no reminder.
WHERE known < changes OR (mail.at < %s AND NOT mail.reminder)
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
        to=tuple(row.addresses),
        subject=" ".join(f"{head}ORCID, {row.unit_name}: {counts}".split()),
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


def _record(ledger: Ledger, mail: Mail, what: str, more: dict[str, Any] | None = None) -> None:
    detail: dict[str, Any] = {"batch": mail.batch, "reminder": mail.reminder, **(more or {})}
    with ledger.transaction() as connection:
        audit(connection, what, unit_id=mail.unit_id, **detail)


_UNDELIVERED: Final = """
SELECT batch.id AS batch, unit.code AS unit, last.detail ->> 'why' AS why, last.at
FROM batch JOIN unit ON unit.id = batch.unit_id
JOIN LATERAL (
    SELECT what, at, detail FROM audit_event
    WHERE what IN ('mailed', 'mail_failed') AND (detail ->> 'batch')::bigint = batch.id ORDER BY id DESC LIMIT 1
) last ON last.what = 'mail_failed'
WHERE batch.state = 'open' ORDER BY batch.id
"""


def undelivered_mails(connection: Connection) -> list[dict[str, Any]]:
    """Open batches whose last e-mail could not be delivered: batch, unit, why (the kind of failure), at."""
    return [row._asdict() for row in connection.execute(_UNDELIVERED)]
