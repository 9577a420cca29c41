"""Decisions: who may take them, what they cover, and how they are taken back."""

from __future__ import annotations

import threading
import time

import pytest
from orcid_sync.errors import Misconfigured
from orcid_sync.review.batches import show_batch
from orcid_sync.review.decisions import DecisionCount, close_finished, decide
from orcid_sync.review.rights import BatchClosed, NotAllowed, NothingSelected
from orcid_sync.review.selection import EVERYTHING, ChangeFilter
from psycopg import sql

from tests.fixtures.house import House


@pytest.fixture
def library(house: House) -> int:
    return house.unit("library", librarians=["ann", "bo"])


@pytest.fixture
def changes(house: House, library: int) -> dict[str, int]:
    """One change of each kind, by kind."""
    researcher = house.researcher()
    return {
        "add": house.change(house.item(library, researcher)),
        "update": house.change(house.item(library, researcher), "update"),
        "remove": house.change(house.item(library, researcher), "remove"),
        "warned": house.change(house.item(library, researcher), warnings=["year_unlikely"]),
    }


@pytest.fixture
def batch(house: House, library: int, changes: dict[str, int]) -> int:
    return house.batch(library, list(changes.values()))


def verdicts(house: House, changes: dict[str, int]) -> dict[str, str | None]:
    found = {row.id: row.verdict for row in house.all("SELECT id, verdict FROM change")}
    return {kind: found[key] for kind, key in changes.items()}


def item_of(house: House, change: int) -> int:
    return int(house.one("SELECT item_id FROM change WHERE id = %s", change))


def test_approving_a_batch_covers_additions_and_updates_and_leaves_removals_and_warnings(
    house: House, batch: int, changes: dict[str, int]
) -> None:
    count = decide(house.ledger, verdict="approve", actor_name="ann", batch=batch)
    assert count == DecisionCount("library", "approve", 2, 1, 1, 0, {"removals": 1, "warnings": 1})
    assert verdicts(house, changes) == {"add": "approve", "update": "approve", "remove": None, "warned": None}
    assert house.one("SELECT state FROM batch WHERE id = %s", batch) == "open"


def test_approving_all_covers_removals_and_warnings_and_closes_the_batch(
    house: House, batch: int, changes: dict[str, int]
) -> None:
    count = decide(house.ledger, verdict="approve", actor_name="ann", batch=batch, only=EVERYTHING)
    assert (count.decided, count.remove, count.left) == (4, 1, {})
    assert set(verdicts(house, changes).values()) == {"approve"}
    assert house.one("SELECT state FROM batch WHERE id = %s", batch) == "decided"


def test_a_removal_is_approved_when_it_is_named(house: House, batch: int, changes: dict[str, int]) -> None:
    item = item_of(house, changes["remove"])
    count = decide(house.ledger, verdict="approve", actor_name="ann", batch=batch, item_ids=[item])
    assert (count.decided, count.remove) == (1, 1)
    assert verdicts(house, changes)["add"] is None


def test_rejecting_a_batch_covers_everything_in_it(house: House, batch: int, changes: dict[str, int]) -> None:
    decide(house.ledger, verdict="reject", actor_name="ann", batch=batch)
    assert set(verdicts(house, changes).values()) == {"reject"}
    assert house.one("SELECT count(*) FROM standing_rejection") == 4


def test_a_filter_narrows_a_batch_down(house: House, batch: int, changes: dict[str, int]) -> None:
    only = ChangeFilter(removals=True, actions=frozenset({"remove"}))
    count = decide(house.ledger, verdict="approve", actor_name="ann", batch=batch, only=only)
    assert (count.decided, count.left) == (1, {"warnings": 1})
    assert verdicts(house, changes)["remove"] == "approve"


def test_an_answer_for_the_whole_batch_leaves_single_decisions_as_they_are(
    house: House, batch: int, changes: dict[str, int]
) -> None:
    decide(house.ledger, verdict="reject", actor_name="bo", change_ids=[changes["add"]])
    count = decide(house.ledger, verdict="approve", actor_name="ann", batch=batch)
    assert (count.decided, count.left["decided_before"]) == (1, 1)
    assert verdicts(house, changes)["add"] == "reject"


