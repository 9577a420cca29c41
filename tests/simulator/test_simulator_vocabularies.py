"""Every value of every closed list is taken, and every scope opens what it should."""

from __future__ import annotations

from typing import Any

import pytest
from orcid_simulator import vocabularies as words
from orcid_simulator.sections import SECTIONS, Section

from tests.simulator.support import (
    SAMPLES,
    Json,
    Member,
    changed,
    employment,
    external_id,
    funding,
    ids,
    organization,
    peer_review,
    refused,
    work,
)


def accepted_in_bulk(member: Member, works: list[Json]) -> bool:
    slots = [slot for place in range(0, len(works), 100) for slot in member.bulk(*works[place : place + 100])]
    return all("work" in slot for slot in slots)


@pytest.mark.parametrize(
    ("name", "values", "count"),
    [
        ("type", words.WORK_TYPES, 59),
        ("language-code", sorted(words.LANGUAGES), 186),
        ("country", sorted(words.COUNTRIES), 250),
    ],
)
def test_each_value_of_a_works_list_is_taken(
    member: Member, name: str, values: list[str], count: int
) -> None:
    wrap = name == "country"
    works = [work(f"10.1/{value}", **{name: {"value": value} if wrap else value}) for value in values]
    assert accepted_in_bulk(member, works)
    assert len(values) == count


@pytest.mark.parametrize("kind", words.CITATION_TYPES)
def test_each_citation_type_is_taken(member: Member, kind: str) -> None:
    member.add("work", work(citation={"citation-type": kind, "citation-value": "x"}))


@pytest.mark.parametrize("role", [*words.LEGACY_WORK_ROLES, *words.CREDIT_ROLES])
def test_each_contributor_role_of_works_is_taken(member: Member, role: str) -> None:
    contributor = {"contributor-attributes": {"contributor-sequence": "additional", "contributor-role": role}}
    member.add("work", work(contributors={"contributor": [contributor]}))


@pytest.mark.parametrize("role", [*words.FUNDING_ROLES, *words.CREDIT_ROLES])
def test_each_contributor_role_of_fundings_is_taken(member: Member, role: str) -> None:
    contributor = {"contributor-attributes": {"contributor-role": role}}
    member.add("funding", funding(contributors={"contributor": [contributor]}))


@pytest.mark.parametrize(
    ("section", "field", "values"),
    [
        ("funding", "type", words.FUNDING_TYPES),
        ("peer-review", "reviewer-role", words.REVIEWER_ROLES),
        ("peer-review", "review-type", words.REVIEW_TYPES),
        ("peer-review", "subject-type", words.SUBJECT_TYPES),
    ],
)
def test_each_value_of_another_list_is_taken(
    member: Member, section: str, field: str, values: tuple[str, ...]
) -> None:
    for number, value in enumerate(values):
        key = "external-ids" if section == "funding" else "review-identifiers"
        build = funding if section == "funding" else peer_review
        member.add(section, build(**{field: value, key: ids(external_id("grant_number", f"{number}"))}))


@pytest.mark.parametrize("kind", words.RESOURCE_TYPES)
def test_each_resource_type_is_taken(member: Member, kind: str) -> None:
    item = SAMPLES["research-resource"]()
    member.add(
        "research-resource", changed(item, kind, "resource-items", "resource-item", 0, "resource-type")
    )


@pytest.mark.parametrize("kind", sorted(words.FUNDED_BY_TYPES))
def test_funded_by_is_taken_with(member: Member, kind: str) -> None:
    member.add("work", work(**{"external-ids": ids(external_id(), external_id(kind, "10.1/f", "funded-by"))}))


def test_each_country_of_an_address_is_taken(member: Member) -> None:
    for country in sorted(words.COUNTRIES)[::25]:
        member.add("employment", employment(organization=organization(country=country)))


PERSON: dict[str, Any] = {
    "other-name": {"content": "Jo"},
    "keyword": {"content": "physics"},
    "researcher-url": {"url": {"value": "https://a.org"}},
    "address": {"country": {"value": "GB"}},
    "external-identifier": {
        "external-id-type": "Scopus",
        "external-id-value": "1",
        "external-id-url": {"value": "https://a.org/1"},
        "external-id-relationship": "self",
    },
}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.singular)
def test_a_section_is_written_with_its_own_scope_and_no_other(member: Member, section: Section) -> None:
    item = SAMPLES[section.singular]() if section.singular in SAMPLES else PERSON[section.singular]
    path = f"/{section.item_segment}"
    for wrong in {"/orcid-works/update", "/affiliations/update", "/orcid-bio/update"} - {section.write_scope}:
        implied = section.singular == "external-identifier" and wrong == "/orcid-bio/update"
        if not implied:
            assert refused(member.with_scope(wrong).post(path, item), 403, 9038)
    for wrong in ("/read-limited", "/read-public"):
        assert refused(member.with_scope(wrong).post(path, item), 403, 9038)
    assert member.with_scope(section.write_scope).post(path, item).status_code == 201


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.singular)
def test_a_limited_item_is_read_with_its_own_scope_and_no_other(member: Member, section: Section) -> None:
    item = SAMPLES[section.singular]() if section.singular in SAMPLES else PERSON[section.singular]
    put_code = member.registry.control.add_item(member.orcid, section.singular, item, visibility="limited")
    path = f"/{section.item_segment}/{put_code}"
    other = "/person/read-limited" if section.family == "activity" else "/activities/read-limited"
    assert refused(member.with_scope(other).get(path), 403, 9038)
    wide = "/activities/read-limited" if section.family == "activity" else "/person/read-limited"
    for scope in (section.read_scope, wide, "/read-limited"):
        assert member.with_scope(scope).get(path).status_code == 200
