"""From approved changes to put codes, against a registry over a real socket."""

from __future__ import annotations

from typing import Any

import pytest
from orcid_sync.errors import Transient
from orcid_sync.ledger.runs import Counts
from orcid_sync.review.holds import pause, resume
from orcid_sync.sync.write import run_error

from tests.fixtures.office import Office


def test_a_first_sync_costs_the_floor_of_calls(office: Office) -> None:
    office.person("p1")
    office.person("p2")
    for number in range(120):
        office.publication(f"W{number}", f"10.5555/{number}", persons=("p1", "p2"))
    before = office.simulator.control.summary()["calls"]
    counts = office.sync()
    assert counts["written"] == {"add": 240, "update": 0, "remove": 0}
    assert office.simulator.control.summary()["calls"] - before == 2 * (1 + 2)
    assert len(office.live()) == 240
    assert office.write()["calls"] == 0, "a second write finds nothing to do"
    assert office.mirror()["read"] == 2
    assert office.propose()["proposed"] == 0


def test_updates_and_removals_go_out(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.publication("W2", "10.5555/2")
    office.sync()
    codes = {row.cris_id: row.put_code for row in office.live()}
    office.publication("W1", "10.5555/1", title="A better title")
    office.publication("W2", "10.5555/2", answer="no")
    counts = office.sync()
    assert counts["written"] == {"add": 0, "update": 1, "remove": 1}
    assert [(row.cris_id, row.put_code) for row in office.live()] == [("W1", codes["W1"])]
    assert [item["item"]["title"]["title"]["value"] for item in office.record()] == ["A better title"]
    assert office.house.one("SELECT state FROM item_state WHERE cris_id = 'W2'") == "removed"


@pytest.mark.parametrize(
    "fault", [{"kind": "drop_after"}, {"kind": "drop_after", "after_items": 2}, {"kind": "drop_before"}]
)
def test_a_lost_answer_makes_no_duplicate(office: Office, fault: dict[str, Any]) -> None:
    office.person()
    for number in range(5):
        office.publication(f"W{number}", f"10.5555/{number}")
    office.simulator.control.fault(method="POST", path="/works", **fault)
    first = office.sync()
    assert first["retrying"] == 5
    assert isinstance(run_error(first), Transient)
    second = office.write()
    assert second["written"]["add"] + second["healed"] == 5
    assert run_error(second) is None
    assert len(office.record()) == 5
    assert len(office.live()) == 5


@pytest.mark.parametrize(
    ("left", "again"),
    [
        ({}, False),
        ({"retrying": 1}, True),
        ({"busy": 1}, True),
        ({"stopped": {"server_error": 1}}, True),
        ({"stopped": {"rate_limited": 1, "locked": 2}}, True),
        ({"stopped": {"locked": 1, "token_refused": 1, "paused": 1}, "blocked": 2}, False),
    ],
    ids=["nothing", "changes", "records of another writer", "a broken server", "too many calls", "people's moves"],
)  # fmt: skip
def test_a_scheduler_tries_again_what_may_work_later(left: Counts, again: bool) -> None:
    error = run_error({"retrying": 0, "busy": 0, "stopped": {}, **left})
    assert isinstance(error, Transient) is again


def test_what_the_researcher_removed_is_not_proposed_again(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.sync()
    orcid = office.permission().orcid
    office.simulator.control.remove_item(orcid, "work", office.live()[0].put_code)
    counts = office.mirror()
    assert counts["removed_by_researcher"] == 1
    office.propose()
    assert office.ruling("W1") == "removed_by_researcher"
    assert office.write()["calls"] == 0


def test_a_put_on_a_removed_item_leaves_a_tombstone(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.sync()
    office.publication("W1", "10.5555/1", title="A better title")
    office.propose()
    office.approve_all()
    office.simulator.control.remove_item(office.permission().orcid, "work", office.live()[0].put_code)
    assert office.write()["failed"] == 1
    assert office.ruling("W1") == "removed_by_researcher"
    assert office.record() == []


def test_identifiers_that_were_swapped_go_out_in_two_phases(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.publication("W2", "10.5555/2")
    office.sync()
    office.publication("W1", "10.5555/2")
    office.publication("W2", "10.5555/1")
    counts = office.sync()
    assert counts["written"]["update"] == 2
    assert counts["failed"] == 0
    found = {
        item["put_code"]: item["item"]["external-ids"]["external-id"][0]["external-id-value"]
        for item in office.record()
    }
    codes = {row.cris_id: row.put_code for row in office.live()}
    assert found == {codes["W1"]: "10.5555/2", codes["W2"]: "10.5555/1"}


def test_a_revoked_token_stops_the_calls_and_keeps_the_approval(office: Office) -> None:
    office.person()
    for number in range(3):
        office.publication(f"W{number}", f"10.5555/{number}")
    office.mirror()
    office.propose()
    office.approve_all()
    office.simulator.control.revoke(office.give_token(), by="user")
    before = office.simulator.control.summary()["calls"]
    office.write()
    office.write()
    assert office.simulator.control.summary()["calls"] - before == 1, "one call, not one a work"
    assert office.house.one("SELECT count(*) FROM change WHERE verdict = 'approve' AND state = 'open'") == 3


def test_the_registrys_refusal_is_kept_in_its_own_words(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.publication("W2", "10.5555/2")
    office.mirror()
    office.propose()
    office.run(
        "UPDATE payload SET content = jsonb_set(content, '{type}', '\"nonsense\"') WHERE self_keys = '{doi:10.5555/1}'"
    )
    office.approve_all()
    counts = office.write()
    assert (counts["written"]["add"], counts["failed"]) == (1, 1)
    row = office.row("SELECT held, reason, detail FROM item WHERE cris_id = 'W1'")
    assert (row.held, row.reason) == ("withheld", "refused_by_orcid")
    assert row.detail
    assert office.propose()["proposed"] == 0, "not tried again until its content changes"


def test_an_adopted_item_is_read_before_it_is_written(office: Office) -> None:
    office.person()
    office.publication("W1", "10.5555/1")
    office.sync()
    with office.house.connect_owner() as owner:
        owner.execute("DELETE FROM put_code")
    office.mirror()
    assert office.propose()["adopted"] == 1
    office.approve_all()
    before = len(office.simulator.control.calls())
    assert office.write()["written"]["update"] == 1
    calls = [call["method"] for call in office.simulator.control.calls()[before:]]
    assert calls == ["GET"], "what stands as approved needs no PUT"


def test_a_preprint_named_as_a_version_of_the_article_goes_alone(office: Office) -> None:
    office.person()
    version = {
        "publication_id": "W1",
        "identifier_seq": 2,
        "external_id_type": "doi",
        "external_id_value": "10.5555/preprint",
        "external_id_relationship": "version-of",
    }
    article = {
        **version,
        "identifier_seq": 1,
        "external_id_value": "10.5555/1",
        "external_id_relationship": "self",
    }
    office.publication("W1", identifiers=[article, version])
    office.publication("W2", "10.5555/preprint", source_type="Preprint")
    counts = office.sync()
    assert counts["written"]["add"] == 2
    assert counts["failed"] == 0


def test_a_write_under_a_pause_says_what_is_held_and_by_which_hold(office: Office) -> None:
    office.person("p1")
    office.person("p2")
    office.publication("W1", "10.5555/1", persons=("p1", "p2"))
    office.mirror()
    office.propose()
    office.approve_all()
    ledger = office.house.ledger
    pause(ledger, actor_name="ann", person="p2")
    counts = office.write()
    assert counts["written"]["add"] == 1
    assert counts["held"] == {"changes": 1, "everything": 0, "units": {}, "researchers": 1}
    pause(ledger, actor_name="ann")
    pause(ledger, actor_name="ann", unit="library")
    assert office.write()["held"] == {
        "changes": 1,
        "everything": 1,
        "units": {"library": 1},
        "researchers": 1,
    }
    resume(ledger, actor_name="ann", everything=True)
    assert (office.write()["written"]["add"], office.write()["held"]) == (1, {})
