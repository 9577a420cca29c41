"""Who sees and does what: by page, by API, by guessing numbers, from other sites."""

from __future__ import annotations

from functools import partial

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from orcid_sync.ledger.session import Ledger
from orcid_sync.review.console.app import create_app
from orcid_sync.review.console.context import Console
from orcid_sync.settings import Settings
from starlette.testclient import TestClient

from tests.fixtures.console import PREFIX, SCRIPT, Browser, FakeHost, Story, console_app


def addresses(story: Story) -> dict[str, str]:
    """Every parameter of every route, filled with something of the other unit."""
    return {
        "batch": str(story.other_batch),
        "change": str(
            story.house.one("SELECT change_id FROM batch_change WHERE batch_id = %s", story.other_batch)
        ),
        "item": str(story.house.one("SELECT id FROM item WHERE cris_id = 'secret'")),
        "name": "console.css",
        "run_id": "run-2",
        "path": "index.html",
        "unit": "medicine",
    }


def routes() -> list[tuple[str, str]]:
    app: FastAPI = create_app(Console(lambda: Ledger(None), FakeHost(), Settings(), lambda: "simulator"))  # type: ignore[arg-type]
    found = [route for route in app.routes if isinstance(route, APIRoute)]
    assert len(found) > 20
    return [(method, route.path) for route in found for method in sorted(route.methods)]


BODIES = {
    "/api/decisions": {"verdict": "approve", "changes": [{"change": 1}]},
    "/api/batches/{batch}/decisions": {"verdict": "approve", "removals": True, "warnings": True},
    "/api/wishes": {"wish": "suppress", "items": [1]},
    "/api/affiliations/{unit}": {"text": "affiliation-section,org-name\n", "take": "all"},
}


def filled(path: str, values: dict[str, str]) -> str:
    return path.replace(":path", "").format(**values)


@pytest.mark.parametrize(("method", "path"), routes(), ids=[" ".join(route) for route in routes()])
def test_no_route_answers_somebody_who_is_not_signed_in(method: str, path: str) -> None:
    values = {
        "batch": "1",
        "change": "1",
        "item": "1",
        "name": "console.css",
        "run_id": "r",
        "path": "p",
        "unit": "library",
    }
    ledger = Ledger(lambda: pytest.fail("nobody is signed in: the ledger is not to be asked"))
    client = TestClient(console_app(ledger, FakeHost()))
    answer = client.request(
        method, PREFIX + filled(path, values), json={}, headers={"accept": "application/json"}
    )
    assert answer.status_code == 401
    assert answer.json()["error"] == "not_signed_in"


def test_no_route_shows_another_units_things(browser: Browser, story: Story) -> None:
    values = addresses(story)
    for method, path in routes():
        body = BODIES.get(path, {})
        if "changes" in body:
            body = {**body, "changes": [{"change": int(values["change"])}]}
        if "items" in body:
            body = {**body, "items": [int(values["item"])]}
        answer = (
            browser.get(filled(path, values)) if method == "GET" else browser.post(filled(path, values), body)
        )
        assert "secret of medicine" not in answer.text.lower(), path
        if any(key in path for key in ("{batch}", "{change}", "{item}")) or body:
            assert answer.status_code == 404, (method, path, answer.text)
    assert story.house.one("SELECT verdict FROM change WHERE id = %s", int(values["change"])) is None


