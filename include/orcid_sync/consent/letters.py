"""The few e-mails a connected researcher gets: one after the first write, one when the permission was lost.

Each is sent once; that it was, is an audit event, so that a failed delivery is tried again and nothing is sent twice. A
lost permission is told to the unit's contact too, without naming anybody.
"""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Final, Literal

from orcid_sync.consent.people import one_line
from orcid_sync.consent.portal.rendering import translate
from orcid_sync.ledger.session import Ledger, audit
from orcid_sync.review.mail import Sender

Kind = Literal["first_write", "permission_lost"]

_SUBJECT: Final[dict[Kind, str]] = {
    "first_write": "Your ORCID record was updated",
    "permission_lost": "Your ORCID connection has ended",
}
_BODY: Final[dict[Kind, str]] = {
    "first_write": "we have added the first entries to your ORCID record. Here you see them, and can change your mind "
    "about each:",
    "permission_lost": "ORCID does not accept the permission any more that you gave us. We have stopped: nothing is read "
    "or written. If you took it back, nothing has to be done. If not, connect again here, and updates go on where they "
    "ended:",
}
_END: Final[dict[Kind, str]] = {
    "first_write": "This is the only e-mail you get about updates.",
    "permission_lost": "You will not be reminded of this.",
}


@dataclass(frozen=True)
class Letter:
    """What one researcher is to be told. `event` is the permission event that it is about."""

    kind: Kind
    researcher_id: int
    event: int
    email: str
    name: str
    language: str

    def message(self, sender: str, portal_url: str) -> EmailMessage:
        """As it goes over the wire. Nothing from a name or an address gets into a header but as one line."""
        made = EmailMessage()
        made["Subject"] = translate(self.language, _SUBJECT[self.kind])
        made["From"], made["To"] = sender, one_line(self.email)
        made["Auto-Submitted"] = "auto-generated"
        made["Content-Language"] = self.language
        parts = (
            translate(self.language, "Dear %(name)s,", name=self.name),
            translate(self.language, _BODY[self.kind]),
            portal_url,
            translate(self.language, _END[self.kind]),
        )
        made.set_content("\n\n".join(parts) + "\n")
        return made


# Only who connected in the portal: permissions that were imported have no portal page that their owners know of. The
# event is the latest grant's, so that each connection has its first write and its end.
_DUE: Final = """
WITH latest AS (
    SELECT permission.id, permission.researcher_id, permission.client_id, permission.state, permission.orcid,
           max(permission_event.id) FILTER (WHERE permission_event.state = 'granted') AS granted,
           max(permission_event.id) AS event,
           (array_agg(permission_event.cause ORDER BY permission_event.id DESC))[1] AS cause
    FROM permission JOIN permission_event ON permission_event.permission_id = permission.id
    WHERE EXISTS (SELECT FROM permission_grant WHERE permission_grant.permission_id = permission.id)
    GROUP BY permission.id
), due AS (
    SELECT 'first_write' AS kind, researcher_id, client_id, id, granted AS event FROM latest
    WHERE state = 'granted' AND EXISTS (
        SELECT FROM intent JOIN outcome ON outcome.intent_id = intent.id JOIN item ON item.id = intent.item_id
        WHERE item.researcher_id = latest.researcher_id AND item.client_id = latest.client_id
        AND intent.action <> 'remove' AND outcome.result = 'written')
    AND NOT EXISTS (SELECT FROM audit_event WHERE what = 'researcher_told' AND detail ->> 'kind' = 'first_write'
                    AND audit_event.researcher_id = latest.researcher_id)
    UNION ALL
    SELECT 'permission_lost', researcher_id, client_id, id, event FROM latest
    WHERE state IN ('revoked', 'delete_only', 'expired') AND cause NOT IN ('portal', 'delete_only_ended')
    AND NOT EXISTS (SELECT FROM audit_event WHERE what = 'researcher_told' AND detail ->> 'kind' = 'permission_lost'
                    AND audit_event.researcher_id = latest.researcher_id
                    AND (detail ->> 'after')::bigint IS NOT DISTINCT FROM latest.granted)
)
SELECT due.kind, due.researcher_id, due.event, staff.email,
       concat_ws(' ', staff.given_names, staff.family_names) AS name, latest.granted,
       (SELECT language FROM permission_grant WHERE permission_grant.permission_id = due.id
        ORDER BY permission_grant.id DESC LIMIT 1) AS language,
       (SELECT unit.contacts -> 'main' ->> 'email' FROM unit JOIN api_client ON api_client.code = unit.client
        WHERE api_client.client_id = due.client_id AND unit.active ORDER BY unit.id LIMIT 1) AS unit_email
FROM due JOIN latest ON latest.id = due.id
JOIN researcher ON researcher.id = due.researcher_id
JOIN cris_staff staff ON staff.person_id = researcher.person_id
WHERE staff.gone IS NULL AND staff.email LIKE '%@%' ORDER BY due.researcher_id, due.kind
"""


def mail_researchers(ledger: Ledger, send: Sender, *, sender: str, portal_url: str) -> dict[str, int]:
    """Send what is due; returns `{sent, units_told, failed}`. A failed delivery is tried again by the next call."""
    counts = {"sent": 0, "units_told": 0, "failed": 0}
    with ledger.transaction() as connection:
        due = connection.execute(_DUE).fetchall()
    lost: dict[str, int] = {}
    for row in due:
        letter = Letter(
            row.kind, row.researcher_id, row.event, row.email, one_line(row.name), row.language or "en"
        )
        if not _sent(send, letter.message(sender, portal_url)):
            counts["failed"] += 1
            continue
        with ledger.transaction() as connection:
            audit(
                connection,
                "researcher_told",
                researcher_id=row.researcher_id,
                kind=row.kind,
                after=row.granted,
            )
        counts["sent"] += 1
        if row.kind == "permission_lost" and row.unit_email:
            lost[row.unit_email] = lost.get(row.unit_email, 0) + 1
    for address, number in lost.items():
        counts["units_told"] += _sent(send, _to_unit(address, number, sender))
    return counts


def _to_unit(address: str, number: int, sender: str) -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = (
        f"ORCID: {number} {'researcher is' if number == 1 else 'researchers are'} no longer connected"
    )
    made["From"], made["To"] = sender, one_line(address)
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(
        "ORCID refused a permission that had been given to us. All calls for the researchers concerned have stopped, and "
        "each of them was told once.\n\nNothing has to be done: whoever connects again goes on where it ended, and nobody "
        "who took a permission back is invited again by itself. `orcid-sync status` has the numbers.\n"
    )
    return made


def _sent(send: Sender, message: Any) -> bool:
    try:
        send(message)
    except (OSError, smtplib.SMTPException):
        return False
    return True
