"""What happens to researchers, records, publications and units, one story at a time, over the real stages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures.world import World

pytestmark = pytest.mark.slow


# ---- removed by the researcher


def test_an_entry_the_researcher_removed_is_noticed_by_the_mirror_and_stays_away(world: World) -> None:
    world.publish("W1", "p1")
    world.publish("W2", "p1")
    world.round()
    world.removes(world.entry("p1", "W1"))
    world.run("mirror", everything=True)
    assert world.item("p1", "W1").state == "removed_by_researcher"
    assert world.item("p1", "W1").tombstone_at is not None
    world.edit("W1")
    world.round()
    world.settled()
    assert world.titles("p1") == ["W2 v1"]


def test_an_entry_the_researcher_removed_is_noticed_by_an_update(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.edit("W1")
    world.proposes()
    world.approve_all()
    world.removes(world.entry("p1", "W1"))
    world.run("write")
    assert world.item("p1", "W1").state == "removed_by_researcher"
    world.round()
    world.settled()
    assert world.titles("p1") == []


def test_our_own_removal_of_what_was_gone_already_is_no_tombstone(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.state("W1", visibility="hidden")
    world.proposes()
    world.approve_all()
    world.removes(world.entry("p1", "W1"))
    world.run("write")
    assert world.item("p1", "W1").state == "removed"
    world.state("W1", visibility="public")
    world.round()
    assert world.titles("p1") == ["W1 v1"], "the CRIS wants it again, and it was asked for again"


def test_a_restored_item_needs_a_decision_and_is_back_once(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.removes(world.entry("p1", "W1"))
    world.run("mirror", everything=True)
    world.restored("p1", "W1")
    world.run("mirror")
    world.proposes()
    world.run("write")
    assert world.titles("p1") == [], "nothing without a decision"
    world.approve_all()
    world.run("write")
    world.settled()
    assert world.titles("p1") == ["W1 v1"]


# ---- the record


@pytest.mark.parametrize("status", ["locked", "deactivated"])
def test_a_record_out_of_reach_stops_its_own_changes_alone_and_heals(world: World, status: str) -> None:
    world.publish("W1", "p1", "p2")
    world.run("mirror")
    world.proposes()
    world.approve_all()
    world.control.patch_record(world.people["p1"].orcid, status=status)
    world.run("write")
    assert world.titles("p2") == ["W1 v1"]
    before = world.calls()
    world.run("write")
    assert world.calls() == before, "nothing is sent to a record known to be out of reach"
    world.control.patch_record(world.people["p1"].orcid, status="active")
    world.rest()
    world.approve_all()
    world.settled()
    assert world.titles("p1") == ["W1 v1"]


def test_a_merged_record_is_written_afresh_once_its_owner_has_connected_the_new_one(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.edit("W1")
    world.proposes()
    world.approve_all()
    world.merge_record("p1", world.control.record())
    world.run("write")
    world.run("mirror", everything=True)
    assert world.one("SELECT state FROM permission WHERE orcid IS NOT NULL ORDER BY id LIMIT 1") == "merged"
    assert world.item("p1", "W1").state != "removed_by_researcher"
    world.grant("p1")
    # In the worst order: a writer comes before the proposal that knows of the new record.
    world.run("mirror")
    world.run("write")
    world.round()
    world.settled()
    assert world.titles("p1") == ["W1 v2"]


def test_a_full_record_stops_its_additions_alone(world: World) -> None:
    world.publish("W1", "p1", "p2")
    world.run("mirror")
    world.proposes()
    world.approve_all()
    world.control.fault("status", method="POST", path=world.people["p1"].orcid, status=409, error_code=9048)
    world.run("write")
    assert world.titles("p2") == ["W1 v1"]
    row = world.item("p1", "W1")
    assert (row.held, row.reason) == ("withheld", "record_full")
    world.round()
    world.settled()


def test_a_record_that_was_emptied_waits_for_a_person(world: World) -> None:
    for number in range(1, 8):
        world.publish(f"W{number}", "p1")
    world.round()
    for entry in world.entries():
        world.control.remove_item(entry.orcid, entry.section, entry.put_code)
        world.excused.add((entry.orcid, entry.section, entry.put_code))
    world.run("mirror", everything=True)
    assert world.one("SELECT status FROM record WHERE orcid = %s", world.people["p1"].orcid) == "emptied"
    before = world.calls()
    world.edit("W1")
    world.proposes()
    world.approve_all()
    world.run("write")
    assert world.calls() == before
    assert world.one("SELECT count(*) FROM item WHERE tombstone_at IS NOT NULL") == 0


# ---- the permission


@pytest.mark.parametrize("by", ["user", "client"])
def test_a_permission_lost_and_granted_again_removes_nothing_and_lets_out_what_waited(
    world: World, by: str
) -> None:
    world.publish("W1", "p1")
    world.round()
    world.publish("W2", "p1")
    world.proposes()
    world.approve_all()
    world.revoke("p1", by)
    world.run("write")
    world.run("mirror", everything=True)
    world.proposes()
    assert world.titles("p1") == ["W1 v1"]
    assert world.one("SELECT count(*) FROM change WHERE action = 'remove'") == 0
    world.grant("p1")
    world.settled()
    assert world.titles("p1") == ["W1 v1", "W2 v1"], "its approval has outlived the loss"


def test_what_we_wrote_is_removed_with_a_token_that_can_do_no_more(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.state("W1", visibility="hidden")
    world.proposes()
    world.approve_all()
    world.revoke("p1", "user")
    world.run("mirror", everything=True)
    assert world.one("SELECT state FROM permission ORDER BY id LIMIT 1") == "delete_only"
    # Older than the age at which a record is read again: this token can't read.
    world.sql("UPDATE record SET read_at = now() - interval '30 days'")
    world.control.fault("drop_after", method="DELETE")
    world.run("write")
    world.time_passes()
    world.run("write")
    assert world.titles("p1") == []
    assert world.item("p1", "W1").state == "removed"


def test_a_token_that_does_not_even_remove_is_given_up(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.state("W1", visibility="hidden")
    world.proposes()
    world.approve_all()
    token = world.people["p1"].token
    world.revoke("p1", "user")
    world.run("mirror", everything=True)
    world.control.revoke(str(token), by="client")
    world.run("write")
    assert world.one("SELECT state FROM permission ORDER BY id LIMIT 1") == "revoked"
    before = world.calls()
    world.run("write")
    assert world.calls() == before


def test_a_researcher_who_connects_another_id_gets_everything_there_once(world: World) -> None:
    world.publish("W1", "p1")
    world.employ("E1", "p1")
    world.round()
    former = world.people["p1"].orcid
    world.edit("W1")
    world.proposes()
    world.approve_all()
    world.grant("p1", world.control.record())
    world.run("mirror")
    world.run("write")
    world.round()
    world.settled()
    assert world.titles("p1") == ["E1 v1", "W1 v2"]
    assert sorted(entry.title for entry in world.entries() if entry.orcid == former) == ["E1 v1", "W1 v1"]
    assert world.one("SELECT count(*) FROM item WHERE tombstone_at IS NOT NULL") == 0
    world.grant("p1", former)
    world.round()
    world.round()
    world.settled()
    assert world.titles("p1") == ["E1 v1", "W1 v2"], "the entries left behind are taken over again"


def test_of_somebodys_two_ids_the_connected_one_alone_is_written_to(world: World) -> None:
    connected, other = world.people["p1"].orcid, world.control.record()
    world.staff("p1", orcid_hint=other)
    world.publish("W1", "p1")
    world.round()
    assert {entry.orcid for entry in world.entries()} == {connected}
    world.grant("p1", other)
    calls = len(world.control.calls())
    world.edit("W1")
    world.round()
    world.settled()
    assert {(entry.orcid, entry.title) for entry in world.entries()} == {
        (connected, "W1 v1"),
        (other, "W1 v2"),
    }
    assert connected not in {call["orcid"] for call in world.control.calls()[calls:]}, "left as it was"


def test_somebody_who_left_and_came_back_loses_nothing_and_goes_on(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.staff("p1", is_current=False)
    world.publish("W2", "p1")
    world.edit("W1")
    world.round()
    assert world.titles("p1") == ["W1 v1"]
    world.staff("p1", is_current=True)
    world.round()
    world.settled()
    assert world.titles("p1") == ["W1 v2", "W2 v1"]


def test_two_people_of_the_cris_with_one_record_have_everything_there_once(world: World) -> None:
    world.grant("p2", world.people["p1"].orcid)
    world.publish("W1", "p1", "p2")
    world.publish("W2", "p2")
    world.employ("E1", "p1")
    world.round()
    world.round()
    world.settled()
    assert world.titles("p1") == ["E1 v1", "W1 v1", "W2 v1"]


def test_two_people_with_one_record_and_the_same_post_have_it_there_once(world: World) -> None:
    world.grant("p2", world.people["p1"].orcid)
    world.employ("E1", "p1")
    world.employ("E2", "p2")
    world.state("E2", called="E1 v1")
    world.round()
    world.round()
    assert world.titles("p1") == ["E1 v1"]


# ---- the CRIS


def test_publications_that_were_merged_leave_one_entry_and_its_put_code(world: World) -> None:
    world.publish("W1", "p1")
    world.publish("W2", "p2")
    world.round()
    put_code = world.entry("p1", "W1").put_code
    world.merge("W1", "W2")
    world.round()
    world.settled()
    assert world.titles("p1") == ["W2 v2"]
    assert world.entry("p1", "W2").put_code == put_code
    assert world.titles("p2") == ["W2 v2"]


def test_publications_that_both_stood_and_were_merged_leave_the_survivor(world: World) -> None:
    world.publish("W1", "p1")
    world.publish("W2", "p1")
    world.round()
    put_code = world.entry("p1", "W2").put_code
    world.merge("W1", "W2")
    world.round()
    world.settled()
    assert world.titles("p1") == ["W2 v2"]
    assert world.entry("p1", "W2").put_code == put_code


def test_a_new_version_keeps_its_put_code(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    put_code = world.entry("p1", "W1").put_code
    world.edit("W1")
    world.round()
    world.settled()
    assert (world.entry("p1", "W1").title, world.entry("p1", "W1").put_code) == ("W1 v2", put_code)


def test_an_author_taken_off_loses_the_own_entry_alone(world: World) -> None:
    world.publish("W1", "p1", "p2")
    world.round()
    world.state("W1", claims={"p2": "approved"})
    world.round()
    world.settled()
    assert (world.titles("p1"), world.titles("p2")) == ([], ["W1 v1"])


@pytest.mark.parametrize(
    "lose",
    [
        lambda world: (world.state("W1", gone="vanished"), world.extract(full=True)),
        lambda world: world.state("W1", flaw="untitled"),
        lambda world: world.state("W1", curation="pending"),
        lambda world: world.staff("p1", opted_out=True),
        lambda world: world.staff("p1", is_current=False),
    ],
    ids=["vanished", "quarantined", "pending", "opted out", "left"],
)
def test_what_the_cris_cannot_say_anything_about_stays(world: World, lose: Callable[[World], object]) -> None:
    world.publish("W1", "p1")
    world.round()
    lose(world)
    world.round()
    world.settled()
    assert world.titles("p1") == ["W1 v1"]


def test_identifiers_that_were_swapped_under_an_accident_end_up_right(world: World) -> None:
    for name in ("W1", "W2", "W3"):
        world.publish(name, "p1")
    world.round()
    before = {name: world.entry("p1", name).put_code for name in ("W1", "W2", "W3")}
    dois = [world.things[name].dois for name in ("W1", "W2", "W3")]
    for name, doi in zip(("W1", "W2", "W3"), dois[1:] + dois[:1], strict=True):
        world.edit(name, dois=doi)
    world.proposes()
    world.approve_all()
    for kind in ("drop_after", "drop_before"):
        world.control.fault(kind, method="PUT")
        world.run("write")
        world.check()
        world.time_passes()
    world.settled()
    assert world.titles("p1") == ["W1 v2", "W2 v2", "W3 v2"]
    assert {name: world.entry("p1", name).put_code for name in before} == before
    for name, [doi] in zip(("W1", "W2", "W3"), dois[1:] + dois[:1], strict=True):
        [identifier] = world.entry("p1", name).content["external-ids"]["external-id"]
        assert identifier["external-id-value"] == doi


# ---- units, undo, put codes


def test_a_unit_that_passes_its_items_on_passes_their_put_codes_on(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    put_code = world.entry("p1", "W1").put_code
    world.edit("W1")
    world.proposes()
    world.approve_all()
    world.move_items("library", "medicine")
    world.run("write")
    assert world.titles("p1") == ["W1 v1"], "the new owner is asked anew"
    world.round()
    world.settled()
    assert (world.entry("p1", "W1").title, world.entry("p1", "W1").put_code) == ("W1 v2", put_code)
    unit = world.one("SELECT code FROM put_code JOIN unit ON unit.id = unit_id WHERE closed_at IS NULL")
    assert unit == "medicine"


def test_a_renamed_unit_asks_for_nothing_anew(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.edit("W1")
    world.proposes()
    world.approve_all()
    calls = world.calls()
    world.rename_unit("library", "Library and Archives")
    world.proposes()
    assert world.calls() == calls
    world.run("write")
    world.settled()
    assert world.titles("p1") == ["W1 v2"], "the approval stands"


def test_items_that_pass_on_while_a_call_is_in_doubt_are_still_written_once(world: World) -> None:
    world.publish("W1", "p1")
    world.run("mirror")
    world.proposes()
    world.approve_all()
    world.control.fault("drop_before", method="POST")
    world.run("write")
    world.move_items("library", "medicine")
    world.rest()
    world.move_items("library", "medicine")
    world.round()
    world.settled()
    assert world.titles("p1") == ["W1 v1"]


def test_an_undone_batch_is_taken_back_and_does_not_come_back(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.edit("W1")
    world.publish("W2", "p1")
    world.round()
    batch = world.one("SELECT max(id) FROM batch WHERE kind = 'sync'")
    world.run("undo", batch_id=batch)
    world.approve_all()
    world.run("write")
    assert world.titles("p1") == ["W1 v1"]
    world.round()
    world.settled()
    assert world.titles("p1") == ["W1 v1"]
    world.edit("W1")
    world.round()
    world.settled()
    assert world.titles("p1") == ["W1 v3"], "new content is another matter"


def test_a_rejected_undo_leaves_the_item_as_it_was_and_free(world: World) -> None:
    world.publish("W1", "p1")
    world.round()
    world.run("undo", batch_id=world.one("SELECT max(id) FROM batch"))
    world.decide("reject", [row.id for row in world.open_changes()])
    world.edit("W1")
    world.round()
    world.settled()
    assert world.titles("p1") == ["W1 v2"]


def test_put_codes_are_rebuilt_from_the_records_after_their_table_was_emptied(world: World) -> None:
    for number in range(1, 6):
        world.publish(f"W{number}", "p1", "p2")
    world.employ("E1", "p1")
    world.round()
    world.edit("W1")
    world.round()
    select = (
        "SELECT item_id, orcid, section, put_code, digest FROM put_code WHERE closed_at IS NULL ORDER BY 1"
    )
    before = world.sql(select)
    world.sql("DELETE FROM put_code")
    world.run("audit")
    assert world.sql(select) == before
    world.proposes()
    assert world.open_changes(undecided=False) == []
    world.settled()


# ---- for ever is too long


def test_a_call_that_never_arrives_is_stopped_and_needs_a_person(site: object) -> None:
    world: World = site.fresh(attempts=3)  # type: ignore[attr-defined]
    world.hire("p1")
    world.grant("p1")
    world.publish("W1", "p1")
    world.run("mirror")
    world.proposes()
    world.approve_all()
    world.control.fault("drop_before", method="POST", times=1000)
    for _ in range(8):
        world.run("write")
        world.time_passes()
    row = world.item("p1", "W1")
    assert (row.state, row.reason) == ("blocked", "gave_up")
    before = world.calls()
    world.proposes()
    world.run("write")
    assert world.calls() == before
    world.insist("p1", "W1")
    world.control.clear_faults()
    world.round()
    world.settled()
    assert world.titles("p1") == ["W1 v1"]
    world.close()
