"""Invitations and reminders on their way: each message is written down before it is sent, and sent at most once.

What certainly did not go out is tried again by the next call. A message whose answer was lost, or that was under way when
the program ended, is in doubt: it is not sent again by itself (`resend_doubtful`), and the reminder comes in its time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from orcid_sync.consent.invitations.campaigns import Channel, campaign_row, wrong_address
from orcid_sync.consent.invitations.messages import Invitee, Words, load_words, one_line
from orcid_sync.consent.links import address, make_links
from orcid_sync.errors import SyncError, Transient
from orcid_sync.ledger.session import INVITATION_LOCK, Connection, Ledger
from orcid_sync.settings import Settings
from orcid_sync.vault.crypto import KeyRing

BATCH: Final = 25
# So many in a row that the server did not take: it is the server, and not the addresses.
GIVE_UP_AFTER: Final = 5
OPT_OUT_VALID: Final = dt.timedelta(days=400)

_END: Final = """
UPDATE invitation SET ended_at = now(), ended_because = CASE
    WHEN permission.state IN ('granted', 'paused_by_researcher', 'denied', 'revoked', 'delete_only') THEN 'answered'
    WHEN staff.opted_out OR NOT staff.visible THEN 'opted_out'
    WHEN NOT staff.is_current OR staff.gone IS NOT NULL THEN 'closed'
    ELSE 'done' END
FROM invitation mine JOIN campaign ON campaign.id = mine.campaign_id JOIN unit ON unit.id = campaign.unit_id
JOIN api_client ON api_client.code = unit.client JOIN researcher ON researcher.id = mine.researcher_id
JOIN cris_staff staff ON staff.person_id = researcher.person_id
LEFT JOIN permission ON permission.researcher_id = mine.researcher_id AND permission.client_id = api_client.client_id
WHERE invitation.id = mine.id AND mine.ended_at IS NULL
  -- An answer counts if it came after the invitation: who is asked anew after a refusal has given it before.
  AND (permission.state IN ('granted', 'paused_by_researcher')
       OR (permission.state IN ('denied', 'revoked', 'delete_only') AND permission.changed_at > campaign.made_at)
       OR staff.opted_out OR NOT staff.visible OR NOT staff.is_current OR staff.gone IS NOT NULL
       OR EXISTS (SELECT FROM invitation_message last WHERE last.invitation_id = mine.id
                  AND last.number = campaign.reminders AND last.state <> 'failed'
                  AND last.at + campaign.remind_after <= now()))
"""
_DUE: Final = """
SELECT invitation.id, invitation.researcher_id, campaign.language, unit.name AS unit, api_client.client_id,
       coalesce(said.number + 1, 0) AS number, permission.orcid, staff.person_id, staff.email,
       concat_ws(' ', staff.given_names, staff.family_names) AS name
FROM invitation JOIN campaign ON campaign.id = invitation.campaign_id JOIN unit ON unit.id = campaign.unit_id
JOIN api_client ON api_client.code = unit.client JOIN researcher ON researcher.id = invitation.researcher_id
JOIN cris_staff staff ON staff.person_id = researcher.person_id
LEFT JOIN permission ON permission.researcher_id = invitation.researcher_id
    AND permission.client_id = api_client.client_id
LEFT JOIN LATERAL (
    SELECT number, at FROM invitation_message WHERE invitation_message.invitation_id = invitation.id AND state <> 'failed'
    ORDER BY number DESC LIMIT 1
) said ON true
WHERE invitation.ended_at IS NULL AND campaign.closed_at IS NULL AND campaign.channel = %(channel)s
  AND (%(campaign)s::integer IS NULL OR campaign.id = %(campaign)s) AND invitation.id > %(after)s
  AND (said.number IS NULL OR (said.number < campaign.reminders AND said.at + campaign.remind_after <= now()))
ORDER BY invitation.id LIMIT %(limit)s FOR UPDATE OF invitation
"""
# Asked: those whose permission was lost or too narrow keep the state that says so.
_ASKED: Final = """
WITH asked AS (
    SELECT DISTINCT ON (researcher_id, client_id) * FROM unnest(%s::bigint[], %s::text[], %s::text[])
    AS asked (researcher_id, client_id, state)
), changed AS (
    INSERT INTO permission AS known (researcher_id, client_id, state) SELECT researcher_id, client_id, state FROM asked
    ON CONFLICT (researcher_id, client_id) DO UPDATE SET state = excluded.state, changed_at = now()
    WHERE known.state IN ('never_asked', 'invited') AND known.state <> excluded.state
    RETURNING id, state
)
INSERT INTO permission_event (permission_id, state, cause) SELECT id, state, 'invitation' FROM changed
"""


@dataclass(frozen=True)
class Letter:
    """How messages are made: who writes, in whose name, to where the links lead and how long they are good."""

    portal_url: str
    institution: str
    valid: dt.timedelta
    templates: Path | None = None
    domains: tuple[str, ...] = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> Letter:
        """As the deployment's settings have it."""
        return cls(
            portal_url=settings.portal_url,
            institution=settings.portal_institution,
            valid=dt.timedelta(days=settings.invitation_days),
            templates=settings.invitation_templates,
            domains=settings.invitation_domains,
        )


