"""Affiliations uploaded on a page: checked, taken over, shown with their state, downloaded, uploaded again."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.fixtures.console import Browser
from tests.fixtures.desk import Desk
from tests.fixtures.house import House

HEADER = (
    "person-id,affiliation-section,role-title,start-date,org-name,org-city,org-country,"
    "disambiguation-source,disambiguated-organization-identifier,id\n"
)
GOOD = "p1,education,Master,2001,University of Examples,Uppsala,SE,ROR,https://ror.org/048a87296,r1\n"
BAD = "p1,schooling,Pupil,2001,School,Uppsala,SE,ROR,https://ror.org/048a87296,r2\n"


@pytest.fixture
def desk(house: House) -> Desk:
    """A library that may own degrees, a unit that may not, and people of whom one has not connected."""
    house.unit(
        "library", librarians=["ann", "vera"], sections=["work", "education"], default_for=["education"]
    )
    house.unit("medicine", librarians=["mia"])
    desk = Desk(house)
    desk.person("p1")
    desk.person("p2", permitted=False)
    return desk


def upload(browser: Browser, text: str, take: str = "all", who: str = "ann", unit: str = "library") -> Any:
    return browser.post(f"/api/affiliations/{unit}", {"text": text, "take": take}, who)


def test_a_file_is_checked_then_taken_over_and_shown_with_its_state(browser: Browser, desk: Desk) -> None:
    assert "Nothing uploaded yet" in browser.get("/affiliations").text
    checked = upload(browser, HEADER + GOOD, "check").json()
    assert (checked["applied"], checked["rows"], checked["errors"]) == (False, 1, [])
    assert desk.row("SELECT FROM cris_row") is None
    taken = upload(browser, HEADER + GOOD).json()
    assert (taken["applied"], taken["new"]) == (True, 1)
    assert "1 row uploaded: 1 not proposed yet" in browser.get("/affiliations").text
    desk.propose()
    assert "1 proposed" in browser.get("/affiliations").text
    assert upload(browser, HEADER + GOOD).json()["unchanged"] == 1


def test_wrong_rows_are_told_and_hold_the_file_unless_the_right_ones_are_asked_for(
    browser: Browser, desk: Desk
) -> None:
    text = "\ufeff" + HEADER + GOOD + BAD + GOOD.replace("p1", "p2").replace("r1", "r3")
    told = upload(browser, text).json()
    assert (told["applied"], told["rows"], told["not_connected"]) == (False, 3, ["p2"])
    [error] = told["errors"]
    assert (error["line"], error["field"]) == (3, "affiliation-section")
    assert error["reason"]
    assert error["remedy"]
    taken = upload(browser, text, "good").json()
    assert (taken["applied"], taken["new"], len(taken["errors"])) == (True, 2, 1)


def test_the_download_goes_back_as_it_came_and_no_cell_is_a_formula(browser: Browser, desk: Desk) -> None:
    upload(browser, HEADER + GOOD.replace("Master", "=1+1"))
    answer = browser.get("/affiliations/library/rows.csv")
    assert answer.headers["content-disposition"].endswith('affiliations-library.csv"')
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert (row["role-title"], row["status"], row["id"]) == ("'=1+1", "not_proposed_yet", "r1")
    assert upload(browser, answer.text).json()["unchanged"] == 1
    semicolons = (HEADER + GOOD.replace("Master", "Doctor")).replace(",", ";")
    assert upload(browser, semicolons).json()["changed"] == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "no column"), ("a,b\n", "affiliation-section"), (HEADER + '"' + "x" * 200_000, "field")],
)
def test_what_is_no_such_file_is_told(browser: Browser, desk: Desk, text: str, why: str) -> None:
    answer = upload(browser, text)
    assert answer.status_code == 422
    assert why in answer.json()["why"]


def test_only_librarians_of_the_unit_upload(browser: Browser, desk: Desk) -> None:
    rows = HEADER + GOOD
    assert [upload(browser, rows, who=who).status_code for who in ("vera", "olga", "mia", "nobody", "guest")] == [
        403, 403, 404, 404, 403,
    ]  # fmt: skip
    assert (
        upload(browser, rows, who="mia", unit="medicine").json()["errors"][0]["field"]
        == "affiliation-section"
    )
    assert "its librarians upload" in browser.get("/affiliations", "vera").text
    assert "data-upload" not in browser.get("/affiliations", "vera").text
    assert "data-upload" in browser.get("/affiliations").text


def test_a_foreign_page_can_upload_nothing(browser: Browser, desk: Desk) -> None:
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    body = {"text": HEADER + GOOD, "take": "all"}
    assert browser.post("/api/affiliations/library", body, **foreign).status_code == 403
    form = {"content-type": "text/plain"}
    assert browser.post("/api/affiliations/library", body, **form).status_code == 415
    policy = browser.get("/affiliations").headers["content-security-policy"]
    assert "script-src 'self'" in policy
