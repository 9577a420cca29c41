"""The sections of a record that we write, one declaration each.

A section says which contract relation its rows come from, how its endpoints and scopes are called, whether it can be
added in bulk, and how sameness is told. The stages, the ledger and the pages know sections only through this.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Matching(StrEnum):
    """How an item of ours is told to be the same as one on the record."""

    IDENTIFIERS = "identifiers"
    """By an equal normalised `self` identifier."""
    CONTENT = "content"
    """By our own stable uri where it was sent, else by canonical content, own source first."""


@dataclass(frozen=True)
class Section:
    """One section of the record.

    `name` is the API's singular, `plural` the key in `/activities` and of the list endpoint; `relation` the contract
    relation that its rows come from. Where several sections share a relation, `kind` is what its `affiliation_type` says
    in the rows of this one. `identifiers` leads to the part of the API's message that holds the item's own identifiers.
    `near_by_role`: an entry of somebody else is near only if its role, where both say one, is the same; else the same
    organisation and year are enough. `dated`: what is sent depends on the day, since an end date goes out only once it
    is past. `full_at` is the number of items at which a record takes no more. `of_person`: it belongs to the researcher
    rather than to what they did, and is read and written under other addresses.
    """

    name: str
    plural: str
    relation: str
    key: str
    label: str
    matching: Matching
    kind: str | None = None
    bulk: int = 1
    full_at: int | None = None
    identifiers: tuple[str, ...] = ("external-ids",)
    near_by_role: bool = False
    dated: bool = False
    of_person: bool = False
    write_scope: str = "/activities/update"
    read_scope: str = "/read-limited"

    @property
    def endpoint(self) -> str:
        """The last part of the address that takes a new item, and of an item's own before its put code."""
        return self.plural if self.of_person else self.name


def _person_section(name: str, relation: str, key: str, label: str) -> Section:
    return Section(
        name=name,
        plural=f"{name}s",
        relation=relation,
        key=key,
        label=label,
        matching=Matching.IDENTIFIERS,
        identifiers=(),
        of_person=True,
        write_scope="/person/update",
    )


def _affiliation(name: str, relation: str, key: str, label: str, *, near_by_role: bool = False) -> Section:
    return Section(
        name=name,
        plural=f"{name}s",
        relation=relation,
        key=key,
        label=label,
        matching=Matching.CONTENT,
        kind=name,
        near_by_role=near_by_role,
        dated=True,
    )


SECTIONS: Final[dict[str, Section]] = {
    section.name: section
    for section in (
        Section(
            name="work",
            plural="works",
            relation="publications",
            key="publication_id",
            label="Work",
            matching=Matching.IDENTIFIERS,
            # The registry takes at most 100 works in one bulk call, and sends one notification for all of them.
            bulk=100,
            full_at=10_000,
        ),
        _affiliation("employment", "employments", "employment_id", "Employment"),
        # Somebody sits on several committees of one organisation in one year, and each is an entry of its own.
        _affiliation(
            "invited-position", "employments", "employment_id", "Invited position", near_by_role=True
        ),
        _affiliation("distinction", "employments", "employment_id", "Distinction", near_by_role=True),
        _affiliation("membership", "employments", "employment_id", "Membership", near_by_role=True),
        _affiliation("service", "employments", "employment_id", "Service", near_by_role=True),
        _affiliation("education", "qualifications", "qualification_id", "Education"),
        _affiliation("qualification", "qualifications", "qualification_id", "Qualification"),
        Section(
            name="funding",
            plural="fundings",
            relation="fundings",
            key="funding_id",
            label="Funding",
            matching=Matching.IDENTIFIERS,
        ),
        Section(
            name="peer-review",
            plural="peer-reviews",
            relation="peer_reviews",
            key="review_id",
            label="Peer review",
            matching=Matching.IDENTIFIERS,
            identifiers=("review-identifiers",),
        ),
        Section(
            name="research-resource",
            plural="research-resources",
            relation="research_resources",
            key="resource_id",
            label="Research resource",
            matching=Matching.IDENTIFIERS,
            identifiers=("proposal", "external-ids"),
        ),
        _person_section("researcher-url", "researcher_urls", "url_id", "Web page"),
        _person_section("external-identifier", "person_identifiers", "identifier_id", "Identifier"),
    )
}

AFFILIATIONS: Final = frozenset(name for name, one in SECTIONS.items() if one.matching is Matching.CONTENT)

OF_PERSON: Final = frozenset(name for name, one in SECTIONS.items() if one.of_person)
ACTIVITIES: Final = {name: one for name, one in SECTIONS.items() if not one.of_person}


def sections_of(relation: str) -> tuple[Section, ...]:
    """The sections whose rows come from a contract relation."""
    return tuple(section for section in SECTIONS.values() if section.relation == relation)


def section_sql(relation: str) -> str:
    """SQL for the section of a row `t` of a contract relation; a row of an unknown kind counts for the first."""
    first, *others = (section.name for section in sections_of(relation))
    if not others:
        return f"'{first}'"
    kinds = ", ".join(f"'{name}'" for name in (first, *others))
    return f"CASE WHEN t.affiliation_type IN ({kinds}) THEN t.affiliation_type ELSE '{first}' END"
