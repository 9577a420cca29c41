"""From rows of the CRIS to what the registry would get, or the reason why it gets nothing.

Payloads are made once for a publication or post, whoever its researchers are. They never carry visibility (it is
the researcher's), put codes (they belong to a change) or e-mail addresses. A co-author's iD is sent only if its
owner authenticated it, here or by the source's declaration, and stands by the claim to this publication.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orcid_sync.model import activity_terms, work_types
from orcid_sync.model.activity_payloads import funding_payload, peer_review_payload
from orcid_sync.model.affiliation_keys import content_key, near_keys
from orcid_sync.model.affiliation_payloads import employment_payload, qualification_payload
from orcid_sync.model.digests import content_digest
from orcid_sync.model.inputs import (
    Contributor,
    Employment,
    Funding,
    Identifier,
    Organization,
    PeerReview,
    PersonIdentifier,
    Publication,
    Qualification,
    ResearcherUrl,
    ResearchResource,
)
from orcid_sync.model.mentions import of_funding, of_host, of_qualification, of_review, of_unit
from orcid_sync.model.organization_directory import NOTHING_LISTED, Directory, Mention
from orcid_sync.model.payload import Payload, Refusal
from orcid_sync.model.person_payloads import person_identifier_payload, researcher_url_payload
from orcid_sync.model.resource_payloads import research_resource_payload
from orcid_sync.model.sections import AFFILIATIONS
from orcid_sync.model.work_payloads import work_payload

__all__ = [
    "MAKERS",
    "VERSION",
    "Contributor",
    "Employment",
    "Identifier",
    "Organization",
    "Payload",
    "Publication",
    "Refusal",
    "Surroundings",
    "content_digest",
    "employment_payload",
    "make_payload",
    "match_keys",
    "work_payload",
]

VERSION: Final = f"2.{work_types.VERSION}.{activity_terms.VERSION}"
"""Of the rules that make payloads, the tables of types included: payloads made by another version are made anew."""


@dataclass(frozen=True)
class Surroundings:
    """What a payload depends on besides its row.

    `authenticated` are the iDs that came by OAuth, by person id; `path` is the row's CRIS unit and the units above it;
    `item_uri` the item's stable uri, where the institution has a base for it; `directory` holds what is known of the
    organisations that are mentioned.
    """

    today: dt.date
    authenticated: Mapping[str, str] = field(default_factory=dict)
    path: Sequence[Organization] = ()
    item_uri: str | None = None
    unknown_dates: frozenset[dt.date] = frozenset()
    directory: Directory = NOTHING_LISTED


Row = Mapping[str, Any]


def make_payload(section: str, row: Row, around: Surroundings) -> Payload | Refusal:
    """What a row of the contract would be as an item of the section."""
    return MAKERS[section](row, around)


def match_keys(payload: Payload) -> tuple[str, ...]:
    """The keys by which the item is found on a record: its identifiers, and for affiliations what they say."""
    if payload.section not in AFFILIATIONS:
        return payload.self_keys
    near = near_keys(payload.section, payload.content)
    return tuple(dict.fromkeys((*payload.self_keys, content_key(payload.content), *near)))


def _work(row: Row, around: Surroundings) -> Payload | Refusal:
    return work_payload(
        Publication.from_row(row),
        [Contributor.from_row(one) for one in row.get("contributors") or ()],
        [Identifier.from_row(one) for one in row.get("identifiers") or ()],
        authenticated=around.authenticated,
    )


def _affiliation(row: Row, around: Surroundings) -> Payload | Refusal:
    choices = {
        "item_uri": around.item_uri,
        "today": around.today,
        "unknown_dates": around.unknown_dates,
        "directory": around.directory,
    }
    # A row that names its organisation stands for itself; a post is known by its unit.
    if row.get("organization_name"):
        return qualification_payload(Qualification.from_row(row), **choices)  # type: ignore[arg-type]
    return employment_payload(Employment.from_row(row), around.path, **choices)  # type: ignore[arg-type]


def _funding(row: Row, around: Surroundings) -> Payload | Refusal:
    return funding_payload(Funding.from_row(row), item_uri=around.item_uri, directory=around.directory)


def _peer_review(row: Row, around: Surroundings) -> Payload | Refusal:
    return peer_review_payload(PeerReview.from_row(row), item_uri=around.item_uri, directory=around.directory)


def _affiliation_mentions(row: Row, path: Sequence[Organization]) -> Iterable[Mention]:
    if row.get("organization_name"):
        return (of_qualification(Qualification.from_row(row)),)
    return map(of_unit, path)


def _funding_mentions(row: Row, path: Sequence[Organization]) -> Iterable[Mention]:
    return (of_funding(Funding.from_row(row)),)


def _peer_review_mentions(row: Row, path: Sequence[Organization]) -> Iterable[Mention]:
    return (of_review(PeerReview.from_row(row)),)


def _research_resource(row: Row, around: Surroundings) -> Payload | Refusal:
    return research_resource_payload(ResearchResource.from_row(row), directory=around.directory)


def _research_resource_mentions(row: Row, path: Sequence[Organization]) -> Iterable[Mention]:
    return (of_host(ResearchResource.from_row(row)),)


def _researcher_url(row: Row, around: Surroundings) -> Payload | Refusal:
    return researcher_url_payload(ResearcherUrl.from_row(row))


def _person_identifier(row: Row, around: Surroundings) -> Payload | Refusal:
    return person_identifier_payload(PersonIdentifier.from_row(row))


MAKERS: Final[Mapping[str, Callable[[Row, Surroundings], Payload | Refusal]]] = {
    "work": _work,
    **dict.fromkeys(AFFILIATIONS, _affiliation),
    "funding": _funding,
    "peer-review": _peer_review,
    "research-resource": _research_resource,
    "researcher-url": _researcher_url,
    "external-identifier": _person_identifier,
}
"""How a section's rows become payloads; one entry for each section."""

MENTIONS: Final[Mapping[str, Callable[[Row, Sequence[Organization]], Iterable[Mention]]]] = {
    **dict.fromkeys(AFFILIATIONS, _affiliation_mentions),
    "funding": _funding_mentions,
    "peer-review": _peer_review_mentions,
    "research-resource": _research_resource_mentions,
}
"""Of the sections whose payloads name organisations: which ones a row speaks of."""
