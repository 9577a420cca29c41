"""What stands on the records, from every source."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from orcid_sync.ledger.tables.columns import metadata, moment

record = Table(
    "record",
    metadata,
    Column("orcid", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    # active | locked | deactivated | merged | unclaimed | unknown | emptied
    Column("status", Text, nullable=False, server_default="active"),
    Column("merged_into", Text),
    # Start of the last complete read with a live token of this client.
    moment("read_at"),
    # Something said that the record changed since.
    moment("flagged_at"),
    Column("works_on_record", Integer),
    # How many there were when the registry took no more, as last read; empty where there is room.
    Column("works_when_full", Integer),
    # The sections of the person were read with the activities.
    Column("person_read", Boolean, nullable=False, server_default=text("false")),
)

record_item = Table(
    "record_item",
    metadata,
    Column("orcid", Text, primary_key=True),
    Column("section", Text, primary_key=True),
    Column("put_code", BigInteger, primary_key=True),
    # the reading client: what it may see is what it knows
    Column("client_id", Text, primary_key=True),
    Column("source_client_id", Text),
    Column("self_claimed", Boolean, nullable=False),
    Column("source_name", Text),
    Column("title", Text),
    Column("type", Text),
    Column("is_preprint", Boolean, nullable=False),
    Column("visibility", Text),
    moment("created_on_record"),
    moment("seen_at", now=True),
    # Readers see the highest of a group first, of equals the oldest.
    Column("display_index", Integer),
)

record_item_key = Table(
    "record_item_key",
    metadata,
    Column("orcid", Text, primary_key=True),
    Column("section", Text, primary_key=True),
    Column("put_code", BigInteger, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    # self | version-of: other relationships say nothing about sameness
    Column("relationship", Text, nullable=False),
    Index("record_item_key_key_idx", "orcid", "key"),
)
