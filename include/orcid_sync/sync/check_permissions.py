"""All permissions, proved at the registry at a slow rate: the ones that nothing was heard of for longest come first.

A researcher who revokes tells ORCID, not us. Records that change are read anyway; this finds the others.
"""

from __future__ import annotations

from typing import Any, Final

from orcid_sync.errors import PermissionLost, RecordUnavailable, SyncError, TokenRefused, Transient
from orcid_sync.ledger.holds import HOLDS_NOW
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import Ledger
from orcid_sync.secret import Secret
from orcid_sync.sync.mirror.trouble import explain_refusal, mark_trouble
from orcid_sync.vault.registry import Registry

_OLDEST: Final = f"""
SELECT permission.id, permission.client_id, permission.orcid
FROM permission JOIN token ON token.permission_id = permission.id
LEFT JOIN record ON record.orcid = permission.orcid AND record.client_id = permission.client_id
WHERE permission.state = 'granted' AND permission.suspect_since IS NULL AND permission.client_id = ANY (%(clients)s)
  AND NOT EXISTS (SELECT FROM hold WHERE {HOLDS_NOW} AND hold.unit_id IS NULL
                  AND (hold.researcher_id IS NULL OR hold.researcher_id = permission.researcher_id))
-- A record that was read proved its permission by that.
ORDER BY greatest(permission.checked_at, record.read_at) NULLS FIRST, permission.id LIMIT %(limit)s
"""


def check_permissions(ledger: Ledger, registry: Registry, *, run_id: str, limit: int) -> Counts:
    """Prove the permissions that were not seen for longest, `limit` of them, one call each.

    Returns `{run, checked, good, lost, unavailable, failed, calls}`. A failed one (the registry did not answer) comes first
    the next time; what is lost or locked is kept as the mirror keeps it.
    """
    with stage_run(ledger, run_id, "check_permissions") as counts:
        counts |= {"checked": 0, "good": 0, "lost": 0, "unavailable": 0, "failed": 0}
        with ledger.transaction() as connection:
            rows = connection.execute(
                _OLDEST, {"clients": list(registry.client_ids), "limit": limit}
            ).fetchall()
        tokens = registry.tokens([row.id for row in rows])
        try:
            for row in rows:
                if row.id not in tokens:
                    continue  # lost since the choice
                counts[_check(ledger, registry, row, tokens[row.id])] += 1
                counts["checked"] += 1
        finally:
            counts["calls"] = registry.flush_calls(ledger, run_id)
    return counts


def _check(ledger: Ledger, registry: Registry, row: Any, token: Secret) -> str:
    client = registry.client(row.client_id)
    error: SyncError | None = None
    try:
        client.verify_token(row.orcid, token)
    except TokenRefused as refusal:
        try:
            error = explain_refusal(client, row.orcid) or refusal
        except Transient:
            return "failed"
    except (PermissionLost, RecordUnavailable) as trouble:
        error = trouble
    except Transient:
        return "failed"
    with ledger.transaction() as connection:
        connection.execute("UPDATE permission SET checked_at = now() WHERE id = %s", (row.id,))
        if error is not None:
            mark_trouble(connection, row.id, row.client_id, row.orcid, error, explained=True)
    if error is None:
        return "good"
    return "lost" if isinstance(error, PermissionLost) else "unavailable"
