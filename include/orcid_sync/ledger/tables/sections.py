"""The tables of single sections."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Integer, Table, Text, true

from orcid_sync.ledger.tables.columns import metadata, moment

peer_review_group = Table(
    "peer_review_group",
    metadata,
    # A group that the registry is known to have, so that it is asked for once.
    Column("client_id", Text, primary_key=True),
    Column("group_id", Text, primary_key=True),
    moment("found_at", now=True),
)

organization = Table(
    "organization",
    metadata,
    # The institution's copy of ROR.
    Column("ror_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("city", Text),
    Column("country", Text),
    Column("status", Text, nullable=False),
    # Which stands in a withdrawn one's place.
    Column("instead", Text),
    Column("funder_id", Text),
)

organization_key = Table(
    "organization_key",
    metadata,
    # What an organisation is found by: a folded name or alias, an identifier.
    Column("key", Text, primary_key=True),
    Column("ror_id", Text, ForeignKey("ledger.organization.ror_id"), primary_key=True),
    Column("kind", Text, nullable=False),
    CheckConstraint("kind IN ('name', 'alias', 'identifier')", name="known_kind"),
)

organization_load = Table(
    "organization_load",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=true()),
    Column("version", Text, nullable=False),
    Column("organizations", Integer, nullable=False),
    moment("loaded_at", now=True),
    CheckConstraint("single", name="one_row"),
)
