"""Open, decided, closed: what a batch says of itself follows from its changes."""

from __future__ import annotations

from orcid_sync.review.decisions import close_finished, decide
from orcid_sync.review.items import suppress

from tests.fixtures.office import Office


def state(office: Office) -> str:
    return str(office.house.one("SELECT state FROM batch ORDER BY id DESC LIMIT 1"))


def test_a_batch_is_open_then_decided_then_closed_when_all_is_written(office: Office) -> None:
    office.person()
    for number in (1, 2):
        office.publication(f"W{number}", f"10.5555/{number}")
    office.mirror()
    office.propose()
    assert state(office) == "open"
    batch = office.house.one("SELECT id FROM batch")
    for verdict, expected in (("approve", "decided"), ("withdraw", "decided"), ("approve", "decided")):
        decide(office.house.ledger, verdict=verdict, actor_name="ann", item_ids=items(office))  # type: ignore[arg-type]
        assert state(office) == expected
    office.simulator.control.fault(method="POST", path="/works", kind="drop_before")
    office.write()
    assert state(office) == "decided", "a call in doubt is not the end"
    office.write()
    assert state(office) == "closed"
    assert office.house.one("SELECT closed_at IS NOT NULL FROM batch WHERE id = %s", batch)


def test_a_batch_that_was_rejected_is_closed_until_somebody_thinks_better_of_it(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.mirror()
    office.propose()
    batch = office.house.one("SELECT id FROM batch")
    decide(office.house.ledger, verdict="reject", actor_name="ann", batch=batch)
    assert state(office) == "closed"
    decide(office.house.ledger, verdict="approve", actor_name="ann", batch=batch, item_ids=items(office))
    assert state(office) == "decided"
    office.write()
    assert state(office) == "closed"


def test_a_batch_whose_last_change_was_suppressed_is_settled_by_the_hourly_watch(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.mirror()
    office.propose()
    suppress(office.house.ledger, items(office), actor_name="ann")
    assert state(office) == "open"
    assert close_finished(office.house.ledger) == 1
    assert state(office) == "closed"
    assert close_finished(office.house.ledger) == 0


def items(office: Office) -> list[int]:
    return [row.id for row in office.house.all("SELECT id FROM item ORDER BY id")]
