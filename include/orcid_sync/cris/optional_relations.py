"""The contract's views, column by column: those that a CRIS may offer."""

from __future__ import annotations

from typing import Final

from orcid_sync.cris.shapes import (
    OWNING_UNIT,
    UPDATED,
    VISIBILITY,
    Relation,
    optional,
    partial_date,
    required,
)

FUNDINGS: Final = Relation(
    "fundings",
    (
        required("funding_id", "Key of the funding, shared by its people"),
        required("person_id", "Staff member: one row per person"),
        optional("funding_role", "Role, the source's own term"),
        required("funding_type", "grant | contract | award | salary-award"),
        required("title", "Title"),
        optional("translated_title", "Title in another language"),
        optional("translated_title_language", "Language of the translated title"),
        optional("grant_number", "Number given by the funder"),
        optional("grant_doi", "DOI of the grant"),
        optional("url", "Page of the grant"),
        optional("short_description", "Description"),
        optional("amount", "Amount", "numeric"),
        optional("currency_code", "ISO 4217"),
        *partial_date("start", "Start"),
        *partial_date("end", "End"),
        required("funder_name", "Funder"),
        optional("funder_city", "City of the funder"),
        optional("funder_country", "ISO 3166-1 alpha-2"),
        optional("funder_identifier", "Identifier of the funder"),
        optional("funder_identifier_source", "ROR | GRID | FUNDREF | LEI"),
        VISIBILITY,
        required("curation_status", "approved | pending | rejected | withdrawn"),
        OWNING_UNIT,
        UPDATED,
    ),
    key=("funding_id", "person_id"),
    optional=True,
)

PEER_REVIEWS: Final = Relation(
    "peer_reviews",
    (
        required("review_id", "Key of the review"),
        required("person_id", "Staff member"),
        required("reviewer_role", "reviewer | editor | member | chair | organizer"),
        required("review_type", "review | evaluation"),
        *partial_date("completion", "Completion"),
        required("review_group_id", "Group the reviews are counted under, e.g. issn:0028-0836"),
        optional("review_identifier_type", "Type of the review's identifier"),
        optional("review_identifier_value", "Identifier of the review"),
        optional("review_url", "Page of the review"),
        optional("subject_external_id_type", "Type of the reviewed item's identifier, open reviews only"),
        optional("subject_external_id_value", "Identifier of the reviewed item, open reviews only"),
        optional("subject_container_name", "Where the reviewed item appeared, open reviews only"),
        required("convening_organization_name", "Organisation that convened the review"),
        optional("convening_city", "Its city"),
        optional("convening_country", "ISO 3166-1 alpha-2"),
        optional("convening_identifier", "Its identifier"),
        optional("convening_identifier_source", "ROR | GRID | RINGGOLD | FUNDREF | LEI"),
        VISIBILITY,
        OWNING_UNIT,
        UPDATED,
    ),
    key=("review_id",),
    optional=True,
)

QUALIFICATIONS: Final = Relation(
    "qualifications",
    (
        required("qualification_id", "Key of the education or qualification"),
        required("person_id", "Staff member"),
        required("affiliation_type", "education | qualification"),
        optional("role_title", "Degree or title"),
        optional("department_name", "Department"),
        required("organization_name", "Organisation that gave it"),
        optional("organization_city", "Its city"),
        optional("organization_region", "Its region"),
        optional("organization_country", "ISO 3166-1 alpha-2"),
        optional("disambiguated_organization_identifier", "Its identifier"),
        optional("disambiguation_source", "ROR | GRID | RINGGOLD | FUNDREF | LEI"),
        *partial_date("start", "Start"),
        *partial_date("end", "End"),
        optional("url", "Page of the qualification"),
        optional("external_id_type", "Type of an external identifier"),
        optional("external_id_value", "External identifier"),
        optional("external_id_url", "Link of the external identifier"),
        optional("external_id_relationship", "self | part-of | version-of", default="'self'"),
        optional(
            "given_here", "This institution vouches for it: it goes out for alumni too", "boolean", "false"
        ),
        VISIBILITY,
        OWNING_UNIT,
        UPDATED,
    ),
    key=("qualification_id",),
    optional=True,
)

RESEARCH_RESOURCES: Final = Relation(
    "research_resources",
    (
        required("resource_id", "Key of what was granted"),
        required("person_id", "Staff member"),
        required("proposal_title", "Title of the proposal that the use was granted on"),
        optional("proposal_id_type", "Type of the proposal's identifier", default="'proposal-id'"),
        required("proposal_id_value", "Identifier of the proposal"),
        optional("proposal_url", "Page of the proposal"),
        *partial_date("start", "Start"),
        *partial_date("end", "End"),
        required("host_name", "Organisation that grants the use"),
        optional("host_city", "Its city"),
        optional("host_country", "ISO 3166-1 alpha-2"),
        optional("host_identifier", "Its identifier"),
        optional("host_identifier_source", "ROR | GRID | FUNDREF | LEI"),
        required("resource_names", "What may be used, one or more", "text[]"),
        required(
            "resource_types", "infrastructures | collections | equipment | services, one each", "text[]"
        ),
        required("resource_id_values", "Identifiers of what may be used, one each", "text[]"),
        optional("resource_id_types", "Their types, one each; NULL = other-id", "text[]"),
        VISIBILITY,
        OWNING_UNIT,
        UPDATED,
    ),
    key=("resource_id",),
    optional=True,
)

RESEARCHER_URLS: Final = Relation(
    "researcher_urls",
    (
        required("url_id", "Key of the page"),
        required("person_id", "Staff member"),
        required("url", "Address of the page"),
        optional("url_name", "What the page is called, e.g. Profile at the university"),
        VISIBILITY,
        OWNING_UNIT,
        UPDATED,
    ),
    key=("url_id",),
    optional=True,
)

PERSON_IDENTIFIERS: Final = Relation(
    "person_identifiers",
    (
        required("identifier_id", "Key of the identifier"),
        required("person_id", "Staff member"),
        required("external_id_type", "What the identifier is called, e.g. University of Examples person id"),
        required("external_id_value", "The identifier"),
        required("external_id_url", "Page that it leads to"),
        VISIBILITY,
        OWNING_UNIT,
        UPDATED,
    ),
    key=("identifier_id",),
    optional=True,
)
