"""Writing split into tasks: each record in one of them, and none with much more to do than the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orcid_sync.sync.write import plan_shards, shards
from orcid_sync.sync.write.approved import EVERYTHING, PLACES, records_with_work
from orcid_sync.sync.write.shards import CALLS_A_SHARD, cut

from tests.fixtures.desk import Desk

PLACED = st.lists(st.tuples(st.integers(0, PLACES - 1), st.integers(1, 3 * CALLS_A_SHARD)), max_size=60).map(
    sorted
)


@given(records=PLACED, at_most=st.integers(1, 64))
def test_every_place_is_in_one_shard_and_none_has_more_than_its_share_and_one_place(
    records: list[tuple[int, int]], at_most: int
) -> None:
    parts = cut(records, at_most)
    assert [part.first for part in parts] == [0, *(part.last for part in parts[:-1])]
    assert parts[-1].last == PLACES
    assert len(parts) <= at_most
    total = sum(calls for _, calls in records)
    wanted = max(1, min(at_most, -(-total // CALLS_A_SHARD)))
    together: dict[int, int] = {}
    for place, calls in records:
        together[place] = together.get(place, 0) + calls
    most = max(together.values(), default=0)
    for part in parts:
        assert part.first < part.last
        assert (
            sum(calls for place, calls in records if part.first <= place < part.last) <= total / wanted + most
        )


def test_little_work_is_one_task_and_much_is_spread(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = desk.house.ledger
    assert plan_shards(ledger, 8) == [EVERYTHING]
    desk.library(approval="automatic")
    for n in range(12):
        desk.person(f"p{n}")
        desk.publication(f"W{n}", f"10.1234/{n}", persons=(f"p{n}",))
    desk.propose()
    assert plan_shards(ledger, 8) == [EVERYTHING]
    monkeypatch.setattr(shards, "CALLS_A_SHARD", 4)
    planned = plan_shards(ledger, 3)
    with ledger.connection() as connection:
        found = [
            [work.orcid for work in records_with_work(connection, unit=None, shard=one)] for one in planned
        ]
        everybody = records_with_work(connection, unit=None)
    assert [len(orcids) for orcids in found] == [4, 4, 4]
    assert sorted(orcid for orcids in found for orcid in orcids) == sorted(work.orcid for work in everybody)
