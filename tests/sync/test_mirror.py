"""The mirror against a registry that answers over a real socket."""

from __future__ import annotations

import pytest
from orcid_sync.errors import RecordLocked, TokenRefused, Transient
from orcid_sync.sync.mirror import mark_trouble, refresh_record

from tests.fixtures.campus import Campus, employment, work


def test_every_item_of_a_record_is_mirrored_with_its_source_and_its_keys(campus: Campus) -> None:
    orcid, _ = campus.join()
    other = campus.simulator.control.client("Elsewhere").client_id
    control = campus.simulator.control
    ours = control.add_item(orcid, "work", work(1), source=campus.client_id)
    theirs = control.add_item(orcid, "work", work(2, type="preprint"), source=other)
    typed = control.add_item(orcid, "employment", employment())

    counts = campus.mirror()

    assert {key: counts[key] for key in ("read", "unchanged", "calls")} == {
        "read": 1,
        "unchanged": 0,
        "calls": 1,
    }
    items = campus.rows.execute(
        "SELECT section, put_code, source_client_id, self_claimed, title, type, is_preprint FROM record_item "
        "ORDER BY section, put_code"
    )
    assert items == [
        ("employment", typed, None, True, "Professor", "employment", False),
        ("work", ours, campus.client_id, False, "Work 1", "journal-article", False),
        ("work", theirs, other, False, "Work 2", "preprint", True),
    ]
    keys = campus.rows.execute("SELECT put_code, key, relationship FROM record_item_key ORDER BY key")
    assert [key for key in keys if key[0] == ours and key[1].startswith("doi")] == [
        (ours, "doi:10.5555/w1", "self")
    ]
    assert sorted(relationship for code, key, relationship in keys if "ror" in key or "example" in key) == [
        "near",
        "near",
        "self",
    ]
    assert campus.rows.one("SELECT works_on_record FROM record") == 2


def test_a_record_without_change_is_read_and_left_alone(campus: Campus) -> None:
    orcid, _ = campus.join()
    campus.simulator.control.add_item(orcid, "work", work(1))
    campus.mirror()
    before = campus.rows.one("SELECT xmin FROM record_item")

    counts = campus.mirror()

    assert (counts["read"], counts["unchanged"]) == (1, 1)
    assert campus.rows.one("SELECT xmin FROM record_item") == before


def test_the_order_in_which_readers_see_entries_is_kept(campus: Campus) -> None:
    orcid, _ = campus.join()
    control = campus.simulator.control
    codes = [control.add_item(orcid, "work", work(1), source=source) for source in (campus.client_id, "user")]
    shown = "SELECT put_code, display_index FROM record_item ORDER BY display_index DESC"
    campus.mirror()
    assert campus.rows.execute(shown) == [(codes[0], 1), (codes[1], 0)]
    control.call("PATCH", f"/records/{orcid}/work/{codes[1]}", {"display_index": 5})
    campus.mirror()
    assert campus.rows.execute(shown) == [(codes[1], 5), (codes[0], 1)]


def test_what_left_the_record_leaves_the_mirror(campus: Campus) -> None:
    orcid, _ = campus.join()
    code = campus.simulator.control.add_item(orcid, "work", work(1))
    campus.mirror()
    campus.simulator.control.remove_item(orcid, "work", code)

    counts = campus.mirror()

    assert counts["unchanged"] == 0
    assert campus.rows.one("SELECT count(*) FROM record_item") == 0
    assert campus.rows.one("SELECT count(*) FROM record_item_key") == 0


def test_the_same_run_goes_on_where_it_stopped(campus: Campus) -> None:
    for _ in range(3):
        campus.join()
    assert campus.mirror(limit=2)["read"] == 2
    campus.runs -= 1
    assert campus.mirror()["read"] == 1


def test_only_the_unit_s_client_is_asked(campus: Campus) -> None:
    campus.join()
    campus.rows.unit("medicine", client="med")
    assert campus.mirror(unit="medicine")["calls"] == 0
    assert campus.mirror(unit="library")["calls"] == 1


