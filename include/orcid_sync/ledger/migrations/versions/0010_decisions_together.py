"""Decisions are bound to their changes a statement at a time, not one by one."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run("0010_decisions_together.sql")
