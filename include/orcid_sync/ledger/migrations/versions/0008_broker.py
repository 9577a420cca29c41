"""The broker: units' systems with credentials of their own, and each use they make of a permission."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    # Straight to the driver: SQLAlchemy would take each % of a format() for a placeholder.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((SQL / "0008_broker.sql").read_text())
