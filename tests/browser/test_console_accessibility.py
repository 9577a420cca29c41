"""Every page and state of the console, in light and dark, wide and narrow: no violation of WCAG 2.1 AA."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Desktop
from tests.fixtures.console import Story

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}
LOOKS = [
    ("wide", 1280, "light"),
    ("wide-dark", 1280, "dark"),
    ("narrow", 390, "light"),
    ("narrow-dark", 390, "dark"),
]


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for one in found
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize(("look", "width", "theme"), LOOKS, ids=[look[0] for look in LOOKS])
def test_pages_have_no_accessibility_violation(
    desktop: Desktop, story: Story, picture: Callable[[Page, str], None], look: str, width: int, theme: str
) -> None:
    decorate(story)
    page = desktop("ann", "/", width=width, theme=theme)
    found: dict[str, list[str]] = {}
    for name, path in paths(story).items():
        page.goto(desktop.address + path)
        page.wait_for_load_state("networkidle")
        check(page, name, look, found, picture)
    page.goto(f"{desktop.address}/batches/{story.batch}")
    page.get_by_role("button", name="Keyboard").click()
    check(page, "help", look, found, picture)
    page.keyboard.press("Escape")
    page.locator("[data-all=approve]").click()
    page.locator("#all[open]").wait_for()
    check(page, "approve-all", look, found, picture)
    page.keyboard.press("Escape")
    page.locator("[data-tick]").nth(1).check()
    page.locator("[data-act=reject]").nth(3).click()
    page.locator("#say:not([hidden])").wait_for()
    check(page, "decided-and-selected", look, found, picture)
    page = desktop("olga", "/health", width=width, theme=theme)
    page.wait_for_load_state("networkidle")
    check(page, "health-operator", look, found, picture)
    page = desktop("nobody", "/", width=width, theme=theme)
    check(page, "no-unit", look, found, picture)
    said = [f"{name}: {one}" for name, ones in found.items() for one in ones]
    assert not said, "\n\n".join(said)


def check(
    page: Page, name: str, look: str, found: dict[str, list[str]], picture: Callable[[Page, str], None]
) -> None:
    picture(page, f"{name}-{look}")
    found[name] = violations(page)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        found[name].append(f"the page is {overflow} pixels wider than the window")


def decorate(story: Story) -> None:
    """Something on every page: withheld, removed and quarantined things, a run with calls, a year of permissions."""
    desk, house = story.desk, story.house
    unit = house.one("SELECT id FROM unit WHERE code = 'library'")
    for number, reason in enumerate(("already_on_record", "already_on_record", "no_usable_identifier")):
        house.item(unit, story.people["p5"], cris_id=f"held-{number}", held="withheld", reason=reason)
    house.item(unit, story.people["p6"], cris_id="taken-off", tombstone_at="2026-01-05T10:00:00Z")
    for number in range(7):
        desk.run(
            "INSERT INTO quarantine (relation, key, section, cris_id, check_name, message, row, run_id) VALUES "
            "('publications', %s, 'work', %s, 'year_is_plausible', 'the year 2091 lies in the future', "
            '\'{"title": "Peat <b>soils</b>", "publication_year": 2091}\', \'run-1\')',
            f"bad-{number}",
            f"bad-{number}",
        )
    desk.run(
        "INSERT INTO daily_snapshot (day, unit, client, kind, state, count) SELECT current_date - n, '', 'c', "
        "'permission', state, greatest(0, base + n * slope) FROM generate_series(0, 200, 10) n, "
        "(VALUES ('granted', 120, -1), ('invited', 20, 0), ('never_asked', 10, 1)) states (state, base, slope)"
    )
    desk.run(
        "INSERT INTO api_call (run_id, client_id, method, endpoint, status, error_code, calls, items, seconds) "
        "VALUES ('run-1', 'c', 'POST', '/works', 200, 0, 12, 900, 8.5), "
        "('run-1', 'c', 'GET', '/activities', 200, 0, 8, 8, 2)"
    )


def paths(story: Story) -> dict[str, str]:
    desk = story.desk
    change = {name: desk.open_change(*key).id for name, key in CHANGES.items()}
    held = desk.row("SELECT id FROM item WHERE cris_id = 'held-0'").id
    removed = desk.row("SELECT id FROM item WHERE cris_id = 'taken-off'").id
    written = desk.row("SELECT id FROM item WHERE cris_id = 'pub-12' ORDER BY id LIMIT 1").id
    return {
        "batches": "/",
        "batch": f"/batches/{story.batch}",
        "batch-by-researcher": f"/batches/{story.batch}?group=researcher",
        "batch-filtered": f"/batches/{story.batch}?kind=remove&text=census",
        "batch-nothing-matches": f"/batches/{story.batch}?text=nothing-like-this",
        "change-add": f"/changes/{change['add']}",
        "change-update": f"/changes/{change['update']}",
        "change-remove": f"/changes/{change['remove']}",
        "change-script": f"/changes/{change['script']}",
        "items": "/items",
        "items-found": "/items?text=census",
        "item-withheld": f"/items/{held}",
        "item-removed": f"/items/{removed}",
        "item-written": f"/items/{written}",
        "not-sent": "/not-sent",
        "removed": "/removed",
        "corrections": "/corrections",
        "health": "/health",
        "run": "/runs/run-1",
        "not-found": "/batches/999999",
    }


CHANGES = {
    "add": ("pub-1", "p3"),
    "update": ("pub-0", "p2"),
    "remove": ("pub-8", "p2"),
    "script": ("pub-7", "p1"),
}
