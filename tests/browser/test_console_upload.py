"""A librarian uploads a file of affiliations in a browser: wrong rows first, then right ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desktop
from tests.browser.test_console_accessibility import violations

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
HEADER = (
    "person-id,affiliation-section,role-title,start-date,org-name,org-city,org-country,"
    "disambiguation-source,disambiguated-organization-identifier,id\n"
)
GOOD = "p1,employment,Lecturer,2020,University of Examples,Uppsala,SE,ROR,https://ror.org/048a87296,r1\n"
BAD = "p1,employment,Reader,20,University of Examples,Uppsala,SE,ROR,n/a,r2\n"


def test_a_file_is_checked_corrected_and_uploaded(
    desktop: Desktop, tmp_path: Path, picture: Callable[[Page, str], None]
) -> None:
    wrong, right, strange = (tmp_path / name for name in ("wrong.csv", "right.csv", "latin.csv"))
    wrong.write_text(HEADER + GOOD + BAD)
    right.write_text(HEADER + GOOD)
    strange.write_bytes((HEADER + GOOD).replace("Lecturer", "Lehrbeauftragte für").encode("latin-1"))
    page = desktop("ann", "/affiliations")
    chosen, report = page.locator("input[type=file]"), page.locator("[data-report]")
    chosen.set_input_files(strange)
    page.get_by_role("button", name="Check").click()
    expect(report).to_contain_text("no UTF-8 text")
    chosen.set_input_files(wrong)
    page.get_by_role("button", name="Check").click()
    expect(report).to_contain_text("2 rows, 1 wrong")
    expect(page.get_by_role("button", name="Upload the right rows only")).to_be_visible()
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_disabled()
    picture(page, "upload-wrong")
    assert violations(page, "wide") == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Report as CSV").click()
    saved = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert saved.splitlines()[0] == "line,field,reason,remedy"
    assert "start-date" in saved
    chosen.set_input_files(right)
    page.get_by_role("button", name="Check").click()
    expect(report).to_contain_text("all of them right")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(report).to_contain_text("1 row taken over: 1 new")
    expect(page.locator("main")).to_contain_text("1 row uploaded")
    picture(page, "upload-done")
    assert violations(page, "wide") == []
