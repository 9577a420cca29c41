"""The decision table once more, on a record that was just read: what was approved may have been overtaken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orcid_sync.ledger.session import Connection
from orcid_sync.sync.write import booking
from orcid_sync.sync.write.approved import Approved, RecordWork

_SAME: Final = """
SELECT wanted.change_id, found.put_code, found.source_client_id IS NOT DISTINCT FROM %(client_id)s AS ours,
       found.self_claimed, owner.item_id AS owner_item_id,
       found.source_client_id IN (SELECT client_id FROM api_client) AS of_us
FROM (
    SELECT change.id AS change_id, item.section, key.key, coalesce(cris_row.is_preprint, false) AS is_preprint
    FROM change JOIN item ON item.id = change.item_id
    LEFT JOIN cris_row ON cris_row.section = item.section AND cris_row.cris_id = item.cris_id
    LEFT JOIN payload ON payload.digest = change.payload_digest
    CROSS JOIN LATERAL (
        SELECT unnest(payload.self_keys) UNION SELECT known.key FROM cris_row_key known WHERE known.row_id = cris_row.id
    ) AS key (key)
    WHERE change.id = ANY(%(change_ids)s)
) AS wanted
JOIN record_item_key standing ON standing.orcid = %(orcid)s AND standing.client_id = %(client_id)s
    AND standing.section = wanted.section AND standing.key = wanted.key
    AND standing.relationship IN ('self', 'near')
JOIN record_item found ON found.orcid = standing.orcid AND found.client_id = standing.client_id
    AND found.section = standing.section AND found.put_code = standing.put_code
LEFT JOIN put_code owner ON owner.client_id = %(client_id)s AND owner.orcid = %(orcid)s
    AND owner.section = found.section AND owner.put_code = found.put_code AND owner.closed_at IS NULL
WHERE (found.is_preprint = wanted.is_preprint OR found.source_client_id = %(client_id)s)
  AND NOT (wanted.key LIKE 'near:%%' AND found.source_client_id IS NOT DISTINCT FROM %(client_id)s)
"""


def still_valid(connection: Connection, work: RecordWork, changes: Sequence[Approved]) -> list[Approved]:
    """The changes that may still go out; the others are withdrawn, with the reason on their items.

    An add of what now stands as our own item takes that over and is proposed again as an update; an add of what another
    source added meanwhile is withheld by the unit's policy; an update or removal whose put code has gone is withdrawn.
    """
    adds = {change.id: change for change in changes if change.action == "add"}
    overtaken: dict[int, str] = {}
    free: dict[int, int] = {}
    linked: set[int] = set()
    for row in connection.execute(
        _SAME, {"change_ids": list(adds), "orcid": work.orcid, "client_id": work.client_id}
    ).fetchall():
        change = adds[row.change_id]
        if row.ours and row.owner_item_id is None:
            free.setdefault(change.id, row.put_code)
        elif row.ours and row.owner_item_id == change.item_id:
            linked.add(change.id)
        elif row.ours:
            overtaken.setdefault(change.id, "same_work_twice_in_cris")
        elif row.of_us or not (
            change.asserted
            or change.duplicates == "assert"
            or (change.duplicates == "assert_over_self_claimed" and row.self_claimed)
        ):
            overtaken.setdefault(change.id, "already_on_record")
    valid: list[Approved] = []
    with connection.transaction():
        for change in changes:
            if change.id in linked:
                # Its put code came back meanwhile: the next proposal compares.
                booking.withdrawn(connection, change, None, None, None)
            elif change.id in free:
                _adopt(connection, work, change, free[change.id])
            elif change.id in overtaken:
                booking.withdrawn(connection, change, "withheld", overtaken[change.id], None)
            elif change.action != "add" and change.put_code_id is None:
                booking.withdrawn(connection, change, None, None, None)
            else:
                valid.append(change)
    return valid


def _adopt(connection: Connection, work: RecordWork, change: Approved, put_code: int) -> None:
    connection.execute(
        "INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, origin) "
        "VALUES (%s, %s, %s, %s, %s, %s, 'adopted') ON CONFLICT DO NOTHING",
        (change.item_id, change.unit_id, work.client_id, work.orcid, change.section, put_code),
    )
    booking.withdrawn(connection, change, None, None, None)
