"""What is proposed: each row of the decision table, on a real ledger."""

from __future__ import annotations

import pytest
from orcid_sync.sync.propose import GuardStopped

from tests.fixtures.desk import OTHER_CLIENT, Desk

DOI = "10.5555/one"


def test_what_only_the_cris_has_is_added(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    counts = desk.propose()
    assert counts["batches"] == [{"batch": 1, "unit": "library", "add": 1, "update": 0, "remove": 0}]
    assert desk.ruling("W1") == "add"


def test_nothing_changes_when_it_is_run_again(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    again = desk.propose()
    assert (again["proposed"], again["batches"], again["payloads"]) == (0, [], {"made": 0, "refused": 0})


def test_a_dry_run_shows_everything_and_writes_nothing(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    counts = desk.propose(dry_run=True)
    assert [(c["cris_id"], c["action"]) for c in counts["changes"]] == [("W1", "add")]
    assert counts["batches"] == [{"batch": None, "unit": "library", "add": 1, "update": 0, "remove": 0}]
    assert desk.house.one("SELECT count(*) FROM item") == 0
    assert desk.house.one("SELECT count(*) FROM payload") == 0


@pytest.mark.parametrize(
    ("policy", "source", "expected"),
    [
        pytest.param("skip", OTHER_CLIENT, "withheld:already_on_record", id="skip"),
        pytest.param("skip", None, "withheld:already_on_record", id="skip, typed by the researcher"),
        pytest.param("assert_over_self_claimed", None, "add", id="assert over self-claimed"),
        pytest.param(
            "assert_over_self_claimed",
            OTHER_CLIENT,
            "withheld:already_on_record",
            id="not over another source",
        ),
        pytest.param("assert", OTHER_CLIENT, "add", id="assert"),
    ],
)
def test_what_another_source_has_follows_the_units_policy(
    desk: Desk, policy: str, source: str | None, expected: str
) -> None:
    desk.library(duplicates=policy)
    desk.person()
    desk.publication("W1", DOI)
    desk.on_record(7, "https://doi.org/10.5555/ONE", source=source)
    desk.propose()
    assert desk.ruling("W1") == expected


def test_a_reviewer_may_add_our_version_too(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.on_record(7, DOI, source=OTHER_CLIENT)
    desk.propose()
    desk.run("UPDATE item SET asserted_at = now()")
    desk.propose()
    assert desk.ruling("W1") == "add"


def test_items_of_our_other_clients_are_never_duplicated(desk: Desk) -> None:
    desk.library(duplicates="assert")
    desk.run("INSERT INTO api_client (client_id, name) VALUES (%s, 'old repository')", OTHER_CLIENT)
    desk.person()
    desk.publication("W1", DOI)
    desk.on_record(7, DOI, source=OTHER_CLIENT)
    desk.propose()
    assert desk.ruling("W1") == "withheld:already_on_record"


def test_when_the_other_copy_goes_a_person_decides(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.on_record(7, DOI, source=OTHER_CLIENT)
    desk.propose()
    desk.off_record(7)
    desk.propose()
    assert desk.ruling("W1") == "withheld:other_copy_removed"


def test_our_own_entry_without_owner_is_taken_over(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.on_record(7, DOI)
    counts = desk.propose()
    assert counts["adopted"] == 1
    assert desk.ruling("W1") == "update"
    assert desk.row("SELECT put_code, origin, digest FROM put_code")[:3] == (7, "adopted", None)


def test_of_two_cris_rows_with_one_identifier_one_is_proposed(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.publication("W2", "doi:10.5555/ONE")
    desk.propose()
    assert (desk.ruling("W1"), desk.ruling("W2")) == ("add", "withheld:same_work_twice_in_cris")
    assert desk.house.one("SELECT detail FROM item WHERE cris_id = 'W2'") == "sent as W1"


def test_of_two_that_stand_the_one_that_carries_the_identifier_speaks(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.publication("W2", "10.5555/two")
    desk.propose()
    for cris_id, put_code, doi in (("W1", 7, DOI), ("W2", 8, "10.5555/two")):
        desk.stands(cris_id, put_code)
        desk.on_record(put_code, doi)
    desk.publication("W1", "10.5555/two")
    desk.propose()
    assert (desk.ruling("W1"), desk.ruling("W2")) == ("withheld:same_work_twice_in_cris", "written")
    assert desk.open_change("W1") is None, "the registry would refuse it again and again"


def test_a_librarian_chooses_which_of_two_is_sent(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.publication("W2", DOI)
    desk.propose()
    desk.run("UPDATE item SET asserted_at = now() WHERE cris_id = 'W2'")
    desk.propose()
    assert (desk.ruling("W1"), desk.ruling("W2")) == ("withheld:same_work_twice_in_cris", "add")


def test_our_entry_claimed_by_two_rows_is_left_to_a_person(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.publication("W2", "10.5555/two")
    desk.on_record(7, DOI)
    desk.run(
        "INSERT INTO record_item_key SELECT orcid, section, put_code, client_id, 'doi:10.5555/two', 'self' FROM record_item"
    )
    desk.propose()
    assert desk.ruling("W1") == desk.ruling("W2") == "withheld:same_work_twice_in_cris"


def test_a_preprint_and_its_article_are_two_works(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.on_record(7, DOI, source=OTHER_CLIENT, preprint=True)
    desk.propose()
    assert desk.ruling("W1") == "add"


def test_another_version_on_the_record_is_no_reason_to_skip(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.on_record(7, DOI, source=OTHER_CLIENT, relationship="version-of")
    desk.propose()
    assert desk.ruling("W1") == "add"


def test_what_stands_unchanged_is_left_alone(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    desk.stands("W1", 7)
    desk.on_record(7, DOI)
    assert desk.propose()["stands"] == 1
    assert desk.ruling("W1") == "written"


def test_a_new_title_is_an_update_of_the_same_put_code(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    desk.stands("W1", 7)
    desk.publication("W1", DOI, title="Another title")
    desk.propose()
    change = desk.open_change("W1")
    assert (change.action, change.put_code) == ("update", 7)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"answer": "no"}, id="withdrawn, hidden or confidential"),
        pytest.param({"claim": "no"}, id="claim rejected"),
        pytest.param({"persons": ()}, id="author taken off"),
        pytest.param({"gone": "deleted"}, id="deleted"),
    ],
)
def test_what_the_cris_does_not_want_any_more_is_removed(desk: Desk, change: dict[str, object]) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    desk.stands("W1", 7)
    desk.publication("W1", DOI, **change)
    desk.propose()
    assert desk.ruling("W1") == "remove"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"quarantined": True}, "quarantined", id="quarantined"),
        pytest.param({"answer": "cant_say", "reason": "pending_in_cris"}, "pending_in_cris", id="pending"),
        pytest.param({"claim": "cant_say"}, "pending_in_cris", id="claim pending"),
        pytest.param({"gone": "vanished"}, "vanished_from_cris", id="vanished without a word"),
        pytest.param({"identifiers": []}, "no_usable_identifier", id="lost its identifier"),
        pytest.param({"source_type": "Curiosity"}, "type_not_mapped", id="type no longer mapped"),
        pytest.param({"publication_status": "retracted"}, "retracted", id="retracted"),
        pytest.param({"not_before": "2999-01-01"}, "pending_in_cris", id="embargo"),
    ],
)
def test_where_the_cris_cant_say_what_stands_stays(
    desk: Desk, change: dict[str, object], reason: str
) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    desk.stands("W1", 7)
    desk.publication("W1", DOI, **change)
    desk.propose()
    assert desk.ruling("W1") == f"on_hold:{reason}"
    assert desk.open_change("W1") is None


@pytest.mark.parametrize(
    ("staff", "reason"),
    [
        pytest.param({"opted_out": True}, "opted_out", id="opted out"),
        pytest.param({"visible": False}, "opted_out", id="hidden person"),
        pytest.param({"is_current": False}, "left_institution", id="leaver"),
    ],
)
def test_people_who_are_not_served_are_withheld(desk: Desk, staff: dict[str, bool], reason: str) -> None:
    desk.person(**staff)
    desk.publication("W1", DOI)
    counts = desk.propose()
    assert counts["withheld"] == {reason: 1}


def test_a_person_missing_from_staff_loses_nothing(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    desk.stands("W1", 7)
    desk.run("DELETE FROM cris_staff")
    desk.propose()
    assert desk.ruling("W1") == "on_hold:vanished_from_cris"


def test_without_permission_it_waits(desk: Desk) -> None:
    desk.person(permitted=False)
    desk.publication("W1", DOI)
    assert desk.propose()["waiting_permission"] == {"never_asked": 1}


def test_a_lost_permission_removes_nothing_and_keeps_what_was_approved(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.publication("W2", "10.5555/two")
    desk.propose()
    desk.stands("W1", 7)
    desk.approve(desk.open_change("W2").id)
    desk.run("UPDATE permission SET state = 'revoked'")
    desk.propose()
    assert desk.ruling("W1") == "waiting_permission:revoked"
    assert desk.open_change("W2").verdict == "approve"
    desk.run("UPDATE permission SET state = 'granted'")
    desk.propose()
    assert desk.open_change("W2").verdict == "approve"


def test_a_change_in_the_cris_after_the_approval_is_asked_again(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    first = desk.open_change("W1")
    desk.approve(first.id)
    desk.publication("W1", DOI, title="Another title")
    counts = desk.propose()
    second = desk.open_change("W1")
    assert second.id != first.id
    assert second.verdict is None
    assert counts["superseded"] == 1
    assert len(counts["batches"]) == 1


def test_rejected_stays_rejected_for_that_content(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    desk.approve(desk.open_change("W1").id, "reject")
    desk.publication("W1", DOI, title="Another title")
    desk.propose()
    assert desk.open_change("W1").verdict is None, "other content is asked anew"
    desk.publication("W1", DOI)
    counts = desk.propose()
    assert desk.open_change("W1").verdict == "reject"
    assert counts["batches"] == [], "nobody is asked twice about the same content"


def test_never_send_and_tombstones_are_not_proposed(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.publication("W2", "10.5555/two")
    desk.propose()
    desk.run("UPDATE item SET suppressed_at = now() WHERE cris_id = 'W1'")
    desk.run("UPDATE item SET tombstone_at = now() WHERE cris_id = 'W2'")
    desk.propose()
    assert (desk.ruling("W1"), desk.ruling("W2")) == ("suppressed", "removed_by_researcher")


def test_a_merge_in_the_cris_carries_the_put_code_to_the_survivor(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    desk.stands("W1", 7)
    desk.publication("W1", DOI, gone="merged", merged_into="W2")
    desk.publication("W2", "10.5555/survivor")
    counts = desk.propose()
    assert counts["moved"] == 1
    assert desk.ruling("W2") == "update"
    assert desk.open_change("W2").put_code == 7
    assert desk.open_change("W1") is None


def test_when_the_owner_stops_wanting_it_the_twin_takes_the_put_code(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.publication("W2", DOI)
    desk.propose()
    desk.stands("W1", 7)
    desk.publication("W1", DOI, answer="no")
    desk.propose()
    assert desk.open_change("W1") is None, "nothing is removed"
    assert (
        desk.house.one(
            "SELECT item.cris_id FROM put_code JOIN item ON item.id = item_id WHERE closed_at IS NULL"
        )
        == "W2"
    )


def test_two_units_with_one_work_of_one_researcher(desk: Desk) -> None:
    desk.house.unit("med", default_for=[], subtree=["U-MED"])
    desk.run(
        "INSERT INTO cris_unit (unit_id, path, data, row_hash) VALUES ('U-MED', '{U-MED}', '{}', gen_random_uuid())"
    )
    desk.person()
    desk.publication("W1", DOI)
    desk.publication("W2", DOI, owning_unit_id="U-MED")
    desk.propose()
    assert desk.ruling("W2") == "withheld:held_by_other_unit"


def test_the_owner_is_fixed_at_the_first_proposal(desk: Desk) -> None:
    desk.house.unit("med", default_for=[], subtree=["U-MED"])
    desk.run(
        "INSERT INTO cris_unit (unit_id, path, data, row_hash) VALUES ('U-MED', '{U-MED}', '{}', gen_random_uuid())"
    )
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    desk.publication("W1", DOI, owning_unit_id="U-MED")
    desk.propose()
    assert desk.house.all("SELECT code FROM item JOIN unit ON unit.id = unit_id")[0].code == "library"
    assert desk.house.one("SELECT count(*) FROM item") == 1


def test_the_pilot_list_holds_everybody_else(desk: Desk) -> None:
    desk.library(pilot=["p2"])
    desk.person("p1")
    desk.person("p2")
    desk.publication("W1", DOI, persons=("p1", "p2"))
    desk.propose()
    assert (desk.ruling("W1", "p1"), desk.ruling("W1", "p2")) == ("withheld:not_in_pilot", "add")


def test_an_automatic_unit_is_decided_by_its_policy_under_that_name(desk: Desk) -> None:
    desk.library(approval="automatic")
    desk.person()
    desk.publication("W1", DOI)
    counts = desk.propose()
    who = desk.row("SELECT actor.name, role, verdict FROM decision JOIN actor ON actor.id = actor_id")
    assert tuple(who) == ("policy:automatic", "policy", "approve")
    assert counts["batches"][0]["add"] == 1
    assert desk.house.one("SELECT state FROM batch") == "decided"


@pytest.mark.parametrize("status", ["locked", "deactivated", "emptied"])
def test_a_record_that_cant_be_written_blocks_its_items(desk: Desk, status: str) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.run("UPDATE record SET status = %s", status)
    desk.propose()
    assert desk.ruling("W1") == f"blocked:record_{status}"


@pytest.mark.parametrize(
    ("status", "standing"), [("locked", "written"), ("deactivated", "written"), ("emptied", "blocked")]
)
def test_what_stands_as_it_should_is_said_of_a_record_out_of_reach_too(
    desk: Desk, status: str, standing: str
) -> None:
    desk.person()
    for cris_id in ("W1", "W2"):
        desk.publication(cris_id, f"10.5555/{cris_id}")
    desk.propose()
    for put_code, cris_id in enumerate(("W1", "W2"), start=1):
        desk.stands(cris_id, put_code)
    desk.publication("W2", "10.5555/W2", title="A better title")
    desk.propose()
    desk.run("UPDATE record SET status = %s", status)
    desk.propose()
    states = {row.cris_id: row.state for row in desk.house.all("SELECT cris_id, state FROM item_state")}
    assert states == {"W1": standing, "W2": "blocked"}


def test_a_record_that_was_never_read_is_left_alone(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.run("UPDATE record SET read_at = NULL")
    assert desk.propose()["record_not_read"] == 1


def test_a_flood_of_removals_stops_the_unit_with_its_figures(desk: Desk) -> None:
    desk.person()
    for number in range(30):
        desk.publication(f"W{number}", f"10.5555/{number}")
    desk.propose()
    for number in range(30):
        desk.stands(f"W{number}", 100 + number)
    for number in range(25):
        desk.publication(f"W{number}", f"10.5555/{number}", answer="no")
    with pytest.raises(GuardStopped, match="unit library: 25 of its 30 written items would be removed"):
        desk.propose()
    assert desk.house.one("SELECT count(*) FROM change WHERE state = 'open'") == 0
    assert desk.propose(proceed=True)["batches"][0]["remove"] == 25


def test_a_new_batch_takes_over_what_is_still_open(desk: Desk) -> None:
    desk.person()
    desk.publication("W1", DOI)
    desk.propose()
    desk.publication("W2", "10.5555/two")
    counts = desk.propose()
    assert counts["batches"] == [{"batch": 2, "unit": "library", "add": 2, "update": 0, "remove": 0}]
    assert desk.house.one("SELECT state FROM batch WHERE id = 1") == "replaced"


def test_a_limit_looks_at_so_many_researchers(desk: Desk) -> None:
    desk.person("p1")
    desk.person("p2")
    desk.publication("W1", DOI, persons=("p1", "p2"))
    desk.propose(limit=1)
    assert (desk.ruling("W1", "p1"), desk.ruling("W1", "p2")) == ("add", "no item")
    desk.propose()
    assert desk.ruling("W1", "p2") == "add"
