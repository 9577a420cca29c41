"""What the registry would refuse in a page about a person, an identifier of theirs, and a research resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from orcid_sync.model import vocabulary
from orcid_sync.model.validation_parts import (
    Content,
    Problem,
    check_fields,
    check_identifiers,
    check_organization,
    check_period,
    check_text,
    check_titles,
    check_url,
    items_of,
    known_of,
    value_of,
)

_URL_FIELDS: Final = frozenset({"url-name", "url"})
_IDENTIFIER_FIELDS: Final = frozenset(
    {"external-id-type", "external-id-value", "external-id-url", "external-id-relationship"}
)


def researcher_url_problems(content: Content) -> Iterator[Problem]:
    """A page: its address, of at most 2000 characters, and perhaps what it is called."""
    yield from check_fields(content, _URL_FIELDS)
    yield from check_text("url-name", content.get("url-name"), vocabulary.URL_NAME_LIMIT)
    yield from _required_url("url", content.get("url"))


def person_identifier_problems(content: Content) -> Iterator[Problem]:
    """An identifier of a person: a type in free words, a value, the page that it leads to, and `self`."""
    yield from check_fields(content, _IDENTIFIER_FIELDS)
    for name in ("external-id-type", "external-id-value"):
        yield from check_text(name, content.get(name) or "", vocabulary.PERSON_ID_LIMIT)
    yield from _required_url("external-id-url", content.get("external-id-url"))
    if content.get("external-id-relationship") != "self":
        yield Problem("external-id-relationship", "is not self")


def _required_url(path: str, wrapped: Any) -> Iterator[Problem]:
    if not value_of(wrapped):
        yield Problem(path, "is required")
    elif len(str(value_of(wrapped))) > vocabulary.URL_LIMIT:
        yield Problem(path, f"is longer than {vocabulary.URL_LIMIT} characters")
    else:
        yield from check_url(path, wrapped)


def research_resource_problems(content: Content) -> Iterator[Problem]:
    """A proposal and what may be used for it: title, identifiers and hosts with an identifier of each."""
    yield from check_fields(content, frozenset({"proposal", "resource-item"}))
    proposal = content.get("proposal") or {}
    yield from check_titles(proposal.get("title"))
    yield from check_period(proposal)
    if proposal.get("end-date") and not proposal.get("start-date"):
        yield Problem("end-date", "needs a start date beside it")
    yield from _part("proposal", proposal)
    items = content.get("resource-item") or []
    if not items:
        yield Problem("resource-item", "at least one is required")
    for at, item in enumerate(items):
        path = f"resource-item[{at}]"
        yield from check_text(
            f"{path}.resource-name", item.get("resource-name") or "", vocabulary.TITLE_LIMIT
        )
        if item.get("resource-type") not in vocabulary.RESOURCE_TYPES:
            yield Problem(
                f"{path}.resource-type", f"{item.get('resource-type')!r} is not one of the registry's"
            )
        yield from _part(path, item)


def _part(path: str, part: Content) -> Iterator[Problem]:
    yield from check_identifiers(f"{path}.external-ids", part.get("external-ids"), "research resource")
    yield from check_url(f"{path}.url", part.get("url"))
    hosts = items_of(part.get("hosts"), "organization")
    if not 1 <= len(hosts) <= 10:
        yield Problem(f"{path}.hosts", "between one and ten are required")
    for host in hosts:
        yield from check_organization(f"{path}.hosts", host)
        if not known_of(host):
            yield Problem(f"{path}.hosts", "each needs an identifier")
