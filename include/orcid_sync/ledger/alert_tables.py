"""The tables of alerts: each cause once, and to whom it was told. Personal data is in none of them.

Declared beside `ledger.tables`, for the same schema; grants stand in migrations/sql.
"""

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
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from orcid_sync.ledger.tables import NOW, metadata, unit

alert = Table(
    "alert",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # What it is about, the same for as long as it lasts: `failed:extract_cris:merge:misconfigured`, `guard:library`.
    Column("cause", Text, nullable=False),
    # Whose technical contact is told; empty where it concerns every unit.
    Column("unit_id", ForeignKey(unit.c.id, ondelete="CASCADE")),
    Column("what", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    # Whose move it is.
    Column("who", Text, nullable=False),
    # Where to look, below the address of Airflow.
    Column("path", Text, nullable=False, server_default=""),
    # The last run that met it, and which of its mapped tasks did (-1: a task that is not mapped).
    Column("run_id", Text),
    Column("map_indexes", ARRAY(Integer), nullable=False, server_default="{}"),
    Column("first_seen", TIMESTAMP(timezone=True), nullable=False, server_default=NOW),
    Column("last_seen", TIMESTAMP(timezone=True), nullable=False, server_default=NOW),
    Column("resolved_at", TIMESTAMP(timezone=True)),
    Index("alert_open_key", "cause", unique=True, postgresql_where=text("resolved_at IS NULL")),
)

alert_delivery = Table(
    "alert_delivery",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("alert_id", ForeignKey(alert.c.id, ondelete="CASCADE"), nullable=False),
    Column("channel", Text, nullable=False),
    # Whose contact was written to; empty for the operators' own addresses and for the webhook.
    Column("unit_id", ForeignKey(unit.c.id, ondelete="CASCADE")),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # The kind of the last failure: a server's own text may quote an address.
    Column("failure", Text),
    Column("tried_at", TIMESTAMP(timezone=True), nullable=False, server_default=NOW),
    Column("delivered_at", TIMESTAMP(timezone=True)),
    CheckConstraint("channel IN ('mail', 'webhook')", name="channel"),
    Index(
        "alert_delivery_once_key",
        "alert_id",
        "channel",
        "unit_id",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)
