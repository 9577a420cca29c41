"""One row a day and figure: permissions by state, adoption by unit, items by state, writes. History can't be made later."""

from __future__ import annotations

import datetime as dt
from typing import Final

from orcid_sync.ledger.session import Connection, Ledger

# Each gives (unit, client, state, count); "" where a figure belongs to no unit or to no client any more.
_FIGURES: Final = {
    "permission": """
        SELECT '', client_id, state, count(*) FROM permission GROUP BY client_id, state
    """,
    # Of each unit's staff: those with a post in its subtree, or everybody where it names none; in a pilot, its people.
    "adoption": """
        WITH post AS (
            SELECT DISTINCT cris_claim.person_id, step.ancestor
            FROM cris_row JOIN cris_claim ON cris_claim.row_id = cris_row.id
            JOIN cris_unit ON cris_unit.unit_id = cris_row.unit_id
            CROSS JOIN LATERAL unnest(cris_unit.path) AS step (ancestor)
            WHERE cris_row.section = 'employment' AND cris_row.gone IS NULL AND NOT cris_row.ended
        ), served AS (
            SELECT unit.code, api_client.client_id, cris_staff.person_id
            FROM unit LEFT JOIN api_client ON api_client.code = unit.client
            JOIN cris_staff ON cris_staff.is_current AND cris_staff.gone IS NULL
            WHERE unit.active AND (unit.pilot = '{}' OR cris_staff.person_id = ANY (unit.pilot))
              AND (unit.subtree = '{}' OR EXISTS (
                  SELECT FROM post WHERE post.person_id = cris_staff.person_id AND post.ancestor = ANY (unit.subtree)))
        )
        SELECT served.code, coalesce(served.client_id, ''), coalesce(permission.state, 'never_asked'), count(*)
        FROM served LEFT JOIN researcher ON researcher.person_id = served.person_id
        LEFT JOIN permission ON permission.researcher_id = researcher.id AND permission.client_id = served.client_id
        GROUP BY 1, 2, 3
    """,
    "item": """
        SELECT unit.code, item_state.client_id, item_state.state, count(*)
        FROM item_state JOIN unit ON unit.id = item_state.unit_id
        GROUP BY unit.code, item_state.client_id, item_state.state
    """,
    "write": """
        SELECT unit.code, coalesce(item.client_id, ''), intent.action, count(DISTINCT intent.change_id)
        FROM outcome
        JOIN intent ON intent.id = outcome.intent_id
        JOIN unit ON unit.id = intent.unit_id
        LEFT JOIN item ON item.id = intent.item_id
        WHERE outcome.result IN ('written', 'adopted', 'removed')
          AND outcome.at >= %(day)s::date AND outcome.at < %(day)s::date + 1
        GROUP BY unit.code, coalesce(item.client_id, ''), intent.action
    """,
}


def take_snapshot(ledger: Ledger, day: dt.date | None = None) -> dict[str, int]:
    """Write the figures of a day (UTC; today by default), in place of those taken earlier that day.

    Returns how many rows each kind has. Writes are those of the day, all else is as it is now; the day before gets the
    writes that came after its last figures.
    """
    day = day or dt.datetime.now(dt.UTC).date()
    with ledger.transaction() as connection:
        # Two at once would each leave rows that the other can't see.
        connection.execute("LOCK TABLE daily_snapshot IN SHARE ROW EXCLUSIVE MODE")
        _write(connection, day - dt.timedelta(days=1), "write")
        return {kind: _write(connection, day, kind) for kind in _FIGURES}


def _write(connection: Connection, day: dt.date, kind: str) -> int:
    connection.execute("DELETE FROM daily_snapshot WHERE day = %s AND kind = %s", (day, kind))
    return connection.execute(
        "INSERT INTO daily_snapshot (day, kind, unit, client, state, count) "
        f"SELECT %(day)s, %(kind)s, figure.* FROM ({_FIGURES[kind]}) AS figure",
        {"day": day, "kind": kind},
    ).rowcount
