"""The institution's copy of ROR."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run("0015_organizations.sql")
