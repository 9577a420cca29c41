"""The ledger's tables.

Five rooms: what the CRIS says (`cris_*`, staging in `stage_*`), what stands on the records (`record*`), what we want
to write (`item`, `payload`, `change`, `batch*`, `decision`), what happened (`intent`, `outcome`, `put_code`,
`audit_event`) and who let us (`researcher`, `permission*`, `token`). Personal data stands only in tables from which it
can be deleted; the append-only ones (`decision`, `intent`, `outcome`, `audit_event`, `permission_event`) hold
internal keys and digests.

Grants, row-level security, triggers and roles are in migrations/sql; tests compare both with a live database.
"""

from __future__ import annotations

from orcid_sync.ledger.tables import (
    alerts,
    broker,
    consent,
    cris,
    invitations,
    items,
    journal,
    permissions,
    records,
    runs,
    sections,
    units,
)
from orcid_sync.ledger.tables.columns import metadata

__all__ = [
    "alerts",
    "broker",
    "consent",
    "cris",
    "invitations",
    "items",
    "journal",
    "metadata",
    "permissions",
    "records",
    "runs",
    "sections",
    "units",
]
