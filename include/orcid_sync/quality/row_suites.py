"""The suites of the relations whose rows are items by themselves: posts, degrees, grants, reviews, resources, pages."""

from __future__ import annotations

from typing import Final

from orcid_sync.quality.checks import Check, Suite
from orcid_sync.quality.suite_parts import (
    KNOWN_PERSONS,
    KNOWN_UNITS,
    SOON,
    VISIBLE,
    blank,
    date_checks,
    doubled_rows,
    key_checks,
    one_of,
    period_checks,
    person_known,
    row_suite,
)

EMPLOYMENTS: Final = row_suite(
    "employments",
    "post",
    Check(
        "unit_known",
        "known_unit.unit_id IS NULL",
        "The unit of a post is not among the units",
        "Let the units view show the unit, or correct the post's unit",
    ),
    *period_checks("post"),
    joins=KNOWN_UNITS.format(column="t.unit_id"),
)

QUALIFICATIONS: Final = row_suite(
    "qualifications",
    "qualification",
    Check(
        "organization_present",
        blank("organization_name"),
        "It isn't said which organisation gave it",
        "Enter the organisation in the CRIS",
    ),
    *period_checks("qualification"),
)

FUNDINGS: Final = Suite(
    relation="fundings",
    key="t.funding_id || ':' || t.person_id",
    section="'funding'",
    cris_id="t.funding_id",
    owner="fundings",
    owner_key="funding_id",
    joins=doubled_rows("fundings", "funding_id", "person_id")
    + KNOWN_PERSONS
    + "LEFT JOIN (SELECT funding_id FROM staging.fundings GROUP BY 1 "
    "HAVING count(DISTINCT (title, funding_type, grant_number, grant_doi, funder_name, curation_status)) > 1) "
    "differing ON differing.funding_id = t.funding_id ",
    checks=(
        *key_checks("funding_id", "funding"),
        person_known("funding"),
        Check(
            "holders_agree",
            "differing.funding_id IS NOT NULL",
            "The rows of one funding, one for each of its people, say different things of it",
            "Let the view show the same title, type, number and funder in all rows of a funding",
        ),
        Check("title_present", blank("title"), "A funding has no title", "Enter the title in the CRIS"),
        Check(
            "funder_present", blank("funder_name"), "A funding has no funder", "Enter the funder in the CRIS"
        ),
        VISIBLE,
        one_of("curation_status", "approved", "pending", "rejected", "withdrawn"),
        *period_checks("funding"),
    ),
)

PEER_REVIEWS: Final = row_suite(
    "peer_reviews",
    "review",
    Check(
        "group_present",
        "t.review_group_id IS NULL "
        "OR t.review_group_id !~* '^\\s*(ringgold|issn|orcid-generated|fundref|publons):\\s*\\S{2,}'",
        "The group of a review is missing or has none of the forms that ORCID knows",
        "Let the view show the journal as issn:1234-5678, or a group of ringgold:, fundref:, publons:, "
        "orcid-generated:",
    ),
    Check(
        "completion_present",
        "t.completion_year IS NULL",
        "It isn't said when the review was completed",
        "Enter at least the year in the CRIS",
    ),
    Check(
        "organization_present",
        blank("convening_organization_name"),
        "It isn't said which organisation convened the review",
        "Enter the journal's publisher, or whoever asked for the review",
    ),
    *date_checks("completion", latest=SOON),
)

RESEARCH_RESOURCES: Final = row_suite(
    "research_resources",
    "resource",
    Check("title_present", blank("proposal_title"), "A proposal has no title", "Enter the title in the CRIS"),
    Check(
        "proposal_identified",
        blank("proposal_id_value"),
        "A proposal has no identifier, and ORCID needs one",
        "Enter the number that the host gave to the proposal",
    ),
    Check(
        "host_present", blank("host_name"), "It isn't said who grants the use", "Enter the host in the CRIS"
    ),
    Check(
        "resources_complete",
        "coalesce(cardinality(t.resource_names), 0) = 0 "
        "OR cardinality(t.resource_types) IS DISTINCT FROM cardinality(t.resource_names) "
        "OR cardinality(t.resource_id_values) IS DISTINCT FROM cardinality(t.resource_names) "
        "OR coalesce(cardinality(t.resource_id_types), cardinality(t.resource_names)) <> cardinality(t.resource_names)",
        "The lists of names, types and identifiers of what may be used are empty or not of one length",
        "Let the view show one name, one type and one identifier for each thing",
    ),
    *period_checks("resource"),
)

RESEARCHER_URLS: Final = row_suite(
    "researcher_urls",
    "page",
    Check("url_present", blank("url"), "A page has no address", "Let the view leave it out"),
)

PERSON_IDENTIFIERS: Final = row_suite(
    "person_identifiers",
    "identifier",
    Check(
        "identifier_complete",
        f"{blank('external_id_type')} OR {blank('external_id_value')} OR {blank('external_id_url')}",
        "An identifier of a person lacks its type, its value or the page that it leads to",
        "Let the view show all three, or leave it out",
    ),
)
