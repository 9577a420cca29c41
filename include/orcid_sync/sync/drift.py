"""Differences between the ledger and the records that nobody may heal by guessing: listed by class, with examples."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql

from orcid_sync.ledger.session import Connection


def report_drift(connection: Connection, run_id: str, kind: str, query: LiteralString) -> int:
    """List what `query` finds as drift of one class; returns how many there are now.

    `query` gives unit_id, item_id, orcid, section, put_code, detail. What was listed before and is not found any more is
    marked resolved; what is still there keeps the date on which it was found first.
    """
    connection.execute("DROP TABLE IF EXISTS found_drift")
    connection.execute(sql.SQL("CREATE TEMP TABLE found_drift ON COMMIT DROP AS {}").format(sql.SQL(query)))
    same = sql.SQL(
        "(drift.item_id, drift.orcid, drift.section, drift.put_code) IS NOT DISTINCT FROM "
        "(found_drift.item_id, found_drift.orcid, found_drift.section, found_drift.put_code)"
    )
    connection.execute(
        sql.SQL(
            "UPDATE drift SET resolved_at = now() WHERE class = %s AND resolved_at IS NULL "
            "AND NOT EXISTS (SELECT FROM found_drift WHERE {})"
        ).format(same),
        (kind,),
    )
    connection.execute(
        sql.SQL(
            "INSERT INTO drift (run_id, class, unit_id, item_id, orcid, section, put_code, detail) "
            "SELECT %s, %s, unit_id, item_id, orcid, section, put_code, detail FROM found_drift "
            "WHERE NOT EXISTS (SELECT FROM drift WHERE class = %s AND resolved_at IS NULL AND {})"
        ).format(same),
        (run_id, kind, kind),
    )
    row = connection.execute("SELECT count(*) AS n FROM found_drift").fetchone()
    assert row is not None
    return int(row.n)
