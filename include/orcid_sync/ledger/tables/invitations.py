"""The tables of the invitations: campaigns, who is asked, each message, and who wants none. They hold no addresses."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import INTERVAL

from orcid_sync.ledger.tables.columns import metadata, moment, row_id
from orcid_sync.ledger.tables.permissions import researcher
from orcid_sync.ledger.tables.units import unit

campaign = Table(
    "campaign",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("unit_id", ForeignKey(unit.c.id), nullable=False),
    Column("name", Text, nullable=False, unique=True),
    # mail: e-mail by us; inbox: a notification at ORCID; file: links for another mailer
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("reminders", SmallInteger, nullable=False),
    Column("remind_after", INTERVAL, nullable=False),
    moment("made_at", now=True),
    moment("closed_at"),
    CheckConstraint("channel IN ('mail', 'inbox', 'file')", name="channel"),
)

invitation = Table(
    "invitation",
    metadata,
    row_id(),
    Column("campaign_id", ForeignKey(campaign.c.id), nullable=False),
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), nullable=False),
    moment("ended_at"),
    Column("ended_because", Text),
    UniqueConstraint("campaign_id", "researcher_id", name="invitation_campaign_id_researcher_id_key"),
    CheckConstraint(
        "ended_because IN ('answered', 'opted_out', 'undeliverable', 'closed', 'done')", name="ended_because"
    ),
    # Two units never invite somebody at the same time.
    Index("invitation_open_key", "researcher_id", unique=True, postgresql_where=text("ended_at IS NULL")),
)

invitation_message = Table(
    "invitation_message",
    metadata,
    # Written before it is sent. 0 is the invitation, then come the reminders.
    row_id(),
    Column("invitation_id", ForeignKey(invitation.c.id, ondelete="CASCADE"), nullable=False),
    Column("number", SmallInteger, nullable=False),
    # failed: certainly not sent, may be tried again; doubt: the answer was lost, so it is not sent again by itself
    Column("state", Text, nullable=False, server_default="sending"),
    Column("why", Text),
    moment("at", now=True),
    CheckConstraint("state IN ('sending', 'sent', 'failed', 'refused', 'doubt')", name="state"),
    Index(
        "invitation_message_once_key",
        "invitation_id",
        "number",
        unique=True,
        postgresql_where=text("state <> 'failed'"),
    ),
)

invitation_opt_out = Table(
    "invitation_opt_out",
    metadata,
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), primary_key=True),
    moment("at", now=True),
)
