"""Every page and state of the console, in light and dark, wide and narrow: no violation of WCAG 2.1 AA."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from orcid_sync.review.holds import pause
from playwright.sync_api import Page

from tests.browser.conftest import Desktop
from tests.fixtures.alarms import FAILED, WAITING, not_delivered, told
from tests.fixtures.console import Story

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}
# What is dark differs from what is light in its colours alone.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
LOOKS = [
    ("wide", 1280, "light"),
    ("wide-dark", 1280, "dark"),
    ("narrow", 390, "light"),
    ("narrow-dark", 390, "dark"),
]


def violations(page: Page, look: str) -> list[str]:
    found = Axe().run(page, options=COLOURS if look.endswith("dark") else RULES).response["violations"]
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
    check(page, "health-operator", look, found, picture)
    page = desktop("nobody", "/", width=width, theme=theme)
    check(page, "no-unit", look, found, picture)
    said = [f"{name}: {one}" for name, ones in found.items() for one in ones]
    assert not said, "\n\n".join(said)


def check(
    page: Page, name: str, look: str, found: dict[str, list[str]], picture: Callable[[Page, str], None]
) -> None:
    picture(page, f"{name}-{look}")
    found[name] = violations(page, look)
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
    desk.run("UPDATE cris_staff SET orcid_hint = '0000-0002-1825-0097' WHERE person_id IN ('p2', 'p5')")
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
        "VALUES ('run-1', 'c', 'POST', '/{orcid}/works', 200, 0, 12, 900, 8.5), "
        "('run-1', 'c', 'GET', '/{orcid}/activities', 200, 0, 8, 8, 2)"
    )
    desk.run(
        "INSERT INTO api_call_second SELECT 'run-1', 'c', timestamptz '2026-01-05 10:00Z' + n * interval '1 s', 19 + n %% 5 "
        "FROM generate_series(0, 20) n"
    )
    desk.run(
        "INSERT INTO daily_snapshot (day, unit, client, kind, state, count) SELECT current_date - n, unit, 'c', 'adoption', "
        "state, greatest(0, base + n * slope) FROM generate_series(0, 200, 10) n, (VALUES "
        "('library', 'granted', 120, -0.5), ('library', 'never_asked', 60, 0.5), "
        "('medicine', 'granted', 30, -0.1), ('medicine', 'invited', 70, 0.1)) "
        "units (unit, state, base, slope)"
    )
    for number in range(8):
        desk.run(
            "INSERT INTO run (run_id, started_at) VALUES (%s, now() - interval '40 days' + %s * interval '2 days')",
            *(f"extraction-{number}", number),
        )
        found = {
            "publications.year_is_plausible": 14 - number,
            "publications.doi_is_a_doi": number * 3 % 7,
            "employments.end_is_not_before_start": 2,
        }
        desk.run(
            "INSERT INTO stage_run (run_id, stage, started_at, ended_at, counts) VALUES (%s, 'validate', "
            "now() - interval '40 days' + %s * interval '2 days', now() - interval '40 days' + %s * interval '2 days', %s)",
            *(f"extraction-{number}", number, number),
            json.dumps({"checked": 400 + 13 * number, "quarantined_by_check": found}),
        )
    for number, (held, reason) in enumerate(
        (("waiting_permission", "invited"), ("blocked", "record_locked"))
    ):
        house.item(unit, story.people["p8"], cris_id=f"unserved-{number}", held=held, reason=reason)
    desk.on_record(99, "10.5555/demo.1", source=None, person="p3")
    sound_alarms(story)


def sound_alarms(story: Story) -> None:
    """Alerts, one of which reached nobody, and a unit that is paused."""
    alert, _ = told(story, FAILED, WAITING)
    not_delivered(story, alert)
    pause(story.house.ledger, actor_name="olga", unit="medicine", note="mapping under review")


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
        "affiliations": "/affiliations",
        "differing-ids": "/differing-ids",
        "health": "/health",
        "run": "/runs/run-1",
        "run-unknown": "/runs/extract_cris/r",
        "not-found": "/batches/999999",
    }


CHANGES = {
    "add": ("pub-1", "p3"),
    "update": ("pub-0", "p2"),
    "remove": ("pub-8", "p2"),
    "script": ("pub-7", "p1"),
}
