"""Tokens that are about to expire, renewed: one refresher at a time, and always the whole pair that comes back is kept.

The registry may end the old pair with the new one's first moment. So the new pair is stored before anything else happens,
in the transaction that holds the permission's lock, and nobody refreshes with a pair that somebody else replaced.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from orcid_sync.errors import PermissionLost, Transient
from orcid_sync.ledger.runs import Counts
from orcid_sync.ledger.session import REFRESH_LOCK, Ledger, audit
from orcid_sync.orcid.oauth import OAuth
from orcid_sync.vault.permissions import suspect_permission
from orcid_sync.vault.registry import Registry
from orcid_sync.vault.tokens import Tokens, put_tokens, read_tokens

LARGEST: Final = 500
_DUE: Final = """
SELECT token.permission_id, permission.client_id, token.expires_at, permission.researcher_id
FROM token JOIN permission ON permission.id = token.permission_id
WHERE permission.state = 'granted' AND permission.suspect_since IS NULL AND token.refresh_sealed IS NOT NULL
  AND token.expires_at < now() + %s AND permission.client_id = ANY (%s)
ORDER BY token.expires_at LIMIT %s
"""


def refresh_tokens(
    ledger: Ledger, registry: Registry, *, before: dt.timedelta, limit: int = LARGEST
) -> Counts:
    """Renew the tokens that expire within `before` and can be renewed; returns `{refreshed, refused, failed}`.

    A refused one becomes a permission in doubt, which the mirror explains. One that failed keeps its pair and is tried
    again by the next call.
    """
    counts: Counts = {"refreshed": 0, "refused": 0, "failed": 0}
    with ledger.transaction() as connection:
        due = connection.execute(_DUE, (before, list(registry.client_ids), limit)).fetchall()
    for row in due:
        try:
            if refresh_token(ledger, registry, row.permission_id, expiring_at=row.expires_at):
                counts["refreshed"] += 1
        except PermissionLost as error:
            counts["refused"] += 1
            with ledger.transaction() as connection:
                suspect_permission(connection, row.permission_id, error.kind)
        except Transient:
            counts["failed"] += 1
    return counts


def refresh_token(
    ledger: Ledger, registry: Registry, permission_id: int, *, expiring_at: dt.datetime | None
) -> bool:
    """Renew one permission's tokens; False where somebody did meanwhile (`expiring_at` is what the caller saw).

    Waits for another refresher of the same permission. Raises PermissionLost where the registry refuses, Transient where
    it doesn't answer.
    """
    with ledger.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashint8(%s))", (REFRESH_LOCK, permission_id))
        old = read_tokens(connection, registry.keys, [permission_id]).get(permission_id)
        if old is None or old.refresh is None or old.expires_at != expiring_at:
            return False
        row = connection.execute(
            "SELECT client_id, researcher_id FROM permission WHERE id = %s", (permission_id,)
        ).fetchone()
        assert row is not None
        granted = OAuth(registry.client(row.client_id)).refresh(old.refresh)
        # Where the answer names no refresh token the one we have may still be good: without it there is none.
        new = Tokens(granted.access_token, granted.refresh_token or old.refresh, granted.expires_at)
        put_tokens(connection, registry.keys, permission_id, new, provenance="refresh")
        audit(connection, "token_refreshed", researcher_id=row.researcher_id, permission=permission_id)
    return True
