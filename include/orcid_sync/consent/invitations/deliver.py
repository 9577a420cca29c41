"""The two ways on which we send ourselves: e-mail, and a notification in the ORCID inbox."""

from __future__ import annotations

from email.utils import parseaddr
from http import HTTPStatus

from orcid_sync.consent.invitations.messages import email, notification
from orcid_sync.consent.invitations.sending import Deliver, Item, Letter
from orcid_sync.consent.invitations.smtp import MailServer
from orcid_sync.errors import ItemRefused, PermissionLost, RecordUnavailable, TokenRefused, Transient
from orcid_sync.orcid.calls import Call, Target
from orcid_sync.vault.registry import Registry

SCOPE = "/premium-notification"


def by_mail(server: MailServer, letter: Letter, sender: str) -> Deliver:
    """Deliver by e-mail. `sender` may carry a name: `Library <orcid@example.edu>`."""
    own = parseaddr(sender)[1]
    domain = own.partition("@")[2] or "localhost"

    def deliver(item: Item) -> tuple[str, str]:
        message = email(
            item.words,
            item.to,
            sender=sender,
            institution=letter.institution,
            unit=item.row.unit,
            until=item.until,
            domain=domain,
        )
        return server.deliver(message, own, item.to.email)

    return deliver


def by_inbox(registry: Registry, letter: Letter) -> Deliver:
    """Deliver to the ORCID inbox of an iD that was authenticated before; the API client must be a premium one."""

    def deliver(item: Item) -> tuple[str, str]:
        client = registry.client(item.row.client_id)
        content = notification(
            item.words,
            name=item.to.name,
            institution=letter.institution,
            unit=item.row.unit,
            until=item.until,
            link=item.to.link,
        )
        call = Call("POST", "/{orcid}/notification-permission", Target.RECORD, item.row.orcid, 1)
        path = f"/{item.row.orcid}/notification-permission"
        try:
            try:
                client.relay(call, path, client.client_token(SCOPE), content, HTTPStatus.CREATED)
            except TokenRefused:
                client.relay(call, path, client.client_token(SCOPE, renew=True), content, HTTPStatus.CREATED)
        except Transient as error:
            return ("doubt" if error.doubt else "failed"), error.kind
        except (ItemRefused, RecordUnavailable, PermissionLost) as error:
            return "refused", error.kind
        return "sent", ""

    return deliver
