from __future__ import annotations

from collections.abc import Iterator

import pytest
from orcid_simulator.testing import RunningSimulator, running_simulator

from tests.simulator.support import (
    Json,
    Member,
    changed,
    date,
    employment,
    external_id,
    ids,
    organization,
    refused,
    without,
)

STRICT = ("education", "employment")
PROFESSIONAL = ("distinction", "invited-position", "membership", "qualification", "service")
ALL = (*STRICT, *PROFESSIONAL)


@pytest.mark.parametrize("section", ALL)
def test_each_type_is_created_read_summarised_listed_updated_and_deleted(
    member: Member, section: str
) -> None:
    put_code = member.add(section, employment(**{"department-name": "Physics"}))
    read = member.get(f"/{section}/{put_code}").json()
    assert list(read) == [
        "created-date", "last-modified-date", "source", "put-code", "department-name", "role-title", "start-date",
        "end-date", "organization", "url", "external-ids", "display-index", "visibility", "path",
    ]  # fmt: skip
    assert read["path"] == f"/{member.orcid}/{section}/{put_code}"
    assert read["display-index"] == "1"
    assert read["start-date"] == {"year": {"value": "2020"}, "month": {"value": "01"}, "day": None}
    assert member.get(f"/{section}/summary/{put_code}").json() == read
    listed = member.get(f"/{section}s").json()
    assert listed["affiliation-group"][0]["summaries"] == [{f"{section}-summary": read}]
    assert listed["path"] == f"/{member.orcid}/{section}s"
    answer = member.put(f"/{section}/{put_code}", employment(**{"put-code": put_code}))
    assert answer.status_code == 200
    assert answer.json()["department-name"] is None
    assert member.delete(f"/{section}/{put_code}").status_code == 204
    assert member.get(f"/{section}s").json() == {
        "last-modified-date": None,
        "affiliation-group": [],
        "path": f"/{member.orcid}/{section}s",
    }


NO_ID = without(organization(), "disambiguated-organization")
STRICT_RULES = [
    ("no organisation", without(employment(), "organization"), 9046),
    ("no organisation id", employment(organization=NO_ID), 9045),
    (
        "an empty organisation id",
        changed(
            employment(),
            "",
            "organization",
            "disambiguated-organization",
            "disambiguated-organization-identifier",
        ),
        9045,
    ),
    ("no city", employment(organization=organization(city=None)), 9060),
    ("no country", employment(organization=organization(country=None)), 9060),
    ("an invalid date", employment(**{"start-date": date("2020", "02", "30")}), 9049),
    (
        "an end before the start",
        employment(**{"start-date": date("2020", "05"), "end-date": date("2020", "04")}),
        9055,
    ),
    ("a put code", employment(**{"put-code": 3}), 9024),
    ("no address", without(employment(), "organization", "address"), 9047),
    ("an unknown country", employment(organization=organization(country="ZZ")), 9047),
    ("an unknown property", employment(rank=1), 9047),
    ("a role over 4000 characters", employment(**{"role-title": "x" * 4001}), 9047),
]


@pytest.mark.parametrize("section", STRICT)
@pytest.mark.parametrize(
    ("sent", "code"), [row[1:] for row in STRICT_RULES], ids=[row[0] for row in STRICT_RULES]
)
def test_an_education_or_employment_is_refused_for(
    member: Member, section: str, sent: Json, code: int
) -> None:
    assert refused(member.post(f"/{section}", sent), 400, code)


PROFESSIONAL_RULES = [
    ("no organisation", without(employment(), "organization"), 9046),
    ("neither organisation id nor external id", employment(organization=NO_ID), 9062),
    ("a city without country", employment(organization=organization(country=None)), 9061),
]


@pytest.mark.parametrize("section", PROFESSIONAL)
@pytest.mark.parametrize(
    ("sent", "code"), [row[1:] for row in PROFESSIONAL_RULES], ids=[row[0] for row in PROFESSIONAL_RULES]
)
def test_a_professional_activity_is_refused_for(member: Member, section: str, sent: Json, code: int) -> None:
    assert refused(member.post(f"/{section}", sent), 400, code)


@pytest.mark.parametrize(
    "sent",
    [
        employment(**{"start-date": date("2020"), "end-date": date("2020", "01")}),
        employment(**{"start-date": date("2020", "05"), "end-date": date("2020", "05")}),
        without(employment(**{"end-date": date("2020")}), "start-date"),
        employment(**{"external-ids": ids(external_id("anything", "1"))}),
        employment(**{"external-ids": ids(external_id("uri", "https://a.org/1", "part-of"))}),
    ],
    ids=[
        "dates compared on shared parts",
        "equal dates",
        "end without start",
        "unknown id type",
        "no self id",
    ],
)
def test_an_employment_is_accepted_with(member: Member, sent: Json) -> None:
    member.add("employment", sent)


def test_a_professional_activity_needs_no_organisation_id_if_it_has_an_external_id(member: Member) -> None:
    sent = employment(organization=NO_ID, **{"external-ids": ids(external_id("uri", "https://a.org/1"))})
    member.add("qualification", sent)


def test_the_source_is_checked_before_the_message(member: Member) -> None:
    put_code = member.registry.control.add_item(member.orcid, "employment", employment())
    invalid = without(employment(**{"put-code": put_code}), "organization")
    assert refused(member.put(f"/employment/{put_code}", invalid), 403, 9010)


