"""Alembic's entry: runs the migrations on the connection that `migrate` hands over, as the owner role."""

from __future__ import annotations

from alembic import context
from orcid_sync.ledger.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    include_schemas=True,
    version_table_schema="ledger",
)
with context.begin_transaction():
    context.run_migrations()
