"""What a person says of a record from which most of our entries vanished at once."""

from __future__ import annotations

import pytest
from orcid_sync.ledger.session import Ledger
from orcid_sync.review.emptied import Answer, decide_emptied, emptied_records
from orcid_sync.review.rights import NotAllowed, NothingSelected

from tests.fixtures.house import House


@pytest.fixture
def orcid(house: House) -> str:
    """A record that is emptied: six of our seven entries were not there when it was read."""
    unit = house.unit("library", librarians=["ann"])
    house.unit("medicine", librarians=["bob"])
    person = house.researcher("p1")
    orcid = str(house.one("SELECT orcid FROM permission"))
    for number in range(1, 8):
        item = house.item(unit, person, cris_id=f"W{number}", held="blocked", reason="record_emptied")
        house.put_code(item, number)
    with house.ledger.transaction() as connection:
        connection.execute("UPDATE put_code SET written_at = now() - interval '1 hour'")
        connection.execute(
            "INSERT INTO record (orcid, client_id, status, read_at) "
            "SELECT orcid, client_id, 'emptied', now() FROM permission"
        )
        connection.execute(
            "INSERT INTO record_item (orcid, section, put_code, client_id, self_claimed, is_preprint) "
            "SELECT orcid, 'work', 7, client_id, false, false FROM permission"
        )
    return orcid


@pytest.mark.parametrize(
    ("answer", "because", "tombstones"),
    [("removed", "removed_by_researcher", 6), ("lost", "record_emptied", 0)],
)
def test_the_answer_closes_what_is_gone_and_nothing_else(
    house: House, ledger: Ledger, orcid: str, answer: Answer, because: str, tombstones: int
) -> None:
    [waiting] = emptied_records(ledger)
    assert (waiting["orcid"], waiting["persons"], waiting["units"], waiting["vanished"]) == (
        orcid,
        ["p1"],
        ["library"],
        6,
    )

    count = decide_emptied(ledger, answer=answer, actor_name="ann", person_id="p1", note="by telephone")

    assert (count.orcid, count.items, count.units) == (orcid, 6, ["library"])
    closed = house.all("SELECT put_code, closed_because FROM put_code ORDER BY put_code")
    assert [tuple(row) for row in closed] == [*((n, because) for n in range(1, 7)), (7, None)]
    assert house.one("SELECT count(*) FROM item WHERE tombstone_at IS NOT NULL") == tombstones
    assert house.one("SELECT count(*) FROM item_state WHERE state = 'blocked'") == 1, (
        "the one that stands is looked at by the next proposal"
    )
    assert house.one("SELECT status FROM record") == "active"
    assert house.one("SELECT flagged_at IS NOT NULL FROM record"), "it is read again"
    assert house.one("SELECT count(*) FROM audit_note") == 6
    assert emptied_records(ledger) == []
    with pytest.raises(NothingSelected, match="nothing to decide"):
        decide_emptied(ledger, answer=answer, actor_name="ann", orcid=orcid)


def test_only_a_librarian_of_a_unit_that_is_concerned_may_say_it(ledger: Ledger, orcid: str) -> None:
    with pytest.raises(NotAllowed, match="bob may not decide for unit library"):
        decide_emptied(ledger, answer="removed", actor_name="bob", orcid=orcid)


def test_a_record_has_to_be_named(ledger: Ledger, orcid: str) -> None:
    with pytest.raises(NothingSelected):
        decide_emptied(ledger, answer="removed", actor_name="ann")
