"""The SQL of the migrations."""

from __future__ import annotations

from importlib import resources

from alembic import op


def run(*names: str) -> None:
    """Execute files of the folder `sql`, one after the other, inside the migration's transaction."""
    # Straight to the driver: SQLAlchemy would take each % of a format() or a RAISE for a placeholder.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in names:
        driver.execute((resources.files("orcid_sync.ledger.migrations") / "sql" / name).read_text())
