"""A record with as many works as the registry allows: what has no room waits for some, and no call is made in vain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from orcid_simulator.testing import RunningSimulator, running_simulator

from tests.fixtures.office import Office

MOST = 6


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    """A registry whose records are soon full."""
    with running_simulator(max_works=MOST) as running:
        yield running


def test_what_fits_is_written_and_the_rest_goes_out_when_there_is_room(office: Office) -> None:
    office.person()
    orcid = office.permission().orcid
    work = {
        "title": {"title": {"value": "By hand"}},
        "type": "journal-article",
        "external-ids": {
            "external-id": [
                {
                    "external-id-type": "doi",
                    "external-id-value": "10.5555/by-hand",
                    "external-id-relationship": "self",
                }
            ]
        },
    }
    by_hand = office.simulator.control.add_item(orcid, "work", work)
    for number in range(8):
        office.publication(f"W{number}", f"10.5555/{number}")
    counts = office.sync()
    assert counts["written"]["add"] == MOST - 1
    assert counts["stopped"] == {"full": 1}
    assert len(office.record()) == MOST

    # What waits keeps its approval, and nobody is called until a reading shows room.
    for _ in range(2):
        office.mirror()
        office.propose()
        assert office.write()["calls"] == 0
    waiting = office.house.all("SELECT state, reason, verdict FROM item_state WHERE held IS NOT NULL")
    assert [tuple(row) for row in waiting] == [("withheld", "record_full", "approve")] * 3

    office.simulator.control.remove_item(orcid, "work", by_hand)
    office.mirror()
    office.propose()
    assert office.write()["written"]["add"] == 1, "as many as there is room for, without another decision"
    assert len(office.record()) == MOST
    before = office.calls()
    office.mirror()
    office.propose()
    office.write()
    assert office.calls() - before == 1, "a reading alone"


def test_our_own_removals_make_room(office: Office) -> None:
    office.person()
    for number in range(MOST + 1):
        office.publication(f"W{number}", f"10.5555/{number}")
    assert office.sync()["written"]["add"] == MOST
    written = [row.cris_id for row in office.live()][:2]
    for cris_id in written:
        office.publication(cris_id, f"10.5555/{cris_id[1:]}", answer="no")
    assert office.sync()["written"]["remove"] == 2
    office.mirror()
    office.propose()
    assert office.write()["written"]["add"] == 1
    assert len(office.record()) == MOST - 1
    assert office.house.one("SELECT works_when_full FROM record") is None