def test_somebody_changes_their_mind_by_naming_the_item(
    house: House, batch: int, changes: dict[str, int]
) -> None:
    decide(house.ledger, verdict="reject", actor_name="ann", batch=batch)
    item = item_of(house, changes["add"])
    decide(house.ledger, verdict="approve", actor_name="ann", batch=batch, item_ids=[item])
    assert verdicts(house, changes)["add"] == "approve"
    assert house.one("SELECT count(*) FROM standing_rejection WHERE item_id = %s", item) == 0


def test_the_same_verdict_again_is_recorded_once(house: House, changes: dict[str, int]) -> None:
    decide(house.ledger, verdict="approve", actor_name="ann", change_ids=[changes["add"]])
    count = decide(house.ledger, verdict="approve", actor_name="bo", change_ids=[changes["add"]])
    assert (count.decided, count.left) == (0, {"decided_before": 1})
    assert house.one("SELECT count(*) FROM decision") == 1


def test_a_decision_is_withdrawn_until_it_is_written(
    house: House, batch: int, changes: dict[str, int]
) -> None:
    decide(house.ledger, verdict="approve", actor_name="ann", batch=batch, only=EVERYTHING)
    with house.ledger.transaction() as connection:
        connection.execute("UPDATE change SET state = 'writing' WHERE id = %s", (changes["add"],))
    count = decide(house.ledger, verdict="withdraw", actor_name="ann", batch=batch)
    assert (count.decided, count.left) == (3, {"written_or_closed": 1})
    assert verdicts(house, changes) == {"add": "approve", "update": None, "remove": None, "warned": None}


def test_what_stays_rejected_or_suppressed_by_a_person_is_not_approved(
    house: House, library: int, changes: dict[str, int]
) -> None:
    house.one(
        "UPDATE item SET declined_at = now() WHERE id = %s RETURNING id", item_of(house, changes["add"])
    )
    count = decide(house.ledger, verdict="approve", actor_name="ann", change_ids=[changes["add"]])
    assert (count.decided, count.left) == (0, {"stopped_by_person": 1})


def test_only_a_librarian_of_the_unit_decides(house: House, batch: int, changes: dict[str, int]) -> None:
    house.unit("med", librarians=["mia"])
    for name in ("mia", "nobody", ""):
        with pytest.raises(NotAllowed, match=r"may not decide for unit library.*units apply"):
            decide(house.ledger, verdict="approve", actor_name=name, batch=batch)
    assert house.one("SELECT count(*) FROM decision") == 0


def test_a_decision_is_recorded_with_person_way_note_and_system_user(
    house: House, changes: dict[str, int]
) -> None:
    decide(
        house.ledger,
        verdict="reject",
        actor_name="ann",
        change_ids=[changes["add"], changes["update"]],
        note="wrong person",
        system_user="root",
    )
    rows = house.all(
        "SELECT actor.name, system.name AS system, role, via, note FROM decision JOIN actor ON actor.id = actor_id "
        "JOIN actor system ON system.id = system_actor_id JOIN decision_note ON decision_note.decision_id = decision.id"
    )
    assert [tuple(row) for row in rows] == [
        ("ann", "system user root", "librarian", "cli", "wrong person")
    ] * 2
    event = house.all("SELECT what, detail FROM audit_event WHERE what = 'decided'")[0]
    assert event.detail == {"verdict": "reject", "via": "cli", "batch": None, "changes": 2}


@pytest.mark.parametrize("state", ["replaced", "closed", "decided"])
def test_a_closed_batch_is_not_decided(house: House, batch: int, state: str) -> None:
    house.one("UPDATE batch SET state = %s WHERE id = %s RETURNING id", state, batch)
    with pytest.raises(BatchClosed, match=f"Batch {batch} can't be decided"):
        decide(house.ledger, verdict="approve", actor_name="ann", batch=batch)


def test_in_a_decided_batch_single_items_are_still_decided(
    house: House, batch: int, changes: dict[str, int]
) -> None:
    decide(house.ledger, verdict="approve", actor_name="ann", batch=batch, only=EVERYTHING)
    item = item_of(house, changes["add"])
    assert decide(house.ledger, verdict="reject", actor_name="ann", batch=batch, item_ids=[item]).decided == 1


