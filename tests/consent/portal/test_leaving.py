"""The life of a permission: paused, revoked on either side, connected again, taken along, erased."""

from __future__ import annotations

import re

import pytest
from orcid_sync.consent.own_data import _STORED
from orcid_sync.errors import TokenRefused
from orcid_sync.ledger.tables import metadata

from tests.consent.portal.test_choices import LATER, approve_all, on_record
from tests.fixtures.portal import PortalSite, Visitor, text_of


@pytest.fixture
def somebody(site: PortalSite, ada: int) -> Visitor:
    """Ada, connected, with one entry of ours on her record."""
    made = site.visitor()
    made.demo("p1")
    made.connect(site.record("Ada", "Okafor"))
    site.desk.publication("pub-1", "10.5555/1")
    site.house.one(LATER)
    site.sync()
    approve_all(site)
    site.sync()
    assert on_record(site) == ["Title of pub-1"]
    return made


def events(site: PortalSite) -> list[tuple[str, str]]:
    return [tuple(row) for row in site.house.all("SELECT state, cause FROM permission_event ORDER BY id")]


def calls(site: PortalSite) -> int:
    return len(site.simulator.control.calls())


def press(visitor: Visitor, action: str, **more: str) -> str:
    permission = visitor.site.house.one("SELECT id FROM permission")
    form = {"form_key": visitor.form_key_of("/me"), "permission": str(permission), **more}
    return visitor.post(action, form).url.partition("said=")[2]


def test_a_pause_holds_everything_until_they_go_on(site: PortalSite, ada: int, somebody: Visitor) -> None:
    assert press(somebody, "/pause") == "paused"
    site.desk.publication("pub-2", "10.5555/2")
    before = calls(site)
    site.sync()
    approve_all(site)
    site.sync()
    assert calls(site) == before
    assert "Paused by you" in text_of(somebody.get("/me"))
    assert press(somebody, "/go-on") == "resumed"
    site.sync()
    approve_all(site)
    site.sync()
    assert on_record(site) == ["Title of pub-1", "Title of pub-2"]
    assert [state for state, _ in events(site)] == ["granted", "paused_by_researcher", "granted"]


def test_disconnecting_keeps_our_entries_and_revokes(site: PortalSite, ada: int, somebody: Visitor) -> None:
    token = site.registry.token(site.house.one("SELECT id FROM permission"))
    page = somebody.get(f"/disconnect/{site.house.one('SELECT id FROM permission')}")
    assert "1 entry on your record came from us." in text_of(page)
    assert press(somebody, "/disconnect", entries="keep") == "disconnected"
    assert site.state(ada) == "revoked"
    assert site.house.one("SELECT count(*) FROM token") == 0
    orcid = site.house.one("SELECT orcid FROM permission")
    with pytest.raises(TokenRefused):
        site.registry.client(site.registry.client_ids[0]).verify_token(orcid, token)
    assert on_record(site) == ["Title of pub-1"]
    before = calls(site)
    site.sync()
    assert calls(site) == before
    # Connected again, it goes on where it ended, without another wait and without a duplicate.
    site.desk.publication("pub-2", "10.5555/2")
    assert somebody.connect(orcid).url.endswith("said=connected")
    site.sync()
    approve_all(site)
    assert site.sync()["written"]["add"] == 1
    assert on_record(site) == ["Title of pub-1", "Title of pub-2"]
    assert events(site) == [("granted", "portal"), ("revoked", "portal"), ("granted", "portal")]


def test_disconnecting_removes_our_entries_first(site: PortalSite, ada: int, somebody: Visitor) -> None:
    assert press(somebody, "/disconnect", entries="remove") == "leaving"
    site.wait_for(lambda: site.state(ada) == "revoked")
    assert on_record(site) == []
    assert "Disconnected" in text_of(somebody.get("/me"))


def test_a_revocation_at_orcid_stops_all_calls_and_still_lets_remove(
    site: PortalSite, ada: int, somebody: Visitor
) -> None:
    permission = site.house.one("SELECT id FROM permission")
    site.simulator.control.revoke(site.registry.token(permission).reveal(), by="user")
    for number in (2, 3):
        site.desk.publication(f"pub-{number}", f"10.5555/{number}")
    site.desk.propose()
    approve_all(site)
    before = calls(site)
    site.sync()
    refused = [call for call in site.simulator.control.calls(before) if call["status"] == 401]
    assert len(refused) == 1, "the first refusal stops the others"
    # The next look explains it.
    site.sync()
    assert site.state(ada) == "delete_only"
    before = calls(site)
    site.sync()
    assert calls(site) == before, "not one more call"
    assert "You took the permission back at ORCID" in text_of(somebody.get("/me"))
    assert press(somebody, "/disconnect", entries="remove") == "leaving"
    site.wait_for(lambda: site.state(ada) == "revoked")
    assert on_record(site) == []


def test_whatever_is_tied_to_a_researcher_is_in_their_download() -> None:
    told = " ".join(_STORED.values())
    tied = [table.name for table in metadata.tables.values() if "researcher_id" in table.c]
    assert len(tied) > 8
    assert [name for name in tied if not re.search(rf"\b(FROM|JOIN) {name}\b", told)] == []


def test_who_was_disconnected_takes_everything_along_and_has_it_erased(
    site: PortalSite, ada: int, somebody: Visitor
) -> None:
    found = somebody.get("/my-data.json").json()
    assert found["staff"][0]["family_names"] == "Okafor"
    assert found["items"][0]["cris_id"] == "pub-1"
    token = site.registry.token(site.house.one("SELECT id FROM permission")).reveal()
    assert token not in somebody.get("/my-data.json").text
    form = {"form_key": somebody.form_key_of("/me"), "sure": "yes"}
    assert somebody.post("/erase", form).status_code == 409
    press(somebody, "/disconnect", entries="keep")
    assert somebody.post("/erase", form).url.endswith("/?said=erased")
    assert somebody.get("/me").url == f"{site.url}/"
    assert site.house.all("SELECT state, orcid FROM permission") == [("denied", None)]
    assert site.house.one("SELECT count(*) FROM invitation_opt_out") == 1, "whatever else is forgotten"
    for table in ("item", "put_code", "change", "token", "record", "record_item", "portal_session", "link"):
        assert site.house.one(f"SELECT count(*) FROM {table}") == 0, table
