"""The rows of cris_base: one class a table, its fields the table's columns in order."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, ClassVar, Final


@dataclass(slots=True)
class Organisation:
    """A unit of the university."""

    org_id: str
    parent_id: str | None
    name: str
    short_name: str | None
    kind: str
    city: str | None
    country: str | None
    ror: str | None
    opened: int | None
    closed: int | None
    changed_at: str
    table: ClassVar[str] = "organisation"


@dataclass(slots=True)
class Person:
    """A member of staff, or one who left."""

    person_id: str
    surname: str
    forenames: str | None
    published_as: str | None
    orcid: str | None
    orcid_origin: str | None
    mail: str
    left_on: str | None
    profile: str
    export_to_orcid: bool
    changed_at: str
    table: ClassVar[str] = "person"


@dataclass(slots=True)
class NameVariant:
    """Another spelling of a person's name."""

    person_id: str
    place: int
    variant: str
    table: ClassVar[str] = "name_variant"


@dataclass(slots=True)
class Appointment:
    """A post; dates as YYYY, YYYY-MM or YYYY-MM-DD."""

    appointment_id: str
    person_id: str
    org_id: str
    kind: str
    job_title: str | None
    department_label: str | None
    started: str | None
    ended: str | None
    main: bool
    fte: str | None
    profile: str
    web: str | None
    managing_org: str | None
    changed_at: str
    table: ClassVar[str] = "appointment"


@dataclass(slots=True)
class Author:
    """A contributor of an output."""

    output_id: str
    place: int
    role: str
    person_id: str | None
    is_group: bool
    printed_name: str
    surname: str | None
    forenames: str | None
    orcid: str | None
    mail: str | None
    corresponding: bool | None
    affiliation: str | None
    org_id: str | None
    claim: str
    listed: bool
    changed_at: str
    table: ClassVar[str] = "output_author"


@dataclass(slots=True)
class Identifier:
    """An identifier of an output, as entered."""

    output_id: str
    place: int
    scheme: str
    value: str
    link: str | None
    relation: str | None
    changed_at: str
    table: ClassVar[str] = "output_identifier"


@dataclass(slots=True)
class Output:
    """A publication, with its authors and identifiers in order."""

    output_id: str
    headline: str
    subtitle: str | None
    translated_headline: str | None
    translated_language: str | None
    kind: str
    subkind: str | None
    kind_scheme: str
    container: str | None
    volume: str | None
    number: str | None
    pages: str | None
    publisher: str | None
    year: int | None
    month: int | None
    day: int | None
    stage: str | None
    language: str | None
    country: str | None
    abstract: str | None
    link: str | None
    profile: str
    workflow: str
    embargo_until: str | None
    confidential: bool
    managing_org: str | None
    changed_at: str
    authors: list[Author] = field(default_factory=list, metadata={"column": False})
    identifiers: list[Identifier] = field(default_factory=list, metadata={"column": False})
    table: ClassVar[str] = "output"


@dataclass(slots=True)
class Removed:
    """A row that went: deleted, or merged into a survivor."""

    entity: str
    entity_id: str
    reason: str
    survivor_id: str | None
    removed_at: str
    table: ClassVar[str] = "removed"


@dataclass(slots=True)
class Award:
    """A grant."""

    award_id: str
    kind: str
    title: str
    number: str | None
    doi: str | None
    amount: int | None
    currency: str | None
    started: str | None
    ended: str | None
    funder: str
    funder_city: str
    funder_country: str
    funder_ror: str | None
    profile: str
    workflow: str
    managing_org: str | None
    changed_at: str
    table: ClassVar[str] = "award"


@dataclass(slots=True)
class AwardHolder:
    """A person's part in a grant."""

    award_id: str
    person_id: str
    role: str | None
    table: ClassVar[str] = "award_holder"


@dataclass(slots=True)
class Review:
    """A peer review done."""

    review_id: str
    person_id: str
    issn: str
    journal: str
    completed: str
    publisher: str
    publisher_city: str | None
    publisher_country: str | None
    profile: str
    changed_at: str
    table: ClassVar[str] = "review"


@dataclass(slots=True)
class Degree:
    """An education or a qualification; `own` ones are from the university's student registry."""

    degree_id: str
    person_id: str
    kind: str
    title: str | None
    department: str | None
    organisation: str
    city: str | None
    country: str | None
    ror: str | None
    started: str | None
    ended: str | None
    own: bool
    profile: str
    changed_at: str
    table: ClassVar[str] = "degree"


@dataclass(slots=True)
class SeededDirt:
    """A flaw put in on purpose: which row, which class of flaw."""

    entity: str
    entity_id: str
    kind: str
    table: ClassVar[str] = "seeded_dirt"


Row = (
    Organisation | Person | NameVariant | Appointment | Output | Author | Identifier | Removed
    | Award | AwardHolder | Review | Degree | SeededDirt
)  # fmt: skip


def columns(row_type: type[Any]) -> tuple[str, ...]:
    """The table's columns, in the order in which `values` reads them."""
    return tuple(part.name for part in fields(row_type) if part.metadata.get("column", True))


ROW_TYPES: Final[tuple[type[Any], ...]] = (
    Organisation, Person, NameVariant, Appointment, Output, Author, Identifier, Removed,
    Award, AwardHolder, Review, Degree, SeededDirt,
)  # fmt: skip
values: Final = {row_type: attrgetter(*columns(row_type)) for row_type in ROW_TYPES}
