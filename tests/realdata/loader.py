"""Fills the demo CRIS's base tables with real public records instead of made-up ones.

From the folder of real input: publications of bio.tools and Crossref, people and units of a university's
Pure extract, people of bio.tools. Each line of a file becomes one row; nothing is cleaned or left out.
What the files don't say is derived by fixed rules, stated at the functions.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from orcid_sync.cris.demo.generate import copy_rows, create_base, finish_base
from orcid_sync.cris.demo.rows import (
    Appointment,
    Author,
    Identifier,
    NameVariant,
    Organisation,
    Output,
    Person,
)

ROOT_UNIT = "university"
LOADED_AT = "2026-01-15T08:00:00+00"
IMPORT_DAYS = ("2015-07-20", "2015-11-16")
"""Days that a migration wrote into the posts of many people."""
_PARTICLES = frozenset(
    {"van", "von", "de", "der", "den", "del", "della", "di", "da", "dos", "la", "le", "ten", "al"}
)
_ROOT_NAME = "University of Bristol"


@dataclass(frozen=True)
class LoadCounts:
    """Rows written."""

    units: int
    staff: int
    employments: int
    publications: int
    contributors: int
    identifiers: int
    publications_with_staff: int


def load(dsn: str, shared: Path, *, reader_password: str | None = None) -> LoadCounts:
    """Create and fill the CRIS in an empty database from the real input's folder."""
    university = _lines(shared / "bristol_pure_persons.csv")
    tool_makers = _lines(shared / "biotools_persons.csv")
    units = list(_units(shared))
    people = [*map(_university_person, university), *map(_tool_maker, count(1), tool_makers)]
    appointments = list(_appointments(university))
    outputs = _publications(shared, people)
    authors = [author for output in outputs for author in output.authors]
    identifiers = [identifier for output in outputs for identifier in output.identifiers]
    with psycopg.connect(dsn) as connection:
        create_base(connection)
        for rows in (
            units,
            people,
            list(_variants(tool_makers)),
            appointments,
            outputs,
            authors,
            identifiers,
        ):
            copy_rows(connection, rows)
        finish_base(connection, reader_password)
    return LoadCounts(
        units=len(units),
        staff=len(people),
        employments=len(appointments),
        publications=len(outputs),
        contributors=len(authors),
        identifiers=len(identifiers),
        publications_with_staff=len({author.output_id for author in authors if author.person_id}),
    )


def split_name(display: str) -> tuple[str, str | None]:
    """(family names, given names) of a name in reading order; particles belong to the family name."""
    words = display.split()
    if len(words) < 2:
        return display, None
    cut = len(words) - 1
    while cut > 1 and words[cut - 1].lower() in _PARTICLES:
        cut -= 1
    return " ".join(words[cut:]), " ".join(words[:cut])


def partial_date(stamp: str) -> tuple[int, int | None, int | None]:
    """A date as far as it can be believed.

    The source pads: far more dates than chance allows fall on 1 January and on the first of a month. So the
    first of January counts as a year, the first of another month as a month.
    """
    year, month, day = (int(part) for part in stamp[:10].split("-"))
    if day > 1:
        return year, month, day
    return (year, None, None) if month == 1 else (year, month, None)


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _units(shared: Path) -> Iterator[Organisation]:
    """The university from the ROR extract, its units below it: the file gives no tree."""
    root = next(row for row in _lines(shared / "ror_organizations.csv") if row["name"] == _ROOT_NAME)
    yield Organisation(
        ROOT_UNIT, None, root["name"], None, "university", root["city"], root["country_code"], root["ror_id"],
        None, None, LOADED_AT,
    )  # fmt: skip
    for row in _lines(shared / "bristol_pure_orgs.csv"):
        yield Organisation(
            row["org_id"], ROOT_UNIT, row["org_name"], None, "department", root["city"], root["country_code"],
            None, None, None, LOADED_AT,
        )  # fmt: skip


def _university_person(row: Mapping[str, str]) -> Person:
    surname, forenames = split_name(row["name"])
    left = "2021-07-31" if _left(row) else None
    return Person(
        row["person_id"],
        surname,
        forenames,
        None,
        row["orcid"] or None,
        None,
        None,
        left,
        "FREE",
        True,
        LOADED_AT,
    )


def _left(row: Mapping[str, str]) -> bool:
    """Derived: one person in about sixteen has left."""
    return row["person_id"].startswith("f")


def _tool_maker(number: int, row: Mapping[str, str]) -> Person:
    surname, forenames = split_name(row["name"])
    return Person(
        _tool_maker_id(number), surname, forenames, row["name"], row["orcid_as_entered"], "typed", None, None,
        "FREE", True, LOADED_AT,
    )  # fmt: skip


def _tool_maker_id(number: int) -> str:
    return f"bt-person-{number:04d}"


def _variants(tool_makers: list[dict[str, str]]) -> Iterator[NameVariant]:
    for number, row in enumerate(tool_makers, start=1):
        variants = [variant for variant in row["name_variants"].split("|") if variant]
        for place, variant in enumerate(variants, start=1):
            yield NameVariant(_tool_maker_id(number), place, variant)


