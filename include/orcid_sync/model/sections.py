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
    relation that its rows come from.
    """

    name: str
    plural: str
    relation: str
    key: str
    label: str
    matching: Matching
    bulk: int = 1
    write_scope: str = "/activities/update"
    read_scope: str = "/read-limited"


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
        ),
        Section(
            name="employment",
            plural="employments",
            relation="employments",
            key="employment_id",
            label="Employment",
            matching=Matching.CONTENT,
        ),
    )
}
