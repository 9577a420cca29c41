"""Validation: what stops a run, what is quarantined, what is told apart from bad rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.session import Ledger
from orcid_sync.quality.checks import Check
from orcid_sync.quality.quarantine import CheckBroken
from orcid_sync.quality.suites import SUITES
from orcid_sync.quality.volume import ViewShrunk
from orcid_sync.sync.validate import ExtractionRefused

from tests.fixtures.ledger import drop_ledger_database, make_ledger_database
from tests.fixtures.small_cris import SmallCris, Stages

if TYPE_CHECKING:
    from tests.conftest import DatabaseFactory

pytestmark = pytest.mark.slow

GOOD_ID = "0000-0002-1825-0097"
W1 = "publication_id = 'W1'"


@dataclass(frozen=True)
class Case:
    """A spoiled row of its own among good ones: `values` go to that relation's (second, if child) row of `key`."""

    relation: str
    values: dict[str, Any]
    check: str | None = None
    place: int | None = None
    flagged_as: str | None = None

    def __str__(self) -> str:
        return f"{self.relation}-{self.check or 'good'}-{next(iter(self.values.items()))}"[:90]


BAD = [
    Case("publications", {"title": "<i> </i><sub></sub>"}, "title_present"),
    Case("publications", {"title": "[no title]"}, "title_present"),
    Case("publications", {"title": None}, "title_present"),
    Case("publications", {"title": "&nbsp; <b>&#160;</b>"}, "title_present"),
    Case("publications", {"source_type": " "}, "type_present"),
    Case("publications", {"source_type_scheme": None}, "type_present"),
    Case("publications", {"publication_year": 1899}, "publication_year_plausible"),
    Case("publications", {"publication_year": 2201}, "publication_year_plausible"),
    Case("publications", {"publication_month": 13}, "publication_date_possible"),
    Case("publications", {"publication_month": 2, "publication_day": 30}, "publication_date_possible"),
    Case("publications", {"visibility": "FREE"}, "visibility_known"),
    Case("publications", {"curation_status": None}, "curation_status_known"),
    Case("publication_contributors", {"contributor_seq": 3}, "contributors_in_order", 2, "publications"),
    Case("publication_contributors", {"contributor_seq": 1}, "contributors_in_order", 2, "publications"),
    Case("publication_contributors", {"contributor_seq": 0}, "contributors_in_order", 1, "publications"),
    Case("publication_contributors", {"contributor_seq": None}, "contributors_in_order", 2, "publications"),
    Case("publication_contributors", {"person_id": "P99"}, "person_known", 2),
    Case("publication_contributors", {"contributor_orcid": "0000-0002-1825-0098"}, "orcid_valid", 2),
    Case("publication_identifiers", {"external_id_value": "n/a"}, "doi_syntax", 1),
    Case("publication_identifiers", {"external_id_value": "10.1162/"}, "doi_syntax", 1),
    Case("publication_identifiers", {"external_id_value": " "}, "value_present", 1),
    Case("publication_identifiers", {"external_id_type": None}, "value_present", 1),
    Case("staff", {"orcid": "0000-0002-1825-0098"}, "orcid_valid"),
    Case("staff", {"orcid": "none yet"}, "orcid_valid"),
    Case("staff", {"family_names": ""}, "name_present"),
    Case("staff", {"visibility": "BACKEND"}, "visibility_known"),
    Case("staff", {"is_current": None}, "is_current_known"),
    Case("employments", {"person_id": "P99"}, "person_known"),
    Case("employments", {"unit_id": "U99"}, "unit_known"),
    Case("employments", {"end_year": 2019}, "dates_in_order"),
    Case("employments", {"start_month": 5, "end_year": 2020, "end_month": 4}, "dates_in_order"),
    Case("employments", {"start_year": 1850}, "start_year_plausible"),
    Case("employments", {"end_year": 2030, "end_month": 4, "end_day": 31}, "end_date_possible"),
    Case("employments", {"affiliation_type": "guest"}, "affiliation_type_known"),
    Case("units", {"parent_unit_id": "U99"}, "unit_known"),
    Case("units", {"name": ""}, "name_present"),
]  # fmt: skip
GOOD = [
    Case("publications", {"title": "Particles <300 μm and P^2<-z"}),
    Case("publications", {"title": "<i>In situ</i> hybridisation"}),
    Case("publications", {"title": "日本の潮"}),
    Case("publications", {"title": "42"}),
    Case("publications", {"publication_year": None}),
    Case("publications", {"publication_day": 12}),
    Case("publications", {"publication_month": 2, "publication_day": 29}),
    Case("staff", {"orcid": "http://orcid.org/0000-0002-1694-233x"}),
    Case("employments", {"start_month": 5, "end_year": 2020}),
    Case("employments", {"end_year": 2019, "start_year": None}),
    *(
        Case("publication_identifiers", {"external_id_value": doi}, place=1)
        for doi in (
            "10.1002/1097-4636(2000)53:1<1::AID-JBM1>3.0.CO;2-O",
            "https://doi.org/10.5555/ABC",
            "doi:10.5555/abc.",
            "10.5555%2Fabc",
            "\u200b10.5555/a\u00adbc",
            "10.55\u00ad55/abc",
            "10.5555.1/abc",
            "\uff11\uff10.5555/abc",
            "see 10.5555/abc (registering DOI)",
        )
    ),
]
CASES = [*BAD, *GOOD]
KEYS = {"staff": "person_id", "units": "unit_id", "employments": "employment_id"}


