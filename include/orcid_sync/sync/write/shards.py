"""How the records of a run are split over tasks: by the calls that each of them needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.client import BULK
from orcid_sync.sync.write.approved import DUE, PLACE, PLACES, Shard

# From so many calls on a task of its own is worth its start: twenty seconds at ORCID's rate.
CALLS_A_SHARD: Final = 500

_CALLS: Final = f"""
SELECT place, 1 + ceil(together / {BULK}.0)::bigint + alone AS calls FROM (
    SELECT {PLACE} AS place, count(*) FILTER (WHERE change.action = 'add' AND item.section = 'work') AS together,
           count(*) FILTER (WHERE NOT (change.action = 'add' AND item.section = 'work')) AS alone
    {DUE}
    GROUP BY permission.client_id, permission.orcid
) record ORDER BY place
"""


def plan_shards(ledger: Ledger, at_most: int) -> list[Shard]:
    """Shards with about as many calls each; one alone where there is little to do, or nothing.

    Together they hold every place once, so that what comes up after the plan is left out by none and done by one.
    """
    with ledger.connection() as connection:
        return cut([(row.place, row.calls) for row in connection.execute(_CALLS)], at_most)


def cut(records: Sequence[tuple[int, int]], at_most: int) -> list[Shard]:
    """Shards for records given as (place, calls), in the order of their places.

    None has more than its even share and one record; records of one place stay together.
    """
    total = sum(calls for _, calls in records)
    count = max(1, min(at_most, -(-total // CALLS_A_SHARD)))
    bounds, before = [0], 0
    for place, calls in records:
        # Those before this one have the share of all shards so far.
        if before * count >= total * len(bounds) and place > bounds[-1]:
            bounds.append(place)
        before += calls
    return [Shard(first, last) for first, last in zip(bounds, [*bounds[1:], PLACES], strict=True)]
