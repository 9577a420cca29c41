"""Every page shows what it should to whom it should."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from orcid_sync.ledger.session import Ledger
from orcid_sync.review.console.ledger_pages import fix_address
from orcid_sync.settings import Settings
from starlette.testclient import TestClient

from tests.fixtures.console import PREFIX, Browser, FakeHost, Story, console_app


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/items",
        "/items?text=peat",
        "/not-sent",
        "/removed",
        "/corrections",
        "/differing-ids",
        "/health",
        "/api/openapi.json",
    ],
)
def test_every_page_of_a_librarian_opens(browser: Browser, story: Story, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text


def test_a_batch_shows_its_changes_grouped_by_publication(browser: Browser, story: Story) -> None:
    page = browser.get(f"/batches/{story.batch}").text
    assert "University Library" in page
    assert "Groundwater recharge" in page
    assert "Approve all" in page


def test_a_change_shows_both_sides_and_the_person(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-0", "p1")
    page = browser.get(f"/changes/{change.id}").text
    assert "corrected" in page
    assert "Okafor, M." in page
    assert "Mara Okafor" in page


def test_digests_are_never_shown(browser: Browser, story: Story) -> None:
    change = story.desk.open_change("pub-0", "p1")
    paths = ("/", f"/batches/{story.batch}", f"/changes/{change.id}", f"/items/{change.item_id}", "/health")
    for path in (*paths, "/runs/run-2", f"/api/changes/{change.id}", f"/api/batches/{story.batch}/changes"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert not re.search(r"\b[0-9a-f]{64}\b", answer.text), path


def test_a_group_names_the_removals_and_warnings_that_approving_it_covers(
    browser: Browser, story: Story
) -> None:
    page = browser.get(f"/batches/{story.batch}?text=demo.8").text
    assert re.search(r">Approve \d+ removals<", page)
    page = browser.get(f"/batches/{story.batch}?text=demo.5").text
    assert re.search(r">Approve \d+ with warnings<", page)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (0, "own entry first now; ours would come first."),
        (7, "own entry first, and that stays so."),
    ],
    ids=["typed in", "preferred by the researcher"],
)
def test_a_change_says_which_version_readers_see_first(
    browser: Browser, story: Story, index: int, said: str
) -> None:
    story.desk.on_record(99, "10.5555/demo.13", source=None, person="p7", display_index=index)
    page = browser.get(f"/changes/{story.desk.open_change('pub-13', 'p7').id}").text
    assert said in page


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (None, None),
        ("https://cris.example/{section}/{cris_id}", "https://cris.example/work/a%2Fb%20c"),
        ("https://cris.example/show?id={cris_id}", "https://cris.example/show?id=a%2Fb%20c"),
    ],
    ids=["not said", "in the path", "in the query"],
)
def test_an_entry_is_linked_to_where_it_is_corrected(template: str | None, expected: str | None) -> None:
    assert fix_address(template, "work", "a/b c") == expected


def test_quarantined_rows_are_exported_without_addresses_and_formulas(browser: Browser, story: Story) -> None:
    story.desk.run(
        "INSERT INTO quarantine (relation, key, section, cris_id, check_name, message, row, run_id) VALUES "
        "('publications', 'k1', 'work', 'k1', 'a_check', '=HYPERLINK(1)', "
        '\'{"title": "T", "contributor_email": "x@y.example"}\', \'run-1\')'
    )
    answer = browser.get("/corrections.csv?check=a_check")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "k1" in answer.text
    assert "'=HYPERLINK" in answer.text
    assert "x@y.example" not in answer.text


def test_what_is_not_sent_is_exported_by_reason_with_whose_move_it_is(browser: Browser, story: Story) -> None:
    unit = story.house.one("SELECT id FROM unit WHERE code = 'library'")
    for cris_id, reason in (("=held", "no_usable_identifier"), ("other", "already_on_record")):
        story.house.item(unit, story.people["p5"], cris_id=cris_id, held="withheld", reason=reason)
    rows = browser.get("/not-sent.csv?reason=no_usable_identifier").text.splitlines()
    assert len(rows) == 2
    assert rows[1].startswith("library,work,'=held,")
    assert rows[1].endswith("CRIS team")
    assert len(browser.get("/not-sent.csv").text.splitlines()) == 3
    assert len(browser.get("/not-sent.csv", "mia").text.splitlines()) == 1


def test_data_docs_are_for_those_who_see_everything(ledger: Ledger, story: Story, data_docs: Path) -> None:
    client = TestClient(console_app(ledger, FakeHost(), Settings(data_docs_dir=data_docs)))
    got = {
        (who, path): client.get(f"{PREFIX}/data-docs/{path}", headers={"authorization": f"Bearer {who}"})
        for who in ("ann", "olga")
        for path in ("index.html", "..%2Fsecret.txt", "nothing.html")
    }
    assert {key: answer.status_code for key, answer in got.items()} == {
        ("ann", "index.html"): 403,
        ("ann", "..%2Fsecret.txt"): 403,
        ("ann", "nothing.html"): 403,
        ("olga", "index.html"): 200,
        ("olga", "..%2Fsecret.txt"): 404,
        ("olga", "nothing.html"): 404,
    }
    assert "sandbox" in got["olga", "index.html"].headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/charts/funnel.svg",
        "/charts/adoption.svg",
        "/charts/units.svg",
        "/charts/quality.svg",
        "/charts/stages.svg?run=run-1",
    ],
)
def test_charts_are_pictures_in_both_themes(browser: Browser, story: Story, path: str) -> None:
    for theme in ("light", "dark"):
        answer = browser.get(f"{path}{'&' if '?' in path else '?'}theme={theme}")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "<svg" in answer.text
        assert not re.search(r"""(href|src)=["']https?:|@import|url\(""", answer.text)


