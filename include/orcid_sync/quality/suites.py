"""The suites: what is checked of each contract relation before anything of it is merged."""

from __future__ import annotations

from typing import Final

from orcid_sync.model.sections import section_sql, sections_of
from orcid_sync.quality.checks import Check, Effect, Severity, Suite

EARLIEST_YEAR: Final = 1900
"""ORCID-Source: no date on a record lies before 1900."""

_KNOWN_PERSONS: Final = (
    "LEFT JOIN (SELECT person_id FROM staging.staff UNION SELECT person_id FROM cris_staff) person "
    "ON person.person_id = t.person_id "
)
_KNOWN_UNITS: Final = (
    "LEFT JOIN (SELECT unit_id FROM staging.units UNION SELECT unit_id FROM cris_unit) known_unit "
    "ON known_unit.unit_id = {column} "
)
_KNOWN_PUBLICATIONS: Final = (
    "LEFT JOIN (SELECT DISTINCT publication_id FROM staging.publications) publication "
    "ON publication.publication_id = t.publication_id "
)


def _blank(column: str) -> str:
    return f"(t.{column} IS NULL OR t.{column} !~ '\\S')"


def _key_checks(column: str, what: str) -> tuple[Check, ...]:
    return (
        Check(
            "key_present",
            _blank(column),
            f"A {what} has no {column}",
            f"Let the view leave out rows without a {column}, or give them one",
            severity=Severity.CRITICAL,
        ),
        Check(
            "key_unique",
            "doubled.n > 1",
            f"Several rows have the same {column}",
            "Correct the view: usually a join in it multiplies rows",
            severity=Severity.CRITICAL,
        ),
    )


def _doubled(relation: str, *key: str) -> str:
    columns = ", ".join(key)
    same = " AND ".join(f"doubled.{column} = t.{column}" for column in key)
    return (
        f"LEFT JOIN (SELECT {columns}, count(*) AS n FROM staging.{relation} "
        f"GROUP BY {columns} HAVING count(*) > 1) doubled ON {same} "
    )


def _one_of(column: str, *values: str) -> Check:
    listed = ", ".join(f"'{value}'" for value in values)
    return Check(
        f"{column}_known",
        f"t.{column} IS NULL OR t.{column} NOT IN ({listed})",
        f"The {column} is none of {', '.join(values)}",
        f"Let the view translate the source's codes for {column}",
    )


def _date_checks(prefix: str, *, latest: str) -> tuple[Check, ...]:
    year, month, day = (f"t.{prefix}_{part}" for part in ("year", "month", "day"))
    return (
        Check(
            f"{prefix}_year_plausible",
            f"{year} < {EARLIEST_YEAR} OR {year} > {latest}",
            f"The {prefix} year is before {EARLIEST_YEAR} or too far ahead",
            "Correct the date in the CRIS, or let the view show NULL where the year is unknown",
        ),
        Check(
            f"{prefix}_date_possible",
            f"NOT staging.can_be_a_date({year}, {month}, {day})",
            f"The {prefix} date does not exist in the calendar",
            "Correct the date in the CRIS, or let the view show NULL for the parts that are unknown",
        ),
    )


_SOON: Final = "extract(year FROM current_date) + 3"
_LATER: Final = "extract(year FROM current_date) + 50"

