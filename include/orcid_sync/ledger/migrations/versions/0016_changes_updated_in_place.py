"""Room to update changes in place."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run("0016_changes_updated_in_place.sql")
