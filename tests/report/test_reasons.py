"""The words for states and reasons: complete, useful, and naming nobody."""

from __future__ import annotations

import re

import pytest
from orcid_sync.ledger.tables.permissions import PERMISSION_STATES
from orcid_sync.report.reasons import BLOCKED, STATES, WAITING, WITHHELD, Word, explain
from orcid_sync.review.items import ASSERTABLE

from tests.fixtures.house import House

ALL = [*WITHHELD.values(), *WAITING.values(), *BLOCKED.values(), *STATES.values()]

CLOSED_LIST = [
    "already_on_record",
    "other_copy_removed",
    "held_by_other_unit",
    "same_work_twice_in_cris",
    "no_usable_identifier",
    "type_not_mapped",
    "not_published",
    "invalid_field",
    "refused_by_orcid",
    "organisation_unknown",
    "record_full",
    "retracted",
    "quarantined",
    "pending_in_cris",
    "vanished_from_cris",
    "left_institution",
    "opted_out",
    "not_in_pilot",
    "paused",
]


def test_the_withheld_reasons_are_the_closed_list() -> None:
    assert list(WITHHELD) == CLOSED_LIST


def test_every_permission_state_has_its_words() -> None:
    assert set(PERMISSION_STATES) <= set(WAITING)


def test_every_item_state_of_the_ledger_has_its_words(house: House) -> None:
    definition = house.one("SELECT pg_get_viewdef('item_state'::regclass)")
    states = set(re.findall(r"(?:THEN|ELSE) '(\w+)'::text", definition))
    held = set(
        re.findall(
            r"'(\w+)'::text",
            house.one(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'item_held_check'"
            ),
        )
    )
    assert len(states) > 8
    assert (states | held) == set(STATES)


@pytest.mark.parametrize(
    "word", [word for word in ALL if word.name in WITHHELD or word.name in BLOCKED], ids=lambda w: w.name
)
def test_a_reason_says_what_happened_and_what_to_do(word: Word) -> None:
    assert word.label
    assert word.happened[0].isupper()
    assert word.remedy
    assert not word.happened.endswith(".")
    assert not word.remedy.endswith(".")


def test_what_can_be_asserted_is_a_reason() -> None:
    assert set(WITHHELD) | set(BLOCKED) >= ASSERTABLE


def test_an_unknown_reason_is_shown_as_it_stands() -> None:
    word = explain("blocked", "something_new")
    assert word.label == "something new"
    assert explain("withheld", "record_full").who == "researcher"
    assert explain("written").label == "Written"
