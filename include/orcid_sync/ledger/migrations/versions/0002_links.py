"""Links for one person, one purpose, one use."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    # Straight to the driver: SQLAlchemy would take each % of a format() for a placeholder.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((SQL / "0002_links.sql").read_text())
