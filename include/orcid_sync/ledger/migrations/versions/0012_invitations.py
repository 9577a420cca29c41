"""Invitations: campaigns of units, their messages, and who wants none."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    # Straight to the driver: SQLAlchemy would take each % of a format() for a placeholder.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((SQL / "0012_invitations.sql").read_text())
