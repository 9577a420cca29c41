"""The tables of single sections, beside `ledger.tables` and for the same schema; grants stand in migrations/sql."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from orcid_sync.ledger.tables import NOW, metadata

peer_review_group = Table(
    "peer_review_group",
    metadata,
    # A group that the registry is known to have, so that it is asked for once.
    Column("client_id", Text, primary_key=True),
    Column("group_id", Text, primary_key=True),
    Column("found_at", TIMESTAMP(timezone=True), nullable=False, server_default=NOW),
)
