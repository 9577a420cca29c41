"""All permissions, a few at a time: what is lost is noticed although nothing on the record changed."""

from __future__ import annotations

from typing import Any

from orcid_sync.sync.check_permissions import check_permissions

from tests.fixtures.connected import Connected


def check(world: Connected, limit: int = 10, run: str = "run-1") -> dict[str, Any]:
    counts = check_permissions(world.ledger, world.registry, run_id=run, limit=limit)
    return {key: value for key, value in counts.items() if value and key != "run"}


def test_everybody_has_a_turn_before_anybody_has_a_second(connected: Connected) -> None:
    people = [connected.connect(f"P{number}") for number in range(3)]
    for run in ("run-1", "run-2", "run-3"):
        assert check(connected, 1, run) == {"checked": 1, "good": 1, "calls": 1}
    asked = [call["orcid"] for call in connected.simulator.control.calls() if call["method"] == "GET"]
    assert asked == [person.orcid for person in people]


def test_a_record_that_was_read_lately_proved_its_permission_by_that(connected: Connected) -> None:
    read, other = connected.connect("P1"), connected.connect("P2")
    connected.rows.execute(
        "INSERT INTO record (orcid, client_id, read_at) VALUES (%s, %s, now())",
        (read.orcid, connected.client_id),
    )
    check(connected, 1)
    assert [call["orcid"] for call in connected.simulator.control.calls()] == [other.orcid]


def test_a_permission_that_was_revoked_at_orcid_is_noticed_with_one_event(connected: Connected) -> None:
    person = connected.connect()
    connected.simulator.control.revoke(person.token, by="user")

    found = check(connected)

    assert (found["checked"], found["lost"]) == (1, 1)
    assert connected.state(person) == "revoked"
    assert check(connected, run="run-2") == {}
    events = connected.rows.execute("SELECT state FROM permission_event ORDER BY id")
    assert events == [("granted",), ("revoked",)]


def test_a_locked_record_is_no_lost_permission_and_the_next_one_has_its_turn(connected: Connected) -> None:
    locked, other = connected.connect("P1"), connected.connect("P2")
    connected.simulator.control.patch_record(locked.orcid, status="locked")
    assert check(connected, 1)["unavailable"] == 1
    assert check(connected, 1, "run-2")["good"] == 1
    assert (connected.state(locked), connected.state(other)) == ("granted", "granted")
    assert connected.rows.one("SELECT status FROM record") == "locked"


def test_a_registry_that_does_not_answer_changes_nothing(connected: Connected) -> None:
    person = connected.connect()
    connected.simulator.control.fault("status", status=503, times=20)
    assert check(connected)["failed"] == 1
    assert connected.state(person) == "granted"
    assert connected.rows.one("SELECT checked_at FROM permission") is None
