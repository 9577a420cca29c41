"""Degrees, grants and reviews: from their views, which a CRIS may have or not, into what the ledger knows."""

from __future__ import annotations

import pytest

from tests.fixtures.small_cris import Stages


def test_a_grant_is_one_thing_with_a_claim_for_each_of_its_people(stages: Stages) -> None:
    stages.cris.insert("fundings", funding_id="A1", person_id="P1", funding_role="PI")
    stages.cris.insert("fundings", funding_id="A1", person_id="P2", visibility="hidden")
    stages.run()
    assert stages.row("A1")["data"]["holders"] == [
        {"person_id": "P1", "funding_role": "PI", "visibility": "public"},
        {"person_id": "P2", "funding_role": None, "visibility": "hidden"},
    ]
    assert stages.claims("A1") == {"P1": "yes", "P2": "no:claim_hidden"}


def test_a_grant_is_read_with_all_of_its_people_when_one_of_them_changes(stages: Stages) -> None:
    stages.cris.insert("fundings", funding_id="A1", person_id="P1")
    stages.cris.insert("fundings", funding_id="A1", person_id="P2")
    stages.run()
    for _ in range(30):
        stages.cris.tick()
    stages.cris.update("fundings", "person_id = 'P2'", visibility="hidden")
    counts = stages.run()
    assert counts["extract"]["fundings"] == 2
    assert counts["merge"]["merged"]["fundings"]["changed"] == 1
    assert stages.claims("A1") == {"P1": "yes", "P2": "no:claim_hidden"}


def test_people_who_contradict_each_other_about_a_grant_hold_it(stages: Stages) -> None:
    stages.cris.insert("fundings", funding_id="A1", person_id="P1")
    stages.cris.insert("fundings", funding_id="A1", person_id="P2", title="Currents")
    stages.run()
    assert stages.quarantined() == {
        ("fundings", "A1:P1", "holders_agree"),
        ("fundings", "A1:P2", "holders_agree"),
    }
    assert stages.row("A1")["quarantined"]


@pytest.mark.parametrize(
    ("relation", "values", "check"),
    [
        ("qualifications", {"person_id": "P99"}, "person_known"),
        ("qualifications", {"organization_name": " "}, "organization_present"),
        ("qualifications", {"end_year": 2009}, "dates_in_order"),
        ("fundings", {"funder_name": ""}, "funder_present"),
        ("fundings", {"curation_status": "done"}, "curation_status_known"),
        ("fundings", {"start_year": 1800}, "start_year_plausible"),
        ("peer_reviews", {"review_group_id": "Nature"}, "group_present"),
        ("peer_reviews", {"completion_year": None}, "completion_present"),
        ("peer_reviews", {"completion_month": 13}, "completion_date_possible"),
    ],
)
def test_a_bad_row_is_held_and_its_neighbour_goes_on(
    stages: Stages, relation: str, values: dict[str, object], check: str
) -> None:
    key = {"qualifications": "qualification_id", "fundings": "funding_id", "peer_reviews": "review_id"}[
        relation
    ]
    stages.cris.insert(relation, **{key: "BAD", "person_id": "P1"} | values)
    stages.cris.insert(relation, **{key: "GOOD", "person_id": "P1"})
    stages.run()
    assert {name for _, _, name in stages.quarantined()} == {check}
    assert stages.row("BAD")["quarantined"]
    assert stages.row("GOOD")["answer"] == "yes"


def test_a_degree_that_the_institution_gave_outlives_the_employment(stages: Stages) -> None:
    stages.cris.insert("qualifications", qualification_id="D1", given_here=True)
    stages.cris.insert("qualifications", qualification_id="D2", affiliation_type="qualification")
    stages.run()
    assert stages.row("D1")["after_leaving"]
    assert not stages.row("D2")["after_leaving"]
    assert (stages.row("D1")["section"], stages.row("D2")["section"]) == ("education", "qualification")


def test_what_was_read_again_and_is_the_same_is_left_out(stages: Stages) -> None:
    stages.cris.insert("qualifications", qualification_id="D1")
    stages.cris.insert("fundings", funding_id="A1", person_id="P1")
    stages.cris.insert("peer_reviews", review_id="R1")
    stages.run()
    before = stages.state()
    for relation in ("qualifications", "fundings", "peer_reviews"):
        stages.cris.update(relation, "true")
    counts = stages.run()
    assert counts["extract"]["read_again"] >= 3
    assert [counts["extract"][name] for name in ("qualifications", "fundings", "peer_reviews")] == [0, 0, 0]
    assert stages.state() == before


def test_a_view_that_is_gone_takes_nothing_with_it(stages: Stages) -> None:
    stages.cris.insert("peer_reviews", review_id="R1")
    stages.run()
    stages.cris.execute("DROP TABLE orcid_feed.peer_reviews")
    for _ in range(2):
        counts = stages.run(full=True, confirm_shrink=True)
    assert "peer_reviews" in counts["extract"]["missing_optional"]
    assert (stages.row("R1")["answer"], stages.row("R1")["gone"]) == ("yes", None)


def test_a_tombstone_takes_a_grant_away(stages: Stages) -> None:
    stages.cris.insert("fundings", funding_id="A1", person_id="P1")
    stages.run()
    stages.cris.delete("fundings")
    stages.cris.insert("tombstones", entity="fundings", entity_id="A1", reason="deleted")
    stages.run(confirm_shrink=True)
    assert stages.row("A1")["gone"] == "deleted"


def test_a_degree_of_an_unknown_kind_belongs_to_no_section_and_waits(stages: Stages) -> None:
    stages.cris.insert("qualifications", qualification_id="D1", affiliation_type="diploma")
    stages.run()
    assert stages.quarantined() == {("qualifications", "D1", "affiliation_type_known")}
    assert stages.query("SELECT FROM cris_row WHERE cris_id = 'D1'") == []
