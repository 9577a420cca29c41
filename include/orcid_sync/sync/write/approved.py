"""What is to be written: the records that have approved work, and the approved changes of one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.ledger.holds import HOLDS_NOW
from orcid_sync.ledger.session import Connection


@dataclass(frozen=True)
class RecordWork:
    """One record with something to do: approved changes, or calls whose outcome is not known."""

    client_id: str
    orcid: str
    permission_id: int
    delete_only: bool
    changes: int


@dataclass(frozen=True)
class Approved:
    """One approved change (or one that a writer left in the middle) with all that its call needs."""

    id: int
    item_id: int
    unit_id: int
    researcher_id: int
    section: str
    cris_id: str
    action: str
    digest: str
    payload_digest: str | None
    put_code: int | None
    # The live put code of the item on this record, if any
    put_code_id: int | None
    # None while the item was adopted and never written by us
    written_digest: str | None
    content: Mapping[str, Any] | None
    self_keys: tuple[str, ...]
    state: str
    attempts: int
    asserted: bool
    duplicates: str
    # An update whose first phase stands on the record: it has given up identifiers and not got the new ones yet
    reduced: bool
    # The registry has refused it, and it is not over yet
    was_refused: bool
    last_error: str | None


# Held: everything, the unit, or the researcher is paused. Over `change` and `item`.
NOT_HELD: Final = f"""
NOT EXISTS (
    SELECT FROM hold WHERE {HOLDS_NOW}
    AND (hold.unit_id IS NULL OR hold.unit_id = change.unit_id)
    AND (hold.researcher_id IS NULL OR hold.researcher_id = item.researcher_id)
)"""

# No person keeps it back; a removal that the researcher asked for is what "don't send" wants. Over `change` and `item`.
NOT_REFUSED: Final = """
(change.action = 'remove' AND item.removal_asked_at IS NOT NULL
 OR item.suppressed_at IS NULL AND item.declined_at IS NULL)"""

_APPROVED: Final = f"""
FROM change
JOIN item ON item.id = change.item_id
JOIN unit ON unit.id = change.unit_id
JOIN permission ON permission.researcher_id = item.researcher_id AND permission.client_id = item.client_id
LEFT JOIN record ON record.orcid = permission.orcid AND record.client_id = permission.client_id
WHERE permission.orcid IS NOT NULL AND permission.suspect_since IS NULL
  AND (permission.state = 'granted' OR (permission.state = 'delete_only' AND change.action = 'remove'))
  AND (change.state = 'writing'
       OR (change.state = 'open' AND change.verdict = 'approve'
           AND {NOT_REFUSED}
           AND (change.action = 'remove' OR permission.leaving_since IS NULL
                -- After connecting, the researcher has some days in which to look through the list.
                AND (permission.write_after IS NULL OR permission.write_after <= now()))))
  AND (change.next_attempt_at IS NULL OR change.next_attempt_at <= now())
  -- No room: until a reading shows some, or a librarian insists.
  AND NOT (change.action = 'add' AND change.state = 'open' AND item.section = 'work'
           AND record.works_when_full IS NOT NULL AND item.asserted_at IS NULL)
  -- A record that can't be written is looked at again when it is mirrored.
  AND coalesce(record.status, 'active') = 'active'
"""
DUE: Final = f"{_APPROVED}  AND {NOT_HELD}\n"
"""Over `change`, `item`, `unit`, `permission` and `record`: what may go out now."""

PLACES: Final = 2**32
PLACE: Final = "(hashtext(permission.orcid)::bigint + 2147483648)"
"""A record's place among so many, the same whenever it is asked for."""


@dataclass(frozen=True)
class Shard:
    """The records with places from `first` up to before `last`; by default all."""

    first: int = 0
    last: int = PLACES


EVERYTHING: Final = Shard()


