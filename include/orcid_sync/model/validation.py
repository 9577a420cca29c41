"""What the registry would refuse, found before anything is proposed; and whether two items mean the same.

ORCID-Source: the business rules of works and affiliations, and the limits of the schema of record 3.0. The schema
is applied to single items only, yet an item in bulk that breaks it ends as an error of the server: both are checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from orcid_sync.model import vocabulary
from orcid_sync.model.dates import FuzzyDate, InvalidDateError, from_json
from orcid_sync.model.identifiers import IDENTIFIER_TYPES, canonical_type
from orcid_sync.model.orcid_id import parse_orcid
from orcid_sync.model.text import utf16_length
from orcid_sync.model.vocabulary import AFFILIATION_SECTIONS

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing the registry would refuse: the field's path in the API's names, and why."""

    field: str
    message: str


def problems(section: str, content: Content) -> list[Problem]:
    """Everything that the registry would refuse in `content` as a new item of `section`; empty if nothing.

    `section` is the API's singular: `work` or one of the seven affiliations; ValueError for any other.
    """
    if section == "work":
        return list(_work(content))
    if section in AFFILIATION_SECTIONS:
        return list(_affiliation(section, content))
    raise ValueError(f"no rules for section {section!r}")


_WORK_FIELDS: Final = frozenset(
    {
        *(
            "title",
            "journal-title",
            "short-description",
            "citation",
            "type",
            "publication-date",
            "external-ids",
        ),
        *("url", "contributors", "language-code", "country"),
    }
)
_AFFILIATION_FIELDS: Final = frozenset(
    {"department-name", "role-title", "start-date", "end-date", "organization", "url", "external-ids"}
)
_NEVER_SENT: Final = {"put-code": "goes with an update alone", "visibility": "is the researcher's"}
_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_PLAIN_URL: Final = re.compile(r"https?://[A-Za-z0-9.-]+/[A-Za-z0-9./_~%?&=:;()+,-]*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def _work(content: Content) -> Iterator[Problem]:
    yield from _fields(content, _WORK_FIELDS)
    yield from _titles(content.get("title"))
    if content.get("country") is not None:
        yield from _country("country", _value(content["country"]))
    if content.get("type") not in vocabulary.WRITABLE_WORK_TYPES:
        yield Problem("type", f"{content.get('type')!r} is not a work type that can be written")
    language = content.get("language-code")
    if language is not None and language not in vocabulary.LANGUAGES:
        yield Problem("language-code", f"{language!r} is not in the registry's list of languages")
    yield from _date("publication-date", content.get("publication-date"))
    yield from _citation(content.get("citation"))
    yield from _work_identifiers(content.get("external-ids"))
    yield from _contributors(content.get("contributors"))
    yield from _wrapped("journal-title", content.get("journal-title"), vocabulary.JOURNAL_TITLE_LIMIT)
    description = content.get("short-description")
    if description is not None:
        yield from _text("short-description", description, vocabulary.DESCRIPTION_LIMIT)
    yield from _url("url", content.get("url"))


def _fields(content: Content, known: frozenset[str]) -> Iterator[Problem]:
    for name in content.keys() - known:
        yield Problem(name, _NEVER_SENT.get(name, "is not a field of this section"))


def _titles(title: Any) -> Iterator[Problem]:
    if not isinstance(title, Mapping) or not str(_value(title.get("title")) or "").strip():
        yield Problem("title", "is missing or blank")
        return
    yield from _wrapped("title.title", title.get("title"), vocabulary.TITLE_LIMIT)
    yield from _wrapped("title.subtitle", title.get("subtitle"), vocabulary.SUBTITLE_LIMIT)
    translated = title.get("translated-title")
    if translated is None:
        return
    if translated.get("language-code") not in vocabulary.LANGUAGES:
        yield Problem("title.translated-title", "its language is missing or not in the registry's list")
    yield from _wrapped("title.translated-title", translated, vocabulary.TITLE_LIMIT)


def _citation(citation: Any) -> Iterator[Problem]:
    if citation is None:
        return
    if citation.get("citation-type") not in vocabulary.CITATION_TYPES:
        yield Problem("citation.citation-type", "is missing or not one of the registry's")
    value = str(citation.get("citation-value") or "")
    if not value.strip() or _CONTROL.search(value):
        yield Problem("citation.citation-value", "is blank or holds characters that XML has no place for")


def _work_identifiers(ids: Any) -> Iterator[Problem]:
    items = _items(ids, "external-id")
    if not items:
        yield Problem("external-ids", "a work needs an identifier")
        return
    has_self = False
    for at, item in enumerate(items):
        path = f"external-ids[{at}]"
        id_type, related = item.get("external-id-type"), item.get("external-id-relationship")
        if id_type not in IDENTIFIER_TYPES:
            yield Problem(path, f"type {id_type!r} is not one of the registry's")
        if not str(item.get("external-id-value") or "").strip():
            yield Problem(path, f"the {id_type} has no value")
        elif _CONTROL.search(item["external-id-value"]):
            yield Problem(path, f"the {id_type} holds characters that XML has no place for")
        if related not in vocabulary.RELATIONSHIPS:
            yield Problem(path, f"relationship {related!r} is not one of the registry's")
        elif related == "funded-by" and id_type not in vocabulary.FUNDED_BY_TYPES:
            yield Problem(path, f"a {id_type} cannot be funded-by")
        has_self = has_self or related == "self"
        yield from _url(f"{path}.external-id-url", item.get("external-id-url"))
    if not has_self:
        yield Problem("external-ids", "a work needs at least one identifier with relationship self")


def _contributors(contributors: Any) -> Iterator[Problem]:
    for at, contributor in enumerate(_items(contributors, "contributor")):
        if _is_plain_contributor(contributor):
            continue
        orcid = contributor.get("contributor-orcid")
        if orcid is not None:
            path = orcid.get("path")
            if parse_orcid(path) != path or not _is_orcid_uri(orcid.get("uri"), path):
                yield Problem(
                    f"contributors[{at}].contributor-orcid", "is not an ORCID iD with its https address"
                )
        name = contributor.get("credit-name")
        if name is not None and not _fits(name, vocabulary.CREDIT_NAME_LIMIT):
            yield from _wrapped(f"contributors[{at}].credit-name", name, vocabulary.CREDIT_NAME_LIMIT)
        if contributor.get("contributor-email") is not None:
            yield Problem(f"contributors[{at}].contributor-email", "addresses are never sent")
        attributes = contributor.get("contributor-attributes")
        if attributes is not None:
            role, sequence = attributes.get("contributor-role"), attributes.get("contributor-sequence")
            if (
                role is not None
                and role not in vocabulary.LEGACY_ROLES
                and role not in vocabulary.CREDIT_ROLES
            ):
                yield Problem(f"contributors[{at}].contributor-role", f"{role!r} is in neither vocabulary")
            if sequence is not None and sequence not in vocabulary.CONTRIBUTOR_SEQUENCES:
                yield Problem(
                    f"contributors[{at}].contributor-sequence", f"{sequence!r} is not first or additional"
                )


def _is_plain_contributor(contributor: Mapping[str, Any]) -> bool:
    """The quick answer for a name with a role; papers have hundreds of them."""
    if "contributor-orcid" in contributor or "contributor-email" in contributor:
        return False
    attributes = contributor.get("contributor-attributes")
    return (
        type(attributes) is dict
        and attributes.get("contributor-role", "author") in vocabulary.CONTRIBUTOR_ROLES
        and attributes.get("contributor-sequence", "first") in vocabulary.CONTRIBUTOR_SEQUENCES
        and _fits(contributor.get("credit-name"), vocabulary.CREDIT_NAME_LIMIT)
    )


def _is_orcid_uri(uri: Any, path: Any) -> bool:
    if not isinstance(uri, str) or not uri.startswith("https://"):
        return False
    host, _, local = uri[len("https://") :].partition("/")
    return host.endswith("orcid.org") and local == path


def _affiliation(section: str, content: Content) -> Iterator[Problem]:
    yield from _fields(content, _AFFILIATION_FIELDS)
    yield from _organization(section, content)
    yield from _text("department-name", content.get("department-name"), vocabulary.DEPARTMENT_LIMIT)
    yield from _text("role-title", content.get("role-title"), vocabulary.ROLE_TITLE_LIMIT)
    yield from _period(content)
    yield from _url("url", content.get("url"))
    for at, item in enumerate(_items(content.get("external-ids"), "external-id")):
        for name in ("external-id-type", "external-id-value"):
            if not str(item.get(name) or "").strip():
                yield Problem(f"external-ids[{at}].{name}", "is blank")
        if item.get("external-id-relationship") not in vocabulary.RELATIONSHIPS:
            yield Problem(f"external-ids[{at}]", "its relationship is not one of the registry's")
        yield from _url(f"external-ids[{at}].external-id-url", item.get("external-id-url"))


def _organization(section: str, content: Content) -> Iterator[Problem]:
    organization = content.get("organization")
    if not isinstance(organization, Mapping) or not str(organization.get("name") or "").strip():
        yield Problem("organization", "has no name")
        return
    yield from _text("organization.name", organization["name"], vocabulary.ORGANIZATION_LIMIT)
    address = organization.get("address")
    if not isinstance(address, Mapping):
        yield Problem("organization.address", "is missing")
        address = {}
    for name in ("city", "region"):
        yield from _text(f"organization.address.{name}", address.get(name), vocabulary.ORGANIZATION_LIMIT)
    if address.get("country") is not None:
        yield from _country("organization.address.country", address["country"])
    known = organization.get("disambiguated-organization") or {}
    identifier = str(known.get("disambiguated-organization-identifier") or "").strip()
    source = known.get("disambiguation-source")
    if known and (not identifier or source not in vocabulary.DISAMBIGUATION_SOURCES):
        yield Problem(
            "organization.disambiguated-organization", "its identifier is blank or its source unknown"
        )
    if section in ("employment", "education"):
        if not known:
            yield Problem("organization.disambiguated-organization", "is required")
        if not address.get("city") or not address.get("country"):
            yield Problem("organization.address", "city and country are required")
        return
    if not known and not _items(content.get("external-ids"), "external-id"):
        yield Problem("organization.disambiguated-organization", "either it or an identifier is required")
    if (address.get("city") or address.get("region")) and not address.get("country"):
        yield Problem("organization.address.country", "is required where a city or region is given")


def _period(content: Content) -> Iterator[Problem]:
    found: dict[str, FuzzyDate | None] = {}
    for name in ("start-date", "end-date"):
        try:
            found[name] = from_json(content.get(name))
        except InvalidDateError as error:
            yield Problem(name, str(error))
    start, end = found.get("start-date"), found.get("end-date")
    if start and end and start.is_after(end):
        yield Problem("end-date", f"{end} is before the start, {start}")


def _date(path: str, date: Any) -> Iterator[Problem]:
    try:
        from_json(date)
    except InvalidDateError as error:
        yield Problem(path, str(error))


def _country(path: str, code: Any) -> Iterator[Problem]:
    if vocabulary.country(code) != code:
        yield Problem(path, f"{code!r} is not a country code of the registry")


def _wrapped(path: str, wrapped: Any, limit: int) -> Iterator[Problem]:
    if wrapped is not None and not _fits(wrapped, limit):
        text = _value(wrapped)
        if not isinstance(text, str) or not text.strip():
            yield Problem(path, "is blank")
        else:
            yield from _text(path, text, limit)


def _text(path: str, text: Any, limit: int) -> Iterator[Problem]:
    if text is None:
        return
    if not isinstance(text, str) or not text.strip():
        yield Problem(path, "is blank")
        return
    if len(text) * 2 > limit and utf16_length(text) > limit:
        yield Problem(path, f"is longer than {limit} characters")
    if not text.isprintable() and _CONTROL.search(text):
        yield Problem(path, "holds characters that XML has no place for")


def _url(path: str, wrapped: Any) -> Iterator[Problem]:
    if wrapped is None:
        return
    url = _value(wrapped)
    if type(url) is str and _PLAIN_URL.fullmatch(url):
        return
    if not isinstance(url, str) or not _URL.fullmatch(url) or _CONTROL.search(url):
        yield Problem(path, f"{url!r} is not a URL")
        return
    try:
        urlsplit(url)
    except ValueError:
        yield Problem(path, f"{url!r} is not a URL")


def _fits(wrapped: Any, limit: int) -> bool:
    """The quick answer for text that nothing can be wrong with; anything else goes through the rules above."""
    text = wrapped.get("value") if type(wrapped) is dict else wrapped
    return type(text) is str and len(text) * 2 <= limit and text.isprintable() and text.strip() != ""


def _value(wrapped: Any) -> Any:
    if type(wrapped) is dict or isinstance(wrapped, Mapping):
        return wrapped.get("value")
    return wrapped


def _items(wrapped: Any, name: str) -> list[Any]:
    return list((wrapped or {}).get(name) or ())


_RECORD_KEEPING: Final = frozenset(
    {
        *("put-code", "source", "created-date", "last-modified-date", "path", "visibility", "display-index"),
        *("external-id-normalized", "external-id-normalized-error", "contributor-email"),
    }
)


def same_meaning(section: str, ours: Content, theirs: Content) -> bool:
    """Whether an item read back says what we sent, whatever the registry added or spells differently.

    Nulls and empty lists, record-keeping, visibility, normalised values, the order of identifiers, `-` or `_` in
    their types, blanks at the ends and the host of iDs don't count.
    """
    if section != "work" and section not in AFFILIATION_SECTIONS:
        raise ValueError(f"no rules for section {section!r}")
    return bool(_essence(ours) == _essence(theirs))


def as_sendable(content: Content) -> dict[str, Any]:
    """An item as it was read in full, without what the registry keeps of it: the body that puts it back as it was.

    Visibility is never sent.
    """
    return {
        name: _plain(part)
        for name, part in content.items()
        if name not in _RECORD_KEEPING and part is not None
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = ((name, part) for name, part in value.items() if name == "path" or name not in _RECORD_KEEPING)
        return {name: _plain(part) for name, part in kept if part is not None}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _essence(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        if name == "contributor-orcid":
            return value.get("path")
        if name == "item":
            value = _with_canonical_type(value)
        kept = ((key, _essence(part, key)) for key, part in value.items() if key not in _RECORD_KEEPING)
        return {key: part for key, part in kept if part not in (None, {}, [], "")}
    if isinstance(value, list | tuple):
        items = [_essence(part, "item" if name == "external-id" else "") for part in value]
        return sorted(items, key=repr_of_sorted) if name == "external-id" else items
    if isinstance(value, str):
        stripped = value.strip()
        return stripped.lower() if name == "contributor-role" else stripped
    return value


def _with_canonical_type(item: Mapping[str, Any]) -> dict[str, Any]:
    id_type = str(item.get("external-id-type") or "")
    return {**item, "external-id-type": canonical_type(id_type) or id_type.lower().replace("_", "-")}


def repr_of_sorted(item: Any) -> str:
    """A sort key for small dictionaries that doesn't depend on the order of their keys."""
    return repr(sorted(item.items(), key=lambda pair: pair[0])) if isinstance(item, dict) else repr(item)
