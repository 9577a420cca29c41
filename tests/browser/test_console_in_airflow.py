"""The console where librarians meet it: in Airflow, behind its sign-in, in its frame; and the question that it answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from orcid_sync.local.airflow_api import AirflowApi, wait_for
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.test_console_work import Counter
from tests.fixtures.airflow_home import ROOT, airflow_settings
from tests.fixtures.console import Story, tell_story
from tests.fixtures.house import House

PATIENCE_SECONDS = 300
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(3 * PATIENCE_SECONDS)]
LIBRARIAN, PASSWORD = "ann", "a password of ann's"


@dataclass
class Running:
    """Airflow's pages with a batch of about two hundred changes, whose question stands in Required Actions."""

    story: Story
    process: subprocess.Popen[str]
    log: Path
    address: str = ""

    def said(self) -> Any:
        """The next thing that the process says; it may take its time, and an early end closes the pipe."""
        assert self.process.stdout is not None
        line = next((line for line in self.process.stdout if line.startswith("{")), None)
        assert line is not None, f"Airflow ended: {self.log.read_text()[-3000:]}"
        return json.loads(line)

    def wait_for_the_question(self) -> None:
        """Until the asking task has come to rest; no person is faster."""
        api = AirflowApi(self.address, LIBRARIAN, PASSWORD)

        def asked() -> bool | None:
            found = api.open_questions("approve_batch", f"batch-{self.story.batch}")
            return any(each["task_instance"]["state"] == "awaiting_input" for each in found) or None

        wait_for(asked, PATIENCE_SECONDS, "the question in Required Actions", self._alive)

    def _alive(self) -> None:
        assert self.process.poll() is None, f"Airflow ended: {self.log.read_text()[-3000:]}"


@pytest.fixture
def running(house: House, database: Callable[[], str], tmp_path: Path) -> Iterator[Running]:
    """The server and the run that asks; no scheduler, whose part other tests have."""
    story = tell_story(house, publications=64, librarians=(LIBRARIAN,))
    dags = tmp_path / "dags"
    dags.mkdir()
    # The one that asks: parsing the others takes longer.
    shutil.copy(ROOT / "dags" / "approve_batch.py", dags)
    settings = airflow_settings(tmp_path) | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _airflow_address(database()),
        "AIRFLOW_CONN_LEDGER": _connection(house),
        "AIRFLOW_CONN_ORCID": json.dumps({"conn_type": "http", "host": "https://api.sandbox.orcid.org"}),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "include"), str(ROOT / "plugins")]),
    }
    (tmp_path / "passwords.json").write_text(json.dumps({LIBRARIAN: PASSWORD}))
    log = tmp_path / "airflow.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fixtures.approving_airflow", str(story.batch)],
            env={**os.environ, **settings},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            text=True,
        )
    made = Running(story, process, log)
    try:
        made.address = made.said()["address"]
        made.wait_for_the_question()
        yield made
    finally:
        process.kill()
        process.wait()


def _airflow_address(dsn: str) -> str:
    return "postgresql+psycopg2://" + dsn.partition("://")[2]


def _connection(house: House) -> str:
    with house.ledger.connect() as connection:
        parts = connection.info
        given = {"conn_type": "postgres", "host": parts.host, "port": parts.port, "schema": parts.dbname}
        return json.dumps(given | {"login": parts.user, "password": parts.password})


@pytest.fixture
def page(running: Running, chrome: Browser) -> Iterator[Page]:
    """A browser of the librarian's, signed in to Airflow by its own form."""
    context = chrome.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    page.goto(running.address)
    page.locator("input[name=username]").fill(LIBRARIAN)
    page.locator("input[name=password]").fill(PASSWORD)
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
    assert running.said() == {"state": "success", "tasks": {"ask": "success", "record": "success"}}
    decided = house.all(
        "SELECT verdict, actor.name, count(*) FROM decision JOIN actor ON actor.id = actor_id "
        "WHERE via = 'console' GROUP BY 1, 2 ORDER BY 1"
    )
    assert [tuple(row) for row in decided] == [
        ("approve", LIBRARIAN, changes - 5),
        ("reject", LIBRARIAN, 5),
    ]
    assert house.one("SELECT state FROM batch WHERE id = %s", batch) == "decided"
