"""The demonstration that ORCID asks for before production credentials, played on the simulator, with a picture of each step.

Connect, write, update, deny, disconnect: two people of the demo CRIS in a real browser, everything else by the commands
that an institution would use. What comes of it is a folder: pictures, and a page that shows them with what they show.
"""

from __future__ import annotations

import html
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg

from orcid_sync.cris import demo
from orcid_sync.cris.demo import edit
from orcid_sync.local.processes import ProcessFailed
from orcid_sync.local.progress import Progress
from orcid_sync.local.registry_people import Control, Person, people
from orcid_sync.local.stack import Stack
from orcid_sync.local.university import HOSPITAL, LIBRARIAN, LIBRARY, Size, found

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZE: Final = Size(staff=20, publications=80)
_TIME_GOES_BY: Final = "UPDATE ledger.permission SET write_after = now() WHERE write_after > now()"
PATIENCE_SECONDS: Final = 180
WINDOW: Final = {"width": 1100, "height": 900}


@dataclass
class Album:
    """The pictures so far, in order, each with what it shows."""

    folder: Path
    shown: list[tuple[str, str]] = field(default_factory=list)

    def take(self, page: Page, step: str, caption: str) -> None:
        """A picture of the whole page as it is now."""
        name = f"{len(self.shown) + 1:02d}-{step}.png"
        page.screenshot(path=str(self.folder / name), full_page=True)
        self.shown.append((name, caption))

    def write_page(self) -> Path:
        """The page that shows them."""
        figures = "\n".join(
            f'<figure><figcaption>{place}. {html.escape(caption)}</figcaption><img src="{name}" alt=""></figure>'
            for place, (name, caption) in enumerate(self.shown, start=1)
        )
        page = self.folder / "index.html"
        page.write_text(_PAGE.format(figures=figures), encoding="utf-8")
        return page


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Demonstration of the integration</title>
<style>body {{ font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
figure {{ margin: 0 0 3rem }} figcaption {{ font-weight: 600; margin-bottom: .5rem }}
img {{ max-width: 100%; border: 1px solid #bbb }}</style></head>
<body><h1>Demonstration of the integration</h1>
<p>Connect, write, update, deny, disconnect.</p>
{figures}
</body></html>
"""


class Demonstration:
    """One performance on a stack of its own."""

    def __init__(self, stack: Stack, folder: Path, progress: Progress) -> None:
        self._stack = stack
        self._album = Album(folder)
        self._progress = progress

    def run(self) -> Path:
        """All five steps; returns the page with the pictures. Raises ProcessFailed."""
        stack, progress = self._stack, self._progress
        stack.start(progress, airflow=False)
        found(stack, SIZE, progress)
        with progress.step("extract, propose: what the CRIS says, and what would be added for whom"):
            stack.run("extract")
            stack.run("propose")
        stack.start_portal(progress)
        first, second = self._people()
        with browser() as page:
            with progress.step("Connect"):
                self._connect(page, first)
            with progress.step("Write"):
                with psycopg.connect(stack.server.url(stack.state.ledger)) as ledger:
                    ledger.execute(_TIME_GOES_BY)
                self._sync()
                self._record(
                    page, first, "write", "The entries on the record, with the institution as their source"
                )
                page.goto(f"{stack.portal_url}/me")
                self._album.take(
                    page, "write", "The researcher's list: what is on the record, and what is not and why"
                )
            with progress.step("Update"):
                self._correct(first)
                self._sync()
                self._record(
                    page, first, "update", "A corrected title: the same entry, changed, and no second one"
                )
            with progress.step("Disconnect"):
                self._disconnect(page, first)
        with browser() as page, progress.step("Deny"):
            self._deny(page, second)
        return self._album.write_page()

    def _people(self) -> tuple[Person, Person]:
        """Two people with publications, and a record of their names each."""
        dsn = self._stack.server.url(self._stack.state.cris)
        known = [one for one in people(dsn, demo.demo_researchers(dsn)) if one.works and one.given_names]
        control = Control(self._stack.simulator_url)
        for one in known[:2]:
            body = {"given_names": one.given_names, "family_name": one.family_names, "orcid": one.orcid}
            control.call("POST", "/records", body)
        return known[0], known[1]

    def _connect(self, page: Page, person: Person) -> None:
        self._come_in(page, person)
        self._album.take(
            page, "connect", "Why, what is read and written and how to stop it, before ORCID's button"
        )
        self._to_orcid(page, person)
        self._album.take(page, "connect", "ORCID's page with the permission that is asked for")
        page.locator("#authorize").click()
        page.get_by_role("status").wait_for()
        self._album.take(page, "connect", "Back at the institution: connected, the iD shown as ORCID asks")

    def _come_in(self, page: Page, person: Person) -> None:
        page.goto(self._stack.run("people", "link", "--person", person.person_id).strip().splitlines()[-1])
        self._album.take(page, "link", "A link that was sent to one person asks who opens it")
        page.locator("#family_name").fill(person.family_names)
        page.locator("main form button").click()
        page.locator("#list").wait_for()

    def _to_orcid(self, page: Page, person: Person) -> None:
        page.locator("button.connect").click()
        page.locator("#user").fill(person.orcid)
        self._album.take(page, "sign-in", "Signing in happens at ORCID")
        page.locator("#user").press("Enter")
        page.locator("#authorize").wait_for()

    def _deny(self, page: Page, person: Person) -> None:
        self._come_in(page, person)
        self._to_orcid(page, person)
        page.locator("#deny").click()
        page.get_by_role("heading", level=1).wait_for()
        self._album.take(
            page, "deny", "Another researcher says no: nothing is connected, and nobody asks again"
        )

    def _disconnect(self, page: Page, person: Person) -> None:
        page.goto(f"{self._stack.portal_url}/me")
        page.locator('a[href^="/disconnect/"]').click()
        self._album.take(page, "disconnect", "Disconnecting asks what shall become of the entries")
        page.locator("input[value=remove]").check()
        page.locator("main form button").click()
        page.get_by_role("status").wait_for()
        self._wait_until_disconnected(page)
        self._album.take(page, "disconnect", "Disconnected at ORCID; the entries were removed first")
        self._record(page, person, "disconnect", "The record, without our entries")

    def _wait_until_disconnected(self, page: Page) -> None:
        """The portal removes the entries by itself, and then disconnects."""
        for _ in range(PATIENCE_SECONDS):
            page.goto(f"{self._stack.portal_url}/me")
            if page.locator("button.connect").count():
                return
            page.wait_for_timeout(1000)
        raise ProcessFailed("The portal did not disconnect in time; its log is processes/portal.log")

    def _record(self, page: Page, person: Person, step: str, caption: str) -> None:
        page.goto(f"{self._stack.simulator_url}/{person.orcid}")
        self._album.take(page, step, caption)

    def _correct(self, person: Person) -> None:
        """A curator corrects the title of what was written."""
        written = self._stack.run("put-codes", "export")
        row = next(
            line.split(",")
            for line in written.splitlines()
            if f",{person.person_id}," in f",{line}" and ",work," in line
        )
        with psycopg.connect(self._stack.server.url(self._stack.state.cris)) as connection:
            edit.retitle(connection, row[4], "A title that a curator corrected")
        self._stack.run("extract")

    def _sync(self) -> None:
        """Read, propose, approve, write."""
        self._stack.run("mirror")
        self._stack.run("propose")
        # The other units' changes are approved by policy.
        for unit in (LIBRARY, HOSPITAL):
            for batch in self._listed("review", "list", "--unit", unit, "--state", "open", "--json")[
                "batches"
            ]:
                self._stack.run("review", "approve", "--batch", str(batch["batch"]), "--as", LIBRARIAN)
        self._stack.run("write")

    def _listed(self, *command: str) -> dict[str, Any]:
        text = self._stack.run(*command)
        found: dict[str, Any] = json.loads(text[text.index("{") : text.rindex("}") + 1])
        return found


@contextmanager
def browser() -> Iterator[Page]:
    """A page of a fresh browser. Raises ProcessFailed where there is no Chromium or no Playwright."""
    program = (
        os.environ.get("ORCID_SYNC_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise ProcessFailed("Playwright is not installed. Run it as `make demonstration`.") from None
    if program is None:
        raise ProcessFailed(
            "There is no Chromium here to take pictures with: `apt-get install chromium`, or set ORCID_SYNC_CHROMIUM"
        )
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=program, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        try:
            context = chromium.new_context(viewport=WINDOW, locale="en", reduced_motion="reduce")  # type: ignore[arg-type]
            page = context.new_page()
            page.set_default_timeout(120_000)
            yield page
        finally:
            chromium.close()
