"""What the suites of several relations check alike."""

from __future__ import annotations

from typing import Final

from orcid_sync.model.sections import section_sql, sections_of
from orcid_sync.quality.checks import Check, Severity, Suite

EARLIEST_YEAR: Final = 1900
"""ORCID-Source: no date on a record lies before 1900."""

KNOWN_PERSONS: Final = (
    "LEFT JOIN (SELECT person_id FROM staging.staff UNION SELECT person_id FROM cris_staff) person "
    "ON person.person_id = t.person_id "
)
KNOWN_UNITS: Final = (
    "LEFT JOIN (SELECT unit_id FROM staging.units UNION SELECT unit_id FROM cris_unit) known_unit "
    "ON known_unit.unit_id = {column} "
)
KNOWN_PUBLICATIONS: Final = (
    "LEFT JOIN (SELECT DISTINCT publication_id FROM staging.publications) publication "
    "ON publication.publication_id = t.publication_id "
)


def blank(column: str) -> str:
    """SQL: the column says nothing."""
    return f"(t.{column} IS NULL OR t.{column} !~ '\\S')"


def key_checks(column: str, what: str) -> tuple[Check, ...]:
    """The key of a row is there, and once; else nothing of the view can be trusted."""
    return (
        Check(
            "key_present",
            blank(column),
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


def doubled_rows(relation: str, *key: str) -> str:
    """The join that `key_checks` needs."""
    columns = ", ".join(key)
    same = " AND ".join(f"doubled.{column} = t.{column}" for column in key)
    return (
        f"LEFT JOIN (SELECT {columns}, count(*) AS n FROM staging.{relation} "
        f"GROUP BY {columns} HAVING count(*) > 1) doubled ON {same} "
    )


def one_of(column: str, *values: str) -> Check:
    """The column holds one of the contract's own codes."""
    listed = ", ".join(f"'{value}'" for value in values)
    return Check(
        f"{column}_known",
        f"t.{column} IS NULL OR t.{column} NOT IN ({listed})",
        f"The {column} is none of {', '.join(values)}",
        f"Let the view translate the source's codes for {column}",
    )


def date_checks(prefix: str, *, latest: str) -> tuple[Check, ...]:
    """A partial date is one, between the first that ORCID takes and the SQL `latest` year."""
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


SOON: Final = "extract(year FROM current_date) + 3"
LATER: Final = "extract(year FROM current_date) + 50"

_IN_ORDER: Final = (
    "t.start_year * 10000 + coalesce(t.start_month, 0) * 100 + coalesce(t.start_day, 0) > "
    "t.end_year * 10000 + coalesce(t.end_month, CASE WHEN t.end_year IS NOT NULL THEN 99 END) * 100 "
    "+ coalesce(t.end_day, 99)"
)


def period_checks(what: str) -> tuple[Check, ...]:
    """Start and end are dates, in their order."""
    return (
        *date_checks("start", latest=LATER),
        *date_checks("end", latest=LATER),
        Check(
            "dates_in_order",
            _IN_ORDER,
            f"A {what} ends before it begins",
            "Correct start or end in the CRIS",
        ),
    )


def person_known(what: str) -> Check:
    """The row's person is on the staff. Needs KNOWN_PERSONS."""
    return Check(
        "person_known",
        "person.person_id IS NULL",
        f"The person of a {what} is not among the staff",
        f"Let the staff view show the person, or leave out the {what}",
    )


VISIBLE: Final = one_of("visibility", "public", "internal", "hidden")


def row_suite(relation: str, what: str, *checks: Check, joins: str = "") -> Suite:
    """The suite of a relation whose rows are things of one person each: key, person, visibility, and `checks`."""
    key = sections_of(relation)[0].key
    kinds = [section.name for section in sections_of(relation) if section.kind]
    return Suite(
        relation=relation,
        key=f"t.{key}",
        section=section_sql(relation),
        cris_id=f"t.{key}",
        owner=relation,
        owner_key=key,
        joins=doubled_rows(relation, key) + KNOWN_PERSONS + joins,
        checks=(
            *key_checks(key, what),
            person_known(what),
            *((one_of("affiliation_type", *kinds),) if kinds else ()),
            VISIBLE,
            *checks,
        ),
    )
