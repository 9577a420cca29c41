"""How entries without an identifier are told to be the same, or alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orcid_sync.model.affiliation_keys import content_key, near_keys, standing_near_keys
from orcid_sync.model.sections import AFFILIATIONS

ROR = {
    "disambiguated-organization-identifier": "https://ror.org/048a87296",
    "disambiguation-source": "ROR",
}


def entry(role: str | None = "Lecturer", year: str | None = "2020", **more: Any) -> dict[str, Any]:
    return {
        "role-title": role,
        "start-date": {"year": {"value": year}} if year else None,
        "organization": {"name": "Uppsala", "disambiguated-organization": ROR},
        **more,
    }


def alike(section: str, ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    return bool(set(near_keys(section, ours)) & set(standing_near_keys(section, theirs)))


@pytest.mark.parametrize("section", sorted(AFFILIATIONS))
def test_the_same_organisation_and_year_are_alike_whatever_the_spelling(section: str) -> None:
    theirs = entry("LECTURER ", organization={"name": "uppsala", "disambiguated-organization": None})
    assert alike(section, entry(), theirs)
    assert not alike(section, entry(), entry(year="2012"))


def test_another_role_is_another_entry_where_people_have_several_a_year() -> None:
    assert alike("employment", entry("Lecturer"), entry("Reader"))
    assert not alike("service", entry("Lecturer"), entry("Reader"))
    assert alike("service", entry("Lecturer"), entry(None))
    assert alike("service", entry(None), entry("Reader"))
    assert alike("service", entry(None), entry(None))


@given(
    section=st.sampled_from(sorted(AFFILIATIONS)),
    role=st.none() | st.text(max_size=12),
    year=st.none() | st.sampled_from(["1990", "2020"]),
    department=st.none() | st.text(max_size=12),
)
def test_what_is_the_same_is_alike(
    section: str, role: str | None, year: str | None, department: str | None
) -> None:
    ours = entry(role, year, **{"department-name": department})
    read_back = {**ours, "visibility": "public", "url": None}
    assert content_key(ours) == content_key(read_back)
    assert alike(section, ours, read_back)
