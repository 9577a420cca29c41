"""What a refusal of one item means, above all "duplicate": another of our entries carries one of its identifiers."""

from __future__ import annotations

from typing import Any, Final

from orcid_sync.errors import Duplicate, ItemRefused
from orcid_sync.ledger.session import Connection
from orcid_sync.sync.write import booking
from orcid_sync.sync.write.approved import Approved, RecordWork
from orcid_sync.sync.write.journal import Intent

_OWNER: Final = """
SELECT item.cris_id, unit.code, put_code.unit_id FROM put_code
JOIN item ON item.id = put_code.item_id JOIN unit ON unit.id = put_code.unit_id
WHERE put_code.client_id = %s AND put_code.orcid = %s AND put_code.section = %s AND put_code.put_code = %s
  AND put_code.closed_at IS NULL
"""
# The answer does not always name the other entry.
_HOLDER: Final = """
SELECT found.put_code FROM record_item found
JOIN record_item_key key USING (orcid, section, put_code, client_id)
WHERE found.client_id = %s AND found.orcid = %s AND found.section = %s AND found.source_client_id = found.client_id
  AND key.relationship = 'self' AND key.key = ANY (%s) AND found.put_code IS DISTINCT FROM %s
ORDER BY found.put_code LIMIT 1
"""


def settle(
    connection: Connection, work: RecordWork, change: Approved, intent: Intent, error: ItemRefused
) -> bool:
    """Draw the consequence of a refusal; returns whether an addition was linked to an entry that stands already.

    Withheld is what another of our entries stands in the way of: the outcome names that entry, and the next proposals
    leave the change alone until one of the two is another.
    """
    if not isinstance(error, Duplicate):
        message = error.registry_message or error.why or error.what
        detail = f"{error.field}: {message}" if error.field else message
        booking.refused(connection, change, intent, error, reason="refused_by_orcid", detail=detail)
        return False
    other = error.put_code or _holder(connection, work, change)
    owner: Any = connection.execute(_OWNER, (work.client_id, work.orcid, change.section, other)).fetchone()
    if owner is None and other is not None and change.action == "add":
        # Ours, and no unit holds it. What it says is compared by the next proposal.
        booking.written(
            connection, work, change, intent, put_code=other, result="adopted", known_content=False
        )
        return True
    reason, detail = "same_work_twice_in_cris", "an identifier stands on another of our entries"
    if owner is not None:
        detail = f"its identifier is sent as {owner.cris_id} by {owner.code}"
        if owner.unit_id != change.unit_id:
            reason = "held_by_other_unit"
    elif other is not None:
        detail = f"its identifier stands on our entry {other}, which no item holds"
    booking.refused(connection, change, intent, error, reason=reason, detail=detail, other=other)
    return False


def _holder(connection: Connection, work: RecordWork, change: Approved) -> int | None:
    row: Any = connection.execute(
        _HOLDER, (work.client_id, work.orcid, change.section, list(change.self_keys), change.put_code)
    ).fetchone()
    return None if row is None else int(row.put_code)
