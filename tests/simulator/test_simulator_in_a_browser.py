"""Connecting, denying and revoking in a real browser, by keyboard alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from orcid_simulator.testing import ClientCredentials, RunningSimulator
from playwright.sync_api import Page, expect, sync_playwright

from tests.simulator.support import FULL_SCOPE, Member, work

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.fixture
def site() -> Iterator[str]:
    """The client's own site, where the browser comes back to."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<title>Back</title>")

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/back"
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(registry: RunningSimulator, site: str) -> ClientCredentials:
    return registry.control.client("University of Example", redirect_uris=[site])


def authorize(registry: RunningSimulator, client: ClientCredentials, site: str) -> str:
    query = {
        "client_id": client.client_id,
        "response_type": "code",
        "scope": FULL_SCOPE,
        "redirect_uri": site,
        "state": "s",
    }
    return f"{registry.base_url}/oauth/authorize?{urlencode(query)}"


def press_until_focused(page: Page, selector: str) -> None:
    """Move on with the Tab key until the element has the focus."""
    for _ in range(60):
        if page.locator(selector).evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def sign_in_by_keyboard(page: Page, orcid: str) -> None:
    press_until_focused(page, "#user")
    page.keyboard.type(orcid)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("decision", ["authorize", "deny"])
def test_a_researcher_decides_by_keyboard(
    page: Page, registry: RunningSimulator, client: ClientCredentials, site: str, decision: str
) -> None:
    page.context.clear_cookies()
    orcid = registry.control.record("Ann", "Lee")
    page.goto(authorize(registry, client, site))
    sign_in_by_keyboard(page, orcid)
    expect(page.get_by_role("heading", name="University of Example")).to_be_visible()
    press_until_focused(page, f"#{decision}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}*")
    answer = parse_qs(urlsplit(page.url).query)
    assert answer["state"] == ["s"]
    assert ("code" in answer) is (decision == "authorize")
    assert (answer.get("error") == ["access_denied"]) is (decision == "deny")


def test_a_researcher_revokes_and_removes_by_keyboard(page: Page, registry: RunningSimulator) -> None:
    page.context.clear_cookies()
    member = Member.join(registry)
    put_code = member.add("work", work())
    page.goto(f"{registry.base_url}/signin")
    sign_in_by_keyboard(page, member.orcid)
    expect(page.get_by_text("On the nature of tests")).to_be_visible()
    press_until_focused(page, '[aria-label="Revoke access of Test University"]')
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The organisation's access was revoked.")
    assert member.get("/works").status_code == 401
    press_until_focused(page, '[aria-label="Remove On the nature of tests"]')
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The entry was removed.")
    assert put_code not in [item["put_code"] for item in registry.control.get_record(member.orcid)["items"]]


def test_every_field_and_button_has_a_name(page: Page, registry: RunningSimulator) -> None:
    page.context.clear_cookies()
    member = Member.join(registry)
    member.registry.control.add_item(member.orcid, "work", work())
    page.goto(f"{registry.base_url}/signin")
    sign_in_by_keyboard(page, member.orcid)
    expect(page.get_by_text("On the nature of tests").first).to_be_visible()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input:not([type=hidden]), select, button")]
            .filter(element => !(element.labels?.length || element.ariaLabel || element.textContent.trim()))
            .map(element => element.outerHTML)"""
    )
    assert nameless == []