def _spoil(cris: SmallCris, number: int, case: Case) -> None:
    key = f"K{number}"
    if case.relation in KEYS:
        cris.insert(case.relation, **{KEYS[case.relation]: key} | case.values)
        return
    cris.publication(key, "P1", "P2")
    where = f"publication_id = '{key}'"
    if case.relation == "publication_contributors":
        where += f" AND contributor_seq = {case.place}"
    cris.update(case.relation, where, **case.values)


@pytest.fixture(scope="module")
def spoiled(create_database: DatabaseFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """One run over a CRIS that holds every case once."""
    database = make_ledger_database(create_database())
    cris = SmallCris(create_database()).furnish()
    for number, case in enumerate(CASES):
        _spoil(cris, number, case)
    stages = Stages(Ledger(database.connect_application), cris, tmp_path_factory.mktemp("data_docs"))
    stages.run()
    yield stages
    drop_ledger_database(database)


@pytest.mark.parametrize("number", range(len(BAD)), ids=[str(case) for case in BAD])
def test_a_bad_row_is_quarantined_with_check_and_reason(spoiled: Stages, number: int) -> None:
    case = BAD[number]
    key = f"K{number}" + (f":{case.place}" if case.place and not case.flagged_as else "")
    found = {check for relation, k, check in spoiled.quarantined() if k == key}
    assert case.check in found
    message = spoiled.one(
        "SELECT message FROM quarantine WHERE relation = %s AND key = %s AND check_name = %s",
        (case.flagged_as or case.relation, key, case.check),
    )
    assert message


@pytest.mark.parametrize("number", range(len(BAD), len(CASES)), ids=[str(case) for case in GOOD])
def test_what_only_looks_odd_is_not_quarantined(spoiled: Stages, number: int) -> None:
    assert [entry for entry in spoiled.quarantined() if entry[1].split(":")[0] == f"K{number}"] == []


def test_the_neighbours_of_bad_rows_go_on(spoiled: Stages) -> None:
    assert spoiled.row("W3")["answer"] == "yes"
    assert spoiled.claims("W1") == {"P1": "yes", "P2": "yes"}


def test_children_of_publications_that_are_not_shown_are_set_aside(stages: Stages) -> None:
    stages.cris.delete("publications", W1)
    stages.run()
    assert stages.quarantined() == {
        ("publication_contributors", "W1:1", "publication_known"),
        ("publication_contributors", "W1:2", "publication_known"),
        ("publication_identifiers", "W1:1", "publication_known"),
    }
    assert stages.query("SELECT * FROM cris_row WHERE cris_id = 'W1'") == []


def test_one_id_on_two_people_takes_the_hint_from_both_and_keeps_both(stages: Stages) -> None:
    stages.cris.update("staff", "person_id = 'P1'", orcid=GOOD_ID)
    stages.run()
    assert stages.one("SELECT orcid_hint FROM cris_staff WHERE person_id = 'P1'") == GOOD_ID
    stages.cris.update("staff", "person_id = 'P2'", orcid=f"https://orcid.org/{GOOD_ID}")
    stages.run()
    assert stages.quarantined() == {("staff", key, "orcid_on_one_person") for key in ("P1", "P2")}
    assert stages.query("SELECT DISTINCT orcid_hint, quarantined FROM cris_staff") == [(None, False)]
    stages.cris.update("staff", "person_id = 'P2'", orcid=None)
    stages.run()
    assert stages.quarantined() == set()
    assert stages.one("SELECT orcid_hint FROM cris_staff WHERE person_id = 'P1'") == GOOD_ID


@pytest.mark.parametrize(
    ("relation", "key"),
    [
        ("publications", "publication_id"),
        ("staff", "person_id"),
        ("units", "unit_id"),
        ("employments", "employment_id"),
    ],
)
def test_a_key_that_is_missing_or_stands_twice_stops_the_run(stages: Stages, relation: str, key: str) -> None:
    first = {"publications": "W1", "staff": "P1", "units": "U1", "employments": "E1"}[relation]
    for value, check in ((first, "key_unique"), (None, "key_present")):
        stages.cris.insert(relation, **{key: value})
        run_id = stages.next_run()
        stages.extract(run_id)
        with pytest.raises(ExtractionRefused, match=rf"orcid_feed\.{relation}.*{check}"):
            stages.validate(run_id)
        with pytest.raises(Misconfigured, match="isn't validated"):
            stages.merge(run_id)
        assert stages.query("SELECT * FROM cris_row") == []
        stages.cris.delete(relation, f"ctid = (SELECT max(ctid) FROM orcid_feed.{relation})")


@pytest.mark.parametrize("relation", ["staff", "units", "publications"])
def test_an_empty_view_stops_the_first_run_already(cris: SmallCris, stages: Stages, relation: str) -> None:
    cris.delete(relation)
    stages.extract("run-1")
    with pytest.raises(ViewShrunk, match=rf"orcid_feed\.{relation} is empty") as caught:
        stages.validate("run-1")
    assert "confirm" in str(caught.value)


def test_an_empty_cris_is_merged_only_on_confirmation(cris: SmallCris, stages: Stages) -> None:
    for relation in ("staff", "units", "employments", "publications", "publication_contributors"):
        cris.delete(relation)
    cris.delete("publication_identifiers")
    stages.extract("run-1")
    with pytest.raises(ViewShrunk):
        stages.validate("run-1")
    assert stages.run(confirm_shrink=True)["merge"]["new"] == 0


def test_a_view_that_shrank_since_the_last_run_stops_even_an_incremental_one(stages: Stages) -> None:
    for number in range(10, 15):
        stages.cris.publication(f"W{number}", "P1")
    stages.run()
    for number in range(10, 14):
        stages.cris.remove_publication(f"W{number}")
    stages.extract("run-2")
    with pytest.raises(ViewShrunk, match="4 fewer than at the last run"):
        stages.validate("run-2")
    assert stages.run(confirm_shrink=True)["merge"]["vanished"] == 0


def test_a_broken_check_is_told_apart_from_bad_rows(stages: Stages) -> None:
    stages.extract("run-1")
    divides = Check("divides", "1 / (t.publication_year - 2024) > 0", "x", "y")
    suites = tuple(
        replace(suite, checks=(*suite.checks, divides)) if suite.relation == "publications" else suite
        for suite in SUITES
    )
    with pytest.raises(CheckBroken, match="not to blame"):
        stages.validate("run-1", suites=suites)
    misspelt = Check("misspelt", "t.publication_yaer > 0", "x", "y")
    suites = tuple(
        replace(suite, checks=(misspelt,)) if suite.relation == "publications" else suite for suite in SUITES
    )
    with pytest.raises(CheckBroken, match="publication_yaer"):
        stages.validate("run-1", suites=suites)
    assert stages.quarantined() == set()


def test_a_broken_check_in_great_expectations_is_no_verdict_on_rows(stages: Stages, tmp_path: Any) -> None:
    from orcid_sync.quality.expectations import run_suites

    stages.extract("run-1")
    stages.validate("run-1")
    ghost = Check("ghost", "false", "x", "y")
    suite = next(suite for suite in SUITES if suite.relation == "publications")
    with pytest.raises(CheckBroken, match="ghost of publications"):
        run_suites(stages.ledger, [replace(suite, checks=(ghost,))], tmp_path / "docs")


def test_data_docs_are_written_per_run_and_hold_no_value_of_a_row(stages: Stages) -> None:
    stages.cris.update("staff", "person_id = 'P1'", orcid="0000-0002-1825-0098", family_names="Unmistakable")
    stages.cris.update("publications", W1, title="<b></b>", short_description="Unmistakable")
    first = stages.run()["validate"]["data_docs"]
    stages.cris.update("publications", W1, title="On tides again")
    second = stages.run()["validate"]["data_docs"]
    assert first != second
    for folder in (first, second):
        pages = list((stages.settings.data_docs_dir / folder.rsplit("/", 1)[-1]).rglob("*.html"))
        assert any(page.name == "index.html" for page in pages)
        text = "".join(page.read_text() for page in pages)
        assert "title_present" in text
        for secret in ("Unmistakable", "0000-0002-1825-0098", "password"):
            assert secret not in text


def test_validation_can_be_repeated(stages: Stages) -> None:
    stages.cris.update("publications", W1, title="")
    stages.extract("run-1")
    assert stages.validate("run-1") == stages.validate("run-1")
    assert len(stages.quarantined()) == 1


def test_staging_of_another_run_is_refused(stages: Stages) -> None:
    with pytest.raises(Misconfigured, match="Nothing was extracted"):
        stages.validate("run-1")
    stages.extract("run-1")
    stages.extract("run-2")
    with pytest.raises(Misconfigured, match="run-2"):
        stages.validate("run-1")
    with pytest.raises(Misconfigured, match="run-2"):
        stages.merge("run-1")


def test_staging_that_a_crash_has_emptied_is_noticed(stages: Stages) -> None:
    stages.extract("run-1")
    stages.validate("run-1")
    with stages.ledger.transaction() as connection:
        connection.execute("TRUNCATE staging.publications")
    with pytest.raises(Misconfigured, match="no longer holds"):
        stages.merge("run-1")
