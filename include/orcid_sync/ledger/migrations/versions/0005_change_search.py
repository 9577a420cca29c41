"""When the registry's search was last asked which records changed."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run("0005_change_search.sql")
