"""Figures that reports need: the display order of entries on a record, and calls by the second."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run("0004_report_figures.sql")
