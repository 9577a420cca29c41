"""Every section is declared completely: none of the places that speak of sections has forgotten one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from orcid_sync.cris.contract import CONTRACT
from orcid_sync.cris.rules import SECTION_RULES
from orcid_sync.errors import ServerError
from orcid_sync.model.inputs import Organization
from orcid_sync.model.payloads import MAKERS, Payload, Refusal, Surroundings, make_payload, match_keys
from orcid_sync.model.sections import AFFILIATIONS, SECTIONS, section_sql, sections_of
from orcid_sync.model.validation import problems, same_meaning
from orcid_sync.orcid.records import parse_record
from orcid_sync.quality.suites import SUITES
from orcid_sync.sync.merging.rows import CONTENTS

from tests.fixtures.section_rows import EDITS, ROWS

TODAY = dt.date(2026, 6, 1)
ROR = "https://ror.org/048a87296"


ORCID = "0000-0002-1825-0097"


def a_record() -> dict[str, Any]:
    """A record with one item in every section, in the registry's shape."""
    summaries: dict[str, Any] = {"path": f"/{ORCID}/activities"}
    person: dict[str, Any] = {}
    for name, declared in SECTIONS.items():
        if declared.of_person:
            person[declared.plural] = {name: [{"put-code": 1}]}
        elif name in AFFILIATIONS:
            group = {"summaries": [{f"{name}-summary": {"put-code": 1}}]}
            summaries[declared.plural] = {"affiliation-group": [group]}
        else:
            group = {f"{name}-summary": [{"put-code": 1}]}
            group = {"peer-review-group": [group]} if name == "peer-review" else group
            summaries[declared.plural] = {"group": [group]}
    return {"activities-summary": summaries, "person": person}


def test_a_record_without_a_section_of_the_person_is_no_record() -> None:
    body = a_record()
    del body["person"]["researcher-urls"]
    with pytest.raises(ServerError, match="researcher-urls"):
        parse_record(ORCID, body)


def made(section: str, **changes: object) -> Payload | Refusal:
    unit = {"unit_id": "U1", "name": "Uppsala", "city": "Uppsala", "country": "SE", "ror_id": ROR}
    around = Surroundings(TODAY, path=[Organization.from_row(unit)])
    return make_payload(section, ROWS[section] | changes, around)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_declared_in_every_place(section: str) -> None:
    declared = SECTIONS[section]
    assert section in {item.section for item in parse_record(ORCID, a_record()).items}
    assert declared.key in CONTRACT[declared.relation].column_names
    assert [rules.section for rules in SECTION_RULES].count(section) == 1
    assert section in CONTENTS
    assert section in MAKERS
    assert isinstance(problems(section, {}), list)
    assert declared.relation in [suite.relation for suite in SUITES]


@pytest.mark.parametrize("relation", sorted({section.relation for section in SECTIONS.values()}))
def test_sections_that_share_a_relation_are_told_apart_by_kind(relation: str) -> None:
    kinds = [section.kind for section in sections_of(relation)]
    assert len(set(kinds)) == len(kinds)
    assert section_sql(relation).count("'") >= 2


@pytest.mark.parametrize("section", ROWS)
def test_a_row_becomes_what_the_registry_takes_and_its_correction_means_something_else(section: str) -> None:
    payload, corrected = made(section), made(section, **EDITS[section])
    assert isinstance(payload, Payload)
    assert isinstance(corrected, Payload)
    assert problems(section, payload.content) == []
    assert payload.digest != corrected.digest
    assert not same_meaning(section, payload.content, corrected.content)
    assert match_keys(payload)


@pytest.mark.parametrize(
    ("section", "changes", "reason", "field"),
    [
        ("education", {"organization_city": None}, "organisation_unknown", "organization.address"),
        ("education", {"disambiguated_organization_identifier": None}, "organisation_unknown", "organization"),
        ("education", {"end_year": 2009}, "invalid_field", "end-date"),
        ("qualification", {"organization_name": "Guild", "disambiguation_source": "LEI"}, "organisation_unknown", "org"),
        ("funding", {"funding_type": "windfall"}, "type_not_mapped", "funding_type"),
        ("funding", {"grant_number": " "}, "no_usable_identifier", "grant_number"),
        ("funding", {"funder_identifier": "n/a"}, "organisation_unknown", "funder_identifier"),
        ("funding", {"title": "<i></i>"}, "invalid_field", "title"),
        ("peer-review", {"reviewer_role": "friend"}, "type_not_mapped", "reviewer_role"),
        ("peer-review", {"review_type": "chat"}, "type_not_mapped", "review_type"),
        ("peer-review", {"review_group_id": "issn:0028-0837"}, "invalid_field", "review_group_id"),
        ("peer-review", {"review_group_id": "Nature"}, "invalid_field", "review-group-id"),
        ("peer-review", {"completion_year": None, "completion_month": None}, "invalid_field", "completion_year"),
        ("peer-review", {"convening_organization_name": ""}, "organisation_unknown", "organization"),
        ("research-resource", {"proposal_title": "<b> </b>"}, "invalid_field", "proposal_title"),
        ("research-resource", {"proposal_id_value": " "}, "no_usable_identifier", "proposal_id_value"),
        ("research-resource", {"resource_types": ["beamline", "magic"]}, "type_not_mapped", "resource_types"),
        ("research-resource", {"resource_names": ["Beamline 7", ""]}, "invalid_field", "resource-item[1]"),
        ("research-resource", {"resource_id_values": ["BL7", ""]}, "no_usable_identifier", "resource_id_values"),
        ("research-resource", {"host_identifier": "n/a"}, "organisation_unknown", "host_identifier"),
        ("research-resource", {"end_year": 2010}, "invalid_field", "end-date"),
        ("researcher-url", {"url": "see my page"}, "invalid_field", "url"),
        ("researcher-url", {"url": "https://example.edu/" + "x" * 2000}, "invalid_field", "url"),
        ("external-identifier", {"external_id_value": " "}, "invalid_field", "external_id_value"),
        ("external-identifier", {"external_id_value": "1" * 256}, "invalid_field", "external-id-value"),
        ("external-identifier", {"external_id_url": "intranet"}, "invalid_field", "external_id_url"),
    ],
)  # fmt: skip
def test_what_the_registry_would_refuse_is_refused_here_with_the_field_named(
    section: str, changes: dict[str, object], reason: str, field: str
) -> None:
    refusal = made(section, **changes)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.field.startswith(field)) == (reason, True)


def test_a_grant_s_amount_needs_its_currency_and_its_end_a_start() -> None:
    bare = made("funding", currency_code=None, start_year=None)
    assert isinstance(bare, Payload)
    assert not {"amount", "start-date", "end-date"} & set(bare.content)


def test_amounts_and_dashes_of_types_may_come_back_in_another_spelling() -> None:
    payload = made("funding")
    assert isinstance(payload, Payload)
    read = {**payload.content, "amount": {"value": "120000.0", "currency-code": "SEK"}}
    assert same_meaning("funding", payload.content, read)
    read = {**payload.content, "amount": {"value": "120001", "currency-code": "SEK"}}
    assert not same_meaning("funding", payload.content, read)


def test_a_review_is_known_by_what_the_source_gives_else_by_its_own_id() -> None:
    plain = made("peer-review")
    given = made("peer-review", review_identifier_type="doi", review_identifier_value="10.5555/Review.1")
    assert isinstance(plain, Payload)
    assert isinstance(given, Payload)
    assert plain.self_keys == ("source-work-id:r1",)
    assert given.self_keys == ("doi:10.5555/review.1",)
