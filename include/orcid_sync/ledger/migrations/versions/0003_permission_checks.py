"""When each permission was last proved at the registry."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run("0003_permission_checks.sql")
