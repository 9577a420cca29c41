"""A researcher's way in a real browser: from an invitation to written work, and back to denied, revoked, connected again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from orcid_sync.connections import connection_from_parts
from orcid_sync.consent.invitations.campaigns import Plan, plan_campaign
from orcid_sync.consent.invitations.outgoing import send_all
from playwright.sync_api import Browser, Page, expect

from tests.consent.portal.test_choices import LATER, approve_all, on_record
from tests.fixtures.invitations import PostOffice
from tests.fixtures.portal import PortalSite

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DOMAINS = ("university.example",)
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}


@pytest.fixture
def page(chrome: Browser) -> Iterator[Page]:
    """A fresh browser window; nothing on a page may break our policy or its script."""
    context = chrome.new_context(
        viewport={"width": 1100, "height": 900}, reduced_motion="reduce", locale="en"
    )
    made = context.new_page()
    made.set_default_timeout(90_000)
    problems: list[str] = []
    made.on(
        "console",
        lambda said: (
            problems.append(said.text)
            if said.type == "error" and "Failed to load resource" not in said.text
            else None
        ),
    )
    made.on("pageerror", lambda error: problems.append(str(error)))
    yield made
    context.close()
    assert not problems


def sign_in_and(page: Page, orcid: str, decision: str) -> None:
    """At the registry."""
    if page.locator("#user").count():
        page.locator("#user").fill(orcid)
        page.locator("#user").press("Enter")
    page.locator(f"#{decision}").click()


def invited(site: PortalSite, office: PostOffice, *, days_later: int = 0) -> dict[str, int]:
    """What is sent now, of a campaign that there is, so many days after everything before."""
    with site.house.connect_owner() as owner:
        owner.execute("UPDATE invitation_message SET at = at - make_interval(days => %s)", (days_later,))
    smtp = connection_from_parts(
        "smtp_default",
        conn_type="smtp",
        host="127.0.0.1",
        port=office.server_address[1],
        extra={"starttls": False},
    )
    wanted = {"mail_from": "orcid@university.example", "invitation_domains": DOMAINS}
    settings = site.portal.settings.model_copy(update=wanted)
    counts = send_all(site.ledger, site.registry, settings, smtp)["mail"]
    return {name: n for name, n in counts.items() if n}


def campaign(site: PortalSite, name: str, **more: bool) -> Plan:
    """Everybody whom the library would invite."""
    rhythm = {"reminders": 2, "remind_after": dt.timedelta(days=14)}
    return plan_campaign(
        site.ledger,
        "library",
        name,
        channel="mail",
        language="en",
        domains=DOMAINS,
        actor="test",
        **rhythm,
        **more,
    )


def test_from_an_invitation_to_written_work_and_back_again(
    page: Page, site: PortalSite, ada: int, post_office: PostOffice, picture: Callable[[Page, str], None]
) -> None:
    assert campaign(site, "autumn").invited == ("p1",)
    assert invited(site, post_office) == {"sent": 1}
    assert site.state(ada) == "invited"
    text = post_office.messages()[0].get_body(("plain",)).get_content()
    link = next(word for word in text.split() if word.startswith(f"{site.url}/connect/"))
    orcid = site.record("Ada", "Okafor")
    for number in (1, 2, 3):
        site.desk.publication(f"pub-{number}", f"10.5555/{number}")
    page.goto(link)
    picture(page, "portal-link")
    page.get_by_label("Your family name").fill("okafor")
    page.keyboard.press("Enter")
    connect = page.get_by_role("button", name="Create or connect your ORCID iD")
    expect(connect).to_be_visible()
    picture(page, "portal-before")

    connect.click()
    sign_in_and(page, orcid, "deny")
    expect(page.get_by_role("heading", name="You did not give permission")).to_be_visible()
    picture(page, "portal-denied")
    assert site.state(ada) == "denied"
    assert invited(site, post_office, days_later=14) == {}, "a no is an answer"
    assert campaign(site, "later", again=True, dry_run=True).left_out == {"said_no": ("p1",)}

    page.get_by_role("link", name="To the first page").click()
    connect.click()
    sign_in_and(page, orcid, "authorize")
    expect(page.get_by_role("status")).to_contain_text("Your ORCID iD is connected")
    expect(page.get_by_role("link", name=f"/{orcid}")).to_be_visible()
    site.sync()
    page.reload()
    expect(page.get_by_text("Nothing is written before")).to_be_visible()
    page.get_by_role("button", name="Don't send Title of pub-2").click()
    expect(page.get_by_role("heading", name="You said no")).to_be_visible()
    picture(page, "portal-list")
    approve_all(site)
    assert site.sync()["written"]["add"] == 0
    site.house.one(LATER)
    assert site.sync()["written"]["add"] == 2
    page.goto(f"{site.url}/me")
    expect(page.get_by_role("heading", name="On your ORCID record")).to_be_visible()
    assert on_record(site) == ["Title of pub-1", "Title of pub-3"]

    # Taken back at ORCID: the next call finds out, and it is the last one.
    permission = site.house.one("SELECT id FROM permission")
    site.simulator.control.revoke(site.registry.token(permission).reveal(), by="user")
    site.desk.publication("pub-4", "10.5555/4")
    site.desk.propose()
    approve_all(site)
    site.sync()
    site.sync()
    page.reload()
    expect(page.get_by_text("You took the permission back at ORCID")).to_be_visible()
    picture(page, "portal-revoked")
    page.get_by_role("button", name="Create or connect your ORCID iD").click()
    sign_in_and(page, orcid, "authorize")
    expect(page.get_by_role("status")).to_contain_text("Your ORCID iD is connected")
    site.sync()
    approve_all(site)
    site.sync()
    assert on_record(site) == ["Title of pub-1", "Title of pub-3", "Title of pub-4"]

    page.get_by_role("link", name="Disconnect").click()
    picture(page, "portal-disconnect")
    page.get_by_label("Keep them on my record").check()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("status")).to_contain_text("Disconnected")
    assert site.state(ada) == "revoked"
    assert len(on_record(site)) == 3


@pytest.mark.parametrize(
    ("language", "width", "theme"), [("en", 1100, "light"), ("de", 390, "dark"), ("fr", 390, "light")]
)
def test_pages_have_no_accessibility_violation(
    chrome: Browser,
    site: PortalSite,
    ada: int,
    picture: Callable[[Page, str], None],
    language: str,
    width: int,
    theme: str,
) -> None:
    unit = site.house.one("SELECT id FROM unit")
    for number, columns in enumerate(
        (
            {},
            {"held": "withheld", "reason": "already_on_record"},
            {"tombstone_at": "2026-01-05T10:00:00Z"},
            {"held": "on_hold", "reason": "quarantined"},
        )
    ):
        item = site.house.item(unit, ada, cris_id=f"c{number}", **columns)
        if not columns:
            site.house.change(item, title="Groundwater recharge under shifting rainfall")
    context = chrome.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=theme,
        locale=language,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.set_default_timeout(90_000)
    found: list[str] = []

    def check(name: str) -> None:
        picture(page, f"portal-{name}-{language}")
        assert page.locator("html").get_attribute("lang") == language
        for one in Axe().run(page, options=RULES).response["violations"]:
            found.extend(f"{name}: {one['id']}: {node['html'][:150]}" for node in one["nodes"][:3])
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append(f"{name}: {wide} pixels wider than the window")

    page.goto(site.url)
    check("first")
    page.goto(site.link(ada))
    page.locator("#family_name").fill("wrong")
    page.keyboard.press("Enter")
    page.locator("#wrong").wait_for()
    check("link")
    page.locator("#family_name").fill("Okafor")
    page.keyboard.press("Enter")
    page.locator("#list").wait_for()
    check("me")
    site.house.one(
        "INSERT INTO permission (researcher_id, client_id, orcid, state, scopes, write_after) SELECT %s, client_id, "
        "'0000-0002-1825-0097', 'granted', '{/read-limited}', now() + interval '1 day' FROM api_client RETURNING 1",
        ada,
    )
    page.reload()
    check("connected")
    page.goto(f"{site.url}/disconnect/{site.house.one('SELECT id FROM permission')}")
    check("disconnect")
    page.goto(f"{site.url}/my-data")
    check("my-data")
    page.goto(f"{site.url}/nothing-here")
    check("error")
    page.goto(site.link(ada, "opt_out"))
    check("opt-out")
    page.locator("main form button").click()
    page.get_by_role("status").wait_for()
    check("opted-out")
    context.close()
    assert not found, "\n".join(found)
