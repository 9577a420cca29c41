"""Databases, unit and researchers of a benchmark."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import psycopg
from orcid_sync.ledger.migrate import migrate
from orcid_sync.ledger.session import Connect, Ledger
from orcid_sync.ledger.units import apply_units
from orcid_sync.ledger.units_file import Unit, UnitsFile
from orcid_sync.local.postgres import EmbeddedPostgres, ExternalPostgres

CLIENT = "APP-0000000000000001"
Server = EmbeddedPostgres | ExternalPostgres


def new_database(server: Server) -> str:
    """The superuser's DSN of a fresh database."""
    name = f"bench_{secrets.token_hex(4)}"
    server.ensure_database(name)
    return server.url(name)


def opener(dsn: str) -> Connect:
    """A function that opens connections."""
    return lambda: psycopg.connect(dsn)


def new_ledger(server: Server, dsn: str | None = None) -> tuple[Ledger, Connect]:
    """A migrated ledger with one unit that owns works and employments, in a database of its own unless one is given."""
    connect = opener(dsn or new_database(server))
    migrate(connect)
    ledger = Ledger(connect)
    library: dict[str, Any] = {
        "code": "library",
        "name": "University Library",
        "sections": ["work", "employment"],
        "default_for": ["work", "employment"],
        "librarians": ["ann"],
    }
    units = UnitsFile(Path("units.yaml"), (), (Unit(**library),))
    apply_units(connect, ledger, units, actor="bench", client_ids={"default": CLIENT})
    return ledger, connect


def approve_everything(ledger: Ledger) -> None:
    """One librarian approves what is open."""
    with ledger.transaction() as connection:
        connection.execute("INSERT INTO actor (name) VALUES ('ann') ON CONFLICT DO NOTHING")
        connection.execute(
            "INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via) "
            "SELECT change.id, item_id, unit_id, digest, 'approve', actor.id, 'librarian', 'cli' FROM change, actor "
            "WHERE actor.name = 'ann' AND state = 'open' AND verdict IS NULL"
        )