def _appointments(university: list[dict[str, str]]) -> Iterator[Appointment]:
    """Derived: a post per person and unit; made-up start years, import days for one post in six."""
    numbers = count(1)
    for row in university:
        left = "2021-07-31" if _left(row) else None
        for place, org_id in enumerate(filter(None, map(str.strip, row["org_ids"].split(",")))):
            number = next(numbers)
            start = IMPORT_DAYS[number % 2] if number % 6 == 0 else str(1995 + number * 7 % 20)
            yield Appointment(
                f"post-{number:05d}", row["person_id"], org_id, "staff", None, None, start, left, place == 0,
                None, "FREE", None, None, LOADED_AT,
            )  # fmt: skip


def _publications(shared: Path, people: list[Person]) -> list[Output]:
    """All bio.tools publications, and all Crossref works but those that describe one of them."""
    works = {work["DOI"].lower(): work for work in _records(shared / "crossref_works.jsonl")}
    outputs = []
    for record in _records(shared / "biotools_publications.jsonl"):
        work = works.pop((record.get("doi") or "").lower(), None)
        outputs.append(_tool_paper(record, work))
    outputs.extend(_crossref_work(number, work) for number, work in enumerate(works.values(), start=1))
    _assign_staff(outputs, people)
    return outputs


def _output(output_id: str, title: str, scheme: str, source_type: str) -> Output:
    return Output(
        output_id, title, None, None, None, source_type, None, scheme, None, None, None, None, None, None, None,
        None, "published", None, None, None, None, "FREE", "validated", None, False, None, LOADED_AT,
    )  # fmt: skip


def _tool_paper(record: Mapping[str, Any], work: Mapping[str, Any] | None) -> Output:
    """Typed by Crossref where it knows the DOI; else an article, for every one of them names a journal."""
    scheme, source_type = ("crossref", work["type"]) if work else ("dspace-dc-type", "Article")
    output = _output(record["id"], record["title"], scheme, source_type)
    output.container, output.abstract = record["journal"], record.get("abstract")
    output.year, output.month, output.day = partial_date(record["date"])
    if work:
        _describe(output, work)
    for author in record.get("authors", []):
        family, _, initials = author["name"].rpartition(" ")
        _credit(
            output,
            "author",
            author["name"],
            family=family or author["name"],
            given=initials if family else None,
            orcid=author.get("orcid"),
        )
    for scheme, value in (
        ("doi", record.get("doi")),
        ("pmid", record.get("pmid")),
        ("pmc", record.get("pmcid")),
    ):
        if value:
            _identify(output, scheme, value)
    return output


def _crossref_work(number: int, work: Mapping[str, Any]) -> Output:
    output = _output(f"cr-{number:05d}", (work.get("title") or [""])[0], "crossref", work["type"])
    output.subkind = work.get("subtype")
    output.subtitle = next(iter(work.get("subtitle") or []), None)
    output.container = next(iter(work.get("container-title") or []), None)
    output.abstract = work.get("abstract")
    _describe(output, work)
    for role in ("author", "editor"):
        for person in work.get(role, []):
            given, family, name = person.get("given"), person.get("family"), person.get("name")
            printed = name or ", ".join(filter(None, (family, given)))
            _credit(
                output,
                role,
                printed,
                family=family,
                given=given,
                orcid=person.get("ORCID"),
                is_group=bool(name),
            )
    _identify(output, "doi", work["DOI"])
    for value in work.get("ISSN", []):
        _identify(output, "issn", value, None if work["type"] == "journal" else "part-of")
    for value in work.get("ISBN", []):
        _identify(output, "isbn", value)
    for relation in ("is-preprint-of", "has-preprint"):
        for other in (work.get("relation") or {}).get(relation, []):
            _identify(output, "doi", other["id"], "version-of")
    return output


def _describe(output: Output, work: Mapping[str, Any]) -> None:
    date = [*work["issued"]["date-parts"][0], None, None, None]
    output.year, output.month, output.day = date[:3]
    output.volume, output.number, output.pages = work.get("volume"), work.get("issue"), work.get("page")
    output.publisher, output.language = work.get("publisher"), work.get("language")
    output.link = work.get("URL")


def _credit(
    output: Output,
    role: str,
    printed: str,
    *,
    family: str | None,
    given: str | None,
    orcid: str | None,
    is_group: bool = False,
) -> None:
    output.authors.append(
        Author(
            output.output_id, len(output.authors) + 1, role, None, is_group, printed, family, given, orcid, None,
            None, None, None, "approved", True, LOADED_AT,
        )
    )  # fmt: skip


def _identify(output: Output, scheme: str, value: str, relation: str | None = None) -> None:
    place = len(output.identifiers) + 1
    output.identifiers.append(Identifier(output.output_id, place, scheme, value, None, relation, LOADED_AT))


def _assign_staff(outputs: list[Output], people: list[Person]) -> None:
    """Link authors to people: by iD where the record gives one.

    Derived: of the others, nineteen in twenty get one to three people of the university who have an iD, on the
    first authors' rows; printed names stay as they are.
    """
    by_orcid: dict[str, str] = {}
    for person in people:
        if person.orcid:
            by_orcid.setdefault(person.orcid[-19:], person.person_id)
    university = [person.person_id for person in people if person.orcid and not person.orcid_origin]
    for index, output in enumerate(outputs):
        linked = False
        for author in output.authors:
            author.person_id = by_orcid.get((author.orcid or "")[-19:])
            linked = linked or author.person_id is not None
        if linked or index % 20 == 7:
            continue
        for place, author in enumerate(output.authors[: 1 + index % 3]):
            author.person_id = university[(index * 13 + place * 311) % len(university)]
