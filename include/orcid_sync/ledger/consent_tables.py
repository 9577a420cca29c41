"""The tables of the researchers' side: links that were sent, and what the portal keeps. Personal data is in none of them.

Declared beside `ledger.tables`, for the same schema; grants stand in migrations/sql.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from orcid_sync.ledger.tables import NOW, metadata, researcher

link = Table(
    "link",
    metadata,
    # A link that was given to one person for one purpose; its address is sealed with the vault's key and kept nowhere.
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("researcher_id", ForeignKey(researcher.c.id, ondelete="CASCADE"), nullable=False),
    Column("made_at", TIMESTAMP(timezone=True), nullable=False, server_default=NOW),
    Column("expires_at", TIMESTAMP(timezone=True), nullable=False),
    Column("used_at", TIMESTAMP(timezone=True)),
    # Wrong answers to "who are you?": after a few of them the link is dead.
    Column("wrong_answers", SmallInteger, nullable=False, server_default="0"),
    Index("link_researcher_id_idx", "researcher_id"),
)
