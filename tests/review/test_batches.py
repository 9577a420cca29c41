"""Batches: lists, content, the question put to people, and what an answer does."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from orcid_sync.review.answers import (
    APPROVE_ADDITIONS,
    APPROVE_ALL,
    LEAVE_OPEN,
    OPTIONS,
    REJECT_ALL,
    record_answer,
)
from orcid_sync.review.batches import batches_to_ask, list_batches, mark_asked, mark_lapsed, show_batch
from orcid_sync.review.decisions import decide
from orcid_sync.review.rights import NothingSelected
from orcid_sync.review.summary import batch_summary, escape

from tests.fixtures.house import House

ANN = {"id": "1", "name": "ann"}


@pytest.fixture
def library(house: House) -> int:
    return house.unit("library", librarians=["ann"], name="The [Library]")


@pytest.fixture
def batch(house: House, library: int) -> int:
    researcher = house.researcher("p-1", orcid="0000-0002-1825-0097")
    other = house.researcher("p-2")
    return house.batch(
        library,
        [
            house.change(
                house.item(library, researcher, cris_id="c-1"), title="*Cells* <b>www.example.org</b>"
            ),
            house.change(house.item(library, other, cris_id="c-1"), title="*Cells* <b>www.example.org</b>"),
            house.change(house.item(library, researcher, cris_id="c-2"), "update"),
            house.change(
                house.item(library, researcher, cris_id="c-3"), "remove", why="no longer wanted by the CRIS"
            ),
            house.change(
                house.item(library, other, section="employment"), title="Lecturer", warnings=["odd_dates"]
            ),
        ],
    )


def test_batches_are_listed_with_their_counts(house: House, batch: int) -> None:
    [listed] = list_batches(house.ledger)
    figures = {
        key: listed[key]
        for key in ("batch", "unit", "state", "changes", "add", "update", "remove", "undecided")
    }
    assert figures == {
        "batch": batch,
        "unit": "library",
        "state": "open",
        "changes": 5,
        "add": 3,
        "update": 1,
        "remove": 1,
        "undecided": 5,
    }
    assert (listed["researchers"], listed["with_warnings"]) == (2, 1)
    assert list_batches(house.ledger, unit="other") == []
    assert list_batches(house.ledger, state="decided") == []


def test_a_batch_shows_its_changes_and_what_of_its_unit_is_withheld(
    house: House, library: int, batch: int
) -> None:
    held = house.item(library, house.researcher("p-9"), held="withheld", reason="already_on_record")
    decide(house.ledger, verdict="approve", actor_name="ann", batch=batch)
    shown = show_batch(house.ledger, batch)
    removal = next(change for change in shown["changes"] if change["action"] == "remove")
    assert removal["person_id"] == "p-1"
    assert removal["orcid"] == "0000-0002-1825-0097"
    assert (removal["section"], removal["cris_id"], removal["decision"]) == ("work", "c-3", None)
    assert removal["reason"] == "no longer wanted by the CRIS"
    approved = [change for change in shown["changes"] if change["decision"] == "approve"]
    assert {change["decided_by"] for change in approved} == {"ann"}
    assert [(item["item"], item["reason"]) for item in shown["withheld"]] == [(held, "already_on_record")]


def test_an_unknown_batch_is_named(house: House) -> None:
    with pytest.raises(NothingSelected, match="no batch 5"):
        show_batch(house.ledger, 5)


def test_the_summary_keeps_removals_and_warnings_apart_and_markup_harmless(house: House, batch: int) -> None:
    moment = dt.datetime(2026, 3, 1, 8, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    text = batch_summary(house.ledger, batch, next_write=moment)
    assert "5 changes to decide, on the records of 2 researchers" in text
    assert "| Work | 2 | 1 | 1 | 0 |" in text
    assert "| Employment | 0 | 0 | 0 | 1 |" in text
    assert (
        text.index("**Removals**") < text.index("**With warnings**") < text.index("**Additions and updates**")
    )
    assert "The \\[Library\\]" in text
    assert (
        "add \\*Cells\\* \\<b\\>www\u2060.example.org\\</b\\> (journal article, 2024, 2 researchers)" in text
    )
    assert "Lecturer" in text
    assert "odd dates" in text
    assert "Sunday, 01 March 2026 at 08:00 CET" in text
    assert "p-1" not in text
    assert "0000-0002-1825-0097" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\t c", "a b c"),
        ("[x](http://e.org)", "\\[x\\](http://\u2060e.org)"),
        ("a|b `c` $d$ ~e~ &amp;", "a\\|b \\`c\\` \\$d\\$ \\~e\\~ \\&amp;"),
        ("x@example.org", "x@\u2060example.org"),
    ],
    ids=["lines", "link", "marks", "address"],
)
def test_text_of_the_cris_can_neither_format_nor_link(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_people_are_asked_about_a_batch_once(house: House, batch: int) -> None:
    automatic = house.unit("auto", librarians=[], approval="automatic")
    house.batch(automatic, [house.change(house.item(automatic, house.researcher()))])
    [asked] = batches_to_ask(house.ledger)
    assert (asked["batch"], asked["unit"], asked["undecided"], asked["librarians"]) == (
        batch,
        "library",
        5,
        ["ann"],
    )
    mark_asked(house.ledger, batch)
    assert batches_to_ask(house.ledger) == []
    mark_lapsed(house.ledger, batch)
    assert house.one("SELECT lapsed_at IS NOT NULL FROM batch WHERE id = %s", batch)


@pytest.mark.parametrize(
    ("option", "decided", "undecided", "verdict", "state"),
    [
        (APPROVE_ADDITIONS, 3, 2, "approve", "open"),
        (APPROVE_ALL, 5, 0, "approve", "decided"),
        (REJECT_ALL, 5, 0, "reject", "closed"),
    ],
    ids=["additions", "all", "reject"],
)
def test_an_answer_decides_as_the_person_who_gave_it(
    house: House, batch: int, option: str, decided: int, undecided: int, verdict: str, state: str
) -> None:
    answer = record_answer(house.ledger, batch, [option], ANN)
    assert (answer["decided"], answer["undecided"], answer["why"]) == (decided, undecided, None)
    rows = house.all(
        "SELECT DISTINCT actor.name, verdict, via, role FROM decision JOIN actor ON actor.id = actor_id"
    )
    assert [tuple(row) for row in rows] == [("ann", verdict, "required_actions", "librarian")]
    assert house.one("SELECT state FROM batch WHERE id = %s", batch) == state
    # What the question left undecided is asked again.
    assert house.one("SELECT lapsed_at IS NOT NULL FROM batch WHERE id = %s", batch) == (undecided > 0)


@pytest.mark.parametrize(
    ("options", "responded_by", "why"),
    [
        ([LEAVE_OPEN], None, "no_person"),
        ([APPROVE_ALL], None, "no_person"),
        ([LEAVE_OPEN], ANN, "left_open"),
        ([APPROVE_ALL], {"id": "7", "name": "eve"}, "not_a_librarian"),
        ([APPROVE_ALL], {"id": "7", "name": None}, "not_a_librarian"),
        ([APPROVE_ALL, REJECT_ALL], ANN, "no_choice"),
        ([], ANN, "no_choice"),
    ],
    ids=["timeout", "nobody", "left open", "stranger", "row number", "both", "none"],
)
def test_an_answer_that_decides_nothing_is_logged(
    house: House, batch: int, options: list[str], responded_by: dict[str, Any] | None, why: str
) -> None:
    house.unit("other", librarians=["7"])
    answer = record_answer(house.ledger, batch, options, responded_by)
    assert (answer["decided"], answer["undecided"], answer["why"]) == (0, 5, why)
    assert house.one("SELECT count(*) FROM decision") == 0
    [event] = house.all("SELECT detail FROM audit_event WHERE what = 'answer_without_effect'")
    assert event.detail == {
        "batch": batch,
        "why": why,
        "options": [OPTIONS.index(option) for option in options],
    }
    assert house.one("SELECT lapsed_at IS NOT NULL FROM batch WHERE id = %s", batch)


def test_an_answer_for_a_replaced_batch_decides_nothing(house: House, batch: int) -> None:
    house.one("UPDATE batch SET state = 'replaced' WHERE id = %s RETURNING id", batch)
    assert record_answer(house.ledger, batch, [APPROVE_ALL], ANN)["why"] == "batch_closed"
    assert house.one("SELECT count(*) FROM decision") == 0


def test_a_user_name_that_is_given_as_id_counts(house: House, batch: int) -> None:
    assert record_answer(house.ledger, batch, [APPROVE_ALL], {"id": "ann", "name": "Ann Lee"})["decided"] == 5
