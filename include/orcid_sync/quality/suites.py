"""The suites: what is checked of each contract relation before anything of it is merged."""

from __future__ import annotations

from typing import Final

from orcid_sync.quality.checks import Check, Effect, Suite
from orcid_sync.quality.row_suites import (
    EMPLOYMENTS,
    FUNDINGS,
    PEER_REVIEWS,
    PERSON_IDENTIFIERS,
    QUALIFICATIONS,
    RESEARCH_RESOURCES,
    RESEARCHER_URLS,
)
from orcid_sync.quality.suite_parts import (
    KNOWN_PERSONS,
    KNOWN_PUBLICATIONS,
    KNOWN_UNITS,
    SOON,
    VISIBLE,
    blank,
    date_checks,
    doubled_rows,
    key_checks,
    one_of,
)

_STAFF: Final = Suite(
    relation="staff",
    key="t.person_id",
    cris_id="t.person_id",
    owner="staff",
    owner_key="person_id",
    joins=doubled_rows("staff", "person_id")
    + "LEFT JOIN (SELECT staging.orcid_of(orcid) AS orcid FROM staging.staff WHERE orcid IS NOT NULL "
    "GROUP BY 1 HAVING count(DISTINCT person_id) > 1) shared ON shared.orcid = staging.orcid_of(t.orcid) ",
    checks=(
        *key_checks("person_id", "person"),
        Check(
            "name_present",
            blank("family_names"),
            "A person has no family name",
            "Enter the name in the CRIS; single names belong into family_names",
        ),
        Check(
            "is_current_known",
            "t.is_current IS NULL",
            "It isn't said whether the person works here now",
            "Let the view show is_current as true or false",
        ),
        VISIBLE,
        Check(
            "orcid_valid",
            f"NOT {blank('orcid')} AND staging.orcid_of(t.orcid) IS NULL",
            "The ORCID iD is none: its shape or its check digit is wrong",
            "Correct or remove the iD in the CRIS; until then the person counts as without a known iD",
            effect=Effect.IGNORE,
        ),
        Check(
            "orcid_on_one_person",
            "shared.orcid IS NOT NULL",
            "Another person has the same ORCID iD",
            "Find out whose iD it is, or whether the two are one person, and correct the CRIS",
            effect=Effect.IGNORE,
        ),
    ),
)

_UNITS: Final = Suite(
    relation="units",
    key="t.unit_id",
    cris_id="t.unit_id",
    owner="units",
    owner_key="unit_id",
    joins=doubled_rows("units", "unit_id") + KNOWN_UNITS.format(column="t.parent_unit_id"),
    checks=(
        *key_checks("unit_id", "unit"),
        Check("name_present", blank("name"), "A unit has no name", "Enter the name in the CRIS"),
        Check(
            "unit_known",
            "t.parent_unit_id IS NOT NULL AND known_unit.unit_id IS NULL",
            "The unit above is not among the units",
            "Let the view show the unit above, or NULL for the university itself",
            effect=Effect.IGNORE,
        ),
        Check(
            "not_above_itself",
            "t.parent_unit_id = t.unit_id",
            "A unit is said to stand above itself",
            "Correct the unit above in the CRIS; NULL for the university itself",
            effect=Effect.IGNORE,
        ),
    ),
)

_PUBLICATIONS: Final = Suite(
    relation="publications",
    key="t.publication_id",
    section="'work'",
    cris_id="t.publication_id",
    owner="publications",
    owner_key="publication_id",
    joins=doubled_rows("publications", "publication_id")
    + "LEFT JOIN (SELECT publication_id FROM staging.publication_contributors GROUP BY 1 "
    "HAVING min(contributor_seq) <> 1 OR max(contributor_seq) <> count(*) "
    "OR count(DISTINCT contributor_seq) <> count(*)) broken ON broken.publication_id = t.publication_id "
    "LEFT JOIN (SELECT DISTINCT publication_id FROM (SELECT publication_id, identifier_seq "
    "FROM staging.publication_identifiers GROUP BY 1, 2 HAVING count(*) > 1) twice) unclear "
    "ON unclear.publication_id = t.publication_id ",
    checks=(
        *key_checks("publication_id", "publication"),
        Check(
            "title_present",
            "t.title IS NULL OR NOT staging.says_something(t.title) "
            "OR t.title ~* '^\\W*(no|without|ohne|sans|sin)\\W+(title|titel|titre|t[ií]tulo)\\W*$'",
            "The title is missing, is nothing but markup, or only says that there is none",
            "Enter the title in the CRIS",
        ),
        Check(
            "type_present",
            f"{blank('source_type')} OR {blank('source_type_scheme')}",
            "The type or its scheme is missing",
            "Enter the type in the CRIS; the scheme is a constant of the view",
        ),
        *date_checks("publication", latest=SOON),
        VISIBLE,
        one_of("curation_status", "approved", "pending", "rejected", "withdrawn"),
        Check(
            "contributors_in_order",
            "broken.publication_id IS NOT NULL",
            "The places of the contributors are not 1, 2, 3... without hole or repetition",
            "Let the view number all contributors of a publication anew, or show those that it leaves out",
        ),
        Check(
            "identifiers_in_order",
            "unclear.publication_id IS NOT NULL",
            "Two identifiers of the publication have the same number",
            "Let the view number the identifiers of a publication",
        ),
    ),
)

