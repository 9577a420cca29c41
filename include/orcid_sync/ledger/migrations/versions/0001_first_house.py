"""The first house: all tables, roles' rights, row-level security, and the rules about decisions and outcomes.

There is no downgrade: a ledger is restored from a backup, never taken back.
"""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    run("0001_tables.sql", "0001_protection.sql")
