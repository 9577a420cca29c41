"""Taking a written batch back."""

from __future__ import annotations

from typing import Any

import pytest
from orcid_sync.review.batches import batches_to_ask, mark_asked, mark_lapsed
from orcid_sync.sync.undo import NothingToUndo, undo

from tests.fixtures.house import CLIENT
from tests.fixtures.office import Office


def work(doi: str, title: str) -> dict[str, Any]:
    """A work as somebody wrote it once through our client, with more in it than the CRIS knows."""
    return {
        "title": {"title": {"value": title}, "subtitle": {"value": "A subtitle of its own"}},
        "journal-title": {"value": "Annals of Former Times"},
        "short-description": "What the former system wrote.",
        "type": "journal-article",
        "publication-date": {"year": {"value": "2019"}, "month": {"value": "03"}},
        "url": {"value": "https://former.example.edu/1"},
        "external-ids": {
            "external-id": [
                {
                    "external-id-type": "doi",
                    "external-id-value": doi,
                    "external-id-relationship": "self",
                    "external-id-url": {"value": f"https://doi.org/{doi}"},
                }
            ]
        },
        "language-code": "sv",
    }


def batch(office: Office) -> int:
    return int(office.house.one("SELECT max(id) FROM batch WHERE kind = 'sync'"))


def test_an_entry_that_was_taken_over_gets_back_exactly_what_it_held(office: Office) -> None:
    office.person()
    orcid = office.permission().orcid
    put_code = office.simulator.control.add_item(orcid, "work", work("10.5555/1", "Once"), source=CLIENT)
    [before] = office.record()
    office.publication("W1", "10.5555/1")
    assert office.sync()["written"]["update"] == 1
    assert office.titles() == {"10.5555/1": "Title of W1"}

    counts = undo(office.house.ledger, batch(office), actor="ann", run_id="undo-1")
    assert (counts["add"], counts["update"], counts["remove"], counts["left"]) == (0, 1, 0, 0)
    assert office.write()["calls"] == 0, "nothing without a decision of its own"
    office.approve_all()
    assert office.write()["written"]["update"] == 1
    [after] = office.record()
    assert after["put_code"] == put_code
    assert after["item"] == before["item"]

    office.mirror()
    assert office.propose()["batches"] == [], "the undone content does not come back by itself"
    assert office.write()["calls"] == 0
    office.publication("W1", "10.5555/1", title="A better title")
    office.sync()
    assert office.titles() == {"10.5555/1": "A better title"}


def test_an_entry_that_was_only_linked_leaves_nothing_to_take_back(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.sync()
    with office.house.connect_owner() as owner:
        owner.execute("DELETE FROM put_code")
    office.mirror()
    office.propose()
    office.approve_all()
    office.write()
    with pytest.raises(NothingToUndo):
        undo(office.house.ledger, batch(office), actor="ann", run_id="undo-1")
    assert office.house.one("SELECT count(*) FROM change WHERE state = 'open'") == 0


def test_a_later_update_is_taken_back_to_the_one_before_it(office: Office) -> None:
    office.person()
    orcid = office.permission().orcid
    office.simulator.control.add_item(orcid, "work", work("10.5555/1", "Once"), source=CLIENT)
    office.publication("W1", "10.5555/1")
    office.sync()
    first = batch(office)
    office.publication("W1", "10.5555/1", title="A worse title")
    office.sync()
    with pytest.raises(NothingToUndo, match="as it was written"):
        undo(office.house.ledger, first, actor="ann", run_id="undo-1")
    undo(office.house.ledger, batch(office), actor="ann", run_id="undo-2")
    office.approve_all()
    office.write()
    assert office.titles() == {"10.5555/1": "Title of W1"}


def test_an_undone_batch_is_taken_back_and_stays_away(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.sync()
    office.publication("W1", "10.5555/1", title="A worse title")
    office.publication("W2", "10.5555/2")
    office.sync()
    batch = office.house.one("SELECT max(id) FROM batch")
    counts = undo(office.house.ledger, batch, actor="ann", run_id="undo-1")
    assert (counts["remove"], counts["update"], counts["left"]) == (1, 1, 0)
    office.approve_all()
    office.write()
    assert [item["item"]["title"]["title"]["value"] for item in office.record()] == ["Title of W1"]
    office.mirror()
    assert office.propose()["batches"] == []
    assert len(office.record()) == 1


def test_an_undo_whose_question_ended_without_an_answer_is_asked_again(office: Office) -> None:
    office.person()
    for number in (1, 2):
        office.publication(f"W{number}", f"10.5555/{number}")
    office.sync()
    asked = undo(office.house.ledger, batch(office), actor="ann", run_id="undo-1")["batch"]
    ledger = office.house.ledger
    assert [one["batch"] for one in batches_to_ask(ledger)] == [asked]
    mark_asked(ledger, asked)
    office.mirror()
    office.propose()
    assert batches_to_ask(ledger) == [], "its question is open"
    mark_lapsed(ledger, asked)
    office.decide("reject", "W2")
    office.propose()
    [again] = batches_to_ask(ledger)
    assert (again["kind"], again["undecided"]) == ("undo", 1)
    assert again["batch"] != asked
    assert batch_state(office, asked) == "replaced"
    office.decide("approve", "W1")
    office.write()
    assert office.titles() == {"10.5555/2": "Title of W2"}
    assert office.house.one("SELECT undoes FROM batch WHERE id = %s", again["batch"]) == batch(office)


def batch_state(office: Office, number: int) -> str:
    return str(office.house.one("SELECT state FROM batch WHERE id = %s", number))
