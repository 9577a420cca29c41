"""What we want to write: items, payloads, changes, batches and decisions."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from orcid_sync.ledger.tables.columns import SECTION_CHECK, metadata, moment, one_of, row_id
from orcid_sync.ledger.tables.permissions import researcher
from orcid_sync.ledger.tables.units import unit

payload = Table(
    "payload",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("section", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("title", Text),
    Column("type", Text),
    Column("year", SmallInteger),
    # Match keys of the self identifiers that are sent: what to look for on the record after a lost answer.
    Column("self_keys", ARRAY(Text), nullable=False),
    moment("made_at", now=True),
)

item = Table(
    "item",
    metadata,
    row_id(),
    Column("unit_id", ForeignKey(unit.c.id), nullable=False),
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), nullable=False),
    Column("section", Text, nullable=False),
    Column("cris_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    # Written by the unit's own system through the broker: the CRIS says nothing about it, and no proposal touches it.
    Column("by_broker", Boolean, nullable=False, server_default=text("false")),
    moment("created_at", now=True),
    # What the last proposal found, when it is not a change: withheld, on_hold, waiting_permission, blocked.
    Column("held", Text),
    Column("reason", Text),
    Column("detail", Text),
    moment("held_since"),
    moment("suppressed_at"),
    # declined_by_researcher: the researcher's "don't send"; only the researcher, or a recorded request, reverses it.
    moment("declined_at"),
    # The researcher's "send": a standing choice, where the unit leaves it to them.
    moment("chosen_at"),
    # The researcher wants what we wrote taken off the record.
    moment("removal_asked_at"),
    # removed_by_researcher: with the date it was noticed; cleared by a restore.
    moment("tombstone_at"),
    moment("removed_at"),
    # A librarian's "add our version too" on a withheld item.
    moment("asserted_at"),
    # Another source had the same thing on the record while we held ours back.
    moment("other_copy_seen_at"),
    UniqueConstraint("researcher_id", "section", "cris_id", "unit_id", name="item_identity_key"),
    # Lets put codes and changes carry the owner and follow it when `units move` changes it.
    UniqueConstraint("id", "unit_id", name="item_owner_key"),
    CheckConstraint(SECTION_CHECK, name="section"),
    one_of("held", "held", "withheld", "on_hold", "waiting_permission", "blocked"),
    Index("item_cris_id_idx", "section", "cris_id"),
)

CHANGE_STATES = ("open", "writing", "written", "superseded", "withdrawn", "refused")

change = Table(
    "change",
    metadata,
    row_id(),
    Column("item_id", BigInteger, nullable=False),
    Column("unit_id", Integer, nullable=False),
    Column("action", Text, nullable=False),
    # SHA-256 of action, section, put code or none, and the payload's meaning: what a decision stands on.
    Column("digest", Text, nullable=False),
    # Empty for a removal.
    Column("payload_digest", Text),
    Column("put_code", BigInteger),
    # The content that stands (or stood) there before: what undo restores.
    Column("replaces_digest", Text),
    Column("warnings", ARRAY(Text), nullable=False, server_default="{}"),
    Column("why", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default="sync"),
    Column("state", Text, nullable=False, server_default="open"),
    # The latest decision's verdict, kept by a trigger; the decision rows are the truth.
    Column("verdict", Text),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    moment("next_attempt_at"),
    Column("last_error", Text),
    Column("run_id", Text, nullable=False),
    moment("created_at", now=True),
    moment("closed_at"),
    ForeignKeyConstraint(
        ["item_id", "unit_id"],
        [item.c.id, item.c.unit_id],
        name="change_item_id_fkey",
        onupdate="CASCADE",
        ondelete="CASCADE",
    ),
    one_of("action", "action", "add", "update", "remove"),
    one_of("state", "state", *CHANGE_STATES),
    one_of("verdict", "verdict", "approve", "reject"),
    one_of("kind", "kind", "sync", "undo"),
    CheckConstraint("(action = 'remove') = (payload_digest IS NULL)", name="payload"),
    CheckConstraint("(action = 'add') = (put_code IS NULL)", name="put_code"),
    Index("change_open_key", "item_id", unique=True, postgresql_where=text("state IN ('open', 'writing')")),
    Index("change_item_id_idx", "item_id"),
    # Without the verdict: an update that no index notices is made in place.
    Index("change_pending_idx", "unit_id", postgresql_where=text("state IN ('open', 'writing')")),
)

batch = Table(
    "batch",
    metadata,
    row_id(),
    Column("unit_id", ForeignKey(unit.c.id), nullable=False),
    Column("kind", Text, nullable=False, server_default="sync"),
    # The batch that this one takes back.
    Column("undoes", BigInteger),
    Column("state", Text, nullable=False, server_default="open"),
    Column("run_id", Text, nullable=False),
    moment("created_at", now=True),
    # When people were asked (the approval run), and when that question ended without closing the batch.
    moment("asked_at"),
    moment("lapsed_at"),
    moment("closed_at"),
    one_of("kind", "kind", "sync", "undo"),
    one_of("state", "state", "open", "decided", "replaced", "closed"),
    Index(
        "batch_open_key",
        "unit_id",
        "kind",
        unique=True,
        postgresql_where=text("state = 'open' AND kind = 'sync'"),
    ),
)

batch_change = Table(
    "batch_change",
    metadata,
    Column("batch_id", ForeignKey(batch.c.id, ondelete="CASCADE"), primary_key=True),
    Column("change_id", ForeignKey(change.c.id, ondelete="CASCADE"), primary_key=True),
    Index("batch_change_change_id_idx", "change_id"),
)

decision = Table(
    "decision",
    metadata,
    row_id(),
    # Internal keys without foreign keys: changes may be erased, decisions stay.
    Column("change_id", BigInteger, nullable=False),
    Column("item_id", BigInteger, nullable=False),
    Column("unit_id", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("actor_id", BigInteger, nullable=False),
    # librarian | policy | researcher | standing (an earlier rejection of the same content)
    Column("role", Text, nullable=False),
    # required_actions | console | cli | portal | policy
    Column("via", Text, nullable=False),
    # Who sat at the shell, where a command was used.
    Column("system_actor_id", BigInteger),
    moment("at", now=True),
    one_of("verdict", "verdict", "approve", "reject", "withdraw"),
    one_of("role", "role", "librarian", "policy", "researcher", "standing"),
    Index("decision_change_id_idx", "change_id", "id"),
    Index("decision_item_id_idx", "item_id"),
)

decision_note = Table(
    "decision_note",
    metadata,
    Column("decision_id", BigInteger, primary_key=True),
    Column("note", Text, nullable=False),
)

standing_rejection = Table(
    "standing_rejection",
    metadata,
    # A rejection outlives its change: the same content of the same item stays rejected until somebody takes it back.
    Column("item_id", ForeignKey(item.c.id, ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, primary_key=True),
    moment("since", now=True),
)
