"""The units' systems: a credential each, shown once and kept as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from psycopg.errors import UniqueViolation

from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.session import Ledger, actor_id, audit
from orcid_sync.ledger.units_file import Broker
from orcid_sync.secret import Secret

_KEY_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_LONGEST: Final = 200


@dataclass(frozen=True)
class Caller:
    """A unit's system that showed a good credential, and what its unit lets it do."""

    client_id: int
    unit_id: int
    unit: str
    role: str
    api_client: str
    policy: Broker


def add_client(ledger: Ledger, unit: str, name: str, *, actor: str) -> Secret:
    """A new credential for a system of a unit; it can't be shown again. Raises Misconfigured."""
    key_id, secret = secrets.token_hex(_KEY_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    try:
        with ledger.transaction() as connection:
            row = connection.execute(
                "INSERT INTO broker_client (unit_id, name, key_id, secret_digest) "
                "SELECT id, %s, %s, %s FROM unit WHERE code = %s AND active AND broker IS NOT NULL RETURNING id, unit_id",
                (name, key_id, _digest(secret), unit),
            ).fetchone()
            if row is not None:
                who = actor_id(connection, actor)
                audit(connection, "broker_client_added", actor=who, unit_id=row.unit_id, client=row.id)
    except UniqueViolation:
        raise Misconfigured(
            f"Unit {unit} can't get this credential",
            why="it has, or had, a system of the same name",
            remedy="Choose another name: a revoked one is not given again, so that uses stay told apart",
        ) from None
    if row is None:
        raise Misconfigured(
            f"Unit {unit} can't get a credential",
            why="there is no such active unit, or the units file lets its systems do nothing",
            remedy="Give it a `broker` in the units file and run `orcid-sync units apply`",
        )
    return Secret(f"{key_id}.{secret}")


def list_clients(ledger: Ledger) -> list[dict[str, Any]]:
    """Every credential ever given: `{unit, name, created_at, revoked_at, last_use, uses}`."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            "SELECT unit.code AS unit, broker_client.name, broker_client.created_at, broker_client.revoked_at, "
            "max(broker_use.at) AS last_use, count(broker_use.id) AS uses FROM broker_client "
            "JOIN unit ON unit.id = broker_client.unit_id "
            "LEFT JOIN broker_use ON broker_use.broker_client_id = broker_client.id "
            "GROUP BY unit.code, broker_client.id ORDER BY unit.code, broker_client.name"
        )
        return [row._asdict() for row in rows]


def revoke_client(ledger: Ledger, unit: str, name: str, *, actor: str) -> bool:
    """End a credential at once; False where it was ended before. Raises Misconfigured for an unknown one."""
    with ledger.transaction() as connection:
        row = connection.execute(
            "SELECT broker_client.id, unit_id, revoked_at FROM broker_client JOIN unit ON unit.id = unit_id "
            "WHERE unit.code = %s AND broker_client.name = %s FOR UPDATE OF broker_client",
            (unit, name),
        ).fetchone()
        if row is None:
            raise Misconfigured(
                f"Unit {unit} has no such system",
                why="no credential has this name",
                remedy="See `orcid-sync broker clients list`",
            )
        if row.revoked_at is not None:
            return False
        connection.execute("UPDATE broker_client SET revoked_at = now() WHERE id = %s", (row.id,))
        who = actor_id(connection, actor)
        audit(connection, "broker_client_revoked", actor=who, unit_id=row.unit_id, client=row.id)
    return True


def authenticate(ledger: Ledger, credential: str) -> Caller | None:
    """Whose credential it is, or None. Takes as long for an unknown one as for a wrong secret."""
    key_id, _, secret = credential.partition(".")
    if len(credential) > _LONGEST or not key_id.isalnum() or not key_id.isascii():
        return None
    with ledger.transaction() as connection:
        row = connection.execute(
            "SELECT broker_client.id, broker_client.secret_digest, unit.id AS unit_id, unit.code, unit.role_name, "
            "unit.broker, api_client.client_id FROM broker_client JOIN unit ON unit.id = broker_client.unit_id "
            "JOIN api_client ON api_client.code = unit.client "
            "WHERE broker_client.key_id = %s AND broker_client.revoked_at IS NULL AND unit.active "
            "AND unit.broker IS NOT NULL",
            (key_id,),
        ).fetchone()
    known = bytes(row.secret_digest) if row is not None else b"\0" * 32
    if not hmac.compare_digest(_digest(secret), known) or row is None:
        return None
    return Caller(
        row.id, row.unit_id, row.code, row.role_name, row.client_id, Broker.model_validate(row.broker)
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
