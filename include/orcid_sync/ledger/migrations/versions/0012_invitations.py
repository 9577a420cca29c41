"""Invitations: campaigns of units, their messages, and who wants none."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run("0012_invitations.sql")
