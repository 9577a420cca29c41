"""The first house: all tables, roles' rights, row-level security, and the rules about decisions and outcomes.

There is no downgrade: a ledger is restored from a backup, never taken back.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    # Straight to the driver: SQLAlchemy would take each % of a RAISE for a placeholder.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in ("0001_tables.sql", "0001_protection.sql"):
        driver.execute((SQL / name).read_text())
