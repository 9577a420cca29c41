"""Researchers, what they permitted, and the sealed tokens."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from orcid_sync.ledger.tables.columns import metadata, moment, one_of, row_id
from orcid_sync.ledger.tables.units import api_client

researcher = Table(
    "researcher",
    metadata,
    row_id(),
    Column("person_id", Text, nullable=False, unique=True),
    moment("created_at", now=True),
)

PERMISSION_STATES = (
    "never_asked",
    "invited",
    "reminded",
    "granted",
    "denied",
    "revoked",
    "delete_only",
    "expired",
    "merged",
    "wider_scope_needed",
    "paused_by_researcher",
    "left",
)

permission = Table(
    "permission",
    metadata,
    row_id(),
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), nullable=False),
    Column("client_id", ForeignKey(api_client.c.client_id), nullable=False),
    # The iD that was authenticated by OAuth; empty as long as nobody signed in.
    Column("orcid", Text),
    Column("state", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False, server_default="{}"),
    # A 401 was seen and not yet explained: no call for this researcher until it is checked.
    moment("suspect_since"),
    # Nothing but removals is written before: the time in which the researcher can look through the list first.
    moment("write_after"),
    # The researcher disconnects as soon as what we wrote is removed.
    moment("leaving_since"),
    moment("changed_at", now=True),
    # When the slow check last proved it at the registry.
    moment("checked_at"),
    UniqueConstraint("researcher_id", "client_id"),
    one_of("state", "state", *PERMISSION_STATES),
    CheckConstraint("orcid ~ '^(\\d{4}-){3}\\d{3}[\\dX]$'", name="orcid"),
    Index("permission_orcid_idx", "orcid"),
)

permission_event = Table(
    "permission_event",
    metadata,
    row_id(),
    moment("at", now=True),
    Column("permission_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("actor_id", BigInteger),
    Index("permission_event_permission_id_idx", "permission_id"),
)

token = Table(
    "token",
    metadata,
    Column("permission_id", ForeignKey(permission.c.id, ondelete="CASCADE"), primary_key=True),
    # Authenticated encryption; the key's id stands beside each ciphertext so that several keys can live at once.
    Column("access_key_id", Text, nullable=False),
    Column("access_sealed", LargeBinary, nullable=False),
    Column("refresh_key_id", Text),
    Column("refresh_sealed", LargeBinary),
    moment("expires_at"),
    moment("stored_at", now=True),
    Column("provenance", Text, nullable=False),
)
