"""The tables of the broker: units' systems that use permissions through us, and each use, append-only and without names."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from orcid_sync.ledger.tables.columns import metadata, moment, row_id
from orcid_sync.ledger.tables.units import unit

broker_client = Table(
    "broker_client",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("unit_id", ForeignKey(unit.c.id), nullable=False),
    Column("name", Text, nullable=False),
    # What a credential begins with; the secret behind it is random and long, so that a plain digest keeps it.
    Column("key_id", Text, nullable=False, unique=True),
    Column("secret_digest", LargeBinary, nullable=False),
    moment("created_at", now=True),
    moment("revoked_at"),
    UniqueConstraint("unit_id", "name", name="broker_client_unit_id_name_key"),
)

broker_use = Table(
    "broker_use",
    metadata,
    # Written before the call leaves; without an outcome nobody knows what became of it.
    row_id(),
    moment("at", now=True),
    Column("broker_client_id", Integer, nullable=False),
    Column("unit_id", Integer, nullable=False),
    Column("researcher_id", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("method", Text),
    Column("endpoint", Text),
    Column("section", Text),
    Column("put_code", BigInteger),
    # Identifiers of a new item: what tells it again after a lost answer.
    Column("sent_keys", ARRAY(Text), nullable=False, server_default="{}"),
    CheckConstraint("what IN ('id', 'token', 'call')", name="what"),
    Index("broker_use_researcher_id_idx", "researcher_id"),
)

broker_outcome = Table(
    "broker_outcome",
    metadata,
    Column("use_id", BigInteger, primary_key=True, autoincrement=False),
    Column("unit_id", Integer, nullable=False),
    # done | refused (by the registry) | failed (nothing was carried out) | doubt (it may have been)
    Column("result", Text, nullable=False),
    Column("status", SmallInteger),
    Column("error_code", Integer),
    moment("at", now=True),
    CheckConstraint("result IN ('done', 'refused', 'failed', 'doubt')", name="result"),
)
