"""How many works a record held when it was full, so that additions wait until a reading shows fewer."""

from __future__ import annotations

from orcid_sync.ledger.migrations.files import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run("0011_room_on_full_records.sql")
