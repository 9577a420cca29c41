"""Units, who decides for them, and what holds them back."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from orcid_sync.ledger.tables.columns import metadata, moment, one_of, row_id

unit = Table(
    "unit",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role_name", Text, nullable=False, unique=True),
    Column("sections", ARRAY(Text), nullable=False),
    Column("default_for", ARRAY(Text), nullable=False, server_default="{}"),
    Column("subtree", ARRAY(Text), nullable=False, server_default="{}"),
    Column("client", Text, nullable=False),
    Column("approval", Text, nullable=False),
    Column("duplicates", Text, nullable=False),
    Column("contacts", JSONB, nullable=False, server_default="{}"),
    Column("pilot", ARRAY(Text), nullable=False, server_default="{}"),
    Column("posts", Text, nullable=False, server_default="all"),
    # What the unit's own systems may do through the broker; empty: nothing.
    Column("broker", JSONB),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    moment("paused_at"),
    moment("applied_at", now=True),
    CheckConstraint("code ~ '^[a-z][a-z0-9_]{0,30}$' AND code NOT IN ('owner', 'app', 'unit')", name="code"),
    one_of("approval", "approval", "librarian", "researcher", "automatic"),
    one_of("duplicates", "duplicates", "skip", "assert_over_self_claimed", "assert"),
    one_of("posts", "posts", "all", "primary"),
)

unit_librarian = Table(
    "unit_librarian",
    metadata,
    Column("unit_id", ForeignKey(unit.c.id, ondelete="CASCADE"), primary_key=True),
    Column("user_name", Text, primary_key=True),
)

api_client = Table(
    "api_client",
    metadata,
    Column("client_id", Text, primary_key=True),
    # The key in units.yaml and in the connection's name; empty for clients of ours that something else writes with.
    Column("code", Text, unique=True),
    Column("name", Text),
)

actor = Table(
    "actor",
    metadata,
    row_id(),
    # An Airflow user name, "policy:automatic", "researcher" or "system user NAME": apart, so that it can be erased.
    Column("name", Text, nullable=False, unique=True),
)

hold = Table(
    "hold",
    metadata,
    row_id(),
    # `orcid-sync pause`: everything (both empty), one unit or one researcher. Holds before the next call.
    Column("unit_id", ForeignKey(unit.c.id)),
    Column("researcher_id", BigInteger),
    Column("actor_id", ForeignKey(actor.c.id), nullable=False),
    moment("since", now=True),
    moment("until"),
    Column("note", Text),
)
