"""The broker: units' systems with credentials of their own, and each use they make of a permission."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run("0008_broker.sql")
