"""Items that exchange identifiers: begun as one thing, and ended with contents that somebody approved."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.office import Office


def swapped(office: Office) -> dict[str, int]:
    """Two works that stand on the record, exchange their DOIs in the CRIS and are approved so; their put codes."""
    office.person()
    office.publication("W1", "10.5555/1")
    office.publication("W2", "10.5555/2")
    office.sync()
    office.publication("W1", "10.5555/2", title="First, corrected")
    office.publication("W2", "10.5555/1", title="Second, corrected")
    office.mirror()
    office.propose()
    office.approve_all()
    return {row.cris_id: row.put_code for row in office.live()}


def break_put(office: Office, put_code: int, **fault: Any) -> None:
    """The next update of this entry goes wrong."""
    office.simulator.control.fault(
        **{"kind": "status", "method": "PUT", "path": f"/work/{put_code}$", "times": 1, **fault}
    )


def states(office: Office) -> list[str]:
    return [
        row.state for row in office.house.all("SELECT state FROM change WHERE action = 'update' ORDER BY id")
    ]


def forget_waits(office: Office) -> None:
    """As if the time until the next attempt had passed."""
    office.run("UPDATE change SET next_attempt_at = NULL WHERE next_attempt_at IS NOT NULL")


def test_from_its_first_call_on_an_exchange_belongs_to_the_writer(office: Office) -> None:
    codes = swapped(office)
    break_put(office, codes["W2"], status=500)
    assert office.write()["retrying"] == 1
    assert states(office) == ["writing", "writing"], "no decision on either of them can be taken back"
    office.publication("W1", "10.5555/2", title="First, corrected again")
    office.propose()
    assert states(office) == ["writing", "writing"], "and no proposal takes their place"
    forget_waits(office)
    counts = office.write()
    assert counts["written"]["update"] == 2
    assert office.titles() == {"10.5555/2": "First, corrected", "10.5555/1": "Second, corrected"}
    office.sync()
    assert office.titles() == {"10.5555/2": "First, corrected again", "10.5555/1": "Second, corrected"}


@pytest.mark.parametrize("lost", ["drop_before", "drop_after"])
@pytest.mark.parametrize("first", [True, False], ids=["the first phase", "the other item"])
def test_an_exchange_goes_on_after_a_lost_answer(office: Office, lost: str, first: bool) -> None:
    codes = swapped(office)
    break_put(office, codes["W1" if first else "W2"], kind=lost)
    office.write()
    forget_waits(office)
    office.write()
    assert states(office) == ["written", "written"]
    assert office.titles() == {"10.5555/2": "First, corrected", "10.5555/1": "Second, corrected"}
    assert {row.cris_id: row.put_code for row in office.live()} == codes
    office.mirror()
    assert office.propose()["proposed"] == 0


def test_what_gave_up_its_identifiers_gets_them_back_when_the_other_is_refused(office: Office) -> None:
    codes = swapped(office)
    break_put(office, codes["W2"], status=400, error_code=9006)
    counts = office.write()
    assert (counts["written"]["update"], counts["failed"], counts["restored"]) == (0, 2, 1)
    assert office.titles() == {"10.5555/1": "Title of W1", "10.5555/2": "Title of W2"}
    assert states(office) == ["refused", "refused"]
    row = office.row("SELECT held, reason, detail FROM item WHERE cris_id = 'W1'")
    assert (row.held, row.reason) == ("withheld", "same_work_twice_in_cris")
    assert "W2" in row.detail
    written = office.house.one(
        "SELECT title FROM put_code JOIN payload USING (digest) WHERE put_code = %s", codes["W1"]
    )
    assert written == "Title of W1", "the ledger knows what stands"
    before = office.calls()
    for _ in range(2):
        office.mirror()
        assert office.propose()["proposed"] == 0
        office.write()
    assert office.calls() - before == 2, "the readings alone"


def test_an_exchange_is_asked_for_again_as_a_whole_when_one_half_changes(office: Office) -> None:
    codes = swapped(office)
    break_put(office, codes["W2"], status=400, error_code=9006)
    office.write()
    office.publication("W2", "10.5555/1", title="Second, mended")
    counts = office.sync()
    assert counts["written"]["update"] == 2
    assert office.titles() == {"10.5555/2": "First, corrected", "10.5555/1": "Second, mended"}


def test_an_entry_that_can_get_neither_content_is_left_to_a_person(office: Office) -> None:
    codes = swapped(office)
    break_put(office, codes["W2"], status=500)
    office.write()
    forget_waits(office)
    break_put(office, codes["W1"], status=400, error_code=9006)
    counts = office.write()
    assert (counts["written"]["update"], counts["blocked"]) == (1, 1)
    row = office.row("SELECT state, reason, detail FROM item_state WHERE cris_id = 'W1'")
    assert (row.state, row.reason) == ("blocked", "between_versions")
    office.mirror()
    assert office.propose()["proposed"] == 0, "not by itself"
    assert office.row("SELECT state FROM item_state WHERE cris_id = 'W1'").state == "blocked"
    office.publication("W1", "10.5555/2", title="First, mended")
    office.sync()
    assert office.titles() == {"10.5555/2": "First, mended", "10.5555/1": "Second, corrected"}
    assert office.row("SELECT state FROM item_state WHERE cris_id = 'W1'").state == "written"


def test_an_exchange_that_never_gets_through_ends_where_it_began(office: Office) -> None:
    codes = swapped(office)
    break_put(office, codes["W2"], status=500, times=3)
    for _ in range(6):
        office.write()
        forget_waits(office)
    assert states(office) == ["refused", "refused"]
    assert office.titles() == {"10.5555/1": "Title of W1", "10.5555/2": "Title of W2"}


def test_a_rejection_of_one_half_before_the_first_call_leaves_both_as_they_were(office: Office) -> None:
    swapped(office)
    office.decide("reject", "W2")
    counts = office.write()
    assert (counts["failed"], counts["written"]["update"]) == (1, 0)
    assert office.titles() == {"10.5555/1": "Title of W1", "10.5555/2": "Title of W2"}
    before = office.calls()
    office.mirror()
    assert office.propose()["proposed"] == 0
    office.write()
    assert office.calls() - before == 1, "a reading, and no second refusal"
    office.decide("approve", "W2")
    office.propose()
    office.approve_all()
    assert office.write()["written"]["update"] == 2
    assert office.titles() == {"10.5555/2": "First, corrected", "10.5555/1": "Second, corrected"}
