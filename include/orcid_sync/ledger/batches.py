"""The states of batches, settled in one place from the changes they hold.

open: something in it is to be decided. decided: nothing is, and something approved is still to be written. closed: nothing
is to be decided or written any more. replaced: a newer batch of the unit took over what was open in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orcid_sync.ledger.session import Connection, key_array

_SETTLE: Final = """
WITH now_is AS (
    SELECT batch.id, CASE
        WHEN batch.state = 'open' AND EXISTS (
            SELECT FROM batch_change JOIN change ON change.id = batch_change.change_id
            WHERE batch_change.batch_id = batch.id AND change.state = 'open' AND change.verdict IS NULL) THEN 'open'
        WHEN EXISTS (
            SELECT FROM batch_change JOIN change ON change.id = batch_change.change_id
            WHERE batch_change.batch_id = batch.id
              AND (change.state = 'writing'
                   -- Approved, or taken back since and asked about in the next batch.
                   OR (change.state = 'open' AND change.verdict IS DISTINCT FROM 'reject'))) THEN 'decided'
        ELSE 'closed' END AS state
    FROM batch WHERE batch.state IN ('open', 'decided') AND batch.unit_id = coalesce(%s, batch.unit_id)
)
UPDATE batch SET state = now_is.state, closed_at = now()
FROM now_is WHERE now_is.id = batch.id AND now_is.state <> batch.state
"""


def settle_batches(connection: Connection, unit_id: int | None = None) -> int:
    """Bring the states of open and decided batches up to their changes; returns how many are another now."""
    return connection.execute(_SETTLE, (unit_id,)).rowcount


def reopen_batches(connection: Connection, change_ids: Sequence[int]) -> None:
    """Batches that were closed wait to be written again where a rejection in them became an approval."""
    connection.execute(
        "UPDATE batch SET state = 'decided' WHERE state = 'closed' AND id IN ("
        "SELECT batch_id FROM batch_change JOIN change ON change.id = batch_change.change_id "
        "WHERE change.id = ANY (%s::bigint[]) AND change.state = 'open' AND change.verdict = 'approve')",
        (key_array(change_ids),),
    )
