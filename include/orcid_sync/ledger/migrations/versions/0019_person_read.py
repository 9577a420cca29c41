"""Whether the sections of the person were read."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run("0019_person_read.sql")
