"""Rows of an uploaded file: the Affiliation Manager's columns are understood, and what is wrong is named by column."""

from __future__ import annotations

import datetime as dt

import pytest
from orcid_sync.model.upload_rows import UploadedRow, read_row

TODAY = dt.date(2026, 6, 1)
GOOD = {
    "email": "Ann@university.example",
    "affiliation-section": "INVITED_POSITION",
    "department-name": "Physics",
    "role-title": "Visiting Professor",
    "start-date": "2020-09",
    "end-date": "2021",
    "org-name": "University of Examples",
    "org-country": "SE",
    "org-city": "Uppsala",
    "disambiguation-source": "ror",
    "disambiguated-organization-identifier": "https://ror.org/048a87296",
    "external-id": "17",
    "external-id-type": "source-work-id",
    "url": "www.example.org/ann",
}


def read(**changes: str) -> UploadedRow | list[str]:
    found = read_row({**GOOD, **changes}, TODAY)
    return found if isinstance(found, UploadedRow) else [problem.field for problem in found]


def test_a_row_of_the_affiliation_manager_is_taken_as_it_is() -> None:
    row = read()
    assert isinstance(row, UploadedRow)
    assert (row.section, row.person) == ("invited-position", ("email", "Ann@university.example"))
    assert row.data["organization_name"] == "University of Examples"
    assert (row.data["start_year"], row.data["start_month"], row.data["end_year"]) == (2020, 9, 2021)
    assert "start_day" not in row.data


def test_the_same_row_has_the_same_key_and_another_row_another() -> None:
    keys = [read().key, read(**{"role-title": "Lecturer"}).key, read(email="bo@university.example").key]
    assert len(set(keys)) == 3
    assert read(email="ann@UNIVERSITY.example").key == keys[0]
    assert read(id="row-7").key == "row-7"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": ""}, "person-id"),
        ({"affiliation-section": "hobby"}, "affiliation-section"),
        ({"org-name": ""}, "org-name"),
        ({"org-country": "Atlantis"}, "org-country"),
        ({"disambiguated-organization-identifier": "https://ror.org/048a87297"}, "disambiguated-organization-identifier"),
        ({"disambiguation-source": "GUESS"}, "disambiguated-organization-identifier"),
        ({"start-date": "yesterday"}, "start-date"),
        ({"start-date": "2020-13"}, "start-date"),
        ({"start-date": "2021-02-30"}, "start-date"),
        ({"end-date": "2019"}, "end-date"),
        ({"url": "nowhere"}, "url"),
        ({"external-id-type": ""}, "external-id-type"),
        ({"id": "no such; id"}, "id"),
        ({"affiliation-section": "education", "org-city": ""}, "org-city"),
        (
            {"affiliation-section": "employment", "disambiguated-organization-identifier": ""},
            "disambiguated-organization-identifier",
        ),
        ({"delete": "yes"}, "id"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_column(changes: dict[str, str], field: str) -> None:
    assert field in read(**changes)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert {"person-id", "org-name", "start-date"} <= set(
        read(email="", **{"org-name": "", "start-date": "x"})
    )


def test_a_row_that_has_its_id_alone_or_a_mark_is_a_removal() -> None:
    bare = read_row({"id": "row-7", "email": "", "org-name": ""}, TODAY)
    assert isinstance(bare, UploadedRow)
    assert bare.delete
    marked = read(id="row-7", delete="Yes")
    assert isinstance(marked, UploadedRow)
    assert (marked.delete, marked.key) == (True, "row-7")


def test_an_end_that_lies_ahead_is_no_mistake() -> None:
    assert isinstance(read(**{"end-date": "2031-01-01"}), UploadedRow)
