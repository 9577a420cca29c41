"""What the rules of all sections share: texts, dates, links, identifiers, organisations, and how a problem is named.

ORCID-Source: the limits of the schema of record 3.0, and the business rules that several sections have in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from orcid_sync.model import vocabulary
from orcid_sync.model.dates import FuzzyDate, InvalidDateError, from_json
from orcid_sync.model.identifiers import IDENTIFIER_TYPES
from orcid_sync.model.text import utf16_length

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing the registry would refuse: the field's path in the API's names, and why."""

    field: str
    message: str


NEVER_SENT: Final = {"put-code": "goes with an update alone", "visibility": "is the researcher's"}
_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_PLAIN_URL: Final = re.compile(r"https?://[A-Za-z0-9.-]+/[A-Za-z0-9./_~%?&=:;()+,-]*")
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def check_fields(content: Content, known: frozenset[str]) -> Iterator[Problem]:
    for name in content.keys() - known:
        yield Problem(name, NEVER_SENT.get(name, "is not a field of this section"))


def check_titles(title: Any) -> Iterator[Problem]:
    if not isinstance(title, Mapping) or not str(value_of(title.get("title")) or "").strip():
        yield Problem("title", "is missing or blank")
        return
    yield from check_wrapped("title.title", title.get("title"), vocabulary.TITLE_LIMIT)
    yield from check_wrapped("title.subtitle", title.get("subtitle"), vocabulary.SUBTITLE_LIMIT)
    translated = title.get("translated-title")
    if translated is None:
        return
    if translated.get("language-code") not in vocabulary.LANGUAGES:
        yield Problem("title.translated-title", "its language is missing or not in the registry's list")
    yield from check_wrapped("title.translated-title", translated, vocabulary.TITLE_LIMIT)


def check_identifiers(field: str, ids: Any, what: str) -> Iterator[Problem]:
    """Identifiers of which the registry asks for at least one, with a type of its list, value and relationship."""
    items = items_of(ids, "external-id")
    if not items:
        yield Problem(field, f"a {what} needs an identifier")
    for at, item in enumerate(items):
        yield from check_identifier(f"{field}[{at}]", item)


def check_identifier(path: str, item: Content) -> Iterator[Problem]:
    """One identifier of a type that the registry knows."""
    id_type, related = item.get("external-id-type"), item.get("external-id-relationship")
    if id_type not in IDENTIFIER_TYPES:
        yield Problem(path, f"type {id_type!r} is not one of the registry's")
    if not str(item.get("external-id-value") or "").strip():
        yield Problem(path, f"the {id_type} has no value")
    elif CONTROL.search(item["external-id-value"]):
        yield Problem(path, f"the {id_type} holds characters that XML has no place for")
    if related not in vocabulary.RELATIONSHIPS:
        yield Problem(path, f"relationship {related!r} is not one of the registry's")
    yield from check_url(f"{path}.external-id-url", item.get("external-id-url"))


def check_organization(field: str, organization: Any) -> Iterator[Problem]:
    """What every section asks of an organisation; which parts it requires is each section's own rule."""
    if not isinstance(organization, Mapping) or not str(organization.get("name") or "").strip():
        yield Problem(field, "has no name")
        return
    yield from check_text(f"{field}.name", organization["name"], vocabulary.ORGANIZATION_LIMIT)
    address = address_of(organization)
    if not isinstance(organization.get("address"), Mapping):
        yield Problem(f"{field}.address", "is missing")
    for name in ("city", "region"):
        yield from check_text(f"{field}.address.{name}", address.get(name), vocabulary.ORGANIZATION_LIMIT)
    if address.get("country") is not None:
        yield from check_country(f"{field}.address.country", address["country"])
    known = known_of(organization)
    identifier = str(known.get("disambiguated-organization-identifier") or "").strip()
    source = known.get("disambiguation-source")
    if known and (not identifier or source not in vocabulary.DISAMBIGUATION_SOURCES):
        yield Problem(f"{field}.disambiguated-organization", "its identifier is blank or its source unknown")


def address_of(organization: Any) -> Content:
    """The organisation's address, empty where it has none."""
    address = organization.get("address") if isinstance(organization, Mapping) else None
    return address if isinstance(address, Mapping) else {}


def known_of(organization: Any) -> Content:
    """The organisation's identifier with its source, empty where it has none."""
    known = organization.get("disambiguated-organization") if isinstance(organization, Mapping) else None
    return known if isinstance(known, Mapping) else {}


def check_period(content: Content) -> Iterator[Problem]:
    found: dict[str, FuzzyDate | None] = {}
    for name in ("start-date", "end-date"):
        try:
            found[name] = from_json(content.get(name))
        except InvalidDateError as error:
            yield Problem(name, str(error))
    start, end = found.get("start-date"), found.get("end-date")
    if start and end and start.is_after(end):
        yield Problem("end-date", f"{end} is before the start, {start}")


def check_date(path: str, date: Any) -> Iterator[Problem]:
    try:
        from_json(date)
    except InvalidDateError as error:
        yield Problem(path, str(error))


def check_country(path: str, code: Any) -> Iterator[Problem]:
    if vocabulary.country(code) != code:
        yield Problem(path, f"{code!r} is not a country code of the registry")


def check_wrapped(path: str, wrapped: Any, limit: int) -> Iterator[Problem]:
    if wrapped is not None and not fits(wrapped, limit):
        text = value_of(wrapped)
        if not isinstance(text, str) or not text.strip():
            yield Problem(path, "is blank")
        else:
            yield from check_text(path, text, limit)


def check_text(path: str, text: Any, limit: int) -> Iterator[Problem]:
    if text is None:
        return
    if not isinstance(text, str) or not text.strip():
        yield Problem(path, "is blank")
        return
    if len(text) * 2 > limit and utf16_length(text) > limit:
        yield Problem(path, f"is longer than {limit} characters")
    if not text.isprintable() and CONTROL.search(text):
        yield Problem(path, "holds characters that XML has no place for")


def check_url(path: str, wrapped: Any) -> Iterator[Problem]:
    if wrapped is None:
        return
    url = value_of(wrapped)
    if type(url) is str and _PLAIN_URL.fullmatch(url):
        return
    if not isinstance(url, str) or not _URL.fullmatch(url) or CONTROL.search(url):
        yield Problem(path, f"{url!r} is not a URL")
        return
    try:
        urlsplit(url)
    except ValueError:
        yield Problem(path, f"{url!r} is not a URL")


def fits(wrapped: Any, limit: int) -> bool:
    """The quick answer for text that nothing can be wrong with; anything else goes through the rules above."""
    text = wrapped.get("value") if type(wrapped) is dict else wrapped
    return type(text) is str and len(text) * 2 <= limit and text.isprintable() and text.strip() != ""


def value_of(wrapped: Any) -> Any:
    if type(wrapped) is dict or isinstance(wrapped, Mapping):
        return wrapped.get("value")
    return wrapped


def items_of(wrapped: Any, name: str) -> list[Any]:
    return list((wrapped or {}).get(name) or ())