@dataclass
class Item:
    """One message of a batch, and what became of it."""

    row: Any
    to: Invitee
    words: Words
    until: str
    state: str = "failed"
    why: str = "not tried"


@dataclass
class Sent:
    """What a call of `send_due` came to."""

    sent: int = 0
    reminded: int = 0
    failed: int = 0
    refused: int = 0
    doubtful: int = 0
    stopped: bool = False
    _in_a_row: int = field(default=0, repr=False)

    def add(self, item: Item) -> None:
        """Count one; many failures in a row stop the call."""
        if item.state == "sent":
            self.sent += item.row.number == 0
            self.reminded += item.row.number > 0
        else:
            self.failed += item.state == "failed"
            self.refused += item.state == "refused"
            self.doubtful += item.state == "doubt"
        self._in_a_row = self._in_a_row + 1 if item.state in ("failed", "doubt") else 0
        self.stopped = self._in_a_row >= GIVE_UP_AFTER

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


Deliver = Callable[[Item], tuple[str, str]]


def send_due(
    ledger: Ledger,
    keys: KeyRing,
    channel: Channel,
    deliver: Deliver,
    letter: Letter,
    *,
    campaign: str | None = None,
    limit: int | None = None,
) -> Sent:
    """Send the invitations and reminders that are due, each at most once. Raises Transient while another one sends.

    `deliver` says of a message sent, failed, refused or doubt, and why. After `GIVE_UP_AFTER` in a row that did
    not get through it stops, with the rest left for the next call.
    """
    counts = Sent()
    with _alone(ledger) as connection:
        with connection.transaction():
            connection.execute(
                "UPDATE invitation_message SET state = 'doubt', why = 'the program ended' WHERE state = 'sending'"
            )
            connection.execute(_END)
            only = campaign_row(connection, campaign).id if campaign else None
        after, left = 0, limit
        words: dict[tuple[str, str], Words] = {}
        while not counts.stopped and left != 0:
            size = BATCH if left is None else min(BATCH, left)
            rows, batch = _claim(connection, keys, channel, letter, words, only, after, size)
            if not rows:
                break
            after = rows[-1].id
            left = None if left is None else left - len(rows)
            _send(connection, batch, deliver, counts)
    return counts


def _send(connection: Connection, batch: Sequence[Item], deliver: Deliver, counts: Sent) -> None:
    current: Item | None = None
    try:
        for current in batch:
            current.state, current.why = "doubt", "the program ended"
            try:
                current.state, current.why = deliver(current)
            except SyncError as error:
                # Nothing works until a person acts: this one was refused at the door, like all that would follow.
                current.state, current.why = "failed", error.kind
                raise
            counts.add(current)
            if counts.stopped:
                break
    finally:
        # Whatever happened, what is known is kept; what was not tried stays to be sent.
        _record(connection, batch)


def _claim(
    connection: Connection,
    keys: KeyRing,
    channel: Channel,
    letter: Letter,
    words: dict[tuple[str, str], Words],
    campaign: int | None,
    after: int,
    size: int,
) -> tuple[list[Any], list[Item]]:
    """The next messages, committed as being sent before any of them is."""
    with connection.transaction():
        values = {"channel": channel, "campaign": campaign, "after": after, "limit": size}
        rows = connection.execute(_DUE, values).fetchall()
        wrong = [row for row in rows if channel == "mail" and wrong_address(row.email or "", letter.domains)]
        if wrong:
            # Changed in the CRIS since the plan was made.
            _end_undeliverable(connection, [row.id for row in wrong])
        good = [row for row in rows if row not in wrong]
        for row in good:
            kind = "reminder" if row.number else "invitation"
            if (row.language, kind) not in words:
                words[row.language, kind] = load_words(row.language, kind, letter.templates)
        made = connection.execute(
            "INSERT INTO invitation_message (invitation_id, number) SELECT * FROM unnest(%s::bigint[], %s::smallint[]) "
            "RETURNING id, invitation_id",
            ([row.id for row in good], [row.number for row in good]),
        ).fetchall()
        ids = {row.invitation_id: row.id for row in made}
        invitees = _invitees(connection, keys, letter, good, ids)
    until = f"{dt.datetime.now(dt.UTC) + letter.valid:%Y-%m-%d}"
    return rows, [
        Item(row, to, words[row.language, "reminder" if row.number else "invitation"], until)
        for row, to in zip(good, invitees, strict=True)
    ]


