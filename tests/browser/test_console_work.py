"""A librarian's work in a real browser: a batch cleared in few clicks, by keys alone, beside a colleague, in a frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desktop
from tests.fixtures.console import SCRIPT, FakeHost, Story

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Counter:
    """Counts what a person does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.keys = 0

    def click(self, what: Any) -> None:
        self.clicks += 1
        what.click()

    def press(self, key: str) -> None:
        self.keys += 1
        self.page.keyboard.press(key)


def verdicts(story: Story) -> dict[str, int]:
    return dict(
        story.house.all(
            "SELECT coalesce(verdict, 'undecided'), count(*) FROM change JOIN batch_change ON change_id = change.id "
            "WHERE batch_id = %s GROUP BY 1",
            story.batch,
        )
    )


def test_a_batch_with_five_bad_ones_takes_fifteen_clicks_at_most(
    desktop: Desktop, story: Story, console_host: FakeHost
) -> None:
    page = desktop("ann", "/")
    person = Counter(page)
    person.click(page.get_by_role("link", name="University Library"))
    bad = page.locator('.change[data-state="undecided"] [data-act=reject]')
    for number in range(5):
        person.click(bad.nth(number * 3))
        expect(page.locator("#say")).to_contain_text("Rejected: 1 change")
        page.wait_for_function(
            "n => document.querySelectorAll('.change[data-state=reject]').length === n", arg=number + 1
        )
    person.click(page.locator("[data-all=approve]"))
    person.click(page.locator("#all input[name=removals]"))
    person.click(page.locator("#all input[name=warnings]"))
    expect(page.locator("[data-go]")).to_have_text(f"Approve {verdicts(story)['undecided']}")
    person.click(page.locator("[data-go]"))
    expect(page.locator("#say")).to_contain_text("Everything in the batch is decided")
    counted = verdicts(story)
    assert counted["reject"] == 5
    assert counted["approve"] > 150
    assert "undecided" not in counted
    assert console_host.closed == [story.batch]
    assert person.clicks <= 15


def test_the_keyboard_alone_is_enough(desktop: Desktop, story: Story) -> None:
    page = desktop("ann", f"/batches/{story.batch}")
    person = Counter(page)
    rows = page.locator(".group .change")
    person.press("j")
    person.press("a")
    expect(rows.nth(0)).to_have_attribute("data-state", "approve")
    person.press("j")
    person.press("r")
    expect(rows.nth(1)).to_have_attribute("data-state", "reject")
    person.press("u")
    expect(rows.nth(1)).to_have_attribute("data-state", "undecided")
    person.press("x")
    person.press("j")
    person.press("x")
    expect(page.locator("[data-selected]")).to_have_text("2")
    person.press("r")
    expect(rows.nth(2)).to_have_attribute("data-state", "reject")
    expect(rows.nth(1)).to_have_attribute("data-state", "reject")
    person.press("k")
    person.press("Enter")
    expect(page.get_by_role("heading", name="Is it this person?")).to_be_visible()
    first = page.url
    person.press("j")
    page.wait_for_url(lambda url: "/changes/" in url and url != first)
    expect(page.get_by_role("heading", name="Is it this person?")).to_be_visible()
    person.press("b")
    expect(page.get_by_role("heading", name="University Library")).to_be_visible()
    person.press("?")
    expect(page.locator("#help")).to_be_visible()
    person.press("Escape")
    person.press("/")
    expect(page.locator("[data-search]")).to_be_focused()


def test_quick_keys_are_never_lost(desktop: Desktop, story: Story) -> None:
    page = desktop("ann", f"/batches/{story.batch}")
    for key in "jajrjajuja":
        page.keyboard.press(key)
    rows = page.locator(".group .change")
    for place, state in enumerate(("approve", "reject", "approve", "undecided", "approve")):
        expect(rows.nth(place)).to_have_attribute("data-state", state)


def test_two_librarians_never_overwrite_each_other_silently(desktop: Desktop, story: Story) -> None:
    ann = desktop("ann", f"/batches/{story.batch}")
    bo = desktop("bo", f"/batches/{story.batch}")
    ann.locator(".change").first.locator("[data-act=approve]").click()
    expect(ann.locator(".change").first).to_have_attribute("data-state", "approve")
    bo.locator(".change").first.locator("[data-act=reject]").click()
    expect(bo.locator("#say")).to_contain_text("decided by somebody else meanwhile")
    expect(bo.locator(".change").first).to_have_attribute("data-state", "approve")
    expect(bo.locator(".change").first.locator("[data-label]")).to_contain_text("ann")
    assert verdicts(story)["approve"] == 1


def test_a_decision_is_undone_from_the_message(desktop: Desktop, story: Story) -> None:
    page = desktop("ann", f"/batches/{story.batch}")
    page.locator("[data-group-act=approve]").first.click()
    expect(page.locator("#say")).to_contain_text("Approved")
    page.locator("#say").get_by_role("button", name="Undo").click()
    expect(page.locator("#say")).to_contain_text("Taken back")
    assert "approve" not in verdicts(story)


def test_it_works_in_a_sandboxed_frame(desktop: Desktop, story: Story) -> None:
    page = desktop("ann", "/")
    around = (
        "<html data-theme=dark><iframe width=1100 height=800 sandbox='allow-scripts allow-same-origin allow-forms' "
        f"src='{desktop.address}/batches/{story.batch}'></iframe></html>"
    )
    page.route("**/around.html", lambda route: route.fulfill(body=around, content_type="text/html"))
    page.goto(f"{desktop.address}/around.html")
    frame = page.frame_locator("iframe")
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    frame.locator("[data-all=approve]").click()
    frame.locator("[data-go]").click()
    expect(frame.locator("#say")).to_contain_text("Approved")


def test_a_title_with_a_script_in_it_runs_nothing(desktop: Desktop, story: Story) -> None:
    change = story.desk.open_change("pub-7", "p1")
    story.desk.run("UPDATE payload SET title = %s WHERE digest = %s", f"Peat {SCRIPT}", change.payload_digest)
    for path in (f"/batches/{story.batch}?text=Peat", f"/changes/{change.id}", "/items?text=Peat"):
        page = desktop("ann", path)
        expect(page.get_by_text("<script>").first).to_be_visible()
        assert "ORCID review" in page.title()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_change_is_decided_at_every_width(
    desktop: Desktop, story: Story, picture: Callable[[Page, str], None], width: int
) -> None:
    change = story.desk.open_change("pub-0", "p2")
    page = desktop("ann", f"/changes/{change.id}", width=width)
    page.locator("[data-note]").fill("the year is right")
    page.locator("[data-act=approve]").click()
    expect(page.locator("[data-label]").first).to_contain_text("Approved")
    picture(page, f"change-decided-{width}")
    note = "SELECT note FROM decision_note JOIN decision ON decision.id = decision_id WHERE change_id = %s"
    assert story.house.one(note, change.id) == "the year is right"
