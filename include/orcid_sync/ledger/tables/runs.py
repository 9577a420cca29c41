"""Runs of stages and what they counted."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Double, ForeignKey, Index, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from orcid_sync.ledger.tables.columns import metadata, moment, row_id
from orcid_sync.ledger.tables.units import api_client

run = Table(
    "run",
    metadata,
    # Airflow's run id, or one made by the command line.
    Column("run_id", Text, primary_key=True),
    moment("started_at", now=True),
)

stage_run = Table(
    "stage_run",
    metadata,
    row_id(),
    Column("run_id", ForeignKey(run.c.run_id, ondelete="CASCADE"), nullable=False),
    Column("stage", Text, nullable=False),
    moment("started_at", now=True),
    moment("ended_at"),
    Column("counts", JSONB, nullable=False, server_default="{}"),
    Column("error", Text),
    Index("stage_run_run_id_idx", "run_id"),
)

api_call = Table(
    "api_call",
    metadata,
    # Counted per run, endpoint and answer: enough for the floor of calls and the rate used, and nothing personal.
    Column("run_id", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("endpoint", Text, primary_key=True),
    Column("status", SmallInteger, primary_key=True),
    Column("error_code", Integer, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
)

api_call_second = Table(
    "api_call_second",
    metadata,
    # Seconds without a call have no row.
    Column("run_id", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("second", TIMESTAMP(timezone=True), primary_key=True),
    Column("calls", Integer, nullable=False),
)

api_rate = Table(
    "api_rate",
    metadata,
    Column("client_id", Text, primary_key=True),
    moment("next_at", nullable=False),
    Column("rate", Double),
    moment("penalty_until"),
)

change_search = Table(
    "change_search",
    metadata,
    Column("client_id", ForeignKey(api_client.c.client_id), primary_key=True),
    # When the registry's search last told completely which of the client's records had changed.
    moment("asked_at", nullable=False),
)

webhook = Table(
    "webhook",
    metadata,
    Column("orcid", Text, primary_key=True),
    Column("client_id", ForeignKey(api_client.c.client_id), primary_key=True),
    # The unguessable end of the address, below `base`; kept before the registry learns it.
    Column("path", Text, nullable=False, unique=True),
    Column("base", Text, nullable=False),
    moment("registered_at"),
    moment("called_at"),
)

daily_snapshot = Table(
    "daily_snapshot",
    metadata,
    Column("day", Date, primary_key=True),
    # unit code or "" (of all units), client id or ""
    Column("unit", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    # permission | adoption | item | write
    Column("kind", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

audit_event = Table(
    "audit_event",
    metadata,
    row_id(),
    moment("at", now=True),
    Column("what", Text, nullable=False),
    Column("actor_id", BigInteger),
    Column("unit_id", Integer),
    Column("researcher_id", BigInteger),
    Column("item_id", BigInteger),
    Column("change_id", BigInteger),
    # keys, counts and digests only
    Column("detail", JSONB, nullable=False, server_default="{}"),
    Index("audit_event_item_id_idx", "item_id"),
)

audit_note = Table(
    "audit_note",
    metadata,
    # What a person wrote beside an event: apart, because it may name somebody and must be erasable.
    Column("audit_event_id", BigInteger, primary_key=True),
    Column("note", Text, nullable=False),
)
