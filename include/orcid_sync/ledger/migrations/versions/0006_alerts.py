"""Alerts, each cause once, and to whom they were told."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run("0006_alerts.sql")
