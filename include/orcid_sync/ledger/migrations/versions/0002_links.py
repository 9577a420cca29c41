"""Links for one person, one purpose, one use."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run("0002_links.sql")
