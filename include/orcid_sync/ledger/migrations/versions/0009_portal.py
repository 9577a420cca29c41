"""The portal: sessions, requests for a permission, grants, choices, and the feed of authenticated iDs."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run("0009_portal.sql")