def _invitees(
    connection: Connection, keys: KeyRing, letter: Letter, rows: Sequence[Any], ids: dict[int, int]
) -> list[Invitee]:
    people = [row.researcher_id for row in rows]
    links = make_links(connection, keys, "connect", people, valid=letter.valid)
    outs = make_links(connection, keys, "opt_out", people, valid=OPT_OUT_VALID)
    return [
        Invitee(
            ids[row.id],
            one_line(row.name),
            row.email or "",
            address(letter.portal_url, "connect", links[row.researcher_id]),
            address(letter.portal_url, "opt_out", outs[row.researcher_id]),
        )
        for row in rows
    ]


def _record(connection: Connection, batch: Sequence[Item]) -> None:
    with connection.transaction():
        connection.execute(
            "UPDATE invitation_message SET state = said.state, why = nullif(said.why, '') "
            "FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS said (id, state, why) "
            "WHERE invitation_message.id = said.id",
            (
                [item.to.message_id for item in batch],
                [item.state for item in batch],
                [item.why for item in batch],
            ),
        )
        _end_undeliverable(connection, [item.row.id for item in batch if item.state == "refused"])
        # In doubt counts as asked: it may well have arrived.
        _mark_asked(connection, [item.row for item in batch if item.state in ("sent", "doubt")])


def _mark_asked(connection: Connection, rows: Sequence[Any]) -> None:
    connection.execute(
        _ASKED,
        (
            [row.researcher_id for row in rows],
            [row.client_id for row in rows],
            ["reminded" if row.number else "invited" for row in rows],
        ),
    )


def _end_undeliverable(connection: Connection, invitation_ids: Sequence[int]) -> None:
    connection.execute(
        "UPDATE invitation SET ended_at = now(), ended_because = 'undeliverable' WHERE id = ANY (%s) AND ended_at IS NULL",
        (list(invitation_ids),),
    )


@contextmanager
def _alone(ledger: Ledger) -> Iterator[Connection]:
    """One sender at a time, so that what is marked as being sent when it begins is nobody's."""
    with ledger.connection() as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s, 0) AS taken", (INVITATION_LOCK,)).fetchone()
        if row is None or not row.taken:
            raise Transient(
                "Invitations are being sent just now",
                doubt=False,
                remedy="Run the command again when that has ended",
            )
        yield connection


def resend_doubtful(ledger: Ledger, campaign: str) -> int:
    """Let the messages of a campaign that are in doubt be sent again; returns how many. Some may arrive twice."""
    with _alone(ledger) as connection, connection.transaction():
        return connection.execute(
            "UPDATE invitation_message SET state = 'failed', why = 'sent again on request' FROM invitation "
            "WHERE invitation.id = invitation_id AND campaign_id = %s AND state IN ('doubt', 'sending')",
            (campaign_row(connection, campaign).id,),
        ).rowcount


FILE_COLUMNS: Final = (
    "person_id",
    "name",
    "email",
    "language",
    "reminder",
    "link",
    "opt_out_link",
    "valid_until",
)


@contextmanager
def links_for_file(
    ledger: Ledger, keys: KeyRing, campaign: str, letter: Letter
) -> Iterator[list[dict[str, str]]]:
    """The due links of a campaign of channel `file`, for another mailer; they count as sent if the caller keeps the rows."""
    with _alone(ledger) as connection, connection.transaction():
        connection.execute(_END)
        found = campaign_row(connection, campaign)
        values = {"channel": "file", "campaign": found.id, "after": 0, "limit": None}
        rows = connection.execute(_DUE, values).fetchall()
        made = connection.execute(
            "INSERT INTO invitation_message (invitation_id, number, state) "
            "SELECT *, 'sent' FROM unnest(%s::bigint[], %s::smallint[]) RETURNING id, invitation_id",
            ([row.id for row in rows], [row.number for row in rows]),
        ).fetchall()
        invitees = _invitees(connection, keys, letter, rows, {row.invitation_id: row.id for row in made})
        _mark_asked(connection, rows)
        until = f"{dt.datetime.now(dt.UTC) + letter.valid:%Y-%m-%d}"
        yield [
            {
                "person_id": row.person_id,
                "name": to.name,
                "email": to.email,
                "language": row.language,
                "reminder": str(row.number),
                "link": to.link.reveal(),
                "opt_out_link": to.opt_out.reveal(),
                "valid_until": until,
            }
            for row, to in zip(rows, invitees, strict=True)
        ]