def test_a_run_is_reported_without_other_units_figures(browser: Browser, story: Story) -> None:
    page = browser.get("/runs/run-2").text
    assert "Propose" in page
    assert "This run called nobody" in page
    assert "Changes of University Library to decide" in page
    assert "medicine" not in page
    assert "Medical Faculty" not in page


def test_a_run_links_its_data_quality_pages_for_those_who_see_everything(
    ledger: Ledger, story: Story, data_docs: Path
) -> None:
    (data_docs / "run-1").mkdir()
    (data_docs / "run-1" / "index.html").write_text("<h1>Quality of one run</h1>")
    client = TestClient(console_app(ledger, FakeHost(), Settings(data_docs_dir=data_docs)))
    pages = {
        who: client.get(f"{PREFIX}/runs/run-1", headers={"authorization": f"Bearer {who}"}).text
        for who in ("ann", "olga")
    }
    link = f"{PREFIX}/data-docs/run-1/index.html"
    assert link not in pages["ann"]
    assert link in pages["olga"]
    assert "one run" in client.get(link, headers={"authorization": "Bearer olga"}).text


def test_a_run_says_what_it_left_for_a_person(browser: Browser, story: Story) -> None:
    stage = (
        "INSERT INTO stage_run (run_id, stage, started_at, ended_at, counts, error) "
        "VALUES ('run-2', %s, now() + %s::interval, now() + %s::interval, %s, %s)"
    )
    stopped = json.dumps({"stopped": {"library": "all of its 9 written items would be removed"}})
    story.desk.run(stage, "propose", "0 s", "1 s", stopped, "GuardStopped: the proposal was stopped")
    story.desk.run(stage, "write", "0 s", "1 s", "{}", "Transient: the registry answers nobody")
    story.desk.run(stage, "mirror", "0 s", "1 s", "{}", "Transient: the first try failed")
    story.desk.run(stage, "mirror", "5 s", "6 s", "{}", None)
    page = browser.get("/runs/run-2").text
    assert "Proposal stopped for library: all of its 9 written items would be removed" in page
    assert "Stage failed: write" in page
    assert "Stage failed: mirror" not in page


def test_calls_are_shown_beside_the_fewest_possible_and_the_rate(browser: Browser, story: Story) -> None:
    story.desk.run(
        "INSERT INTO api_call (run_id, client_id, method, endpoint, status, error_code, calls, items, seconds) "
        "VALUES ('run-2', 'c', 'GET', '/{orcid}/activities', 200, 0, 48, 0, 9)"
    )
    story.desk.run(
        "INSERT INTO stage_run (run_id, stage, ended_at, counts) VALUES ('run-2', 'mirror', now(), '{\"read\": 40}')"
    )
    story.desk.run(
        "INSERT INTO api_call_second SELECT 'run-2', 'c', now() + n * interval '1 s', 12 FROM generate_series(0, 3) n"
    )
    page = browser.get("/runs/run-2").text
    assert "the fewest possible: 40, 1.20 times that" in page
    assert "12.0 calls a second over 4.0 s, of 24 allowed" in page
    assert "50 %" in page
