"""All tables of the ledger, whichever module declares them."""

from __future__ import annotations

from orcid_sync.ledger import alert_tables, broker_tables, consent_tables, invitation_tables, section_tables
from orcid_sync.ledger.tables import metadata

__all__ = [
    "alert_tables",
    "broker_tables",
    "consent_tables",
    "invitation_tables",
    "metadata",
    "section_tables",
]
