"""The console where librarians meet it: in Airflow, behind its sign-in, in its frame; and the question that it answers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from orcid_sync.ledger.session import Ledger
from orcid_sync.local import stack as local_stack
from orcid_sync.local.airflow_api import AirflowApi, wait_for
from orcid_sync.local.databases import migrator
from orcid_sync.local.progress import Progress
from orcid_sync.local.stack import Stack, forget
from playwright.sync_api import Browser, FrameLocator, Page, expect
from rich.console import Console

from tests.browser.test_console_work import Counter
from tests.fixtures.console import Story, tell_story
from tests.fixtures.house import House

PATIENCE_SECONDS = 600
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(3 * PATIENCE_SECONDS)]
LIBRARIAN = "librarian"


@dataclass
class Running:
    """The stack with a batch of about two hundred changes, whose question stands in Required Actions."""

    stack: Stack
    story: Story
    admin: AirflowApi

    @property
    def run_id(self) -> str:
        return f"batch-{self.story.batch}"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """PostgreSQL, the simulator and Airflow with all its processes, as `make up` starts them."""
    with (
        tempfile.TemporaryDirectory(prefix="orcid-sync-console-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        # Not pytest's own temporary folder: that one is closed to the user whom root's database server runs as.
        Path(folder).chmod(0o711)
        patch.setattr(local_stack, "START_SECONDS", PATIENCE_SECONDS)
        home = Path(folder) / "local"
        stack = Stack(home)
        try:
            progress = Progress(Console(quiet=True))
            stack.start(progress)
            story = _story(stack)
            stack.start_airflow(progress)
            made = Running(stack, story, stack.api("admin"))
            _ask(made)
            yield made
        finally:
            forget(home)


def _story(stack: Stack) -> Story:
    owner = stack.server.url(stack.state.ledger, migrator(stack.state), stack.state.ledger_owner_password)
    house = House(Ledger(lambda: psycopg.connect(stack.ledger_dsn)), lambda: psycopg.connect(owner))
    return tell_story(house, publications=64, librarians=(LIBRARIAN,))


def _ask(running: Running) -> None:
    """Start the run that asks, and wait until its question has come to rest."""
    admin, run_id = running.admin, running.run_id
    admin.unpause("approve_batch")
    admin.trigger("approve_batch", {"batch": running.story.batch}, run_id=run_id)

    def asked() -> bool | None:
        assert admin.run_state("approve_batch", run_id) != "failed"
        questions = admin.open_questions("approve_batch", run_id)
        return any(each["task_instance"]["state"] == "awaiting_input" for each in questions) or None

    wait_for(asked, PATIENCE_SECONDS, "the question in Required Actions", running.stack.require_alive)
    # The scheduler has to learn that the asking task has gone to rest before anybody answers; no person is faster.
    seen = {admin.scheduler_beat()}

    def beaten() -> bool | None:
        seen.add(admin.scheduler_beat())
        return len(seen) > 2 or None

    wait_for(beaten, PATIENCE_SECONDS, "the scheduler's next rounds", running.stack.require_alive)


@pytest.fixture
def page(running: Running, chrome: Browser) -> Iterator[Page]:
    """A browser of the librarian's, signed in to Airflow by its own form."""
    context = chrome.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    page.goto(running.stack.airflow_url)
    page.locator("input[name=username]").fill(LIBRARIAN)
    page.locator("input[name=password]").fill(running.stack.state.users[LIBRARIAN])
    page.get_by_role("button", name="Sign in").click()
    yield page
    context.close()


def console_in(page: Page) -> FrameLocator:
    """The console in Airflow's frame, opened from the navigation."""
    page.get_by_role("link", name="ORCID review").click()
    frame = page.locator("iframe")
    sandbox = frame.get_attribute("sandbox") or ""
    assert "allow-scripts" in sandbox
    assert "allow-top-navigation" not in sandbox
    return page.frame_locator("iframe")


def test_a_librarian_clears_two_hundred_changes_inside_airflow(running: Running, page: Page) -> None:
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    house, batch = running.story.house, running.story.batch
    changes = int(house.one("SELECT count(*) FROM batch_change WHERE batch_id = %s", batch))
    assert changes > 190
    frame = console_in(page)
    person = Counter(page)
    person.click(frame.get_by_role("link", name="University Library"))
    bad = frame.locator('.change[data-state="undecided"] [data-act=reject]')
    for number in range(5):
        person.click(bad.nth(number * 3))
        expect(frame.locator(".change[data-state=reject]")).to_have_count(number + 1)
    person.click(frame.locator("[data-all=approve]"))
    person.click(frame.locator("#all input[name=removals]"))
    person.click(frame.locator("#all input[name=warnings]"))
    expect(frame.locator("[data-go]")).to_have_text(f"Approve {changes - 5}")
    person.click(frame.locator("[data-go]"))
    expect(frame.locator("#say")).to_contain_text("Everything in the batch is decided")
    assert person.clicks + person.keys < 15

    # The librarian's last click has answered the question: the run ends by itself, and its record says by whom.
    admin, alive = running.admin, running.stack.require_alive
    admin.wait_for_end("approve_batch", running.run_id, PATIENCE_SECONDS, alive)
    assert admin.open_questions("approve_batch", running.run_id) == []
    decided = house.all(
        "SELECT verdict, actor.name, count(*) FROM decision JOIN actor ON actor.id = actor_id "
        "WHERE via = 'console' GROUP BY 1, 2 ORDER BY 1"
    )
    assert [tuple(row) for row in decided] == [
        ("approve", LIBRARIAN, changes - 5),
        ("reject", LIBRARIAN, 5),
    ]
    assert house.one("SELECT state FROM batch WHERE id = %s", batch) == "decided"
