"""Tokens in the ledger: sealed on their way in, opened on their way out, re-sealed when keys change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Connection, Ledger, actor_id, audit
from orcid_sync.secret import Secret
from orcid_sync.vault.crypto import KeyRing, Sealed, token_context

ROTATION_BATCH: Final = 500
_SEALED: Final = (
    "token.permission_id, permission.client_id, permission.orcid, token.access_key_id, token.access_sealed, "
    "token.refresh_key_id, token.refresh_sealed, token.expires_at"
)


@dataclass(frozen=True)
class Tokens:
    """What the registry granted. `refresh` may be missing; an `expires_at` of None isn't known."""

    access: Secret
    refresh: Secret | None = None
    expires_at: dt.datetime | None = None


def put_tokens(
    connection: Connection, keys: KeyRing, permission_id: int, tokens: Tokens, *, provenance: str
) -> None:
    """Seal the tokens of a permission, in place of those it had. `provenance`: portal, import, refresh.

    They are bound to the permission's client and iD, so the permission must have its iD by now.
    """
    row = connection.execute(
        "SELECT client_id, orcid FROM permission WHERE id = %s AND orcid IS NOT NULL", (permission_id,)
    ).fetchone()
    if row is None:
        msg = f"permission {permission_id} has no authenticated iD that a token could be bound to"
        raise ValueError(msg)
    access = keys.encrypt(tokens.access, token_context(row.client_id, row.orcid, "access"))
    refresh = (
        keys.encrypt(tokens.refresh, token_context(row.client_id, row.orcid, "refresh"))
        if tokens.refresh
        else None
    )
    connection.execute(
        "INSERT INTO token (permission_id, access_key_id, access_sealed, refresh_key_id, refresh_sealed, expires_at, "
        "provenance) VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (permission_id) DO UPDATE SET "
        "access_key_id = excluded.access_key_id, access_sealed = excluded.access_sealed, "
        "refresh_key_id = excluded.refresh_key_id, refresh_sealed = excluded.refresh_sealed, "
        "expires_at = excluded.expires_at, provenance = excluded.provenance, stored_at = now()",
        (
            permission_id,
            access.key_id,
            access.data,
            refresh.key_id if refresh else None,
            refresh.data if refresh else None,
            tokens.expires_at,
            provenance,
        ),
    )


def read_tokens(connection: Connection, keys: KeyRing, permission_ids: Collection[int]) -> dict[int, Tokens]:
    """The opened tokens by permission; a permission without one is left out. Raises SettingInvalid for a lost key."""
    rows = connection.execute(
        f"SELECT {_SEALED} FROM token JOIN permission ON permission.id = token.permission_id "
        "WHERE token.permission_id = ANY (%s)",
        (list(permission_ids),),
    )
    return {row.permission_id: _opened(keys, row) for row in rows}


def _opened(keys: KeyRing, row: Any) -> Tokens:
    access = Sealed(row.access_key_id, bytes(row.access_sealed))
    refresh = None
    if row.refresh_sealed is not None:
        sealed = Sealed(row.refresh_key_id, bytes(row.refresh_sealed))
        refresh = keys.decrypt(sealed, token_context(row.client_id, row.orcid, "refresh"))
    return Tokens(
        keys.decrypt(access, token_context(row.client_id, row.orcid, "access")), refresh, row.expires_at
    )


def rotate_keys(ledger: Ledger, keys: KeyRing, *, actor: str = "system", batch: int = ROTATION_BATCH) -> int:
    """Seal every token with the first key that isn't yet; returns how many were.

    Each batch is committed by itself: after a break it goes on where it was, and syncs may run meanwhile. Raises
    SettingInvalid for a token whose key is not among `keys`; what was done stays done.
    """
    total = 0
    while moved := _rotate_batch(ledger, keys, batch):
        total += moved
    with ledger.transaction() as connection:
        audit(connection, "keys_rotated", actor=actor_id(connection, actor), tokens=total, key=keys.current)
    return total


def _rotate_batch(ledger: Ledger, keys: KeyRing, batch: int) -> int:
    with ledger.transaction() as connection:
        rows = connection.execute(
            f"SELECT {_SEALED} FROM token JOIN permission ON permission.id = token.permission_id "
            "WHERE access_key_id <> %(key)s OR refresh_key_id <> %(key)s "
            "ORDER BY token.permission_id LIMIT %(batch)s FOR UPDATE OF token",
            {"key": keys.current, "batch": batch},
        ).fetchall()
        resealed = [_resealed(keys, row) for row in rows]
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE token SET access_key_id = %s, access_sealed = %s, refresh_key_id = %s, refresh_sealed = %s "
                "WHERE permission_id = %s",
                resealed,
            )
    return len(rows)


def _resealed(keys: KeyRing, row: Any) -> tuple[str, bytes, str | None, bytes | None, int]:
    tokens = _opened(keys, row)
    access = keys.encrypt(tokens.access, token_context(row.client_id, row.orcid, "access"))
    if tokens.refresh is None:
        return access.key_id, access.data, None, None, row.permission_id
    refresh = keys.encrypt(tokens.refresh, token_context(row.client_id, row.orcid, "refresh"))
    return access.key_id, access.data, refresh.key_id, refresh.data, row.permission_id
