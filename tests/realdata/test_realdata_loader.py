"""The real input arrives whole: one row per line of a file."""

from __future__ import annotations

import csv
from pathlib import Path

import psycopg
import pytest
from orcid_sync.cris.inspection import inspect_contract

from tests.conftest import DatabaseFactory
from tests.realdata.loader import load, partial_date, split_name


def _csv_rows(path: Path) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.realdata
def test_every_line_of_the_files_is_a_row_of_the_contract(realdata: Path, database: DatabaseFactory) -> None:
    dsn = database()
    counts = load(dsn, realdata)
    tool_papers = len((realdata / "biotools_publications.jsonl").read_text(encoding="utf-8").splitlines())
    works = len((realdata / "crossref_works.jsonl").read_text(encoding="utf-8").splitlines())
    with psycopg.connect(dsn) as connection:
        report = inspect_contract(connection)
        assert report.ok, report.problems

        def number(query: str) -> int:
            row = connection.execute(query).fetchone()
            assert row is not None
            return int(row[0])

        assert (
            number("SELECT count(*) FROM orcid_feed.publications WHERE publication_id LIKE 'bt-%'")
            == tool_papers
        )
        typed = number(
            "SELECT count(*) FROM orcid_feed.publications"
            " WHERE publication_id LIKE 'bt-%' AND source_type_scheme = 'crossref'"
        )
        crossref = number("SELECT count(*) FROM orcid_feed.publications WHERE publication_id LIKE 'cr-%'")
        assert crossref + typed == works
        people = _csv_rows(realdata / "bristol_pure_persons.csv") + _csv_rows(
            realdata / "biotools_persons.csv"
        )
        assert number("SELECT count(*) FROM orcid_feed.staff") == people == counts.staff
        units = _csv_rows(realdata / "bristol_pure_orgs.csv") + 1
        assert number("SELECT count(*) FROM orcid_feed.units") == units == counts.units
        assert number("SELECT count(*) FROM orcid_feed.employments") == counts.employments > 3500
        with_staff = number(
            "SELECT count(DISTINCT publication_id) FROM orcid_feed.publication_contributors"
            " JOIN orcid_feed.staff USING (person_id) WHERE orcid IS NOT NULL"
        )
        assert with_staff == counts.publications_with_staff > 10_000
        twice = "SELECT count(*) FROM (SELECT FROM orcid_feed.publication_contributors WHERE person_id IS NOT NULL"
        assert number(f"{twice} GROUP BY publication_id, person_id HAVING count(*) > 1) t") < 20


@pytest.mark.parametrize(
    ("display", "expected"),
    [
        ("Charl F J Faul", ("Faul", "Charl F J")),
        ("Anna van der Berg", ("van der Berg", "Anna")),
        ("De Silva", ("Silva", "De")),
        ("Plato", ("Plato", None)),
    ],
    ids=["initials", "particles", "particle-first", "single"],
)
def test_a_display_name_is_split(display: str, expected: tuple[str, str | None]) -> None:
    assert split_name(display) == expected


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2015-09-30T00:00:00Z", (2015, 9, 30)),
        ("2015-09-01T00:00:00Z", (2015, 9, None)),
        ("2015-01-01T00:00:00Z", (2015, None, None)),
    ],
    ids=["day", "month", "year"],
)
def test_a_padded_date_loses_its_padding(stamp: str, expected: tuple[int, int | None, int | None]) -> None:
    assert partial_date(stamp) == expected