def test_many_records_are_read_in_chunks(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orcid_sync.sync.mirror.stage.CHUNK", 3)
    for _ in range(8):
        campus.join()
    assert campus.mirror()["read"] == 8
    assert campus.rows.one("SELECT count(*) FROM record WHERE read_at IS NOT NULL") == 8


# --- removals by the researcher ----------------------------------------------------------------------------------


def test_a_removal_by_the_researcher_gets_a_tombstone(campus: Campus) -> None:
    orcid, permission = campus.join()
    codes = campus.write(orcid, permission, 3)
    campus.mirror()
    campus.simulator.control.remove_item(orcid, "work", codes[1])

    counts = campus.mirror()

    assert counts["removed_by_researcher"] == 1
    assert campus.closed() == {"removed_by_researcher": 1}
    tombstones = campus.rows.execute("SELECT cris_id, tombstone_at IS NOT NULL FROM item ORDER BY cris_id")
    assert tombstones == [("pub-1", False), ("pub-2", True), ("pub-3", False)]
    assert campus.rows.one("SELECT count(*) FROM audit_event WHERE what = 'removed_by_researcher'") == 1
    assert campus.mirror()["removed_by_researcher"] == 0, "it is noticed once"


def test_a_first_reading_concludes_nothing(campus: Campus) -> None:
    orcid, permission = campus.join()
    codes = campus.write(orcid, permission, 2)
    campus.simulator.control.remove_item(orcid, "work", codes[0])

    assert campus.mirror()["removed_by_researcher"] == 0
    assert campus.mirror()["removed_by_researcher"] == 1


def test_what_was_written_after_the_reading_began_is_not_missed(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.write(orcid, permission, 1)
    campus.mirror()
    researcher = campus.rows.one("SELECT researcher_id FROM permission WHERE id = %s", (permission,))
    late = campus.rows.item(campus.unit, researcher, "late", client_id=campus.client_id)
    campus.rows.put_code(late, orcid, 999999, campus.client_id, written_at="2126-01-01T00:00:00Z")

    assert campus.mirror()["removed_by_researcher"] == 0


def test_an_item_that_is_being_removed_by_us_is_not_the_researcher_s_removal(campus: Campus) -> None:
    orcid, permission = campus.join()
    codes = campus.write(orcid, permission, 2)
    campus.mirror()
    item = campus.rows.one("SELECT item_id FROM put_code WHERE put_code = %s", (codes[0],))
    change = campus.rows.change(item, "remove", put_code=codes[0])
    campus.rows.decision(change)
    campus.rows.execute("UPDATE change SET state = 'writing' WHERE id = %s", (change,))
    campus.simulator.control.remove_item(orcid, "work", codes[0])

    assert campus.mirror()["removed_by_researcher"] == 0
    assert campus.closed() == {}


def test_another_client_s_put_codes_are_not_judged_by_what_this_one_sees(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.write(orcid, permission, 1)
    campus.mirror()
    other = campus.rows.client("APP-9999999999999999", None)
    researcher = campus.rows.one("SELECT researcher_id FROM permission WHERE id = %s", (permission,))
    item = campus.rows.item(campus.unit, researcher, "by-the-other", client_id=other)
    campus.rows.put_code(item, orcid, 424242, other)

    assert campus.mirror()["removed_by_researcher"] == 0


@pytest.mark.parametrize(
    ("written", "gone", "emptied"),
    [
        pytest.param(6, 6, True, id="all six"),
        pytest.param(11, 6, True, id="six of eleven"),
        pytest.param(12, 6, False, id="half of twelve"),
        pytest.param(5, 5, False, id="five of five are few"),
    ],
)
def test_a_record_that_loses_most_at_once_waits_for_a_person(
    campus: Campus, written: int, gone: int, *, emptied: bool
) -> None:
    orcid, permission = campus.join()
    codes = campus.write(orcid, permission, written)
    campus.mirror()
    for code in codes[:gone]:
        campus.simulator.control.remove_item(orcid, "work", code)

    counts = campus.mirror()

    assert counts["removed_by_researcher"] == (0 if emptied else gone)
    assert counts["unavailable"] == ({"emptied": 1} if emptied else {})
    assert campus.status(orcid) == ("emptied" if emptied else "active")
    campus.mirror()
    assert campus.rows.one("SELECT count(*) FROM audit_event WHERE what = 'record_emptied'") == emptied


# --- records and permissions in trouble --------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["locked", "deactivated"])
def test_a_record_that_can_not_be_read_is_kept_as_its_state(campus: Campus, status: str) -> None:
    orcid, permission = campus.join()
    fine, _ = campus.join()
    campus.write(orcid, permission, 2)
    campus.mirror()
    campus.simulator.control.patch_record(orcid, status=status)

    counts = campus.mirror()

    assert (counts["read"], counts["unavailable"], counts["permission_lost"]) == (1, {status: 1}, 0)
    assert (campus.status(orcid), campus.status(fine)) == (status, "active")
    assert campus.closed() == {}
    assert campus.permission_state(permission) == "granted"
    campus.simulator.control.patch_record(orcid, status="active")
    campus.mirror()
    assert campus.status(orcid) == "active"


def test_a_record_the_registry_does_not_know_is_unknown(campus: Campus) -> None:
    orcid, _ = campus.join()
    campus.simulator.control.fault("status", path="activities", status=404, error_code=9016, times=1)
    assert campus.mirror()["unavailable"] == {"unknown": 1}
    assert campus.status(orcid) == "unknown"


def test_a_merged_record_takes_its_put_codes_along_and_asks_anew(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.write(orcid, permission, 7)
    campus.mirror()
    primary = campus.simulator.control.record()
    campus.simulator.control.patch_record(orcid, status="deprecated", primary=primary)

    counts = campus.mirror()

    assert (counts["unavailable"], counts["removed_by_researcher"]) == ({"merged": 1}, 0)
    assert campus.closed() == {"record_merged": 7}
    assert campus.rows.one("SELECT merged_into FROM record WHERE orcid = %s", (orcid,)) == primary
    assert campus.rows.one("SELECT count(*) FROM item WHERE tombstone_at IS NOT NULL") == 0
    assert campus.events(permission) == [("merged", "record_merged")]
    assert campus.rows.one("SELECT count(*) FROM record_item") == 0
    assert campus.mirror()["calls"] == 0, "no call is made with a permission that is gone"


def test_a_revoked_permission_that_wrote_something_can_still_remove_it(campus: Campus) -> None:
    orcid, permission = campus.join()
    _, other = campus.join()
    campus.write(orcid, permission, 1)
    token = campus.give_token(permission, orcid)
    campus.simulator.control.revoke(token, by="user")

    counts = campus.mirror()

    assert (counts["read"], counts["permission_lost"]) == (1, 1)
    assert campus.events(permission) == [("delete_only", "token_refused")]
    assert campus.permission_state(other) == "granted"
    assert campus.closed() == {}, "a lost permission says nothing about items"
    assert campus.mirror()["calls"] == 1, "only the other one is read"
    assert len(campus.events(permission)) == 1


def test_a_revoked_permission_that_wrote_nothing_is_over(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.simulator.control.revoke(campus.give_token(permission, orcid), by="user")

    campus.mirror()

    assert campus.events(permission) == [("revoked", "token_refused")]
    assert campus.rows.one("SELECT count(*) FROM token") == 0


def test_a_token_whose_time_is_over_is_expired(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.simulator.control.revoke(campus.give_token(permission, orcid), by="client")
    campus.rows.execute("UPDATE token SET expires_at = now() - interval '1 day'")

    campus.mirror()

    assert campus.permission_state(permission) == "expired"


def test_a_refusal_that_can_not_be_explained_now_is_a_suspicion(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.simulator.control.revoke(campus.give_token(permission, orcid), by="user")
    campus.simulator.control.fault("status", path="employments", status=503, times=10)

    campus.mirror()
    assert campus.permission_state(permission) == "granted"
    assert campus.rows.one("SELECT suspect_since IS NOT NULL FROM permission")

    campus.simulator.control.clear_faults()
    campus.mirror(only_flagged=True)
    assert campus.permission_state(permission) == "revoked"


def test_a_suspicion_ends_with_a_call_that_works(campus: Campus) -> None:
    orcid, permission = campus.join()
    with campus.ledger.transaction() as connection:
        mark_trouble(connection, permission, campus.client_id, orcid, TokenRefused("refused"))
    assert campus.rows.one("SELECT suspect_since IS NOT NULL FROM permission")

    assert campus.mirror(only_flagged=True)["read"] == 1
    assert not campus.rows.one("SELECT suspect_since IS NOT NULL FROM permission")
    assert campus.mirror(only_flagged=True)["calls"] == 0


def test_a_token_of_another_record_is_no_permission(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.give_token(permission, campus.simulator.control.record())

    campus.mirror()

    assert campus.events(permission) == [("revoked", "token_of_another_record")]
    assert orcid


# --- the registry's bad days -------------------------------------------------------------------------------------


def test_one_record_that_does_not_answer_is_left_for_the_next_time(campus: Campus) -> None:
    orcid, _ = campus.join()
    campus.join()
    campus.simulator.control.fault("status", path=orcid, status=500, error_code=9008, times=10)

    counts = campus.mirror()
    assert (counts["read"], counts["failed"]) == (1, 1)

    campus.simulator.control.clear_faults()
    campus.runs -= 1
    assert campus.mirror()["read"] == 1


def test_a_registry_that_answers_nobody_stops_the_stage(campus: Campus) -> None:
    campus.join()
    campus.simulator.control.fault("drop_before", times=100)
    with pytest.raises(Transient):
        campus.mirror()
    assert campus.rows.one("SELECT error IS NOT NULL FROM stage_run")
    campus.simulator.control.clear_faults()
    assert campus.mirror()["read"] == 1


def test_a_broken_answer_is_no_empty_record(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.write(orcid, permission, 2)
    campus.mirror()
    campus.simulator.control.fault("status", path="activities", status=200, times=20)

    with pytest.raises(Transient):
        campus.mirror()
    assert campus.closed() == {}
    assert campus.rows.one("SELECT count(*) FROM record_item") == 2


def test_nothing_is_read_while_everything_is_paused(campus: Campus) -> None:
    campus.join()
    campus.rows.execute("INSERT INTO hold (actor_id) VALUES (%s)", (campus.rows.actor(),))
    counts = campus.mirror()
    assert (counts["calls"], counts["paused"]) == (0, 1)
    campus.rows.execute("UPDATE hold SET until = now()")
    assert campus.mirror()["read"] == 1


def test_calls_are_counted_for_the_run_and_name_nobody(campus: Campus) -> None:
    campus.join()
    campus.join()
    campus.mirror()
    [row] = campus.rows.execute("SELECT run_id, method, endpoint, status, calls FROM api_call")
    assert row == ("run-1", "GET", "/{orcid}/activities", 200, 2)


# --- one record --------------------------------------------------------------------------------------------------


def test_the_writer_rereads_one_record(campus: Campus) -> None:
    orcid, permission = campus.join()
    codes = campus.write(orcid, permission, 2)
    campus.mirror()
    campus.simulator.control.remove_item(orcid, "work", codes[0])
    client, token = campus.registry.client(campus.client_id), campus.registry.token(permission)

    with campus.ledger.connection() as connection:
        stored = refresh_record(
            connection, client, permission_id=permission, orcid=orcid, token=token, person=False
        )
        refresh_record(connection, client, permission_id=permission, orcid=orcid, token=token, person=False)

    assert (stored.read, stored.removed_by_researcher) == (1, 1)
    assert campus.closed() == {"removed_by_researcher": 1}


def test_the_writer_gets_the_registry_s_own_refusal(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.simulator.control.patch_record(orcid, status="locked")
    client, token = campus.registry.client(campus.client_id), campus.registry.token(permission)
    with campus.ledger.connection() as connection, pytest.raises(RecordLocked):
        refresh_record(connection, client, permission_id=permission, orcid=orcid, token=token, person=False)


def test_an_older_reading_does_not_replace_a_newer_one(campus: Campus) -> None:
    orcid, permission = campus.join()
    campus.simulator.control.add_item(orcid, "work", work(1))
    campus.mirror()
    campus.rows.execute("UPDATE record SET read_at = '2126-01-01'")
    campus.simulator.control.add_item(orcid, "work", work(2))
    assert campus.mirror(everything=True)["read"] == 0
    assert campus.rows.one("SELECT count(*) FROM record_item") == 1
    assert permission
