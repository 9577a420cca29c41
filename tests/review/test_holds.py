"""Pause and resume: what is held, by whom, and what a resume ends."""

from __future__ import annotations

import pytest
from orcid_sync.review.holds import holds, pause, resume
from orcid_sync.review.rights import NothingSelected

from tests.fixtures.house import House


def test_a_unit_a_person_and_everything_are_held_apart(house: House) -> None:
    house.unit("library")
    house.researcher("p-1")
    pause(house.ledger, actor_name="op")
    pause(house.ledger, actor_name="op", unit="library", note="mapping under review")
    pause(house.ledger, actor_name="op", person="p-1")
    assert [(hold["unit"], hold["person"], hold["by"]) for hold in holds(house.ledger)] == [
        (None, None, "op"),
        ("library", None, "op"),
        (None, "p-1", "op"),
    ]
    assert resume(house.ledger, actor_name="op") == 1
    assert [(hold["unit"], hold["person"]) for hold in holds(house.ledger)] == [
        ("library", None),
        (None, "p-1"),
    ]
    assert resume(house.ledger, actor_name="op", everything=True) == 2
    assert [
        row.what for row in house.all("SELECT what FROM audit_event WHERE what IN ('paused', 'resumed')")
    ] == [
        *["paused"] * 3,
        *["resumed"] * 3,
    ]


def test_pausing_twice_is_one_hold(house: House) -> None:
    assert pause(house.ledger, actor_name="op") == pause(house.ledger, actor_name="someone")
    assert resume(house.ledger, actor_name="op") == 1
    assert resume(house.ledger, actor_name="op") == 0


def test_unknown_units_and_persons_are_named(house: House) -> None:
    with pytest.raises(NothingSelected, match="no unit nowhere"):
        pause(house.ledger, actor_name="op", unit="nowhere")
    with pytest.raises(NothingSelected, match="no researcher"):
        resume(house.ledger, actor_name="op", person="p-404")