def records_with_work(
    connection: Connection,
    *,
    unit: str | None,
    shard: Shard = EVERYTHING,
    limit: int | None = None,
    permission_id: int | None = None,
) -> list[RecordWork]:
    """Records with due changes of this shard.

    Units take turns, so that a small one doesn't wait behind a large one; of each those with most work come first. With
    `permission_id` that one's record alone.
    """
    rows = connection.execute(
        f"""
        SELECT client_id, orcid, permission_id, delete_only, changes FROM (
        SELECT permission.client_id, permission.orcid,
               (array_agg(permission.id ORDER BY permission.state <> 'granted', permission.id))[1] AS permission_id,
               bool_and(permission.state = 'delete_only') AS delete_only, count(*) AS changes,
               min(change.unit_id) AS unit_id
        {DUE}
          AND unit.code = coalesce(%(unit)s, unit.code)
          AND permission.id = coalesce(%(permission)s, permission.id)
          AND {PLACE} >= %(first)s AND {PLACE} < %(last)s
        GROUP BY permission.client_id, permission.orcid
        ) work
        ORDER BY row_number() OVER (PARTITION BY unit_id ORDER BY changes DESC, orcid), orcid
        LIMIT %(limit)s
        """,
        {
            "unit": unit,
            "first": shard.first,
            "last": shard.last,
            "limit": limit,
            "permission": permission_id,
        },
    ).fetchall()
    return [RecordWork(**row._asdict()) for row in rows]


def approved_changes(connection: Connection, work: RecordWork, unit: str | None) -> list[Approved]:
    """The record's due changes, oldest first. Changes that are being written come whatever their unit is."""
    rows = connection.execute(
        f"""
        SELECT change.id, change.item_id, change.unit_id, item.researcher_id, item.section, item.cris_id,
               change.action, change.digest, change.payload_digest, change.put_code, put_code.id AS put_code_id,
               put_code.digest AS written_digest, payload.content, coalesce(payload.self_keys, '{{}}') AS self_keys,
               change.state, change.attempts, item.asserted_at IS NOT NULL AS asserted, unit.duplicates,
               change.last_error,
               change.state = 'writing' AND change.action = 'update' AND EXISTS (
                   SELECT FROM intent JOIN outcome ON outcome.intent_id = intent.id
                   WHERE intent.change_id = change.id AND intent.phase = 1 AND outcome.result = 'written') AS reduced,
               change.state = 'writing' AND EXISTS (
                   SELECT FROM outcome WHERE outcome.change_id = change.id AND outcome.result = 'refused'
               ) AS was_refused
        {
            DUE.replace(
                "WHERE",
                '''
            LEFT JOIN payload ON payload.digest = change.payload_digest
            LEFT JOIN put_code ON put_code.item_id = item.id AND put_code.closed_at IS NULL
                AND put_code.orcid = permission.orcid
            WHERE''',
                1,
            )
        }
          AND permission.orcid = %(orcid)s AND item.client_id = %(client_id)s
          AND (change.state = 'writing' OR unit.code = coalesce(%(unit)s, unit.code))
        ORDER BY change.id
        """,
        {"orcid": work.orcid, "client_id": work.client_id, "unit": unit},
    ).fetchall()
    return [Approved(**{**row._asdict(), "self_keys": tuple(row.self_keys)}) for row in rows]


def held_changes(connection: Connection, unit: str | None) -> dict[str, Any]:
    """Approved changes that would go out now if nothing were paused, and by which holds (a change can be under several).

    `{changes, everything, units: {code: n}, researchers}`; empty where nothing is held.
    """
    rows = connection.execute(
        f"""
        SELECT held_unit.code AS unit, hold.researcher_id IS NOT NULL AS one_person, count(*) AS changes
        {
            _APPROVED.replace(
                "WHERE",
                f"JOIN hold ON {HOLDS_NOW} AND (hold.unit_id IS NULL OR hold.unit_id = change.unit_id) "
                "AND (hold.researcher_id IS NULL OR hold.researcher_id = item.researcher_id) "
                "LEFT JOIN unit held_unit ON held_unit.id = hold.unit_id WHERE",
                1,
            )
        }
          AND unit.code = coalesce(%(unit)s, unit.code)
        GROUP BY 1, 2
        """,
        {"unit": unit},
    ).fetchall()
    if not rows:
        return {}
    all_held: Any = connection.execute(
        f"SELECT count(*) AS n {_APPROVED} AND NOT ({NOT_HELD}) AND unit.code = coalesce(%(unit)s, unit.code)",
        {"unit": unit},
    ).fetchone()
    return {
        "changes": all_held.n,
        "everything": sum(row.changes for row in rows if row.unit is None and not row.one_person),
        "units": {row.unit: row.changes for row in rows if row.unit is not None and not row.one_person},
        "researchers": sum(row.changes for row in rows if row.one_person),
    }
