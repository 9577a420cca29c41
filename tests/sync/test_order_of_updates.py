"""One record's updates go out so that no identifier is ever on two of our items at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from orcid_sync.sync.write.order import Move, Step, order_updates, without_blocked


def move(change_id: int, has: str, gets: str) -> Move:
    return Move(change_id, frozenset(has), frozenset(gets))


def test_the_item_that_gives_an_identifier_up_goes_first() -> None:
    assert order_updates([move(1, "a", "b"), move(2, "b", "c")]) == [Step(2), Step(1)]


def test_updates_without_conflict_keep_their_order() -> None:
    assert order_updates([move(1, "a", "a"), move(2, "b", "b")]) == [Step(1), Step(2)]


def test_a_swap_strips_one_item_first() -> None:
    steps = order_updates([move(1, "ax", "bx"), move(2, "by", "ay")])
    assert steps == [Step(1, frozenset("ab"), frozenset({2})), Step(2), Step(1)]


def test_a_first_phase_names_all_that_exchange_with_it_and_nothing_else() -> None:
    ring = [move(1, "a", "b"), move(2, "b", "c"), move(3, "c", "a")]
    other = [move(4, "x", "y"), move(5, "y", "x"), move(6, "z", "z")]
    together = {step.change_id: step.together for step in order_updates([*ring, *other]) if step.strip}
    assert together == {1: frozenset({2, 3}), 4: frozenset({5})}


@given(st.permutations("abcdef"), st.integers(2, 6))
def test_no_identifier_is_ever_on_two_items(shuffled: list[str], count: int) -> None:
    names = "abcdef"[:count]
    targets = [key for key in shuffled if key in names]
    moves = [move(i, has, gets) for i, (has, gets) in enumerate(zip(names, targets, strict=True))]
    standing = {m.change_id: set(m.has) for m in moves}
    gets = {m.change_id: set(m.gets) for m in moves}
    steps = order_updates(moves)
    for step in steps:
        standing[step.change_id] = gets[step.change_id] - step.strip if step.strip else gets[step.change_id]
        everything = [key for keys in standing.values() for key in keys]
        assert len(everything) == len(set(everything)), f"an identifier stands twice after {step}"
    assert standing == gets
    assert len(steps) <= 2 * len(moves)


def test_an_update_waits_for_an_identifier_that_another_entry_has_yet_to_give_up() -> None:
    going, waiting = without_blocked([move(1, "a", "b"), move(2, "c", "a"), move(3, "d", "e")], ["b"])
    assert [m.change_id for m in going] == [3]
    assert [m.change_id for m in waiting] == [1, 2], "the second wants what the first keeps meanwhile"
