"""What a researcher removed from a record, found by index."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run("0020_removed_from_record_by_index.sql")
