"""The demonstration's steps that happen in a browser, on the real portal and the simulator's pages."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from orcid_sync.local.demonstration import Demonstration
from orcid_sync.local.progress import Progress
from orcid_sync.local.registry_people import Person
from playwright.sync_api import Browser
from rich.console import Console

from tests.consent.portal.test_choices import LATER, approve_all, on_record
from tests.fixtures.portal import PortalSite

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_connecting_denying_and_disconnecting_are_played_and_pictured(
    chrome: Browser, site: PortalSite, ada: int, tmp_path: Path
) -> None:
    people = {"p1": ada, "p2": site.staff("p2", "Bo", "Lind")}
    first = Person("p1", site.record("Ada", "Okafor"), "Ada", "Okafor", ())
    second = Person("p2", site.record("Bo", "Lind"), "Bo", "Lind", ())

    def run(*command: str) -> str:
        assert command[:3] == ("people", "link", "--person")
        return f"a note\n{site.link(people[command[3]])}\n"

    stack: Any = SimpleNamespace(portal_url=site.url, simulator_url=site.simulator.base_url, run=run)
    played = Demonstration(stack, tmp_path, Progress(Console(quiet=True)))
    site.desk.publication("pub-1", "10.5555/1")
    page = chrome.new_context(locale="en").new_page()
    page.set_default_timeout(120_000)
    played._connect(page, first)
    assert site.state(ada) == "granted"
    site.house.one(LATER)
    site.sync()
    approve_all(site)
    site.sync()
    assert on_record(site) == ["Title of pub-1"]
    played._disconnect(page, first)
    assert (site.state(ada), on_record(site)) == ("revoked", [])
    page.context.close()

    page = chrome.new_context(locale="en").new_page()
    page.set_default_timeout(120_000)
    played._deny(page, second)
    assert site.state(people["p2"]) == "denied"
    page.context.close()
    shown = played._album.write_page().read_text()
    assert shown.count("<img") == len(list(tmp_path.glob("*.png"))) == 11
