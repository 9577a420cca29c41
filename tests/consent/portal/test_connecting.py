"""From a link to a connected iD: what is asked, stored and said, and each way in which it does not come about."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from orcid_sync.vault.tokens import read_tokens

from tests.fixtures.portal import PortalSite, state_of, text_of


def test_from_a_link_to_a_connected_id(site: PortalSite, ada: int) -> None:
    orcid = site.record("Ada", "Okafor")
    somebody = site.visitor()
    page = somebody.come_by_link(site.link(ada), "okafor")
    assert page.url == f"{site.url}/me"
    assert "Create or connect your ORCID iD" in text_of(page)
    asked = parse_qs(urlsplit(address := somebody.to_orcid()).query)
    assert asked["scope"] == ["/read-limited /activities/update"]
    assert asked["redirect_uri"] == [f"{site.url}/orcid/callback"]
    assert (asked["given_names"], asked["family_names"]) == (["Ada"], ["Okafor"])
    assert asked["email"] == ["ada@university.example"]
    assert asked["code_challenge_method"] == ["S256"]
    page = somebody.get(somebody.at_orcid(address, orcid))
    assert page.url == f"{site.url}/me?said=connected"
    assert f"{site.simulator.web_base}/{orcid}" in text_of(page)
    [row] = site.house.all("SELECT * FROM permission")
    assert (row.state, row.orcid, sorted(row.scopes)) == (
        "granted",
        orcid,
        ["/activities/update", "/read-limited"],
    )
    [grant] = site.house.all("SELECT * FROM permission_grant")
    assert (grant.language, grant.signed_in_by, len(grant.wording)) == ("en", "link", 12)
    with site.ledger.transaction() as connection:
        token = read_tokens(connection, site.registry.keys, [row.id])[row.id].access
    site.registry.client(row.client_id).verify_token(orcid, token)
    assert [row.state for row in site.house.all("SELECT state FROM permission_event")] == ["granted"]


def test_a_registry_that_does_not_say_that_it_checks_challenges_gets_none(site: PortalSite, ada: int) -> None:
    site.simulator.control.fault(
        kind="status", status=404, times=1, path="openid-configuration", method="GET"
    )
    somebody = site.visitor()
    somebody.demo("p1")
    address = somebody.to_orcid()
    assert "code_challenge" not in address
    assert somebody.get(somebody.at_orcid(address, site.record("Ada", "Okafor"))).url.endswith(
        "said=connected"
    )
    assert "code_challenge" in somebody.to_orcid_again(), "it is asked again as long as it did not say"


def test_a_no_is_no_failure_and_takes_nothing_away(site: PortalSite, ada: int) -> None:
    orcid = site.record("Ada", "Okafor")
    somebody = site.visitor()
    somebody.demo("p1")
    page = somebody.connect(orcid, "deny")
    assert page.status_code == 409
    assert "You did not give permission" in text_of(page)
    assert site.state(ada) == "denied"
    assert somebody.connect(orcid).url.endswith("said=connected")
    assert site.state(ada) == "granted"
    # Asked once more, for more: no to that is not no to what there is.
    state = state_of(somebody.to_orcid_again())
    assert somebody.get(f"/orcid/callback?error=access_denied&state={state}").status_code == 409
    assert site.state(ada) == "granted"


def test_an_id_belongs_to_one_person(site: PortalSite, ada: int) -> None:
    bo = site.staff("p2", "Bo", "Lind")
    orcid = site.record("Bo", "Lind")
    first, second = site.visitor(), site.visitor()
    second.demo("p2")
    assert second.connect(orcid).url.endswith("said=connected")
    first.demo("p1")
    page = first.connect(orcid)
    assert page.status_code == 409
    assert "connected to another member of staff" in text_of(page)
    assert "orcid@university.example" in text_of(page), "a way out"
    assert (site.state(ada), site.state(bo)) == (None, "granted")


def test_another_id_than_the_cris_has_is_shown_to_both_sides(site: PortalSite) -> None:
    ada = site.staff("p1", "Ada", "Okafor", orcid_hint="0000-0002-1825-0097")
    orcid = site.record("Ada", "Okafor")
    somebody = site.visitor()
    somebody.come_by_link(site.link(ada), "Okafor")
    assert "another iD for you" in text_of(somebody.connect(orcid))
    [row] = site.house.all("SELECT * FROM orcid_return.authenticated_ids")
    assert (row.person_id, row.orcid, row.connected, row.differs_from_cris) == ("p1", orcid, True, True)


def test_a_passed_on_link_connects_nobody_else(site: PortalSite, ada: int) -> None:
    other = site.record("Quentin", "Someone")
    guest = site.visitor()
    page = guest.come_by_link(link := site.link(ada), "Someone")
    assert page.status_code == 403
    assert "Okafor" not in page.text, "a link tells nobody whose it is"
    # Somebody who knows the name but signs in to their own record:
    guest.come_by_link(link, "Okafor")
    page = guest.connect(other)
    assert page.status_code == 409
    assert "The name on this ORCID record" in text_of(page)
    assert site.state(ada) is None


@pytest.mark.parametrize(
    ("given", "family"), [("Ada", "Okafor"), ("A.", "OKAFOR-Smith"), ("Ada Maria", "Ókáfor")]
)
def test_names_are_compared_as_people_write_them(site: PortalSite, ada: int, given: str, family: str) -> None:
    somebody = site.visitor()
    somebody.come_by_link(site.link(ada), "okafor ")
    assert somebody.connect(site.record(given, family)).url.endswith("said=connected")


def test_whoever_is_connected_with_one_id_disconnects_it_before_another(site: PortalSite, ada: int) -> None:
    somebody = site.visitor()
    somebody.demo("p1")
    first = site.record("Ada", "Okafor")
    somebody.connect(first)
    address = somebody.to_orcid_again()
    page = site.visitor()
    page.session.cookies.update(
        {name: value for name, value in somebody.session.cookies.items() if name == "portal"}
    )
    answer = page.get(page.at_orcid(address, site.record("Ada", "Okafor")))
    assert "You are connected with another ORCID iD" in text_of(answer)
    assert site.house.one("SELECT orcid FROM permission") == first


def test_a_registry_that_fails_is_no_denial(site: PortalSite, ada: int) -> None:
    somebody = site.visitor()
    somebody.demo("p1")
    orcid = site.record("Ada", "Okafor")
    back = somebody.at_orcid(somebody.to_orcid(), orcid)
    site.simulator.control.fault("status", times=9, path="/oauth/token", status=500)
    page = somebody.get(back)
    site.simulator.control.clear_faults()
    assert page.status_code == 503
    assert site.state(ada) is None
    page = somebody.get(f"/orcid/callback?error=invalid_scope&state={state_of(somebody.to_orcid())}")
    assert page.status_code == 503
    assert site.state(ada) is None
    assert somebody.connect(orcid).url.endswith("said=connected")
