"""When a proposal is too large to be meant."""

from __future__ import annotations

import pytest
from orcid_sync.settings import Settings
from orcid_sync.sync.propose.guards import Figures, GuardStopped

from tests.fixtures.desk import Desk


def figures(*, written: int = 100, removals: int = 0, updates: int = 0, persons: int = 0) -> Figures:
    return Figures(1, "library", written, removals, updates, persons)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(figures(removals=20), None, id="twenty removals are always let through"),
        pytest.param(
            figures(removals=21), "21 of its 100 written items would be removed", id="more than ten percent"
        ),
        pytest.param(figures(written=1000, removals=100), None, id="ten percent of many"),
        pytest.param(
            figures(written=6, removals=6), "all of its 6 written items would be removed", id="all of six"
        ),
        pytest.param(figures(written=5, removals=5), None, id="all of five"),
        pytest.param(figures(written=1000, updates=100), None, id="ten percent updated"),
        pytest.param(
            figures(written=1000, updates=101),
            "101 of its 1000 written items would be updated, and each researcher told",
            id="a new mapping touches everything",
        ),
        pytest.param(
            figures(written=1000, removals=6, persons=1),
            "1 researchers would lose more than half of their items",
            id="one person emptied",
        ),
        pytest.param(
            figures(written=1000, removals=101),
            "101 of its 1000 written items would be removed",
            id="more than ten percent of many",
        ),
        pytest.param(figures(written=7, removals=6), None, id="all but one of seven"),
        pytest.param(figures(written=150, updates=20), None, id="twenty updates are always let through"),
        pytest.param(
            figures(written=150, updates=21),
            "21 of its 150 written items would be updated, and each researcher told",
            id="more updates than that",
        ),
        pytest.param(figures(), None, id="nothing to do"),
    ],
)
def test_a_guard_tells_its_figures(found: Figures, said: str | None) -> None:
    assert found.alarm(Settings()) == said


@pytest.mark.parametrize(
    ("written", "removals", "stopped"),
    [
        pytest.param(7, 4, True, id="four of seven"),
        pytest.param(8, 4, False, id="half is not more than half"),
        pytest.param(5, 3, False, id="three are few"),
    ],
)
def test_one_researcher_does_not_lose_more_than_half_unasked(
    desk: Desk, written: int, removals: int, *, stopped: bool
) -> None:
    desk.person("p1")
    desk.person("p2")
    for number in range(written):
        desk.publication(f"W{number}", f"10.5555/{number}")
    for number in range(10):
        desk.publication(f"V{number}", f"10.5555/v{number}", persons=("p2",))
    desk.propose()
    for number in range(written):
        desk.stands(f"W{number}", 100 + number)
    for number in range(10):
        desk.stands(f"V{number}", 200 + number, "p2")
    for number in range(removals):
        desk.publication(f"W{number}", f"10.5555/{number}", answer="no")
    if stopped:
        with pytest.raises(GuardStopped, match="1 researchers would lose more than half"):
            desk.propose()
        assert desk.house.one("SELECT count(*) FROM change WHERE state = 'open'") == 0
    else:
        assert desk.propose()["proposed"] == removals
