"""The portal: sessions, requests for a permission, grants, choices, and the feed of authenticated iDs."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    # Straight to the driver: SQLAlchemy would take each % of a format() for a placeholder.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((SQL / "0009_portal.sql").read_text())