_CONTRIBUTORS: Final = Suite(
    relation="publication_contributors",
    key="t.publication_id || ':' || t.contributor_seq",
    section="'work'",
    cris_id="t.publication_id",
    owner="publications",
    owner_key="publication_id",
    joins=KNOWN_PUBLICATIONS + KNOWN_PERSONS,
    checks=(
        Check(
            "key_present",
            "t.contributor_seq IS NULL AND publication.publication_id IS NOT NULL",
            "A contributor has no place in the order",
            "Let the view number the contributors of a publication",
        ),
        Check(
            "publication_known",
            "publication.publication_id IS NULL",
            "The publication of a contributor is not among the publications",
            "Let the view leave out contributors of publications that it doesn't show",
            effect=Effect.DROP,
        ),
        Check(
            "person_known",
            "t.person_id IS NOT NULL AND person.person_id IS NULL AND publication.publication_id IS NOT NULL",
            "The person of a contributor is not among the staff",
            "Let the staff view show the person, or NULL for people from outside",
            effect=Effect.IGNORE,
        ),
        Check(
            "orcid_valid",
            f"NOT {blank('contributor_orcid')} AND staging.orcid_of(t.contributor_orcid) IS NULL "
            "AND publication.publication_id IS NOT NULL",
            "The ORCID iD of a contributor is none: its shape or its check digit is wrong",
            "Correct or remove the iD in the CRIS",
            effect=Effect.IGNORE,
        ),
    ),
)

_IDENTIFIERS: Final = Suite(
    relation="publication_identifiers",
    key="t.publication_id || ':' || t.identifier_seq",
    section="'work'",
    cris_id="t.publication_id",
    owner="publications",
    owner_key="publication_id",
    joins=KNOWN_PUBLICATIONS,
    checks=(
        Check(
            "publication_known",
            "publication.publication_id IS NULL",
            "The publication of an identifier is not among the publications",
            "Let the view leave out identifiers of publications that it doesn't show",
            effect=Effect.DROP,
        ),
        Check(
            "value_present",
            f"({blank('external_id_value')} OR {blank('external_id_type')}) "
            "AND publication.publication_id IS NOT NULL",
            "An identifier has no type or no value",
            "Enter it in the CRIS, or let the view leave it out",
            effect=Effect.DROP,
        ),
        Check(
            "doi_syntax",
            "lower(btrim(t.external_id_type)) = 'doi' AND NOT staging.holds_doi(t.external_id_value) "
            "AND publication.publication_id IS NOT NULL",
            "What is entered as a DOI holds none",
            "Correct the DOI in the CRIS, or enter the value under its own type",
            effect=Effect.DROP,
        ),
    ),
)

_TOMBSTONES: Final = Suite(
    relation="tombstones",
    key="t.entity || ':' || t.entity_id",
    cris_id="t.entity_id",
    owner="tombstones",
    owner_key="entity_id",
    checks=(
        one_of("reason", "deleted", "merged", "unpublished"),
        Check(
            "survivor_named",
            "t.reason = 'merged' AND t.merged_into_id IS NULL",
            "A row was merged, but into which isn't said",
            "Let the view show the survivor in merged_into_id",
        ),
    ),
)

SUITES: Final[tuple[Suite, ...]] = (
    _STAFF,
    _UNITS,
    EMPLOYMENTS,
    QUALIFICATIONS,
    FUNDINGS,
    PEER_REVIEWS,
    RESEARCH_RESOURCES,
    RESEARCHER_URLS,
    PERSON_IDENTIFIERS,
    _PUBLICATIONS,
    _CONTRIBUTORS,
    _IDENTIFIERS,
    _TOMBSTONES,
)
