"""When a proposal is too large to be meant."""

from __future__ import annotations

import pytest
from orcid_sync.settings import Settings
from orcid_sync.sync.propose.guards import Figures


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
        pytest.param(figures(), None, id="nothing to do"),
    ],
)
def test_a_guard_tells_its_figures(found: Figures, said: str | None) -> None:
    assert found.alarm(Settings()) == said
