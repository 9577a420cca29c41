"""Room to update changes in place."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((SQL / "0016_changes_updated_in_place.sql").read_text())
