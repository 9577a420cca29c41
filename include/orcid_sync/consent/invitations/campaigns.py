"""Campaigns: who a unit would invite and whom not and why, planned once; what came of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal

from psycopg.errors import UniqueViolation

from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.session import Connection, Ledger, actor_id, audit

Channel = Literal["mail", "inbox", "file"]
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")

# Everybody whom the unit is there for, with the first thing that speaks against an invitation. Who denied or took a
# permission back is asked no more unless somebody wants exactly that; who lost one, or gave too narrow a one, may be.
_PEOPLE: Final = """
WITH people AS (
    SELECT staff.person_id, staff.email, staff.opted_out OR NOT staff.visible AS unwilling
    FROM cris_staff staff
    WHERE staff.is_current AND staff.gone IS NULL AND NOT staff.quarantined
      AND (cardinality(%(pilot)s::text[]) = 0 OR staff.person_id = ANY (%(pilot)s))
      AND (cardinality(%(subtree)s::text[]) = 0 OR EXISTS (
        SELECT FROM cris_claim JOIN cris_row ON cris_row.id = cris_claim.row_id
        JOIN cris_unit ON cris_unit.unit_id = cris_row.unit_id
        WHERE cris_claim.person_id = staff.person_id AND cris_row.section = 'employment' AND NOT cris_row.ended
          AND cris_unit.path && %(subtree)s))
)
SELECT people.person_id, people.email, permission.orcid,
    CASE
        WHEN people.unwilling THEN 'opted_out_in_cris'
        WHEN opt_out.researcher_id IS NOT NULL THEN 'opted_out'
        WHEN permission.state IN ('granted', 'paused_by_researcher') THEN 'connected'
        WHEN permission.state IN ('denied', 'revoked', 'delete_only') AND NOT %(refused_too)s THEN 'said_no'
        WHEN permission.state = 'left' THEN 'left'
        WHEN open.unit IS NOT NULL AND open.unit <> %(unit)s THEN 'invited_by_another_unit'
        WHEN open.unit IS NOT NULL THEN 'being_invited'
        WHEN asked.n > 0 AND NOT %(again)s THEN 'invited_before'
        WHEN %(channel)s = 'inbox' AND permission.orcid IS NULL THEN 'id_not_authenticated'
        WHEN %(channel)s <> 'inbox' AND coalesce(people.email, '') = '' THEN 'no_address'
    END AS against
FROM people
LEFT JOIN researcher ON researcher.person_id = people.person_id
LEFT JOIN permission ON permission.researcher_id = researcher.id AND permission.client_id = %(client)s
LEFT JOIN invitation_opt_out opt_out ON opt_out.researcher_id = researcher.id
LEFT JOIN LATERAL (
    SELECT campaign.unit_id AS unit FROM invitation JOIN campaign ON campaign.id = invitation.campaign_id
    WHERE invitation.researcher_id = researcher.id AND invitation.ended_at IS NULL
) open ON true
LEFT JOIN LATERAL (SELECT count(*) AS n FROM invitation WHERE invitation.researcher_id = researcher.id) asked ON true
ORDER BY people.person_id
"""


@dataclass(frozen=True)
class Plan:
    """Who would be invited, by person id, and how many are not by reason; `campaign` is None for a dry run."""

    campaign: int | None
    invited: tuple[str, ...]
    left_out: dict[str, tuple[str, ...]]


def plan_campaign(
    ledger: Ledger,
    unit: str,
    name: str,
    *,
    channel: Channel,
    language: str,
    reminders: int,
    remind_after: dt.timedelta,
    domains: Collection[str],
    actor: str,
    refused_too: bool = False,
    again: bool = False,
    dry_run: bool = False,
) -> Plan:
    """Plan a campaign of a unit; nothing is sent. Raises Misconfigured.

    E-mail goes to addresses of `domains` (and below) alone. `refused_too` asks those again who denied or took back,
    `again` those who were invited before.
    """
    with ledger.transaction() as connection:
        row = _unit(connection, unit)
        if channel == "mail" and not domains:
            raise Misconfigured(
                "Nobody can be invited by e-mail",
                why="ORCID_SYNC_INVITATION_DOMAINS names no domain",
                remedy="Name the domains of the institution's addresses, like example.edu",
            )
        values = {
            "unit": row.id,
            "client": row.client_id,
            "pilot": row.pilot,
            "subtree": row.subtree,
            "channel": channel,
            "refused_too": refused_too,
            "again": again,
        }
        chosen: list[str] = []
        left_out: dict[str, list[str]] = {}
        for person in connection.execute(_PEOPLE, values):
            against = person.against or (channel != "inbox" and wrong_address(person.email, domains)) or None
            if against:
                left_out.setdefault(against, []).append(person.person_id)
            else:
                chosen.append(person.person_id)
        plan = {reason: tuple(people) for reason, people in sorted(left_out.items())}
        if dry_run:
            return Plan(None, tuple(chosen), plan)
        made = _make(connection, row.id, name, channel, language, reminders, remind_after, chosen)
        who = actor_id(connection, actor)
        audit(connection, "campaign_planned", actor=who, unit_id=row.id, campaign=made, people=len(chosen))
    return Plan(made, tuple(chosen), plan)


def wrong_address(address: str, domains: Collection[str]) -> str | None:
    """Why no e-mail goes to this address: it is none, or its domain is not ours. None where it may."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return "no_address"
    domain = found[1].lower()
    wanted = [one.lower().lstrip("@") for one in domains]
    # Without a list only a file of links is made, whose mailer has rules of its own.
    ours = not wanted or any(domain == one or domain.endswith(f".{one}") for one in wanted)
    return None if ours else "wrong_domain"


