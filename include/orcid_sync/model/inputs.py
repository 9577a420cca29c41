"""The rows of the CRIS contract that payloads are made of, columns as fields.

Only the columns that bear on a payload are kept; a column that the source doesn't offer is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self


class _Row:
    """Made from a row as it was extracted; columns that no field names are passed over."""

    __slots__ = ()

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The input of one extracted row."""
        names = _NAMES.get(cls)
        if names is None:
            names = _NAMES[cls] = tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
        return cls(*map(row.get, names))


_NAMES: Final[dict[type, tuple[str, ...]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Period(_Row):
    """What begins and may end, each as far as it is known."""

    start_year: int | None = None
    start_month: int | None = None
    start_day: int | None = None
    end_year: int | None = None
    end_month: int | None = None
    end_day: int | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        return cls(**{field.name: row.get(field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Publication(_Row):
    """A row of `publications`."""

    publication_id: str
    title: str
    source_type: str
    source_type_scheme: str
    source_subtype: str | None = None
    work_type: str | None = None
    subtitle: str | None = None
    translated_title: str | None = None
    translated_title_language: str | None = None
    journal_title: str | None = None
    publication_year: int | None = None
    publication_month: int | None = None
    publication_day: int | None = None
    publication_status: str | None = None
    language_code: str | None = None
    country: str | None = None
    short_description: str | None = None
    url: str | None = None
    citation_type: str | None = None
    citation_value: str | None = None


@dataclass(frozen=True, slots=True)
class Contributor(_Row):
    """A row of `publication_contributors`.

    `contributor_orcid_authenticated`: the source declares that the iD was authenticated by its owner.
    """

    publication_id: str
    contributor_seq: int
    contributor_role: str
    credit_name: str
    person_id: str | None = None
    is_group: bool | None = False
    family_names: str | None = None
    given_names: str | None = None
    contributor_orcid: str | None = None
    contributor_orcid_authenticated: bool | None = False
    claim_status: str | None = "approved"
    visibility: str | None = "public"


@dataclass(frozen=True, slots=True)
class Identifier(_Row):
    """A row of `publication_identifiers`, raw."""

    publication_id: str
    identifier_seq: int
    external_id_type: str
    external_id_value: str
    external_id_url: str | None = None
    external_id_relationship: str | None = "self"


@dataclass(frozen=True, slots=True, kw_only=True)
class Employment(_Period):
    """A row of `employments`; `affiliation_type` names the section."""

    employment_id: str
    person_id: str
    unit_id: str
    affiliation_type: str | None = "employment"
    role_title: str | None = None
    department_name: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Organization(_Row):
    """A row of `units`."""

    unit_id: str
    name: str
    parent_unit_id: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    ror_id: str | None = None
    disambiguated_organization_identifier: str | None = None
    disambiguation_source: str | None = None
    is_internal: bool | None = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification(_Period):
    """A row of `qualifications`, or an uploaded affiliation; `affiliation_type` names the section."""

    affiliation_type: str
    organization_name: str
    role_title: str | None = None
    department_name: str | None = None
    organization_city: str | None = None
    organization_region: str | None = None
    organization_country: str | None = None
    disambiguated_organization_identifier: str | None = None
    disambiguation_source: str | None = None
    url: str | None = None
    external_id_type: str | None = None
    external_id_value: str | None = None
    external_id_url: str | None = None
    external_id_relationship: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding(_Period):
    """A row of `fundings`, whoever of its people it stands for."""

    funding_id: str
    funding_type: str
    title: str
    funder_name: str
    translated_title: str | None = None
    translated_title_language: str | None = None
    grant_number: str | None = None
    grant_doi: str | None = None
    url: str | None = None
    short_description: str | None = None
    amount: float | str | None = None
    currency_code: str | None = None
    funder_city: str | None = None
    funder_country: str | None = None
    funder_identifier: str | None = None
    funder_identifier_source: str | None = None


@dataclass(frozen=True, slots=True)
class PeerReview(_Row):
    """A row of `peer_reviews`."""

    review_id: str
    reviewer_role: str
    review_type: str
    review_group_id: str
    convening_organization_name: str
    completion_year: int | None = None
    completion_month: int | None = None
    completion_day: int | None = None
    review_identifier_type: str | None = None
    review_identifier_value: str | None = None
    review_url: str | None = None
    subject_external_id_type: str | None = None
    subject_external_id_value: str | None = None
    subject_container_name: str | None = None
    convening_city: str | None = None
    convening_country: str | None = None
    convening_identifier: str | None = None
    convening_identifier_source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchResource(_Period):
    """A row of `research_resources`: a proposal and what may be used for it, in lists of one length."""

    resource_id: str
    proposal_title: str
    proposal_id_value: str
    host_name: str
    resource_names: Sequence[str]
    resource_types: Sequence[str]
    resource_id_values: Sequence[str]
    resource_id_types: Sequence[str | None] | None = None
    proposal_id_type: str | None = None
    proposal_url: str | None = None
    host_city: str | None = None
    host_country: str | None = None
    host_identifier: str | None = None
    host_identifier_source: str | None = None


@dataclass(frozen=True, slots=True)
class ResearcherUrl(_Row):
    """A row of `researcher_urls`."""

    url: str
    url_name: str | None = None


@dataclass(frozen=True, slots=True)
class PersonIdentifier(_Row):
    """A row of `person_identifiers`."""

    external_id_type: str
    external_id_value: str
    external_id_url: str