def test_somebody_who_only_reads_decides_nothing(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-13", "p7").id
    assert browser.get(f"/changes/{change}", "vera").status_code == 200
    answer = browser.post("/api/decisions", {"verdict": "approve", "changes": [{"change": change}]}, "vera")
    assert answer.status_code == 403
    assert "Approve</button>" not in browser.get(f"/batches/{story.batch}", "vera").text


def test_an_auditor_reads_every_unit_and_decides_for_none(browser: Browser, story: Story) -> None:
    page = browser.get("/", "reader").text
    assert "University Library" in page
    assert "Medical Faculty" in page
    body = {"verdict": "approve"}
    assert browser.post(f"/api/batches/{story.other_batch}/decisions", body, "reader").status_code == 403


def test_an_operator_sees_every_unit_and_decides_only_where_named(browser: Browser, story: Story) -> None:
    assert browser.get(f"/batches/{story.other_batch}", "olga").status_code == 200
    body = {"verdict": "approve"}
    assert browser.post(f"/api/batches/{story.other_batch}/decisions", body, "olga").status_code == 403


def test_somebody_of_no_unit_is_told_how_to_become_one(browser: Browser, story: Story) -> None:
    answer = browser.get("/", "nobody")
    assert answer.status_code == 403
    assert "librarians" in answer.text
    assert browser.get(f"/batches/{story.batch}", "nobody").status_code == 404


def test_somebody_who_may_not_even_read_sees_nothing(browser: Browser, story: Story) -> None:
    values = addresses(story)
    for method, path in routes():
        send = browser.get if method == "GET" else partial(browser.post, body=BODIES.get(path, {}))
        answer = send(filled(path, values), who="guest")
        if path not in ("/static/{name}", "/api/openapi.json"):
            assert answer.status_code in (403, 422), (method, path)
            assert "Library" not in answer.text


def test_nobody_sees_everything_just_because_there_is_nothing_yet(browser: Browser) -> None:
    assert browser.get("/data-docs/index.html", "nobody").status_code == 403


def test_a_batch_of_two_units_changes_is_refused_as_a_whole(browser: Browser, story: Story) -> None:
    ours = story.desk.open_change("pub-13", "p7").id
    theirs = int(addresses(story)["change"])
    body = {"verdict": "approve", "changes": [{"change": ours}, {"change": theirs}]}
    assert browser.post("/api/decisions", body).status_code == 404
    assert story.house.one("SELECT verdict FROM change WHERE id = %s", ours) is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, 403),
        ({"origin": "https://sibling.testserver", "sec-fetch-site": "same-site"}, 403),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, 403),
        ({"origin": "", "sec-fetch-site": "none"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ],
    ids=["other site", "sibling host", "opaque origin", "no page", "text", "form"],
)
def test_a_change_is_asked_for_by_our_own_pages_only(
    browser: Browser, story: Story, headers: dict[str, str], status: int
) -> None:
    change = story.desk.open_change("pub-13", "p7").id
    body = {"verdict": "approve", "changes": [{"change": change}]}
    assert browser.post("/api/decisions", body, **headers).status_code == status
    assert story.house.one("SELECT verdict FROM change WHERE id = %s", change) is None


def test_a_script_with_a_token_needs_no_page(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-13", "p7").id
    answer = browser.client.post(
        f"{PREFIX}/api/decisions",
        json={"verdict": "approve", "changes": [{"change": change}]},
        headers={"authorization": "Bearer ann"},
    )
    assert answer.json()["decided"] == 1


def test_a_page_sends_strangers_to_the_sign_in_and_back(browser: Browser) -> None:
    answer = browser.get("/batches/3?kind=add", "stranger")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/auth/login?next={PREFIX}/batches/3?kind=add"


@pytest.mark.parametrize(
    "path", ["/", "/batches/99", "/nothing", "/static/console.js", "/health", "/api/batches"]
)
def test_every_answer_carries_the_security_headers(browser: Browser, story: Story, path: str) -> None:
    headers = browser.get(path).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_there_is_no_documentation_for_strangers(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_markup_of_the_cris_is_shown_as_text(browser: Browser, story: Story) -> None:
    title = story.house.payload(f"Plain {SCRIPT}")
    story.desk.run("UPDATE payload SET title = %s WHERE digest = %s", f"Plain {SCRIPT}", title)
    unit = story.house.one("SELECT id FROM unit WHERE code = 'library'")
    item = story.house.item(unit, story.people["p1"], cris_id="script")
    change = story.house.change(item, title=f"Plain {SCRIPT}")
    story.desk.run("INSERT INTO batch_change VALUES (%s, %s)", story.batch, change)
    for path in (
        f"/batches/{story.batch}?text=Plain",
        f"/changes/{change}",
        f"/items/{item}",
        "/items?text=Plain",
    ):
        page = browser.get(path).text
        assert "<script>document" not in page
        assert "<img src=x" not in page


def test_addresses_that_could_run_are_not_links(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-13", "p7")
    story.desk.run(
        "UPDATE payload SET content = jsonb_set(content, '{url}', '{\"value\": \"javascript:alert(1)\"}') WHERE digest = %s",
        change.payload_digest,
    )
    page = browser.get(f"/changes/{change.id}").text
    assert "javascript:alert(1)" in page
    assert 'href="javascript:' not in page
