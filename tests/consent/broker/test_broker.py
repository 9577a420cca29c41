"""The broker: what a unit's system gets, what is written down, and what it never gets."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from orcid_sync.consent.broker.app import IN_FLIGHT, TooMany, _Flying
from orcid_sync.consent.broker.clients import add_client, list_clients, revoke_client
from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.units_file import Broker
from orcid_sync.settings import Settings
from orcid_sync.sync.audit import audit_ledger
from orcid_sync.sync.propose import propose

from tests.fixtures.broker import Brokered, employment, work


def added(brokered: Brokered, unit: str = "med", role: str = "Professor") -> int:
    answer = brokered.orcid("POST", "employment", unit, json=employment(role))
    assert answer.status_code == 201, answer.text
    return int(answer.headers["Location"])


# --- the iD and the token ----------------------------------------------------------------------------------------


def test_a_unit_learns_the_id_of_somebody_who_connected(brokered: Brokered) -> None:
    answer = brokered.ask("GET", "/P1", params={"scope": "/read-limited /activities/update"})
    assert answer.status_code == 200
    assert (answer.json()["person_id"], answer.json()["orcid"]) == ("P1", brokered.person.orcid)
    assert "/activities/update" in answer.json()["scopes"]
    assert brokered.uses() == [("med", "id", None, None, None)]


def test_nobody_not_connected_and_not_enough_look_the_same(brokered: Brokered) -> None:
    rows = brokered.world.rows
    paused, gone, narrow, doubted = (brokered.world.connect(f"P{n}") for n in (2, 3, 4, 5))
    rows.researcher("P6")
    rows.execute(
        "INSERT INTO hold (researcher_id, actor_id) VALUES (%s, %s)", (paused.researcher, rows.actor())
    )
    rows.execute("UPDATE cris_staff SET gone = 'vanished' WHERE person_id = 'P3'")
    rows.execute("UPDATE permission SET scopes = '{/authenticate}' WHERE id = %s", (narrow.permission,))
    rows.execute("UPDATE permission SET suspect_since = now() WHERE id = %s", (doubted.permission,))
    assert gone.orcid

    answers = {
        brokered.ask("GET", f"/{person}").content for person in ("P2", "P3", "P4", "P5", "P6", "nobody")
    }
    posts = {
        brokered.orcid("POST", "employment", person=person, json=employment()).content
        for person in ("P2", "P3", "P4", "P5", "P6", "nobody")
    }
    assert len(answers) == len(posts) == 1
    assert brokered.ask("GET", "/nobody").status_code == 404
    assert brokered.uses() == []


def test_a_scope_beyond_the_policy_is_refused_before_anybody_is_looked_up(brokered: Brokered) -> None:
    answers = {
        brokered.ask("GET", f"/{person}", params={"scope": "/person/update"}).content
        for person in ("P1", "nobody")
    }
    assert len(answers) == 1
    assert brokered.ask("GET", "/P1", params={"scope": "/person/update"}).status_code == 403


def test_the_token_stays_here_unless_the_policy_lets_it_leave(brokered: Brokered) -> None:
    refused = brokered.ask("POST", "/P1/token")
    assert refused.status_code == 403
    assert brokered.person.token not in refused.text

    wide = ["/read-limited", "/activities/update", "/person/update"]
    brokered.world.rows.unit("repo", broker=Broker(mode="token", scopes=wide))
    brokered.credentials["repo"] = add_client(brokered.world.ledger, "repo", "repo", actor="test").reveal()
    given = brokered.ask("POST", "/P1/token", "repo")
    assert given.json()["access_token"] == brokered.person.token
    assert given.headers["Cache-Control"] == "no-store"
    assert brokered.uses() == [("repo", "token", None, None, None)]


def test_a_token_that_can_do_more_than_the_policy_names_does_not_leave(brokered: Brokered) -> None:
    brokered.world.rows.unit("repo", broker=Broker(mode="token", scopes=["/read-limited"]))
    brokered.credentials["repo"] = add_client(brokered.world.ledger, "repo", "repo", actor="test").reveal()
    assert brokered.ask("POST", "/P1/token", "repo").status_code == 404


# --- credentials -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credential", ["", "x", "a.b", "\u00e9.b", "0" * 5000, "abc.", ".abc", "a b.c"])
def test_a_wrong_credential_gets_one_and_the_same_answer(brokered: Brokered, credential: str) -> None:
    key_id = brokered.credentials["med"].partition(".")[0]
    wrong = brokered.browser.get(
        "/broker/v1/researchers/P1", headers={"Authorization": f"Bearer {key_id}.wrong"}
    )
    answer = brokered.browser.get(
        "/broker/v1/researchers/P1", headers={"Authorization": b"Bearer " + credential.encode()}
    )
    assert answer.status_code == wrong.status_code == 401
    assert answer.content == wrong.content


def test_a_revoked_credential_ends_at_once_and_its_name_is_not_given_again(brokered: Brokered) -> None:
    ledger = brokered.world.ledger
    assert brokered.ask("GET", "/P1").status_code == 200
    assert revoke_client(ledger, "med", "med-hr", actor="op")
    assert not revoke_client(ledger, "med", "med-hr", actor="op")
    assert brokered.ask("GET", "/P1").status_code == 401
    with pytest.raises(Misconfigured, match="same name"):
        add_client(ledger, "med", "med-hr", actor="op")
    listed = {
        client["unit"]: (client["uses"], client["revoked_at"] is None) for client in list_clients(ledger)
    }
    assert listed == {"med": (1, False), "lab": (0, True)}


def test_a_unit_without_a_policy_gets_no_credential(brokered: Brokered) -> None:
    brokered.world.rows.unit("plain")
    with pytest.raises(Misconfigured, match="`broker` in the units file"):
        add_client(brokered.world.ledger, "plain", "x", actor="op")


def test_the_secret_stands_nowhere(brokered: Brokered) -> None:
    secret = brokered.credentials["med"].partition(".")[2]
    stored = brokered.world.rows.one("SELECT string_agg(broker_client::text, ' ') FROM broker_client")
    assert secret not in stored


# --- calls -------------------------------------------------------------------------------------------------------


def test_what_a_unit_adds_is_the_units_to_change_and_to_remove(brokered: Brokered) -> None:
    code = added(brokered)
    assert brokered.standing() == {code: "employment"}
    assert brokered.owners() == {code: "med"}

    changed = brokered.orcid("PUT", f"employment/{code}", json=employment("Reader"))
    assert (changed.status_code, changed.json()["role-title"]) == (200, "Reader")
    assert brokered.orcid("GET", f"employment/{code}").json()["role-title"] == "Reader"
    assert brokered.orcid("DELETE", f"employment/{code}").status_code == 204

    assert brokered.standing() == {}
    assert brokered.owners() == {}
    assert [use[2:] for use in brokered.uses()] == [
        ("POST", "employment", "done"),
        ("PUT", "employment", "done"),
        ("GET", "employment", "done"),
        ("DELETE", "employment", "done"),
    ]


def test_another_units_entry_and_none_look_the_same_and_stay(brokered: Brokered) -> None:
    code = added(brokered)
    for method, content in (("PUT", {"json": employment("Intruder")}), ("DELETE", {})):
        theirs = brokered.orcid(method, f"employment/{code}", "lab", **content)
        nobodys = brokered.orcid(method, "employment/999999", "lab", **content)
        assert theirs.status_code == 404
        assert theirs.content == nobodys.content
    assert brokered.standing() == {code: "employment"}
    assert brokered.owners() == {code: "med"}


def test_what_the_sync_wrote_for_another_unit_is_not_touched(brokered: Brokered) -> None:
    world = brokered.world
    code = world.simulator.control.add_item(
        brokered.person.orcid, "employment", employment(), source=world.client_id
    )
    unit = world.rows.one("SELECT id FROM unit WHERE code = 'lab'")
    item = world.rows.item(unit, brokered.person.researcher, section="employment", client_id=world.client_id)
    world.rows.put_code(item, brokered.person.orcid, code, world.client_id)
    assert brokered.orcid("DELETE", f"employment/{code}", "med").status_code == 404
    assert brokered.standing() == {code: "employment"}


def test_works_in_bulk_are_all_the_units_but_those_that_the_registry_refused(brokered: Brokered) -> None:
    refused = work(2)
    del refused["title"]
    body = {"bulk": [{"work": work(1)}, {"work": refused}, {"work": work(3)}]}
    answer = brokered.orcid("POST", "works", json=body)
    assert answer.status_code == 200
    assert ["error" in element for element in answer.json()["bulk"]] == [False, True, False]
    assert set(brokered.owners()) == set(brokered.standing())
    assert len(brokered.owners()) == 2


def test_visibility_and_put_codes_of_a_content_are_not_sent(brokered: Brokered) -> None:
    content = employment(visibility="private") | {"put-code": 7}
    answer = brokered.orcid("POST", "employment", json=content)
    assert answer.status_code == 201
    [item] = brokered.world.simulator.control.get_record(brokered.person.orcid)["items"]
    assert item["visibility"] == "public"


@pytest.mark.parametrize(
    ("method", "endpoint"),
    [
        ("POST", "education"),
        ("POST", "employments"),
        ("POST", "activities"),
        ("GET", "person"),
        ("GET", "employment"),
        ("POST", "employment/3"),
        ("PUT", "works/3"),
        ("DELETE", "record/3"),
        ("GET", "notification-permission"),
    ],
)
def test_a_call_that_the_policy_does_not_name_never_leaves(
    brokered: Brokered, method: str, endpoint: str
) -> None:
    before = len(brokered.world.simulator.control.calls())
    content: dict[str, Any] = {"json": employment()} if method in ("POST", "PUT") else {}
    answer = brokered.orcid(method, endpoint, **content)
    assert answer.status_code in (403, 404, 405), answer.text
    assert len(brokered.world.simulator.control.calls()) == before


@pytest.mark.parametrize(
    "path",
    ["employment/..%2Fwork%2F1", "..%2F..%2Foauth%2Ftoken", "works%3Fx=1", "works/1,2", "employment/0"],
)
def test_an_address_cannot_be_bent(brokered: Brokered, path: str) -> None:
    before = len(brokered.world.simulator.control.calls())
    assert brokered.orcid("GET", path).status_code in (403, 404, 422)
    assert len(brokered.world.simulator.control.calls()) == before


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[]", b'"x"', b"1e999", b'{"bulk": []}', b'{"bulk": [{"work": 1}]}']
)
def test_a_content_of_another_shape_is_refused_here(brokered: Brokered, body: bytes) -> None:
    assert brokered.orcid("POST", "works", content=body).status_code == 422


def test_a_content_without_end_is_refused(brokered: Brokered) -> None:
    body = b'{"role-title": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    assert brokered.orcid("POST", "employment", content=body).status_code == 413


def test_the_registrys_refusal_comes_through_without_names(brokered: Brokered) -> None:
    answer = brokered.orcid("POST", "employment", json={"role-title": "Professor"})
    assert answer.status_code == 422
    assert answer.json()["status"] == 400
    assert brokered.person.orcid not in answer.text
    assert brokered.uses()[0][-1] == "refused"
    assert brokered.owners() == {}


def test_one_system_has_few_calls_under_way() -> None:
    flying = _Flying()
    with flying.one(1), flying.one(1):
        assert IN_FLIGHT == 2
        with pytest.raises(TooMany), flying.one(1):
            pass
        with flying.one(2):
            pass
    with flying.one(1):
        pass


def test_calls_take_the_lane_that_writing_leaves_free(brokered: Brokered) -> None:
    added(brokered)
    assert {client.lane for client in brokered.world.registry.clients.values()} == {"interactive"}


# --- accidents ---------------------------------------------------------------------------------------------------


def test_an_entry_whose_answer_was_lost_is_found_and_is_the_units(brokered: Brokered) -> None:
    brokered.world.simulator.control.fault("drop_after", method="POST", path="/employment$")
    answer = brokered.orcid("POST", "employment", json=employment())
    assert answer.status_code == 201
    assert brokered.owners() == {int(answer.headers["Location"]): "med"}
    assert set(brokered.standing()) == set(brokered.owners())


def test_a_request_that_never_arrived_is_told_as_a_doubt_and_owns_nothing(brokered: Brokered) -> None:
    brokered.world.simulator.control.fault("drop_before", method="POST", path="/employment$")
    answer = brokered.orcid("POST", "employment", json=employment())
    assert answer.status_code == 504
    assert answer.json()["may_have_arrived"] is True
    assert brokered.standing() == brokered.owners() == {}


def test_a_doubtful_entry_that_could_not_be_looked_for_is_known_again_by_its_duplicate(
    brokered: Brokered,
) -> None:
    control = brokered.world.simulator.control
    control.fault("drop_after", method="POST", path="/work$")
    control.fault("status", status=500, method="GET", path="/activities", times=10)
    assert brokered.orcid("POST", "work", json=work(1)).status_code == 504
    assert brokered.owners() == {}
    control.clear_faults()

    again = brokered.orcid("POST", "work", json=work(1))

    assert again.status_code == 409
    assert brokered.owners() == dict.fromkeys(brokered.standing(), "med")
    # A duplicate of somebody else's entry gives nothing away and is nobody's gain.
    assert brokered.orcid("POST", "work", "lab", json=work(1)).status_code == 409
    assert set(brokered.owners().values()) == {"med"}


def test_a_removal_asked_again_is_done(brokered: Brokered) -> None:
    code = added(brokered)
    brokered.world.simulator.control.fault("drop_after", method="DELETE")
    assert brokered.orcid("DELETE", f"employment/{code}").status_code == 504
    assert brokered.orcid("DELETE", f"employment/{code}").status_code == 204
    assert brokered.owners() == {}


def test_what_the_researcher_removed_is_not_brought_back_by_an_update(brokered: Brokered) -> None:
    code = added(brokered)
    brokered.world.simulator.control.remove_item(brokered.person.orcid, "employment", code)
    assert brokered.orcid("PUT", f"employment/{code}", json=employment("Reader")).status_code == 404
    assert brokered.standing() == brokered.owners() == {}
    assert brokered.world.rows.one("SELECT tombstone_at IS NOT NULL FROM item")


def test_a_revocation_stops_all_calls_for_this_person_at_once(brokered: Brokered) -> None:
    brokered.world.simulator.control.revoke(brokered.person.token, by="user")
    first = brokered.orcid("GET", "activities")
    calls = len(brokered.world.simulator.control.calls())
    second = brokered.orcid("GET", "activities")
    assert (first.status_code, second.status_code) == (404, 404)
    assert first.json()["error"] == second.json()["error"] == "no_permission"
    assert len(brokered.world.simulator.control.calls()) == calls


def test_a_pause_holds_units_systems_too(brokered: Brokered) -> None:
    rows = brokered.world.rows
    rows.execute("INSERT INTO hold (actor_id) VALUES (%s)", (rows.actor(),))
    answer = brokered.orcid("POST", "employment", json=employment())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert brokered.standing() == {}


def test_a_locked_record_is_told(brokered: Brokered) -> None:
    brokered.world.simulator.control.patch_record(brokered.person.orcid, status="locked")
    assert brokered.orcid("POST", "employment", json=employment()).status_code == 409


# --- beside the sync ---------------------------------------------------------------------------------------------


def test_no_proposal_touches_what_a_units_system_wrote_and_no_audit_misses_it(brokered: Brokered) -> None:
    code = added(brokered)
    world = brokered.world
    settings = Settings(calls_in_flight=2)
    found = audit_ledger(world.ledger, world.registry, run_id="audit-1", settings=settings)
    propose(world.ledger, run_id="propose-1", settings=settings)

    assert {kind: n for kind, n in found["drift"].items() if n} == {}
    assert world.rows.execute("SELECT held, by_broker FROM item") == [(None, True)]
    assert world.rows.one("SELECT count(*) FROM change") == 0
    assert brokered.owners() == {code: "med"}


def test_the_database_keeps_units_apart_and_uses_as_they_are(brokered: Brokered) -> None:
    import psycopg

    added(brokered)
    ledger, rows = brokered.world.ledger, brokered.world.rows
    med, lab = (rows.one("SELECT role_name FROM unit WHERE code = %s", (unit,)) for unit in ("med", "lab"))
    for role, seen in ((med, 1), (lab, 0)):
        with ledger.transaction(role) as connection:
            for table in ("broker_use", "broker_outcome", "put_code"):
                row = connection.execute(f"SELECT count(*) AS n FROM {table}").fetchone()
                assert row is not None
                assert row.n == seen, (role, table)
    med_id = rows.one("SELECT id FROM unit WHERE code = 'med'")
    forged = "INSERT INTO broker_use (broker_client_id, unit_id, researcher_id, what) VALUES (1, %s, 1, 'id')"
    with ledger.connection(lab) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(forged, (med_id,))
    with ledger.connection(lab) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT secret_digest FROM broker_client")
    for statement in (
        "UPDATE broker_use SET what = 'id'",
        "DELETE FROM broker_use",
        "DELETE FROM broker_outcome",
    ):
        for role_name in (None, med):
            with (
                ledger.connection(role_name) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute(statement)


def test_no_token_and_no_person_is_logged_or_written_down(
    brokered: Brokered, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    added(brokered)
    brokered.world.simulator.control.fault("status", status=500, times=10)
    brokered.orcid("GET", "activities")
    secret = brokered.credentials["med"].partition(".")[2]
    for text in (brokered.person.token, secret):
        assert text not in caplog.text
    written = brokered.world.rows.one("SELECT string_agg(broker_use::text, ' ') FROM broker_use")
    for text in (brokered.person.token, brokered.person.orcid, "P1"):
        assert text not in written
