"""Deciding by the pages' own requests: one, a selection, everything that matches; and what is never overwritten."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.fixtures.console import Browser, FakeHost, Story


def verdict(story: Story, change: int) -> str | None:
    return story.house.one("SELECT verdict FROM change WHERE id = %s", change)


def latest(story: Story, change: int) -> int | None:
    return story.house.one("SELECT max(id) FROM decision WHERE change_id = %s", change)


def named(story: Story, verdict: str, *changes: int, **more: Any) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "changes": [{"change": change, "seen": latest(story, change)} for change in changes],
        **more,
    }


def test_one_change_is_approved_with_a_reason(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-13", "p7").id
    answer = browser.post("/api/decisions", named(story, "approve", change, note="checked with the author"))
    assert answer.json()["decided"] == 1
    assert verdict(story, change) == "approve"
    row = story.desk.row(
        "SELECT actor.name, decision.via, decision.role, note FROM decision JOIN actor ON actor.id = actor_id "
        "JOIN decision_note ON decision_id = decision.id WHERE change_id = %s",
        change,
    )
    assert tuple(row) == ("ann", "console", "librarian", "checked with the author")


def test_a_decision_can_be_taken_back(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-13", "p7").id
    browser.post("/api/decisions", named(story, "reject", change))
    answer = browser.post("/api/decisions", named(story, "withdraw", change))
    assert answer.json()["changes"][0]["state"] == "undecided"
    assert verdict(story, change) is None


def test_nobody_overwrites_what_they_did_not_see(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-13", "p7").id
    seen_by_bo = named(story, "reject", change)
    browser.post("/api/decisions", named(story, "approve", change), "ann")
    answer = browser.post("/api/decisions", seen_by_bo, "bo").json()
    assert answer["decided"] == 0
    assert answer["left"] == {"decided_meanwhile": 1}
    assert answer["changes"][0] | {"by": "ann", "state": "approve"} == answer["changes"][0]
    assert verdict(story, change) == "approve"


def test_somebody_who_saw_the_other_decision_can_change_it(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-13", "p7").id
    browser.post("/api/decisions", named(story, "approve", change), "ann")
    browser.post("/api/decisions", named(story, "reject", change), "bo")
    assert verdict(story, change) == "reject"


def test_approving_everything_leaves_removals_and_warnings_out(browser: Browser, story: Story) -> None:
    answer = browser.post(f"/api/batches/{story.batch}/decisions", {"verdict": "approve"}).json()
    rows = story.house.all("SELECT action, verdict, cardinality(warnings) > 0 AS warned, state FROM change")
    assert answer["decided"] == sum(row.verdict == "approve" and row.state == "open" for row in rows)
    assert not [
        row for row in rows if row.state == "open" and row.verdict and (row.action == "remove" or row.warned)
    ]


def test_removals_are_covered_where_they_are_named(browser: Browser, story: Story) -> None:
    body = {"verdict": "approve", "filter": {"kind": ["remove"]}}
    answer = browser.post(f"/api/batches/{story.batch}/decisions", body).json()
    assert answer["decided"] == len(
        story.house.all("SELECT 1 FROM change WHERE action = 'remove' AND verdict = 'approve'")
    )
    assert answer["decided"] > 0


def test_a_decision_about_everything_keeps_what_was_decided_before(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-13", "p7").id
    browser.post("/api/decisions", named(story, "reject", change))
    browser.post(
        f"/api/batches/{story.batch}/decisions", {"verdict": "approve", "removals": True, "warnings": True}
    )
    assert verdict(story, change) == "reject"


def test_the_preview_says_what_approving_would_cover(browser: Browser, story: Story) -> None:
    before = browser.post(f"/api/batches/{story.batch}/preview", {}).json()
    done = browser.post(f"/api/batches/{story.batch}/decisions", {"verdict": "approve"}).json()
    assert before["total"] == done["decided"]
    assert before["left_removals"] > 0
    assert before["left_warnings"] > 0


def test_finishing_a_batch_answers_its_question(
    browser: Browser, story: Story, console_host: FakeHost
) -> None:
    browser.post(f"/api/batches/{story.batch}/decisions", {"verdict": "approve"})
    assert console_host.closed == []
    body = {"verdict": "reject", "removals": True, "warnings": True}
    answer = browser.post(f"/api/batches/{story.batch}/decisions", body).json()
    assert console_host.closed == [story.batch]
    assert answer["batches"] == [
        {"batch": story.batch, "state": "decided", "changes": answer["batches"][0]["changes"], "undecided": 0}
    ]


def test_decisions_stand_where_the_question_could_not_be_answered(
    browser: Browser, story: Story, console_host: FakeHost
) -> None:
    console_host.refusal = "Airflow says no."
    body = {"verdict": "reject", "removals": True, "warnings": True}
    answer = browser.post(f"/api/batches/{story.batch}/decisions", body).json()
    assert answer["questions"] == {str(story.batch): "Airflow says no."}
    assert answer["decided"] > 0


def test_an_item_is_never_sent_and_comes_back(browser: Browser, story: Story) -> None:
    item = story.desk.row(
        "SELECT item_id FROM change WHERE id = %s", story.desk.open_change("pub-13", "p7").id
    ).item_id
    assert browser.post("/api/wishes", {"wish": "suppress", "items": [item]}).json()["items"] == 1
    assert story.house.one("SELECT suppressed_at IS NOT NULL FROM item WHERE id = %s", item)
    assert "Never send" in browser.get(f"/items/{item}").text
    browser.post("/api/wishes", {"wish": "unsuppress", "items": [item]})
    assert story.house.one("SELECT suppressed_at IS NULL FROM item WHERE id = %s", item)


def test_a_restore_needs_the_researchers_request(browser: Browser, story: Story) -> None:
    unit = story.house.one("SELECT id FROM unit WHERE code = 'library'")
    item = story.house.item(unit, story.people["p6"], cris_id="gone", tombstone_at="2026-01-05T10:00:00Z")
    refused = browser.post("/api/wishes", {"wish": "restore", "items": [item]})
    assert refused.status_code == 422
    assert "note" in refused.json()["remedy"]
    done = browser.post("/api/wishes", {"wish": "restore", "items": [item], "note": "by mail on 3 May"})
    assert done.json()["items"] == 1
    assert "by mail on 3 May" in browser.get(f"/items/{item}").text


def test_a_withheld_item_is_added_all_the_same(browser: Browser, story: Story) -> None:
    unit = story.house.one("SELECT id FROM unit WHERE code = 'library'")
    item = story.house.item(
        unit, story.people["p6"], cris_id="held", held="withheld", reason="already_on_record"
    )
    assert "Add our version too" in browser.get(f"/items/{item}").text
    assert browser.post("/api/wishes", {"wish": "assert", "items": [item]}).json()["items"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=remove", "removal"),
        ("text=census", "census"),
        ("care=warned", "unlikely"),
        ("person=p7", "Halvorsen"),
        ("state=undecided&group=researcher&sort=newest", "Halvorsen"),
        ("text=10.5555/demo.13", "demo.13"),
        ("text=%25%5F%27%00", "Nothing matches"),
        ("page=99999999999&group=what&sort=no&kind=%00", "Batch"),
    ],
    ids=["kind", "text", "warnings", "person", "layout", "identifier", "odd text", "odd values"],
)
def test_filters_find_what_they_say(browser: Browser, story: Story, query: str, expected: str) -> None:
    answer = browser.get(f"/batches/{story.batch}?{query}")
    assert answer.status_code == 200
    assert expected.lower() in answer.text.lower()


def test_each_filter_shows_its_own_values(browser: Browser, story: Story) -> None:
    page = browser.get(f"/batches/{story.batch}").text
    for value, label in (
        ("year=2019", "2019"),
        ("person=p5", "Amélie Durand"),
        ("type=journal-article", "Journal article"),
    ):
        assert re.search(rf"\?{value}\"><span>{label}</span><span class=\"n\">\d+<", page), value


def test_counts_beside_a_filter_leave_that_filter_out(browser: Browser, story: Story) -> None:
    page = browser.get(f"/batches/{story.batch}?kind=remove").text
    assert ">Correction<" in page
    assert "kind=remove&amp;kind=update" in page
