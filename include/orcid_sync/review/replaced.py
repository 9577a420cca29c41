"""Questions about batches that a newer one replaced: answered over Airflow's own API, so that nobody answers in vain.

Without the connection `airflow_api` the questions end by themselves when their time is over.
"""

from __future__ import annotations

from typing import Final

from orcid_sync.ledger.session import Ledger, audit
from orcid_sync.review.airflow_api import AirflowApi

_REPLACED: Final = """
SELECT id FROM batch WHERE state <> 'open' AND asked_at IS NOT NULL AND lapsed_at IS NULL
AND asked_at > now() - interval '31 days' ORDER BY id
"""


def close_replaced(ledger: Ledger, api: AirflowApi) -> int:
    """End the open questions of batches that are not open any more; returns how many there were.

    The answer *Leave open* decides nothing, and a batch that is closed takes no decision anyway.
    """
    with ledger.transaction() as connection:
        batches = [row.id for row in connection.execute(_REPLACED)]
    ended = 0
    for batch in batches:
        ended += api.leave_open(f"batch-{batch}")
        with ledger.transaction() as connection:
            connection.execute(
                "UPDATE batch SET lapsed_at = coalesce(lapsed_at, now()) WHERE id = %s", (batch,)
            )
            audit(connection, "question_closed", batch=batch)
    return ended
