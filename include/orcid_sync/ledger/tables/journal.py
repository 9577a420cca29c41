"""What happened: calls and their outcomes, put codes, differences."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from orcid_sync.ledger.tables.columns import metadata, moment, one_of, row_id
from orcid_sync.ledger.tables.items import item

intent = Table(
    "intent",
    metadata,
    row_id(),
    Column("change_id", BigInteger, nullable=False),
    Column("item_id", BigInteger, nullable=False),
    Column("unit_id", Integer, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    # 1: a first phase that leaves contested identifiers out; 2: the final content
    Column("phase", SmallInteger, nullable=False, server_default="2"),
    Column("digest", Text, nullable=False),
    Column("put_code", BigInteger),
    Column("sent_keys", ARRAY(Text), nullable=False),
    moment("at", now=True),
    # Until then the request may still land.
    moment("settles_at", nullable=False),
    Index("intent_change_id_idx", "change_id"),
)

OUTCOMES = ("written", "adopted", "removed", "gone", "refused", "failed", "not_sent", "not_arrived")

outcome = Table(
    "outcome",
    metadata,
    Column("intent_id", BigInteger, primary_key=True),
    Column("change_id", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Column("put_code", BigInteger),
    Column("status", SmallInteger),
    Column("error_code", Integer),
    moment("at", now=True),
    one_of("result", "result", *OUTCOMES),
    Index("outcome_change_id_idx", "change_id"),
)

put_code = Table(
    "put_code",
    metadata,
    row_id(),
    Column("item_id", BigInteger, nullable=False),
    Column("unit_id", Integer, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("orcid", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("put_code", BigInteger, nullable=False),
    # Content digest of what stands there by our own writing; empty while an adopted item was never written by us.
    Column("digest", Text),
    # How it came: written | adopted | imported | rebuilt | moved
    Column("origin", Text, nullable=False),
    moment("written_at", now=True),
    moment("closed_at"),
    Column("closed_because", Text),
    ForeignKeyConstraint(
        ["item_id", "unit_id"],
        [item.c.id, item.c.unit_id],
        name="put_code_item_id_fkey",
        onupdate="CASCADE",
        ondelete="CASCADE",
    ),
    # Of all an item ever had: its state asks whether it stood on a record that was merged.
    Index("put_code_item_id_idx", "item_id"),
    Index("put_code_live_item_key", "item_id", unique=True, postgresql_where=text("closed_at IS NULL")),
    Index(
        "put_code_live_owner_key",
        "client_id",
        "orcid",
        "section",
        "put_code",
        unique=True,
        postgresql_where=text("closed_at IS NULL"),
    ),
    one_of(
        "closed_because",
        "closed_because",
        "removed",
        "removed_by_researcher",
        "record_merged",
        "record_emptied",
        "orcid_changed",
        "moved",
        "not_found",
    ),
)

adopted_content = Table(
    "adopted_content",
    metadata,
    # What an adopted item held before our first PUT: kept for undo.
    Column("put_code_id", ForeignKey(put_code.c.id, ondelete="CASCADE"), primary_key=True),
    Column("content", JSONB, nullable=False),
    moment("read_at", now=True),
)

drift = Table(
    "drift",
    metadata,
    row_id(),
    Column("run_id", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("unit_id", Integer),
    Column("item_id", BigInteger),
    Column("orcid", Text),
    Column("section", Text),
    Column("put_code", BigInteger),
    Column("detail", Text, nullable=False),
    moment("found_at", now=True),
    moment("resolved_at"),
)
