"""The tables of the researchers' side: links that were sent, and what the portal keeps. Personal data is in none of them."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from orcid_sync.ledger.tables.columns import metadata, moment, row_id
from orcid_sync.ledger.tables.permissions import researcher
from orcid_sync.ledger.tables.units import api_client

link = Table(
    "link",
    metadata,
    # A link that was given to one person for one purpose; its address is sealed with the vault's key and kept nowhere.
    row_id(),
    Column("purpose", Text, nullable=False),
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), nullable=False),
    moment("made_at", now=True),
    moment("expires_at", nullable=False),
    moment("used_at"),
    # Wrong answers to "who are you?": after a few of them the link is dead.
    Column("wrong_answers", SmallInteger, nullable=False, server_default="0"),
    Index("link_researcher_id_idx", "researcher_id"),
)

permission_grant = Table(
    "permission_grant",
    metadata,
    # Append-only: what was granted, after reading which words in which language, and how the person was known to be who
    # they are. `permission_event` has the states around it.
    row_id(),
    moment("at", now=True),
    Column("permission_id", BigInteger, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("wording", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("signed_in_by", Text, nullable=False),
    Index("permission_grant_permission_id_idx", "permission_id"),
)

portal_session = Table(
    "portal_session",
    metadata,
    # The hash of what the cookie holds: whoever reads this table can't take a session over.
    Column("key", Text, primary_key=True),
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), nullable=False),
    Column("signed_in_by", Text, nullable=False),
    moment("made_at", now=True),
    moment("seen_at", now=True),
    moment("ends_at", nullable=False),
    Index("portal_session_researcher_id_idx", "researcher_id"),
)

consent_request = Table(
    "consent_request",
    metadata,
    # A researcher was sent to the registry's consent page: the hash of `state`, and the session that may come back with it.
    Column("state_key", Text, primary_key=True),
    Column("session_key", Text, nullable=False),
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), nullable=False),
    Column("client_id", ForeignKey(api_client.c.client_id), nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("wording", Text, nullable=False),
    Column("language", Text, nullable=False),
    moment("made_at", now=True),
    moment("ends_at", nullable=False),
    moment("used_at"),
    Index("consent_request_researcher_id_idx", "researcher_id"),
)

portal_try = Table(
    "portal_try",
    metadata,
    # How often something that can be guessed was tried in an hour, by a hash of who tried it.
    Column("subject", Text, primary_key=True),
    Column("hour", TIMESTAMP(timezone=True), primary_key=True),
    Column("tries", Integer, nullable=False),
)
