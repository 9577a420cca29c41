"""Never send, add our version too, restore: what they set, what they leave, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from orcid_sync.review.decisions import decide
from orcid_sync.review.items import (
    ItemCount,
    assert_item,
    restore,
    suppress,
    unassert,
    unrestore,
    unsuppress,
)
from orcid_sync.review.rights import NotAllowed, NothingSelected

from tests.fixtures.house import House


@pytest.fixture
def library(house: House) -> int:
    return house.unit("library")


@pytest.fixture
def item(house: House, library: int) -> int:
    return house.item(library, house.researcher())


def state(house: House, item: int) -> str:
    return str(house.one("SELECT state FROM item_state WHERE item_id = %s", item))


def test_suppressing_rejects_the_open_change(house: House, item: int) -> None:
    change = house.change(item)
    assert suppress(house.ledger, [item], actor_name="ann") == ItemCount("library", "suppress", 1, {})
    assert house.one("SELECT verdict FROM change WHERE id = %s", change) == "reject"
    assert state(house, item) == "suppressed"


def test_unsuppressing_takes_its_rejection_back(house: House, item: int) -> None:
    change = house.change(item)
    suppress(house.ledger, [item], actor_name="ann")
    unsuppress(house.ledger, [item], actor_name="ann")
    assert house.one("SELECT verdict FROM change WHERE id = %s", change) is None
    assert house.one("SELECT count(*) FROM standing_rejection") == 0
    assert state(house, item) == "proposed"


def test_unsuppressing_takes_the_rejection_of_a_closed_change_back(house: House, item: int) -> None:
    change = house.change(item)
    suppress(house.ledger, [item], actor_name="ann")
    house.one("UPDATE change SET state = 'withdrawn' WHERE id = %s RETURNING id", change)
    unsuppress(house.ledger, [item], actor_name="ann")
    assert house.one("SELECT count(*) FROM standing_rejection") == 0


def test_unsuppressing_leaves_a_rejection_of_its_own(house: House, item: int) -> None:
    change = house.change(item)
    decide(house.ledger, verdict="reject", actor_name="ann", change_ids=[change])
    suppress(house.ledger, [item], actor_name="ann")
    unsuppress(house.ledger, [item], actor_name="ann")
    assert house.one("SELECT verdict FROM change WHERE id = %s", change) == "reject"
    assert house.one("SELECT count(*) FROM standing_rejection") == 1


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ("withheld", "already_on_record"),
        ("withheld", "other_copy_removed"),
        ("withheld", "refused_by_orcid"),
        ("blocked", "gave_up"),
    ],
)
def test_a_withheld_item_is_asserted_and_back(house: House, library: int, held: str, reason: str) -> None:
    item = house.item(library, house.researcher(), held=held, reason=reason)
    assert assert_item(house.ledger, [item], actor_name="ann").items == 1
    assert house.one("SELECT asserted_at IS NOT NULL FROM item WHERE id = %s", item)
    assert unassert(house.ledger, [item], actor_name="ann").items == 1
    assert not house.one("SELECT asserted_at IS NOT NULL FROM item WHERE id = %s", item)


def test_what_has_to_be_corrected_is_not_asserted(house: House, library: int) -> None:
    item = house.item(library, house.researcher(), held="withheld", reason="no_usable_identifier")
    count = assert_item(house.ledger, [item], actor_name="ann")
    assert count.left == {item: "no_usable_identifier has to be corrected, not overridden"}


def test_a_restore_as_librarian_records_the_researchers_request(house: House, library: int) -> None:
    item = house.item(library, house.researcher(), tombstone_at="2026-01-02T00:00:00Z")
    with pytest.raises(NothingSelected, match="--note"):
        restore(house.ledger, [item], actor_name="ann")
    assert state(house, item) == "removed_by_researcher"
    restore(house.ledger, [item], actor_name="ann", note="asked by mail on 3 March", system_user="root")
    assert state(house, item) == "none"
    [event] = house.all("SELECT id, detail FROM audit_event WHERE what = 'restore' AND item_id = %s", item)
    assert event.detail["removed"].startswith("2026-01-02")
    assert (
        house.one("SELECT note FROM audit_note WHERE audit_event_id = %s", event.id)
        == "asked by mail on 3 March"
    )


def test_a_restore_lifts_the_researchers_dont_send(house: House, library: int) -> None:
    item = house.item(library, house.researcher(), declined_at="2026-01-02T00:00:00Z")
    restore(house.ledger, [item], actor_name="ann", note="asked at the desk on 3 March")
    assert state(house, item) == "none"


def test_a_restore_is_taken_back_with_its_old_date(house: House, library: int) -> None:
    item = house.item(library, house.researcher(), tombstone_at="2026-01-02T00:00:00Z")
    restore(house.ledger, [item], actor_name="ann", note="asked on 3 March")
    assert unrestore(house.ledger, [item], actor_name="ann").items == 1
    assert house.one("SELECT tombstone_at::date::text FROM item WHERE id = %s", item) == "2026-01-02"


def test_what_is_on_the_record_again_is_not_called_removed(house: House, library: int) -> None:
    item = house.item(library, house.researcher(), tombstone_at="2026-01-02T00:00:00Z")
    restore(house.ledger, [item], actor_name="ann", note="asked on 3 March")
    house.put_code(item, 7)
    assert unrestore(house.ledger, [item], actor_name="ann").left == {item: "it is on the record again"}


WISHES = [suppress, unsuppress, assert_item, unassert, unrestore]


@pytest.mark.parametrize("wish", [*WISHES, restore], ids=lambda wish: wish.__name__)
def test_only_a_librarian_of_the_unit_may(house: House, item: int, wish: Callable[..., Any]) -> None:
    with pytest.raises(NotAllowed, match="unit library"):
        wish(house.ledger, [item], actor_name="mia", note="x")


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.__name__)
def test_unknown_items_are_named(house: House, library: int, wish: Callable[..., Any]) -> None:
    with pytest.raises(NothingSelected, match="no item 999"):
        wish(house.ledger, [999], actor_name="ann")