def test_duplicates_are_looked_for_within_one_type(member: Member) -> None:
    sent = employment(**{"external-ids": ids(external_id("uri", "https://a.org/1"))})
    member.add("employment", sent)
    assert refused(member.post("/employment", sent), 409, 9021)
    assert member.post("/education", sent).status_code == 201


def test_without_identifiers_the_same_employment_can_be_added_twice(member: Member) -> None:
    assert member.add("employment") < member.add("employment")
    assert len(member.get("/employments").json()["affiliation-group"]) == 2


@pytest.mark.parametrize("kind", ["proposal-id", "source-work-id", "other-id"])
def test_identifier_types_come_back_with_underscores_and_so_never_conflict(member: Member, kind: str) -> None:
    sent = employment(**{"external-ids": ids(external_id(kind, "1"))})
    put_code = member.add("employment", sent)
    read = member.get(f"/employment/{put_code}").json()["external-ids"]["external-id"][0]
    assert read["external-id-type"] == kind.replace("-", "_")
    assert member.post("/employment", sent).status_code == 201


def test_put_with_the_put_code_of_another_type_changes_the_type(member: Member) -> None:
    put_code = member.add("employment")
    answer = member.put(f"/education/{put_code}", employment(**{"put-code": put_code}))
    assert answer.status_code == 200
    assert member.get("/employments").json()["affiliation-group"] == []
    assert member.get(f"/education/{put_code}").status_code == 200


def test_delete_ignores_the_type_of_an_affiliation(member: Member) -> None:
    put_code = member.add("employment")
    assert member.delete(f"/membership/{put_code}").status_code == 204


def test_changing_the_type_by_put_can_be_refused() -> None:
    with running_simulator(affiliation_put_changes_type=False) as registry:
        member = Member.join(registry)
        put_code = member.add("employment")
        sent = employment(**{"put-code": put_code})
        assert refused(member.put(f"/education/{put_code}", sent), 404, 9016)


@pytest.fixture(scope="module")
def strict() -> Iterator[RunningSimulator]:
    with running_simulator(strict_organizations=True) as registry:
        yield registry


@pytest.mark.parametrize(
    ("source", "identifier", "known"),
    [
        ("ROR", "https://ror.org/012345678", True),
        ("ROR", "012345678", False),
        ("ROR", "http://ror.org/012345678", False),
        ("ror", "https://ror.org/012345678", False),
        ("FUNDREF", "http://dx.doi.org/10.13039/1", True),
        ("FUNDREF", "https://doi.org/10.13039/1", False),
        ("RINGGOLD", "1234", True),
        ("GRID", "grid.1.ab", True),
        ("LEI", "213800MRQPZ1PNZ6MV77", True),
        ("ISNI", "0000 0004 6031 3084", False),
    ],
)
def test_the_permissive_table_holds_whatever_is_written_as_the_registry_writes_it(
    member: Member, source: str, identifier: str, known: bool
) -> None:
    ours = organization(
        **{
            "disambiguated-organization": {
                "disambiguated-organization-identifier": identifier,
                "disambiguation-source": source,
            }
        }
    )
    answer = member.post("/employment", employment(organization=ours))
    assert answer.status_code == 201 if known else refused(answer, 400, 9045)


class TestOrganisations:
    def test_an_unknown_organisation_is_9045(self, strict: RunningSimulator) -> None:
        member = Member.join(strict)
        unknown = changed(
            employment(),
            "https://ror.org/000000000",
            "organization",
            "disambiguated-organization",
            "disambiguated-organization-identifier",
        )
        assert refused(member.post("/employment", unknown), 400, 9045)

    @pytest.mark.parametrize(
        ("source", "identifier"),
        [
            ("ROR", "https://ror.org/0524sp257"),
            ("RINGGOLD", "1980"),
            ("GRID", "grid.5337.2"),
            ("FUNDREF", "http://dx.doi.org/10.13039/501100000883"),
            ("LEI", "213800MRQPZ1PNZ6MV77"),
        ],
    )
    def test_an_organisation_is_known_by_the_exact_pair_of_source_and_identifier(
        self, strict: RunningSimulator, source: str, identifier: str
    ) -> None:
        member = Member.join(strict)
        strict.control.call(
            "POST",
            "/organizations",
            {"organizations": [{"source": source, "identifier": identifier, "name": "Bristol"}]},
        )
        known = organization(
            **{
                "disambiguated-organization": {
                    "disambiguated-organization-identifier": identifier,
                    "disambiguation-source": source,
                }
            }
        )
        member.add("employment", employment(organization=known))
        shouted = changed(employment(organization=known), source.lower(), "organization",
                          "disambiguated-organization", "disambiguation-source")  # fmt: skip
        assert refused(member.post("/employment", shouted), 400, 9045)

    def test_name_and_address_come_back_as_sent(self, strict: RunningSimulator) -> None:
        member = Member.join(strict)
        sent = organization(name="Uni Bristol", city="Bristol (UK)")
        put_code = member.add("employment", employment(organization=sent))
        read = member.get(f"/employment/{put_code}").json()["organization"]
        assert read["name"] == "Uni Bristol"
        assert read["address"] == {"city": "Bristol (UK)", "region": None, "country": "GB"}