def test_an_item_that_is_not_in_the_batch_is_left(house: House, library: int, batch: int) -> None:
    other = house.item(library, house.researcher())
    house.change(other)
    count = decide(house.ledger, verdict="approve", actor_name="ann", batch=batch, item_ids=[other])
    assert (count.decided, count.left) == (0, {"without_change": 1})


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({}, "nothing to decide"),
        ({"batch": 999}, "no batch 999"),
        ({"change_ids": [999]}, "no change 999"),
        ({"item_ids": [999]}, "no item 999"),
    ],
    ids=["nothing", "batch", "change", "item"],
)
def test_what_does_not_exist_is_named(
    house: House, library: int, named: dict[str, object], message: str
) -> None:
    with pytest.raises(NothingSelected, match=message):
        decide(house.ledger, verdict="approve", actor_name="ann", **named)  # type: ignore[arg-type]


def test_one_decision_is_for_one_unit(house: House, batch: int, changes: dict[str, int]) -> None:
    med = house.unit("med", librarians=["ann"])
    other = house.change(house.item(med, house.researcher()))
    with pytest.raises(NothingSelected, match="several units"):
        decide(house.ledger, verdict="approve", actor_name="ann", change_ids=[changes["add"], other])


def test_a_unit_without_its_database_role_names_the_remedy(house: House, batch: int) -> None:
    role = house.one("SELECT role_name FROM unit")
    with house.connect_owner() as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    with pytest.raises(Misconfigured, match="units apply"):
        decide(house.ledger, verdict="approve", actor_name="ann", batch=batch)


def test_a_policy_decides_without_being_a_librarian(house: House, changes: dict[str, int]) -> None:
    count = decide(
        house.ledger,
        verdict="approve",
        actor_name="policy:automatic",
        role="policy",
        via="policy",
        change_ids=[changes["add"]],
    )
    assert count.decided == 1


def test_two_who_decide_at_once_do_not_overwrite_each_other(
    house: House, batch: int, changes: dict[str, int]
) -> None:
    counts: list[DecisionCount] = []

    def reject() -> None:
        counts.append(decide(house.ledger, verdict="reject", actor_name="bo", batch=batch))

    with house.ledger.transaction() as connection:
        connection.execute("SELECT FROM change WHERE id = %s FOR UPDATE", (changes["add"],))
        second = threading.Thread(target=reject)
        second.start()
        while not house.one("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            time.sleep(0.005)
        # Meanwhile somebody else's approval gets through.
        connection.execute(
            "INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via) "
            "SELECT id, item_id, unit_id, digest, 'approve', 1, 'librarian', 'console' FROM change WHERE id = %s",
            (changes["add"],),
        )
    second.join()
    assert (counts[0].decided, counts[0].left) == (3, {"decided_before": 1})
    assert verdicts(house, changes)["add"] == "approve"


@pytest.mark.slow
def test_a_decision_that_collides_with_a_proposal_is_taken_after_it(
    house: House, batch: int, changes: dict[str, int]
) -> None:
    counts: list[DecisionCount] = []

    def approve() -> None:
        counts.append(decide(house.ledger, verdict="approve", actor_name="ann", batch=batch, only=EVERYTHING))

    first, *_, last = sorted(changes.values())
    with house.connect_owner() as connection:
        # The decider looks for a deadlock long before this one does, so it is the one that the database ends.
        connection.execute("SET deadlock_timeout = '1min'")
        connection.execute("SELECT FROM change WHERE id = %s FOR UPDATE", (last,))
        decider = threading.Thread(target=approve)
        decider.start()
        while not house.one("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            time.sleep(0.005)
        # The other way round: now each waits for the other.
        connection.execute("SELECT FROM change WHERE id = %s FOR UPDATE", (first,))
    decider.join()
    assert counts[0].decided == 4


def test_finished_batches_are_closed(house: House, library: int, batch: int, changes: dict[str, int]) -> None:
    assert close_finished(house.ledger) == 0
    with house.ledger.transaction() as connection:
        connection.execute("UPDATE change SET state = 'superseded'")
    assert close_finished(house.ledger) == 1
    assert house.one("SELECT state FROM batch WHERE id = %s", batch) == "closed"


@pytest.mark.slow
def test_ten_thousand_changes_are_decided_at_once(house: House, library: int) -> None:
    batch = house.batch(library, house.many_changes(library, 10_000))
    count = decide(house.ledger, verdict="approve", actor_name="ann", batch=batch, note="all looked at")
    assert count.decided == count.add == 10_000
    assert house.one("SELECT count(*) FROM decision_note") == 10_000
    assert len(show_batch(house.ledger, batch)["changes"]) == 10_000
