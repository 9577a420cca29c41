"""A file of affiliations becomes proposals of the unit that uploaded it, and nothing that is wrong goes in."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.imports import read_csv
from orcid_sync.ledger.uploads import (
    STATUS_COLUMNS,
    UploadReport,
    download_affiliations,
    upload_affiliations,
)
from orcid_sync.model.upload_rows import COLUMNS

from tests.fixtures.desk import Desk

TODAY = dt.date(2026, 6, 1)
SECTIONS = ["education", "membership", "employment"]
ROW = {
    "person-id": "p1",
    "affiliation-section": "education",
    "role-title": "Master of Science",
    "start-date": "2001",
    "org-name": "University of Examples",
    "org-country": "SE",
    "org-city": "Uppsala",
    "disambiguation-source": "ROR",
    "disambiguated-organization-identifier": "https://ror.org/048a87296",
    "id": "r1",
}


@pytest.fixture
def registry(desk: Desk) -> Desk:
    """A unit that may own a few sections, one person who is connected, and one who is not."""
    desk.house.unit(sections=SECTIONS, default_for=[])
    desk.person("p1")
    desk.person("p2", permitted=False)
    desk.run("UPDATE cris_staff SET email = person_id || '@university.example'")
    return desk


def upload(desk: Desk, *rows: dict[str, str], **choices: bool) -> UploadReport:
    """As from a file."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    file.seek(0)
    lines = read_csv(file, ("affiliation-section", "org-name"), "affiliations", optional=COLUMNS)
    return upload_affiliations(desk.house.ledger, lines, unit="library", actor="ann", today=TODAY, **choices)


def test_an_uploaded_row_is_proposed_like_every_other(registry: Desk) -> None:
    report = upload(registry, ROW)
    assert (report.applied, report.new, report.errors, report.not_connected) == (True, 1, (), ())
    registry.propose()
    assert registry.ruling("upload:library:r1") == "add"
    title = registry.row("SELECT title FROM payload").title
    assert title == "Master of Science, University of Examples"
    assert registry.propose()["proposed"] == 0


def test_the_same_file_again_changes_nothing_and_an_edited_row_is_a_correction(registry: Desk) -> None:
    upload(registry, ROW)
    assert upload(registry, ROW).unchanged == 1
    registry.propose()
    registry.stands("upload:library:r1", 7)
    edited = upload(registry, ROW | {"role-title": "Master of Arts"})
    assert (edited.new, edited.changed) == (0, 1)
    registry.propose()
    assert registry.ruling("upload:library:r1") == "update"


def test_a_row_that_is_marked_for_removal_is_proposed_for_it(registry: Desk) -> None:
    upload(registry, ROW)
    registry.propose()
    registry.stands("upload:library:r1", 7)
    assert upload(registry, {"id": "r1", "delete": "yes"}).removed == 1
    registry.propose()
    assert registry.ruling("upload:library:r1") == "remove"
    assert list(download_affiliations(registry.house.ledger, unit="library")) == []


def test_a_row_that_moves_to_another_section_leaves_the_first(registry: Desk) -> None:
    upload(registry, ROW)
    upload(registry, ROW | {"affiliation-section": "membership"})
    rows = registry.house.all("SELECT section, gone FROM cris_row ORDER BY section")
    assert [tuple(row) for row in rows] == [("education", "deleted"), ("membership", None)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"org-name": ""}, "org-name"),
        ({"person-id": "p9"}, "person-id"),
        ({"person-id": "", "email": "nobody@university.example"}, "email"),
        ({"person-id": "", "orcid": "0000-0002-1825-0097"}, "orcid"),
        ({"affiliation-section": "service"}, "affiliation-section"),
    ],
    ids=str,
)
def test_nothing_is_taken_of_a_file_with_a_wrong_row_unless_the_good_rows_are_asked_for(
    registry: Desk, changes: dict[str, str], field: str
) -> None:
    wrong = ROW | {"id": "r2"} | changes
    report = upload(registry, ROW, wrong)
    assert not report.applied
    [error] = report.errors
    assert (error.line, error.field) == (3, field)
    assert "p9" not in str(error)
    assert registry.house.one("SELECT count(*) FROM cris_row") == 0
    taken = upload(registry, ROW, wrong, good_rows_only=True)
    assert (taken.applied, taken.new, len(taken.errors)) == (True, 1, 1)


def test_a_key_that_stands_twice_is_told(registry: Desk) -> None:
    [error] = upload(registry, ROW, ROW).errors
    assert (error.line, error.field) == (3, "id")


def test_a_file_is_only_checked_where_that_is_asked_for(registry: Desk) -> None:
    assert not upload(registry, ROW, check_only=True).applied
    assert registry.house.one("SELECT count(*) FROM cris_row") == 0


def test_people_who_gave_no_permission_are_named_and_their_rows_wait(registry: Desk) -> None:
    report = upload(registry, ROW | {"person-id": "", "email": "P2@university.example"})
    assert (report.applied, report.new, report.not_connected) == (True, 1, ("p2",))
    registry.propose()
    assert registry.ruling("upload:library:r1", "p2") == "waiting_permission:never_asked"


def test_somebody_who_left_still_gets_what_the_unit_uploads(registry: Desk) -> None:
    registry.run("UPDATE cris_staff SET is_current = false")
    upload(registry, ROW)
    registry.propose()
    assert registry.ruling("upload:library:r1") == "add"


def test_the_download_can_be_uploaded_again(registry: Desk) -> None:
    upload(registry, ROW | {"start-date": "2001-09-05", "end-date": "2003", "url": "https://example.org/p1"})
    registry.propose()
    registry.stands("upload:library:r1", 7)
    registry.propose()
    [row] = download_affiliations(registry.house.ledger, unit="library")
    assert set(row) == set(STATUS_COLUMNS)
    assert (row["id"], row["status"], row["put-code"]) == ("r1", "written", "7")
    assert (row["start-date"], row["end-date"]) == ("2001-09-05", "2003")
    again = upload(registry, {name: row[name] for name in COLUMNS})
    assert (again.unchanged, again.errors) == (1, ())


def test_an_unknown_unit_is_told(registry: Desk) -> None:
    with pytest.raises(Misconfigured, match="There is no unit nowhere"):
        list(download_affiliations(registry.house.ledger, unit="nowhere"))
