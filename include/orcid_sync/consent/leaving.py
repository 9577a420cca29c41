"""Pausing, going on, and disconnecting: with our entries kept on the record, or removed first.

Once a permission is revoked nothing can be removed with it any more; so a researcher who wants our entries gone stays
connected until the last one is, and nothing else is written meanwhile.
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

from orcid_sync.consent.choices import take_off
from orcid_sync.errors import PermissionLost, RecordUnavailable, Transient
from orcid_sync.ledger.runs import Counts, new_run_id
from orcid_sync.ledger.session import Connection, Ledger, audit
from orcid_sync.orcid.oauth import OAuth
from orcid_sync.settings import Settings
from orcid_sync.sync.write import write
from orcid_sync.vault.permissions import change_permission
from orcid_sync.vault.registry import Registry

_OWN: Final = "SELECT id FROM permission WHERE id = %s AND researcher_id = %s AND state = ANY (%s)"


def pause(ledger: Ledger, researcher_id: int, permission_id: int) -> bool:
    """No call is made with this permission until the researcher goes on; False where it wasn't in use."""
    return _move(ledger, researcher_id, permission_id, "granted", "paused_by_researcher")


def go_on(ledger: Ledger, researcher_id: int, permission_id: int) -> bool:
    """End the pause; False where there was none."""
    return _move(ledger, researcher_id, permission_id, "paused_by_researcher", "granted")


def _move(ledger: Ledger, researcher_id: int, permission_id: int, before: str, after: str) -> bool:
    with ledger.transaction() as connection:
        if connection.execute(_OWN, (permission_id, researcher_id, [before])).fetchone() is None:
            return False
        return change_permission(connection, permission_id, state=after, cause="portal")


def leave_and_remove(ledger: Ledger, researcher_id: int, permission_id: int) -> int | None:
    """Have everything removed that we wrote with this permission; `finish_leaving` disconnects when it is gone.

    Works also with a permission that was revoked at the registry and can only remove. Returns the number of removals,
    None where the permission can't do it.
    """
    with ledger.transaction() as connection:
        states = ["granted", "paused_by_researcher", "wider_scope_needed", "delete_only"]
        if connection.execute(_OWN, (permission_id, researcher_id, states)).fetchone() is None:
            return None
        # A pause would hold the removals too.
        connection.execute("UPDATE permission SET leaving_since = now() WHERE id = %s", (permission_id,))
        row = connection.execute("SELECT state FROM permission WHERE id = %s", (permission_id,)).fetchone()
        if row is not None and row.state != "delete_only":
            change_permission(connection, permission_id, state="granted", cause="leaving")
        items = connection.execute(
            "SELECT put_code.item_id FROM put_code JOIN item ON item.id = put_code.item_id "
            "JOIN permission ON permission.researcher_id = item.researcher_id "
            "AND permission.client_id = put_code.client_id "
            "WHERE permission.id = %s AND put_code.closed_at IS NULL",
            (permission_id,),
        ).fetchall()
        take_off(connection, [row.item_id for row in items])
    return len(items)


def disconnect(ledger: Ledger, registry: Registry, researcher_id: int, permission_id: int) -> bool:
    """Revoke at the registry; what we wrote stays. False where there was nothing to revoke.

    Raises Transient where the registry can't be reached: then nothing has changed.
    """
    with ledger.transaction() as connection:
        row = connection.execute(
            "SELECT client_id FROM permission WHERE id = %s AND researcher_id = %s AND state = ANY (%s)",
            (
                permission_id,
                researcher_id,
                ["granted", "paused_by_researcher", "wider_scope_needed", "delete_only"],
            ),
        ).fetchone()
    if row is None:
        return False
    _revoke(ledger, registry, permission_id, row.client_id)
    return True


def finish_leaving(
    ledger: Ledger, registry: Registry, *, settings: Settings, permission_id: int | None = None
) -> Counts:
    """Remove what leaving researchers want removed, and disconnect those with whom nothing is left.

    Returns `{leaving, removed, disconnected, waiting}`. What can't be removed now is tried again by the next call.
    """
    counts: Counts = {"leaving": 0, "removed": 0, "disconnected": 0, "waiting": 0}
    for permission in _leaving(ledger, permission_id):
        counts["leaving"] += 1
        if permission.left:
            written = write(
                ledger,
                registry,
                run_id=new_run_id("leave"),
                settings=settings,
                permission_id=permission.id,
            )
            counts["removed"] += written["written"]["remove"]
        if any(again.left for again in _leaving(ledger, permission.id)):
            counts["waiting"] += 1
            continue
        try:
            _revoke(ledger, registry, permission.id, permission.client_id)
        except Transient:
            counts["waiting"] += 1
        else:
            counts["disconnected"] += 1
    return counts


def _leaving(ledger: Ledger, permission_id: int | None) -> list[Any]:
    with ledger.transaction() as connection:
        return connection.execute(
            "SELECT permission.id, permission.client_id, (SELECT count(*) FROM put_code "
            "JOIN item ON item.id = put_code.item_id WHERE item.researcher_id = permission.researcher_id "
            "AND put_code.client_id = permission.client_id AND put_code.closed_at IS NULL) AS left "
            "FROM permission WHERE leaving_since IS NOT NULL AND id = coalesce(%s, id) "
            "AND state IN ('granted', 'delete_only') AND suspect_since IS NULL ORDER BY id",
            (permission_id,),
        ).fetchall()


def _revoke(ledger: Ledger, registry: Registry, permission_id: int, client_id: str) -> None:
    # Where it was over before, that is what was wanted.
    with contextlib.suppress(PermissionLost, RecordUnavailable):
        OAuth(registry.client(client_id)).revoke(registry.token(permission_id))
    with ledger.transaction() as connection:
        _forget_leaving(connection, permission_id)
        change_permission(connection, permission_id, state="revoked", cause="portal")


def _forget_leaving(connection: Connection, permission_id: int) -> None:
    row = connection.execute(
        "UPDATE permission SET leaving_since = NULL, write_after = NULL WHERE id = %s RETURNING researcher_id",
        (permission_id,),
    ).fetchone()
    if row is not None:
        audit(connection, "disconnected", researcher_id=row.researcher_id)