def close_campaign(ledger: Ledger, name: str, *, actor: str) -> int:
    """End a campaign: nothing more is sent; returns how many were still open. Raises Misconfigured."""
    with ledger.transaction() as connection:
        row = campaign_row(connection, name)
        connection.execute(
            "UPDATE campaign SET closed_at = coalesce(closed_at, now()) WHERE id = %s", (row.id,)
        )
        ended = connection.execute(
            "UPDATE invitation SET ended_at = now(), ended_because = 'closed' WHERE campaign_id = %s AND ended_at IS NULL",
            (row.id,),
        ).rowcount
        who = actor_id(connection, actor)
        audit(connection, "campaign_closed", actor=who, unit_id=row.unit_id, campaign=row.id, people=ended)
    return ended


def adoption(ledger: Ledger) -> list[dict[str, Any]]:
    """What came of each campaign: `{campaign, unit, channel, planned, invited, reminded, connected, said_no, opted_out,
    undeliverable, doubtful, open}`. Connected counts those who are now."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            """
            SELECT campaign.name AS campaign, unit.code AS unit, campaign.channel, count(*) AS planned,
                   count(*) FILTER (WHERE sent.first) AS invited, count(*) FILTER (WHERE sent.later) AS reminded,
                   count(*) FILTER (WHERE permission.state = 'granted') AS connected,
                   count(*) FILTER (WHERE permission.state IN ('denied', 'revoked', 'delete_only')) AS said_no,
                   count(*) FILTER (WHERE invitation.ended_because = 'opted_out') AS opted_out,
                   count(*) FILTER (WHERE invitation.ended_because = 'undeliverable') AS undeliverable,
                   count(*) FILTER (WHERE sent.doubt) AS doubtful,
                   count(*) FILTER (WHERE invitation.ended_at IS NULL) AS open
            FROM campaign JOIN unit ON unit.id = campaign.unit_id JOIN invitation ON invitation.campaign_id = campaign.id
            JOIN api_client ON api_client.code = unit.client
            LEFT JOIN permission ON permission.researcher_id = invitation.researcher_id
                AND permission.client_id = api_client.client_id
            LEFT JOIN LATERAL (
                SELECT coalesce(bool_or(number = 0 AND state = 'sent'), false) AS first,
                       coalesce(bool_or(number > 0 AND state = 'sent'), false) AS later,
                       coalesce(bool_or(state = 'doubt'), false) AS doubt
                FROM invitation_message WHERE invitation_message.invitation_id = invitation.id
            ) sent ON true
            GROUP BY campaign.id, unit.code ORDER BY campaign.id
            """
        )
        return [row._asdict() for row in rows]


def opt_out(connection: Connection, researcher_id: int) -> bool:
    """Somebody wants no invitations; what is planned for them ends. Returns whether that is news."""
    news = connection.execute(
        "INSERT INTO invitation_opt_out (researcher_id) VALUES (%s) ON CONFLICT DO NOTHING", (researcher_id,)
    ).rowcount
    connection.execute(
        "UPDATE invitation SET ended_at = now(), ended_because = 'opted_out' WHERE researcher_id = %s AND ended_at IS NULL",
        (researcher_id,),
    )
    return bool(news)


def campaign_row(connection: Connection, name: str) -> Any:
    """A campaign by its name. Raises Misconfigured."""
    row = connection.execute("SELECT * FROM campaign WHERE name = %s", (name,)).fetchone()
    if row is None:
        raise Misconfigured(
            f"There is no campaign {name}",
            why="none was planned under this name",
            remedy="See `orcid-sync invitations figures`",
        )
    return row


def _unit(connection: Connection, code: str) -> Any:
    row = connection.execute(
        "SELECT unit.id, unit.pilot, unit.subtree, api_client.client_id FROM unit "
        "JOIN api_client ON api_client.code = unit.client WHERE unit.code = %s AND unit.active",
        (code,),
    ).fetchone()
    if row is None:
        raise Misconfigured(
            f"There is no active unit {code}", why="the units file names none", remedy="Name one of its units"
        )
    return row


def _make(
    connection: Connection,
    unit_id: int,
    name: str,
    channel: Channel,
    language: str,
    reminders: int,
    remind_after: dt.timedelta,
    people: list[str],
) -> int:
    try:
        with connection.transaction():
            row = connection.execute(
                "INSERT INTO campaign (unit_id, name, channel, language, reminders, remind_after) "
                "VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
                (unit_id, name, channel, language, reminders, remind_after),
            ).fetchone()
    except UniqueViolation:
        row = None
    if row is None:
        raise Misconfigured(
            f"The campaign {name} can't be planned",
            why="there is one of this name",
            remedy="Choose another name; a campaign is planned once",
        )
    connection.execute(
        "INSERT INTO researcher (person_id) SELECT unnest(%s::text[]) ON CONFLICT (person_id) DO NOTHING",
        (people,),
    )
    # Somebody whom another unit planned for in this very moment stays theirs.
    connection.execute(
        "INSERT INTO invitation (campaign_id, researcher_id) SELECT %s, id FROM researcher WHERE person_id = ANY (%s) "
        "ON CONFLICT DO NOTHING",
        (row.id, people),
    )
    return int(row.id)
