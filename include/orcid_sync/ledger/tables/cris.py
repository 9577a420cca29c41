"""What the CRIS says, as it was merged; what was set aside."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from orcid_sync.ledger.tables.columns import SECTION_CHECK, metadata, moment, one_of, row_id

cris_staff = Table(
    "cris_staff",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("family_names", Text, nullable=False),
    Column("given_names", Text),
    Column("credit_name", Text),
    Column("other_names", ARRAY(Text), nullable=False, server_default="{}"),
    # A hint: never written to, never sent.
    Column("orcid_hint", Text),
    Column("orcid_assurance", Text),
    Column("email", Text),
    Column("is_current", Boolean, nullable=False),
    Column("visible", Boolean, nullable=False),
    Column("opted_out", Boolean, nullable=False),
    Column("row_hash", Uuid, nullable=False),
    Column("quarantined", Boolean, nullable=False, server_default=text("false")),
    # deleted (by tombstone or confirmed) | vanished (not yet confirmed)
    Column("gone", Text),
    Column("merged_into", Text),
    moment("changed_at", now=True),
    one_of("gone", "gone", "deleted", "vanished", "merged"),
)

cris_unit = Table(
    "cris_unit",
    metadata,
    Column("unit_id", Text, primary_key=True),
    # this unit first, then its parents up to the root
    Column("path", ARRAY(Text), nullable=False),
    Column("data", JSONB, nullable=False),
    Column("row_hash", Uuid, nullable=False),
    moment("changed_at", now=True),
)

cris_row = Table(
    "cris_row",
    metadata,
    row_id(),
    # One thing the CRIS knows that an item can be made of: a publication, an employment...
    Column("section", Text, nullable=False),
    Column("cris_id", Text, nullable=False),
    Column("row_hash", Uuid, nullable=False),
    # What the push rule says of the row itself; of the researcher's share in it `cris_claim` speaks.
    Column("answer", Text, nullable=False),
    Column("reason", Text),
    Column("not_before", Date),
    Column("owning_unit_id", Text),
    Column("unit_id", Text),
    Column("ended", Boolean, nullable=False, server_default=text("false")),
    # it goes out although its person isn't here any more: a degree that the institution gave
    Column("after_leaving", Boolean, nullable=False, server_default=text("false")),
    # an employment beside its holder's main one
    Column("secondary", Boolean, nullable=False, server_default=text("false")),
    # a post as it was before its holder was promoted or moved: the key that the CRIS has for the one of today
    Column("former_of", Text),
    # the key in the item's stable link, where that is not its own
    Column("uri_key", Text),
    # the unit that uploaded it as a file and owns it; NULL: it is from the CRIS
    Column("uploaded_by", ForeignKey("unit.id")),
    Column("quarantined", Boolean, nullable=False, server_default=text("false")),
    Column("gone", Text),
    Column("merged_into", Text),
    moment("changed_at", now=True),
    # From here on: what was made of it (one payload a row, whoever its researchers are).
    Column("input_hash", Uuid),
    Column("payload_digest", Text),
    Column("refusal", Text),
    Column("refusal_field", Text),
    Column("refusal_message", Text),
    Column("warnings", ARRAY(Text), nullable=False, server_default="{}"),
    Column("is_preprint", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("section", "cris_id"),
    CheckConstraint(SECTION_CHECK, name="section"),
    one_of("answer", "answer", "yes", "no", "cant_say"),
    one_of("gone", "gone", "deleted", "vanished", "merged"),
    Index("cris_row_former_idx", "former_of", postgresql_where=text("former_of IS NOT NULL")),
)

cris_content = Table(
    "cris_content",
    metadata,
    Column("row_id", ForeignKey(cris_row.c.id, ondelete="CASCADE"), primary_key=True),
    # The contract row as it came; for publications with `contributors` and `identifiers` as lists.
    Column("data", JSONB, nullable=False),
)

cris_claim = Table(
    "cris_claim",
    metadata,
    Column("row_id", ForeignKey(cris_row.c.id, ondelete="CASCADE"), primary_key=True),
    Column("person_id", Text, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("reason", Text),
    Column("contributor_seq", Integer),
    one_of("answer", "answer", "yes", "no", "cant_say"),
    Index("cris_claim_person_id_idx", "person_id"),
)

cris_row_key = Table(
    "cris_row_key",
    metadata,
    # The self identifiers (match keys) that the payload of a row carries.
    Column("row_id", ForeignKey(cris_row.c.id, ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Index("cris_row_key_key_idx", "key"),
)

watermark = Table(
    "watermark",
    metadata,
    Column("relation", Text, primary_key=True),
    moment("value", nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    row_id(),
    Column("relation", Text, nullable=False),
    Column("key", Text, nullable=False),
    # The publication, employment or person that waits for the correction.
    Column("section", Text),
    Column("cris_id", Text),
    Column("check_name", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("row", JSONB, nullable=False),
    Column("run_id", Text, nullable=False),
    moment("first_seen", now=True),
    moment("last_seen", now=True),
    moment("resolved_at"),
    Index(
        "quarantine_open_key",
        "relation",
        "key",
        "check_name",
        unique=True,
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index("quarantine_cris_id_idx", "section", "cris_id"),
)
