"""Everything that is due, on both ways on which we send ourselves: what the command and the DAG call."""

from __future__ import annotations

from typing import Any

from orcid_sync.connections import ConnectionInfo
from orcid_sync.consent.invitations.deliver import by_inbox, by_mail
from orcid_sync.consent.invitations.sending import Letter, send_due
from orcid_sync.consent.invitations.smtp import MailServer
from orcid_sync.errors import Transient
from orcid_sync.ledger.session import Ledger
from orcid_sync.review.mail import smtp_opener
from orcid_sync.settings import Settings
from orcid_sync.vault.registry import Registry

Counts = dict[str, dict[str, Any]]


def send_all(
    ledger: Ledger,
    registry: Registry,
    settings: Settings,
    smtp: ConnectionInfo | None,
    *,
    campaign: str | None = None,
    limit: int | None = None,
) -> Counts:
    """Send the invitations and reminders that are due; `limit` holds for each way.

    Returns `{mail: {sent, reminded, failed, refused, doubtful, stopped}, inbox: ...}`, without `mail` where there is no mail
    server or no sender's address. Raises Transient while another one sends.
    """
    letter, counts = Letter.from_settings(settings), Counts()
    if smtp is not None and settings.mail_from:
        server = MailServer(smtp_opener(smtp))
        try:
            deliver = by_mail(server, letter, settings.mail_from)
            counts["mail"] = send_due(
                ledger, registry.keys, "mail", deliver, letter, campaign=campaign, limit=limit
            ).as_json()
        finally:
            server.close()
    inbox = by_inbox(registry, letter)
    counts["inbox"] = send_due(
        ledger, registry.keys, "inbox", inbox, letter, campaign=campaign, limit=limit
    ).as_json()
    return counts


def refuse_stopped(counts: Counts) -> Counts:
    """The counts, unless one way stopped because nothing got through: then Transient, and the rest is still due."""
    stopped = [way for way, count in counts.items() if count["stopped"]]
    if stopped:
        raise Transient(
            f"Invitations stopped half way ({', '.join(stopped)})",
            why="many in a row did not get through",
            remedy="Check the mail server or the registry; the rest is sent by the next call",
            doubt=False,
        )
    return counts