_STAFF: Final = Suite(
    relation="staff",
    key="t.person_id",
    cris_id="t.person_id",
    owner="staff",
    owner_key="person_id",
    joins=_doubled("staff", "person_id")
    + "LEFT JOIN (SELECT staging.orcid_of(orcid) AS orcid FROM staging.staff WHERE orcid IS NOT NULL "
    "GROUP BY 1 HAVING count(DISTINCT person_id) > 1) shared ON shared.orcid = staging.orcid_of(t.orcid) ",
    checks=(
        *_key_checks("person_id", "person"),
        Check(
            "name_present",
            _blank("family_names"),
            "A person has no family name",
            "Enter the name in the CRIS; single names belong into family_names",
        ),
        Check(
            "is_current_known",
            "t.is_current IS NULL",
            "It isn't said whether the person works here now",
            "Let the view show is_current as true or false",
        ),
        _one_of("visibility", "public", "internal", "hidden"),
        Check(
            "orcid_valid",
            f"NOT {_blank('orcid')} AND staging.orcid_of(t.orcid) IS NULL",
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
    joins=_doubled("units", "unit_id") + _KNOWN_UNITS.format(column="t.parent_unit_id"),
    checks=(
        *_key_checks("unit_id", "unit"),
        Check("name_present", _blank("name"), "A unit has no name", "Enter the name in the CRIS"),
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

_IN_ORDER: Final = (
    "t.start_year * 10000 + coalesce(t.start_month, 0) * 100 + coalesce(t.start_day, 0) > "
    "t.end_year * 10000 + coalesce(t.end_month, CASE WHEN t.end_year IS NOT NULL THEN 99 END) * 100 "
    "+ coalesce(t.end_day, 99)"
)


def _period_checks(what: str) -> tuple[Check, ...]:
    return (
        *_date_checks("start", latest=_LATER),
        *_date_checks("end", latest=_LATER),
        Check(
            "dates_in_order",
            _IN_ORDER,
            f"A {what} ends before it begins",
            "Correct start or end in the CRIS",
        ),
    )


def _person_known(what: str) -> Check:
    return Check(
        "person_known",
        "person.person_id IS NULL",
        f"The person of a {what} is not among the staff",
        f"Let the staff view show the person, or leave out the {what}",
    )


_EMPLOYMENTS: Final = Suite(
    relation="employments",
    key="t.employment_id",
    section=section_sql("employments"),
    cris_id="t.employment_id",
    owner="employments",
    owner_key="employment_id",
    joins=_doubled("employments", "employment_id") + _KNOWN_PERSONS + _KNOWN_UNITS.format(column="t.unit_id"),
    checks=(
        *_key_checks("employment_id", "post"),
        _person_known("post"),
        Check(
            "unit_known",
            "known_unit.unit_id IS NULL",
            "The unit of a post is not among the units",
            "Let the units view show the unit, or correct the post's unit",
        ),
        _one_of("affiliation_type", *(section.name for section in sections_of("employments"))),
        _one_of("visibility", "public", "internal", "hidden"),
        *_period_checks("post"),
    ),
)

_QUALIFICATIONS: Final = Suite(
    relation="qualifications",
    key="t.qualification_id",
    section=section_sql("qualifications"),
    cris_id="t.qualification_id",
    owner="qualifications",
    owner_key="qualification_id",
    joins=_doubled("qualifications", "qualification_id") + _KNOWN_PERSONS,
    checks=(
        *_key_checks("qualification_id", "qualification"),
        _person_known("qualification"),
        Check(
            "organization_present",
            _blank("organization_name"),
            "It isn't said which organisation gave it",
            "Enter the organisation in the CRIS",
        ),
        _one_of("affiliation_type", *(section.name for section in sections_of("qualifications"))),
        _one_of("visibility", "public", "internal", "hidden"),
        *_period_checks("qualification"),
    ),
)

_FUNDINGS: Final = Suite(
    relation="fundings",
    key="t.funding_id || ':' || t.person_id",
    section="'funding'",
    cris_id="t.funding_id",
    owner="fundings",
    owner_key="funding_id",
    joins=_doubled("fundings", "funding_id", "person_id")
    + _KNOWN_PERSONS
    + "LEFT JOIN (SELECT funding_id FROM staging.fundings GROUP BY 1 "
    "HAVING count(DISTINCT (title, funding_type, grant_number, grant_doi, funder_name, curation_status)) > 1) "
    "differing ON differing.funding_id = t.funding_id ",
    checks=(
        *_key_checks("funding_id", "funding"),
        _person_known("funding"),
        Check(
            "holders_agree",
            "differing.funding_id IS NOT NULL",
            "The rows of one funding, one for each of its people, say different things of it",
            "Let the view show the same title, type, number and funder in all rows of a funding",
        ),
        Check("title_present", _blank("title"), "A funding has no title", "Enter the title in the CRIS"),
        Check(
            "funder_present", _blank("funder_name"), "A funding has no funder", "Enter the funder in the CRIS"
        ),
        _one_of("visibility", "public", "internal", "hidden"),
        _one_of("curation_status", "approved", "pending", "rejected", "withdrawn"),
        *_period_checks("funding"),
    ),
)

_PEER_REVIEWS: Final = Suite(
    relation="peer_reviews",
    key="t.review_id",
    section="'peer-review'",
    cris_id="t.review_id",
    owner="peer_reviews",
    owner_key="review_id",
    joins=_doubled("peer_reviews", "review_id") + _KNOWN_PERSONS,
    checks=(
        *_key_checks("review_id", "review"),
        _person_known("review"),
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
            _blank("convening_organization_name"),
            "It isn't said which organisation convened the review",
            "Enter the journal's publisher, or whoever asked for the review",
        ),
        _one_of("visibility", "public", "internal", "hidden"),
        *_date_checks("completion", latest=_SOON),
    ),
)

_PUBLICATIONS: Final = Suite(
    relation="publications",
    key="t.publication_id",
    section="'work'",
    cris_id="t.publication_id",
    owner="publications",
    owner_key="publication_id",
    joins=_doubled("publications", "publication_id")
    + "LEFT JOIN (SELECT publication_id FROM staging.publication_contributors GROUP BY 1 "
    "HAVING min(contributor_seq) <> 1 OR max(contributor_seq) <> count(*) "
    "OR count(DISTINCT contributor_seq) <> count(*)) broken ON broken.publication_id = t.publication_id "
    "LEFT JOIN (SELECT DISTINCT publication_id FROM (SELECT publication_id, identifier_seq "
    "FROM staging.publication_identifiers GROUP BY 1, 2 HAVING count(*) > 1) twice) unclear "
    "ON unclear.publication_id = t.publication_id ",
    checks=(
        *_key_checks("publication_id", "publication"),
        Check(
            "title_present",
            "t.title IS NULL OR NOT staging.says_something(t.title) "
            "OR t.title ~* '^\\W*(no|without|ohne|sans|sin)\\W+(title|titel|titre|t[ií]tulo)\\W*$'",
            "The title is missing, is nothing but markup, or only says that there is none",
            "Enter the title in the CRIS",
        ),
        Check(
            "type_present",
            f"{_blank('source_type')} OR {_blank('source_type_scheme')}",
            "The type or its scheme is missing",
            "Enter the type in the CRIS; the scheme is a constant of the view",
        ),
        *_date_checks("publication", latest=_SOON),
        _one_of("visibility", "public", "internal", "hidden"),
        _one_of("curation_status", "approved", "pending", "rejected", "withdrawn"),
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
    joins=_KNOWN_PUBLICATIONS + _KNOWN_PERSONS,
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
            f"NOT {_blank('contributor_orcid')} AND staging.orcid_of(t.contributor_orcid) IS NULL "
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
    joins=_KNOWN_PUBLICATIONS,
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
            f"({_blank('external_id_value')} OR {_blank('external_id_type')}) "
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
        _one_of("reason", "deleted", "merged", "unpublished"),
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
    _EMPLOYMENTS,
    _QUALIFICATIONS,
    _FUNDINGS,
    _PEER_REVIEWS,
    _PUBLICATIONS,
    _CONTRIBUTORS,
    _IDENTIFIERS,
    _TOMBSTONES,
)
