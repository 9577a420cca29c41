"""An exchange of identifiers, proved by trying every history of its model; and its rules are needed."""

from __future__ import annotations

from itertools import product

import pytest

from tests.simulation.exchange import Rules, explore

CASES = [(2, words) for words in product(("", "always", "second"), repeat=2)] + [
    (3, words) for words in product(("", "always", "second"), repeat=3)
]


@pytest.mark.parametrize(("entries", "refused"), CASES, ids=lambda value: str(value))
def test_every_entry_ends_with_a_content_that_was_approved(entries: int, refused: tuple[str, ...]) -> None:
    explored = explore(Rules(entries=entries, refused=refused))
    assert explored.promise is None, "\n".join(explored.history)
    assert explored.states > 10


@pytest.mark.parametrize("refused", list(product(("", "always"), repeat=2)), ids=str)
def test_an_exchange_of_two_leaves_nothing_between_two_versions(refused: tuple[str, ...]) -> None:
    explored = explore(Rules(entries=2, refused=refused))
    assert explored.between == 0
    assert explored.ends > 1


def test_what_can_get_neither_content_back_is_left_to_a_person() -> None:
    assert explore(Rules(entries=2, refused=("second", ""))).between > 0


@pytest.mark.parametrize("rules", [Rules(restore=False, refused=("", "always"))], ids=["restore"])
def test_without_its_rules_an_entry_is_left_without_its_identifiers(rules: Rules) -> None:
    explored = explore(rules)
    assert explored.promise is not None
    assert explored.history


def test_without_beginning_together_one_half_can_be_taken_back_in_between() -> None:
    assert explore(Rules(begin_together=False, entries=3, refused=("", "", ""))).between > 0
    assert explore(Rules(entries=3, refused=("", "", ""))).between == 0
