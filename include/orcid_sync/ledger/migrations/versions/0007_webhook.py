"""The addresses at which the registry tells that a record changed."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run("0007_webhook.sql")
