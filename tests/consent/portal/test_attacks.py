"""What somebody with bad intentions might send: answered with a refusal, and nothing changes."""

from __future__ import annotations

import io
import logging
import re
from contextlib import redirect_stderr, redirect_stdout
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from orcid_sync.consent.links import MAX_WRONG_ANSWERS
from orcid_sync.consent.people import one_line
from orcid_sync.consent.portal.tries import LIMITS

from tests.fixtures.house import CLIENT
from tests.fixtures.portal import PortalSite, Visitor, state_of, text_of


def ready(site: PortalSite, person: str) -> Visitor:
    """Somebody who is signed in."""
    made = site.visitor()
    assert made.demo(person).url.endswith("/me")
    return made


def nothing_connected(site: PortalSite) -> bool:
    return bool(site.house.one("SELECT count(*) = 0 FROM permission WHERE orcid IS NOT NULL"))


def test_a_forged_state_connects_nothing(site: PortalSite, ada: int) -> None:
    somebody = ready(site, "p1")
    back = somebody.at_orcid(somebody.to_orcid(), site.record("Ada", "Okafor"))
    forged = back.replace(state_of(back), "x" * 43)
    assert somebody.get(forged).status_code == 409
    assert somebody.get(re.sub(r"state=[^&]+", "state=", back)).status_code == 409
    assert nothing_connected(site)
    assert not [call for call in site.simulator.control.calls() if call["path"].startswith("/oauth/token")]


def test_an_answer_counts_once(site: PortalSite, ada: int) -> None:
    somebody = ready(site, "p1")
    back = somebody.at_orcid(somebody.to_orcid(), site.record("Ada", "Okafor"))
    assert somebody.get(back).url.endswith("said=connected")
    page = somebody.get(back)
    assert page.status_code == 409
    assert "was used before" in text_of(page)
    exchanged = [call for call in site.simulator.control.calls() if call["path"].startswith("/oauth/token")]
    assert len(exchanged) == 1, "a code that is exchanged twice would cost the researcher the permission"
    assert site.state(ada) == "granted"


def test_a_code_of_another_session_connects_nothing(site: PortalSite, ada: int) -> None:
    site.staff("p2", "Mal", "Lory")
    attacker, victim = ready(site, "p2"), ready(site, "p1")
    # The attacker's answer, slipped to the victim: it would tie the attacker's record to the victim.
    back = attacker.at_orcid(attacker.to_orcid(), site.record("Mal", "Lory"))
    assert victim.get(back).status_code == 409
    assert site.visitor().get(back).status_code == 409, "nor does anybody without a session"
    assert nothing_connected(site)


def test_a_code_that_somebody_took_is_worth_nothing_without_the_session(site: PortalSite, ada: int) -> None:
    somebody = ready(site, "p1")
    back = somebody.at_orcid(somebody.to_orcid(), site.record("Ada", "Okafor"))
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": f"{site.url}/orcid/callback",
        "client_id": CLIENT,
        "client_secret": "s3cret",
    }
    for verifier in ({}, {"code_verifier": "x" * 43}):
        answer = requests.post(
            f"{site.simulator.web_base}/oauth/token", data={**form, **verifier}, timeout=30
        )
        assert answer.json()["error"] == "invalid_grant"
    assert somebody.get(back).url.endswith("said=connected")


def test_two_sessions_of_one_person_do_not_mix(site: PortalSite, ada: int) -> None:
    desk, phone = ready(site, "p1"), ready(site, "p1")
    back = desk.at_orcid(desk.to_orcid(), site.record("Ada", "Okafor"))
    assert phone.get(back).status_code == 409
    assert desk.get(back).url.endswith("said=connected")


def test_no_address_leads_out(site: PortalSite) -> None:
    names = ("next", "redirect_uri", "url", "return", "said", "lang")
    nobody = site.visitor()
    for path in ("/", "/me", "/orcid/callback", "/sign-in/oidc/callback", "/language/en"):
        for target in ("https://evil.example", "//evil.example", "/\\evil.example"):
            answer = nobody.get(path, params=dict.fromkeys(names, target), allow_redirects=False)
            assert "evil" not in answer.headers.get("location", "")
            assert "evil" not in answer.text


def test_a_cookie_that_somebody_planted_opens_nothing(site: PortalSite, ada: int) -> None:
    planted = "A" * 43
    victim = site.visitor()
    victim.session.cookies.set("portal", planted, domain="127.0.0.1", path="/")
    assert victim.come_by_link(site.link(ada), "Okafor").url.endswith("/me")
    assert victim.session.cookies.get("portal", domain="127.0.0.1") != planted
    attacker = site.visitor()
    attacker.session.cookies.set("portal", planted, domain="127.0.0.1", path="/")
    assert attacker.get("/me").url == f"{site.url}/"
    # Nor does the cookie from before the sign-in live on after the sign-out.
    old = victim.session.cookies.get("portal", domain="127.0.0.1")
    victim.submit(victim.get("/me"), "/sign-out")
    attacker.session.cookies.set("portal", old, domain="127.0.0.1", path="/")
    assert attacker.get("/me").url == f"{site.url}/"


