"""What is held: everything, one unit or one researcher waits before the next call, until somebody resumes it."""

from __future__ import annotations

from typing import Final, LiteralString

from orcid_sync.ledger.session import Connection

HOLDS_NOW: Final[LiteralString] = "(hold.until IS NULL OR hold.until > now())"
"""The SQL condition of a hold in force."""


def held(connection: Connection, unit_id: int | None = None, researcher_id: int | None = None) -> bool:
    """Whether a call for this unit and researcher has to wait. One cheap query: ask it before each call."""
    row = connection.execute(
        f"SELECT EXISTS (SELECT FROM hold WHERE {HOLDS_NOW} AND (unit_id IS NULL OR unit_id = %s) "
        "AND (researcher_id IS NULL OR researcher_id = %s)) AS held",
        (unit_id, researcher_id),
    ).fetchone()
    return bool(row and row.held)
