"""What operators see of the sync's health: alerts with whose move it is, and the brake."""

from __future__ import annotations

import dataclasses

from tests.fixtures.alarms import FAILED, WAITING, not_delivered, told
from tests.fixtures.console import Browser, Story


def test_health_says_that_an_email_was_not_delivered(browser: Browser, story: Story) -> None:
    event = (
        "INSERT INTO audit_event (what, unit_id, detail) SELECT %s, unit_id, jsonb_build_object('batch', id) "
    )
    story.desk.run(event + "FROM batch WHERE id = %s", "mail_failed", story.batch)
    assert f"E-mail about batch {story.batch} not delivered" in browser.get("/health").text
    story.desk.run(event + "FROM batch WHERE id = %s", "mailed", story.batch)
    assert "not delivered" not in browser.get("/health").text


def test_alerts_say_what_to_do_whose_move_it_is_and_where_to_look(browser: Browser, story: Story) -> None:
    told(story, FAILED, WAITING)
    page = browser.get("/health", "olga").text
    assert "A view is missing" in page
    assert 'href="http://airflow.example/dags/extract_cris/runs/r"' in page
    assert "CRIS team&#39;s move" in page
    assert 'href="/orcid-review/batches/1"' in page
    assert "Nobody told yet" in page


def test_an_alert_that_could_not_be_delivered_says_why_and_what_to_do(browser: Browser, story: Story) -> None:
    (alert,) = told(story, FAILED)
    not_delivered(story, alert)
    page = browser.get("/health", "olga").text
    assert "1 message delivered" in page
    assert "Not delivered by webhook: status 500, 3 tries" in page
    assert "ORCID_SYNC_ALERT_WEBHOOK_URL" in page


def test_librarians_see_the_alerts_of_their_units_alone(browser: Browser, story: Story) -> None:
    told(story, FAILED, WAITING)
    assert "wait for a decision" in browser.get("/health", "ann").text
    assert "A view is missing" not in browser.get("/health", "ann").text
    assert "wait for a decision" not in browser.get("/health", "mia").text


def test_an_operator_pauses_everything_and_one_unit(browser: Browser, story: Story) -> None:
    assert browser.post("/api/pause", {}, "ann").status_code == 403
    assert browser.post("/api/pause", {}, "olga").json() == {"unit": None, "paused": True}
    answer = browser.post("/api/pause", {"unit": "library", "note": "mapping under review"}, "olga")
    assert answer.json() == {"unit": "library", "paused": True}
    assert "paused" in browser.get(f"/batches/{story.batch}", "ann").text
    page = browser.get("/health", "olga").text
    assert "Paused: everything, by olga" in page
    assert "mapping under review" in page
    assert "Paused with everything" in page
    for body in ({"unit": "library"}, {}):
        assert browser.post("/api/resume", body, "olga").status_code == 200
    assert story.house.one("SELECT count(*) FROM hold") == 0
    audited = story.house.all(
        "SELECT what, actor.name, unit.code FROM audit_event JOIN actor ON actor.id = actor_id "
        "LEFT JOIN unit ON unit.id = unit_id WHERE what IN ('paused', 'resumed') ORDER BY audit_event.id"
    )
    assert [tuple(row) for row in audited] == [
        ("paused", "olga", None),
        ("paused", "olga", "library"),
        ("resumed", "olga", "library"),
        ("resumed", "olga", None),
    ]


def test_only_operators_are_offered_the_brake(browser: Browser, story: Story) -> None:
    assert 'data-hold="pause" data-unit="medicine"' in browser.get("/health", "olga").text
    assert "data-hold" not in browser.get("/health", "ann").text


def test_a_run_that_noted_no_stage_says_so_with_its_alerts(browser: Browser, story: Story) -> None:
    told(story, dataclasses.replace(FAILED, run_id="extract_cris/r"))
    answer = browser.get("/runs/extract_cris/r", "olga")
    assert answer.status_code == 404
    assert "noted no stage" in answer.text
    assert "A view is missing" in answer.text
    assert "A view is missing" not in browser.get("/runs/extract_cris/other", "olga").text
