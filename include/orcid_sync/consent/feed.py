"""What goes back to the CRIS team: which iD each person authenticated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orcid_sync.ledger.session import Ledger

ID_COLUMNS: Final = (
    "person_id",
    "orcid",
    "orcid_uri",
    "connected",
    "authenticated_at",
    "changed_at",
    "differs_from_cris",
)


def authenticated_ids(ledger: Ledger) -> Iterator[dict[str, str]]:
    """The rows of `orcid_return.authenticated_ids` as texts: times in ISO 8601, truth as true or false."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            f"SELECT {', '.join(ID_COLUMNS)} FROM orcid_return.authenticated_ids ORDER BY person_id, orcid"
        ).fetchall()
    for row in rows:
        yield {
            "person_id": row.person_id,
            "orcid": row.orcid,
            "orcid_uri": row.orcid_uri,
            "connected": str(row.connected).lower(),
            "authenticated_at": row.authenticated_at.isoformat() if row.authenticated_at else "",
            "changed_at": row.changed_at.isoformat(),
            "differs_from_cris": str(row.differs_from_cris).lower(),
        }
