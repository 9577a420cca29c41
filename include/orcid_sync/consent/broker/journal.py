"""What the broker writes down: each use before it happens, its outcome after it, and whose a new entry is.

Written as the unit's own role, so that the database itself keeps units apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orcid_sync.consent.broker.calls import BrokerCall
from orcid_sync.consent.broker.clients import Caller
from orcid_sync.ledger.session import Connection, Ledger

Result = Literal["done", "refused", "failed", "doubt"]


@dataclass(frozen=True)
class Permitted:
    """A researcher whose permission covers what is asked."""

    permission_id: int
    researcher_id: int
    orcid: str
    scopes: frozenset[str]


def permitted(ledger: Ledger, caller: Caller, person_id: str, needed: frozenset[str]) -> Permitted | None:
    """The researcher, or None: nobody of this key, no live permission, a narrower one, paused, opted out. Never which."""
    with ledger.transaction() as connection:
        row = connection.execute(
            """
            SELECT permission.id, permission.researcher_id, permission.orcid, permission.scopes
            FROM researcher JOIN permission ON permission.researcher_id = researcher.id
            JOIN token ON token.permission_id = permission.id
            WHERE researcher.person_id = %s AND permission.client_id = %s AND permission.state = 'granted'
              AND permission.suspect_since IS NULL AND permission.scopes @> %s
              AND NOT EXISTS (SELECT FROM hold WHERE (hold.until IS NULL OR hold.until > now())
                              AND hold.researcher_id = researcher.id)
              AND NOT EXISTS (SELECT FROM cris_staff WHERE cris_staff.person_id = researcher.person_id
                              AND (cris_staff.opted_out OR cris_staff.gone IS NOT NULL))
            """,
            (person_id, caller.api_client, sorted(needed)),
        ).fetchone()
    if row is None:
        return None
    return Permitted(row.id, row.researcher_id, row.orcid, frozenset(row.scopes))


def paused(ledger: Ledger, caller: Caller) -> bool:
    """Whether an operator holds everything, or this unit."""
    with ledger.transaction() as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM hold WHERE (until IS NULL OR until > now()) AND researcher_id IS NULL "
            "AND (unit_id IS NULL OR unit_id = %s)) AS held",
            (caller.unit_id,),
        ).fetchone()
    return bool(row and row.held)


def begin(
    ledger: Ledger,
    caller: Caller,
    who: Permitted,
    what: Literal["id", "token", "call"],
    call: BrokerCall | None = None,
    sent_keys: Sequence[str] = (),
) -> int:
    """One use, committed before it happens; returns its number."""
    with ledger.transaction(caller.role) as connection:
        row = connection.execute(
            "INSERT INTO broker_use (broker_client_id, unit_id, researcher_id, what, method, endpoint, section, put_code, "
            "sent_keys) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
            (
                caller.client_id,
                caller.unit_id,
                who.researcher_id,
                what,
                call.method if call else None,
                call.endpoint if call else None,
                call.section.name if call and call.section else None,
                call.put_code if call else None,
                list(sent_keys),
            ),
        ).fetchone()
    assert row is not None
    return int(row.id)


def end(
    connection: Connection,
    caller: Caller,
    use: int,
    result: Result,
    status: int | None = None,
    error_code: int | None = None,
) -> None:
    """Its outcome."""
    connection.execute(
        "INSERT INTO broker_outcome (use_id, unit_id, result, status, error_code) VALUES (%s, %s, %s, %s, %s)",
        (use, caller.unit_id, result, status, error_code),
    )


def own(ledger: Ledger, caller: Caller, who: Permitted, section: str, put_code: int) -> bool:
    """Whether this entry of the record is the unit's."""
    with ledger.transaction(caller.role) as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM put_code WHERE client_id = %s AND orcid = %s AND section = %s AND put_code = %s "
            "AND closed_at IS NULL) AS own",
            (caller.api_client, who.orcid, section, put_code),
        ).fetchone()
    return bool(row and row.own)


def keep_put_codes(
    connection: Connection, caller: Caller, who: Permitted, section: str, put_codes: Sequence[int]
) -> None:
    """These new entries of the record are the unit's. One that stands in the ledger already is left as it is."""
    connection.execute(
        """
        WITH made AS (
            INSERT INTO item (unit_id, researcher_id, section, cris_id, client_id, by_broker)
            SELECT %(unit)s, %(researcher)s, %(section)s, 'broker:' || code, %(client)s, true
            FROM unnest(%(codes)s::bigint[]) AS code ON CONFLICT DO NOTHING RETURNING id, unit_id, cris_id
        )
        INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, origin)
        SELECT id, unit_id, %(client)s, %(orcid)s, %(section)s, substr(cris_id, 8)::bigint, 'broker' FROM made
        ON CONFLICT DO NOTHING
        """,
        {
            "unit": caller.unit_id,
            "researcher": who.researcher_id,
            "section": section,
            "client": caller.api_client,
            "orcid": who.orcid,
            "codes": list(put_codes),
        },
    )


def close_put_code(
    connection: Connection, caller: Caller, who: Permitted, section: str, put_code: int, because: str
) -> None:
    """The entry stands no more: removed by the unit, or by the researcher before it."""
    connection.execute(
        "WITH closed AS (UPDATE put_code SET closed_at = now(), closed_because = %(because)s WHERE client_id = %(client)s "
        "AND orcid = %(orcid)s AND section = %(section)s AND put_code = %(code)s AND closed_at IS NULL RETURNING item_id) "
        "UPDATE item SET tombstone_at = now() FROM closed WHERE item.id = closed.item_id "
        "AND %(because)s = 'removed_by_researcher'",
        {
            "because": because,
            "client": caller.api_client,
            "orcid": who.orcid,
            "section": section,
            "code": put_code,
        },
    )


def free_put_codes(
    ledger: Ledger, caller: Caller, who: Permitted, section: str, put_codes: Sequence[int]
) -> set[int]:
    """Those of our client's entries on the record that no unit owns. Asked as the application: it sees all units."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            "SELECT code FROM unnest(%s::bigint[]) AS code WHERE NOT EXISTS (SELECT FROM put_code WHERE client_id = %s "
            "AND orcid = %s AND section = %s AND put_code.put_code = code AND closed_at IS NULL)",
            (list(put_codes), caller.api_client, who.orcid, section),
        )
        return {row.code for row in rows}


def in_doubt(ledger: Ledger, caller: Caller, who: Permitted, section: str, keys: Sequence[str]) -> bool:
    """Whether a call of this unit that would have added something with one of these identifiers has no known end."""
    with ledger.transaction(caller.role) as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM broker_use LEFT JOIN broker_outcome ON broker_outcome.use_id = broker_use.id "
            "WHERE broker_use.researcher_id = %s AND broker_use.section = %s AND broker_use.method = 'POST' "
            "AND broker_use.sent_keys && %s AND coalesce(broker_outcome.result, 'doubt') = 'doubt') AS doubt",
            (who.researcher_id, section, list(keys)),
        ).fetchone()
    return bool(row and row.doubt)
