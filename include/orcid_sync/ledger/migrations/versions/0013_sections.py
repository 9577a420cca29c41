"""Rows that outlive the employment of their person."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run("0013_sections.sql")