FORMS = {
    "/orcid/connect": {"client": "APP-0000000000000001"},
    "/items": {"choice": "keep_off", "item": "1"},
    "/pause": {"permission": "1"},
    "/go-on": {"permission": "1"},
    "/disconnect": {"permission": "1", "entries": "keep"},
    "/erase": {"sure": "yes"},
    "/sign-out": {},
    "/sign-in/demo": {"person": "p1"},
    "/sign-in/proxy": {},
}


def test_a_form_of_a_foreign_page_does_nothing(site: PortalSite, ada: int) -> None:
    somebody = ready(site, "p1")
    key, foreign_key = somebody.form_key_of("/me"), ready(site, "p1").form_key_of("/me")
    for path, fields in FORMS.items():
        good = {**fields, "form_key": key}
        for form, origin in (
            ({**good, "form_key": "0" * 64}, "own"),
            ({**good, "form_key": foreign_key}, "own"),
            (good, "https://evil.example"),
            (good, "null"),
            (good, None),
        ):
            assert somebody.post(path, form, origin=origin).status_code == 403, (path, form, origin)
        assert somebody.post(path, fields).status_code in (403, 422)
    assert site.house.one("SELECT count(*) FROM portal_session") == 2, "everybody is as signed in as before"


def test_somebody_elses_items_and_permissions_are_not_there(site: PortalSite, ada: int) -> None:
    bo = site.staff("p2", "Bo", "Lind")
    unit = site.house.one("SELECT id FROM unit")
    item = site.house.item(unit, bo)
    site.house.change(item)
    theirs = ready(site, "p2")
    theirs.connect(site.record("Bo", "Lind"))
    permission = site.house.one("SELECT id FROM permission")
    somebody = ready(site, "p1")
    key = somebody.form_key_of("/me")
    absent = somebody.post("/items", {"form_key": key, "choice": "keep_off", "item": "99999"})
    other = somebody.post("/items", {"form_key": key, "choice": "keep_off", "item": str(item)})
    assert (absent.status_code, other.status_code) == (404, 404)
    assert text_of(absent) == text_of(other)
    assert somebody.get(f"/disconnect/{permission}").status_code == 404
    for path in ("/pause", "/disconnect"):
        somebody.post(path, {"form_key": key, "permission": str(permission), "entries": "keep"})
    assert site.state(bo) == "granted"
    assert site.house.one("SELECT count(*) FROM decision") == 0


def test_links_cannot_be_tried_out(site: PortalSite, ada: int) -> None:
    link = site.link(ada)
    nobody = site.visitor()
    for left in reversed(range(MAX_WRONG_ANSWERS)):
        page = nobody.come_by_link(link, "Wrong")
        assert (f"Tries left: {left}" in text_of(page)) is (left > 0)
    assert nobody.get(link).status_code == 410
    # A link that was made up and one that is dead look alike from outside, but for why.
    assert nobody.get("/connect/k1.AAAA").status_code == 410
    statuses = [nobody.get("/connect/k1.AAAA").status_code for _ in range(LIMITS["link"])]
    assert statuses[-1] == 429


def test_a_link_of_another_person_changes_nothing_for_who_is_signed_in(site: PortalSite, ada: int) -> None:
    site.staff("p2", "Bo", "Lind")
    link = site.link(ada)
    bo = ready(site, "p2")
    page = bo.get(link)
    assert page.status_code == 403
    assert "sent to somebody else" in text_of(page)
    assert "Okafor" not in page.text
    assert bo.get("/me").url.endswith("/me")
    assert site.visitor().come_by_link(link, "Okafor").url.endswith("/me"), "it still works for its owner"


def test_neither_tokens_nor_codes_reach_a_log_or_stay_in_an_address(
    site: PortalSite, ada: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        somebody = site.visitor()
        link = site.link(ada)
        somebody.come_by_link(link, "Okafor")
        back = somebody.at_orcid(somebody.to_orcid(), site.record("Ada", "Okafor"))
        page = somebody.get(back)
    code = re.search(r"code=([^&]+)", back)
    assert code is not None
    token = site.registry.token(site.house.one("SELECT id FROM permission")).reveal()
    assert "code=" not in page.url
    assert page.headers["referrer-policy"] == "same-origin"
    ours = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("orcid_sync", "uvicorn"))
    )
    for secret in (code[1], token, link.rpartition("/")[2]):
        assert secret not in page.text
        assert secret not in ours + said.getvalue()


def test_names_are_text_and_nothing_else(site: PortalSite) -> None:
    nasty = 'Ada"><script>alert(1)</script>'
    ada = site.staff("p1", nasty, "O'Hara\r\nBcc: all@university.example")
    somebody = site.visitor()
    page = somebody.come_by_link(site.link(ada), "o'hara")
    assert "<script>alert" not in page.text
    address = somebody.to_orcid()
    assert "\n" not in address
    assert one_line("A\r\nBcc: x\x00y\u2028z") == "A Bcc: x y z"


def test_every_page_forbids_what_it_does_not_need(site: PortalSite, ada: int) -> None:
    somebody = ready(site, "p1")
    for path in ("/", "/me", "/my-data", "/nothing-here", "/static/portal.css", site.link(ada)):
        headers = somebody.get(path, allow_redirects=False).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
    answer = site.visitor().get("/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_who_is_not_signed_in_sees_the_first_page_alone(site: PortalSite, ada: int) -> None:
    nobody = site.visitor()
    for path in ("/me", "/my-data", "/my-data.json", "/disconnect/1"):
        assert nobody.get(path).url == f"{site.url}/"
