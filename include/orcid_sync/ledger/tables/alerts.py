"""The tables of alerts: each cause once, and to whom it was told. Personal data is in none of them."""

from __future__ import annotations

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text

from orcid_sync.ledger.tables.columns import metadata, moment, row_id
from orcid_sync.ledger.tables.units import unit

alert = Table(
    "alert",
    metadata,
    row_id(),
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
    moment("first_seen", now=True),
    moment("last_seen", now=True),
    moment("resolved_at"),
    Index("alert_open_key", "cause", unique=True, postgresql_where=text("resolved_at IS NULL")),
)

alert_delivery = Table(
    "alert_delivery",
    metadata,
    row_id(),
    Column("alert_id", ForeignKey(alert.c.id, ondelete="CASCADE"), nullable=False),
    Column("channel", Text, nullable=False),
    # Whose contact was written to; empty for the operators' own addresses and for the webhook.
    Column("unit_id", ForeignKey(unit.c.id, ondelete="CASCADE")),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # The kind of the last failure: a server's own text may quote an address.
    Column("failure", Text),
    moment("tried_at", now=True),
    moment("delivered_at"),
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
