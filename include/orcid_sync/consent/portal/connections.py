"""How a researcher is connected with each of our API clients, as the portal shows it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from orcid_sync.connections import DEFAULT_CLIENT
from orcid_sync.consent.connect import missing_scopes
from orcid_sync.ledger.session import Connection as LedgerConnection
from orcid_sync.settings import Settings


@dataclass(frozen=True)
class Connection:
    """The researcher's permission for one API client. `state` is a key of `words.PERMISSIONS`."""

    client_id: str
    units: str
    permission_id: int | None
    orcid: str | None
    state: str
    scopes: tuple[str, ...]
    missing: tuple[str, ...]
    since: dt.datetime | None
    write_after: dt.datetime | None
    on_record: int
    differs: bool

    @property
    def connected(self) -> bool:
        """Whether calls are, or after a pause will be, made with it."""
        return self.state in (
            "granted",
            "paused_by_researcher",
            "being_checked",
            "wider_scope_needed",
            "leaving",
        )

    @property
    def can_remove(self) -> bool:
        """Whether what we wrote can still be taken off the record."""
        return self.on_record > 0 and self.state in (
            "granted",
            "paused_by_researcher",
            "wider_scope_needed",
            "delete_only",
        )


# The clients of units at work; those other than the first only where such a unit has something of this researcher.
_CONNECTIONS: Final = """
SELECT api_client.client_id, api_client.code, permission.id, permission.orcid, permission.state, permission.scopes,
       permission.suspect_since, permission.leaving_since,
       CASE WHEN permission.write_after > now() THEN permission.write_after END AS write_after,
       cris_staff.orcid_hint <> permission.orcid AS differs,
       (SELECT string_agg(unit.name, ', ' ORDER BY unit.name) FROM unit
        WHERE unit.client = api_client.code AND unit.active) AS units,
       (SELECT max(at) FROM permission_grant WHERE permission_grant.permission_id = permission.id) AS since,
       (SELECT count(*) FROM put_code JOIN item ON item.id = put_code.item_id
        WHERE item.researcher_id = researcher.id AND put_code.client_id = api_client.client_id
        AND put_code.closed_at IS NULL) AS on_record
FROM researcher CROSS JOIN api_client
LEFT JOIN permission ON permission.researcher_id = researcher.id AND permission.client_id = api_client.client_id
LEFT JOIN cris_staff ON cris_staff.person_id = researcher.person_id
WHERE researcher.id = %s AND api_client.code IS NOT NULL
  AND EXISTS (SELECT FROM unit WHERE unit.client = api_client.code AND unit.active)
  AND (permission.id IS NOT NULL OR api_client.code = %s OR EXISTS (
       SELECT FROM item WHERE item.researcher_id = researcher.id AND item.client_id = api_client.client_id)
       OR NOT EXISTS (SELECT FROM api_client first WHERE first.code = %s))
ORDER BY api_client.code <> %s, api_client.code
"""


def connections_of(connection: LedgerConnection, researcher_id: int, settings: Settings) -> list[Connection]:
    """The researcher's connections, the one most units use first."""
    rows = connection.execute(
        _CONNECTIONS, (researcher_id, DEFAULT_CLIENT, DEFAULT_CLIENT, DEFAULT_CLIENT)
    ).fetchall()
    return [
        Connection(
            client_id=row.client_id,
            units=row.units or "",
            permission_id=row.id,
            orcid=row.orcid,
            state=_state(row.state, row.suspect_since is not None, row.leaving_since is not None),
            scopes=tuple(row.scopes or ()),
            missing=missing_scopes(row.scopes or (), settings.portal_scopes)
            if row.state in ("granted", "wider_scope_needed")
            else (),
            since=row.since,
            write_after=row.write_after,
            on_record=row.on_record,
            differs=bool(row.differs),
        )
        for row in rows
    ]


def _state(state: str | None, suspect: bool, leaving: bool) -> str:
    if state is None:
        return "none"
    if leaving and state in ("granted", "delete_only"):
        return "leaving"
    return "being_checked" if suspect and state == "granted" else state
