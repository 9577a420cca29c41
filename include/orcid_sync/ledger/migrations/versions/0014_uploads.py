"""Affiliations that are uploaded as a file."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run("0014_uploads.sql")
