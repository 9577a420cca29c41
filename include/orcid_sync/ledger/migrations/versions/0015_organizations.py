"""The institution's copy of ROR."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((SQL / "0015_organizations.sql").read_text())
