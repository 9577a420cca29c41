"""The ledger's tables.

Five rooms: what the CRIS says (`cris_*`, staging in `stage_*`), what stands on the records (`record*`), what we want
to write (`item`, `payload`, `change`, `batch*`, `decision`), what happened (`intent`, `outcome`, `put_code`,
`audit_event`) and who let us (`researcher`, `permission*`, `token`). Personal data stands only in tables from which it
can be deleted; the append-only ones (`decision`, `intent`, `outcome`, `audit_event`, `permission_event`) hold
internal keys and digests.

Grants, row-level security, triggers and roles are in migrations/sql; tests compare both with a live database.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

metadata = MetaData(
    schema="ledger",
    naming_convention={
        "ix": "%(column_0_label)s_idx",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    },
)

NOW = text("now()")
SECTION_CHECK = "section ~ '^[a-z]+(-[a-z]+)*$'"


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _at(name: str, *, now: bool = False, nullable: bool = True) -> Column[object]:
    if now:
        return Column(name, TIMESTAMP(timezone=True), nullable=False, server_default=NOW)
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _one_of(name: str, column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


# --- units, actors, settings -------------------------------------------------------------------------------------

unit = Table(
    "unit",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role_name", Text, nullable=False, unique=True),
    Column("sections", ARRAY(Text), nullable=False),
    Column("default_for", ARRAY(Text), nullable=False, server_default="{}"),
    Column("subtree", ARRAY(Text), nullable=False, server_default="{}"),
    Column("client", Text, nullable=False),
    Column("approval", Text, nullable=False),
    Column("duplicates", Text, nullable=False),
    Column("contacts", JSONB, nullable=False, server_default="{}"),
    Column("pilot", ARRAY(Text), nullable=False, server_default="{}"),
    Column("posts", Text, nullable=False, server_default="all"),
    # What the unit's own systems may do through the broker; empty: nothing.
    Column("broker", JSONB),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    _at("paused_at"),
    _at("applied_at", now=True),
    CheckConstraint("code ~ '^[a-z][a-z0-9_]{0,30}$' AND code NOT IN ('owner', 'app', 'unit')", name="code"),
    _one_of("approval", "approval", "librarian", "researcher", "automatic"),
    _one_of("duplicates", "duplicates", "skip", "assert_over_self_claimed", "assert"),
    _one_of("posts", "posts", "all", "primary"),
)

unit_librarian = Table(
    "unit_librarian",
    metadata,
    Column("unit_id", ForeignKey(unit.c.id, ondelete="CASCADE"), primary_key=True),
    Column("user_name", Text, primary_key=True),
)

api_client = Table(
    "api_client",
    metadata,
    Column("client_id", Text, primary_key=True),
    # The key in units.yaml and in the connection's name; empty for clients of ours that something else writes with.
    Column("code", Text, unique=True),
    Column("name", Text),
)

actor = Table(
    "actor",
    metadata,
    _id(),
    # An Airflow user name, "policy:automatic", "researcher" or "system user NAME": apart, so that it can be erased.
    Column("name", Text, nullable=False, unique=True),
)

hold = Table(
    "hold",
    metadata,
    _id(),
    # `orcid-sync pause`: everything (both empty), one unit or one researcher. Holds before the next call.
    Column("unit_id", ForeignKey(unit.c.id)),
    Column("researcher_id", BigInteger),
    Column("actor_id", ForeignKey(actor.c.id), nullable=False),
    _at("since", now=True),
    _at("until"),
    Column("note", Text),
)

# --- runs and what they counted ----------------------------------------------------------------------------------

run = Table(
    "run",
    metadata,
    # Airflow's run id, or one made by the command line.
    Column("run_id", Text, primary_key=True),
    _at("started_at", now=True),
)

stage_run = Table(
    "stage_run",
    metadata,
    _id(),
    Column("run_id", ForeignKey(run.c.run_id, ondelete="CASCADE"), nullable=False),
    Column("stage", Text, nullable=False),
    _at("started_at", now=True),
    _at("ended_at"),
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
    _at("next_at", nullable=False),
    Column("rate", Double),
    _at("penalty_until"),
)

change_search = Table(
    "change_search",
    metadata,
    Column("client_id", ForeignKey(api_client.c.client_id), primary_key=True),
    # When the registry's search last told completely which of the client's records had changed.
    _at("asked_at", nullable=False),
)

webhook = Table(
    "webhook",
    metadata,
    Column("orcid", Text, primary_key=True),
    Column("client_id", ForeignKey(api_client.c.client_id), primary_key=True),
    # The unguessable end of the address, below `base`; kept before the registry learns it.
    Column("path", Text, nullable=False, unique=True),
    Column("base", Text, nullable=False),
    _at("registered_at"),
    _at("called_at"),
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
    _id(),
    _at("at", now=True),
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

# --- researchers, permissions, tokens ----------------------------------------------------------------------------

researcher = Table(
    "researcher",
    metadata,
    _id(),
    Column("person_id", Text, nullable=False, unique=True),
    _at("created_at", now=True),
)

PERMISSION_STATES = (
    "never_asked",
    "invited",
    "reminded",
    "granted",
    "denied",
    "revoked",
    "delete_only",
    "expired",
    "merged",
    "wider_scope_needed",
    "paused_by_researcher",
    "left",
)

permission = Table(
    "permission",
    metadata,
    _id(),
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), nullable=False),
    Column("client_id", ForeignKey(api_client.c.client_id), nullable=False),
    # The iD that was authenticated by OAuth; empty as long as nobody signed in.
    Column("orcid", Text),
    Column("state", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False, server_default="{}"),
    # A 401 was seen and not yet explained: no call for this researcher until it is checked.
    _at("suspect_since"),
    # Nothing but removals is written before: the time in which the researcher can look through the list first.
    _at("write_after"),
    # The researcher disconnects as soon as what we wrote is removed.
    _at("leaving_since"),
    _at("changed_at", now=True),
    # When the slow check last proved it at the registry.
    _at("checked_at"),
    UniqueConstraint("researcher_id", "client_id"),
    _one_of("state", "state", *PERMISSION_STATES),
    CheckConstraint("orcid ~ '^(\\d{4}-){3}\\d{3}[\\dX]$'", name="orcid"),
    Index("permission_orcid_idx", "orcid"),
)

permission_event = Table(
    "permission_event",
    metadata,
    _id(),
    _at("at", now=True),
    Column("permission_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("actor_id", BigInteger),
    Index("permission_event_permission_id_idx", "permission_id"),
)

token = Table(
    "token",
    metadata,
    Column("permission_id", ForeignKey(permission.c.id, ondelete="CASCADE"), primary_key=True),
    # Authenticated encryption; the key's id stands beside each ciphertext so that several keys can live at once.
    Column("access_key_id", Text, nullable=False),
    Column("access_sealed", LargeBinary, nullable=False),
    Column("refresh_key_id", Text),
    Column("refresh_sealed", LargeBinary),
    _at("expires_at"),
    _at("stored_at", now=True),
    Column("provenance", Text, nullable=False),
)

# --- what the CRIS says ------------------------------------------------------------------------------------------

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
    _at("changed_at", now=True),
    _one_of("gone", "gone", "deleted", "vanished", "merged"),
)

cris_unit = Table(
    "cris_unit",
    metadata,
    Column("unit_id", Text, primary_key=True),
    # this unit first, then its parents up to the root
    Column("path", ARRAY(Text), nullable=False),
    Column("data", JSONB, nullable=False),
    Column("row_hash", Uuid, nullable=False),
    _at("changed_at", now=True),
)

cris_row = Table(
    "cris_row",
    metadata,
    _id(),
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
    _at("changed_at", now=True),
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
    _one_of("answer", "answer", "yes", "no", "cant_say"),
    _one_of("gone", "gone", "deleted", "vanished", "merged"),
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
    _one_of("answer", "answer", "yes", "no", "cant_say"),
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
    _at("value", nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    Column("relation", Text, nullable=False),
    Column("key", Text, nullable=False),
    # The publication, employment or person that waits for the correction.
    Column("section", Text),
    Column("cris_id", Text),
    Column("check_name", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("row", JSONB, nullable=False),
    Column("run_id", Text, nullable=False),
    _at("first_seen", now=True),
    _at("last_seen", now=True),
    _at("resolved_at"),
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

# --- what stands on the records ----------------------------------------------------------------------------------

record = Table(
    "record",
    metadata,
    Column("orcid", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    # active | locked | deactivated | merged | unclaimed | unknown | emptied
    Column("status", Text, nullable=False, server_default="active"),
    Column("merged_into", Text),
    # Start of the last complete read with a live token of this client.
    _at("read_at"),
    # Something said that the record changed since.
    _at("flagged_at"),
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
    _at("created_on_record"),
    _at("seen_at", now=True),
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

# --- what we want to write ---------------------------------------------------------------------------------------

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
    _at("made_at", now=True),
)

item = Table(
    "item",
    metadata,
    _id(),
    Column("unit_id", ForeignKey(unit.c.id), nullable=False),
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), nullable=False),
    Column("section", Text, nullable=False),
    Column("cris_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    # Written by the unit's own system through the broker: the CRIS says nothing about it, and no proposal touches it.
    Column("by_broker", Boolean, nullable=False, server_default=text("false")),
    _at("created_at", now=True),
    # What the last proposal found, when it is not a change: withheld, on_hold, waiting_permission, blocked.
    Column("held", Text),
    Column("reason", Text),
    Column("detail", Text),
    _at("held_since"),
    _at("suppressed_at"),
    # declined_by_researcher: the researcher's "don't send"; only the researcher, or a recorded request, reverses it.
    _at("declined_at"),
    # The researcher's "send": a standing choice, where the unit leaves it to them.
    _at("chosen_at"),
    # The researcher wants what we wrote taken off the record.
    _at("removal_asked_at"),
    # removed_by_researcher: with the date it was noticed; cleared by a restore.
    _at("tombstone_at"),
    _at("removed_at"),
    # A librarian's "add our version too" on a withheld item.
    _at("asserted_at"),
    # Another source had the same thing on the record while we held ours back.
    _at("other_copy_seen_at"),
    UniqueConstraint("researcher_id", "section", "cris_id", "unit_id", name="item_identity_key"),
    # Lets put codes and changes carry the owner and follow it when `units move` changes it.
    UniqueConstraint("id", "unit_id", name="item_owner_key"),
    CheckConstraint(SECTION_CHECK, name="section"),
    _one_of("held", "held", "withheld", "on_hold", "waiting_permission", "blocked"),
    Index("item_cris_id_idx", "section", "cris_id"),
)

CHANGE_STATES = ("open", "writing", "written", "superseded", "withdrawn", "refused")

change = Table(
    "change",
    metadata,
    _id(),
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
    _at("next_attempt_at"),
    Column("last_error", Text),
    Column("run_id", Text, nullable=False),
    _at("created_at", now=True),
    _at("closed_at"),
    ForeignKeyConstraint(
        ["item_id", "unit_id"],
        [item.c.id, item.c.unit_id],
        name="change_item_id_fkey",
        onupdate="CASCADE",
        ondelete="CASCADE",
    ),
    _one_of("action", "action", "add", "update", "remove"),
    _one_of("state", "state", *CHANGE_STATES),
    _one_of("verdict", "verdict", "approve", "reject"),
    _one_of("kind", "kind", "sync", "undo"),
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
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("unit_id", ForeignKey(unit.c.id), nullable=False),
    Column("kind", Text, nullable=False, server_default="sync"),
    # The batch that this one takes back.
    Column("undoes", BigInteger),
    Column("state", Text, nullable=False, server_default="open"),
    Column("run_id", Text, nullable=False),
    _at("created_at", now=True),
    # When people were asked (the approval run), and when that question ended without closing the batch.
    _at("asked_at"),
    _at("lapsed_at"),
    _at("closed_at"),
    _one_of("kind", "kind", "sync", "undo"),
    _one_of("state", "state", "open", "decided", "replaced", "closed"),
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
    _id(),
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
    _at("at", now=True),
    _one_of("verdict", "verdict", "approve", "reject", "withdraw"),
    _one_of("role", "role", "librarian", "policy", "researcher", "standing"),
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
    _at("since", now=True),
)

# --- what happened -----------------------------------------------------------------------------------------------

intent = Table(
    "intent",
    metadata,
    _id(),
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
    _at("at", now=True),
    # Until then the request may still land.
    _at("settles_at", nullable=False),
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
    _at("at", now=True),
    _one_of("result", "result", *OUTCOMES),
    Index("outcome_change_id_idx", "change_id"),
)

put_code = Table(
    "put_code",
    metadata,
    _id(),
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
    _at("written_at", now=True),
    _at("closed_at"),
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
    _one_of(
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
    _at("read_at", now=True),
)

drift = Table(
    "drift",
    metadata,
    _id(),
    Column("run_id", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("unit_id", Integer),
    Column("item_id", BigInteger),
    Column("orcid", Text),
    Column("section", Text),
    Column("put_code", BigInteger),
    Column("detail", Text, nullable=False),
    _at("found_at", now=True),
    _at("resolved_at"),
)
