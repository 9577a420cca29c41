"""Debian's Chromium, driven by Playwright, on the console of a filled ledger.

Where there is no Chromium, these tests are left out, and the summary says how to have them. With
ORCID_SYNC_PICTURES=FOLDER each page and state that is checked is kept there as a picture.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from orcid_sync.ledger.session import Ledger
from orcid_sync.settings import Settings
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.fixtures.console import FakeHost, Story, console_server

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """The browser's path: ORCID_SYNC_CHROMIUM, or what is installed."""
    named = os.environ.get("ORCID_SYNC_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if chromium() is None:
        pytest.skip("no Chromium here: `apt-get install chromium`, or name one in ORCID_SYNC_CHROMIUM")
    # Long waits cost nothing where all is well, and a busy machine needs them.
    expect.set_options(timeout=60_000)
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chrome(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for the session; every page gets a profile of its own."""
    browser = playwright.chromium.launch(
        executable_path=chromium(),
        args=[*ARGUMENTS, f"--disk-cache-dir={tmp_path_factory.mktemp('cache')}"],
        env={**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))},
    )
    yield browser
    browser.close()


@dataclass
class Desktop:
    """Opens the console as somebody: `desktop("ann", "/", width=390, theme="dark")`."""

    address: str
    chrome: Browser
    opened: list[Any]
    problems: list[str]

    def __call__(self, who: str, path: str, *, width: int = 1280, theme: str = "light") -> Page:
        context = self.chrome.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        self.opened.append(context)
        context.add_cookies([{"name": "person", "value": who, "url": self.address}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(self.address + path)
        return page

    def _note(self, message: Any) -> None:
        # What the browser says of an answered error is the server's business; everything else is ours.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)


@pytest.fixture
def desktop(
    ledger: Ledger, story: Story, console_host: FakeHost, chrome: Browser, data_docs: Path
) -> Iterator[Desktop]:
    """The running console; no page may report an error of its script or of its security policy."""
    settings = Settings(data_docs_dir=data_docs)
    with console_server(ledger, console_host, settings=settings) as address:
        made = Desktop(address, chrome, [], [])
        yield made
        for context in made.opened:
            context.close()
    assert not made.problems


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps a picture of a page where ORCID_SYNC_PICTURES names a folder."""
    folder = os.environ.get("ORCID_SYNC_PICTURES")

    def take(page: Page, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=False)

    return take
