"""Decisions are bound to their changes a statement at a time, not one by one."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    # Straight to the driver: SQLAlchemy would take each % of a RAISE for a placeholder.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((SQL / "0010_decisions_together.sql").read_text())
