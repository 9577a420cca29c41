"""What a researcher removed from a record, for everybody and every kind that it stood for."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run("0017_removed_from_record.sql")
