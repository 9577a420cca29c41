"""What the registry would refuse, found before anything is proposed; and whether two items mean the same.

ORCID-Source: the business rules of works and affiliations, and the limits of the schema of record 3.0. The schema
is applied to single items only, yet an item in bulk that breaks it ends as an error of the server: both are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final

from orcid_sync.model import vocabulary
from orcid_sync.model.identifiers import canonical_type
from orcid_sync.model.orcid_id import parse_orcid
from orcid_sync.model.sections import AFFILIATIONS
from orcid_sync.model.validation_activities import funding_problems, peer_review_problems
from orcid_sync.model.validation_parts import (
    CONTROL,
    Content,
    Problem,
    address_of,
    check_country,
    check_date,
    check_fields,
    check_identifiers,
    check_organization,
    check_period,
    check_text,
    check_titles,
    check_url,
    check_wrapped,
    fits,
    items_of,
    known_of,
    value_of,
)
from orcid_sync.model.validation_person import (
    person_identifier_problems,
    research_resource_problems,
    researcher_url_problems,
)

__all__ = ["Problem", "problems", "same_meaning"]


def problems(section: str, content: Content) -> list[Problem]:
    """Everything that the registry would refuse in `content` as a new item of `section`; empty if nothing.

    `section` is the API's singular; ValueError for one that we don't write.
    """
    return list(_rules(section)(content))


def _rules(section: str) -> Callable[[Content], Iterator[Problem]]:
    if section in AFFILIATIONS:
        return partial(_affiliation, section)
    if section not in _RULES:
        raise ValueError(f"no rules for section {section!r}")
    return _RULES[section]


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


def _work(content: Content) -> Iterator[Problem]:
    yield from check_fields(content, _WORK_FIELDS)
    yield from check_titles(content.get("title"))
    if content.get("country") is not None:
        yield from check_country("country", value_of(content["country"]))
    if content.get("type") not in vocabulary.WRITABLE_WORK_TYPES:
        yield Problem("type", f"{content.get('type')!r} is not a work type that can be written")
    language = content.get("language-code")
    if language is not None and language not in vocabulary.LANGUAGES:
        yield Problem("language-code", f"{language!r} is not in the registry's list of languages")
    yield from check_date("publication-date", content.get("publication-date"))
    yield from _citation(content.get("citation"))
    yield from _work_identifiers(content.get("external-ids"))
    yield from _contributors(content.get("contributors"))
    yield from check_wrapped("journal-title", content.get("journal-title"), vocabulary.JOURNAL_TITLE_LIMIT)
    description = content.get("short-description")
    if description is not None:
        yield from check_text("short-description", description, vocabulary.DESCRIPTION_LIMIT)
    yield from check_url("url", content.get("url"))


def _citation(citation: Any) -> Iterator[Problem]:
    if citation is None:
        return
    if citation.get("citation-type") not in vocabulary.CITATION_TYPES:
        yield Problem("citation.citation-type", "is missing or not one of the registry's")
    value = str(citation.get("citation-value") or "")
    if not value.strip() or CONTROL.search(value):
        yield Problem("citation.citation-value", "is blank or holds characters that XML has no place for")


def _work_identifiers(ids: Any) -> Iterator[Problem]:
    yield from check_identifiers("external-ids", ids, "work")
    items = items_of(ids, "external-id")
    for at, item in enumerate(items):
        id_type = item.get("external-id-type")
        if item.get("external-id-relationship") == "funded-by" and id_type not in vocabulary.FUNDED_BY_TYPES:
            yield Problem(f"external-ids[{at}]", f"a {id_type} cannot be funded-by")
    if items and not any(item.get("external-id-relationship") == "self" for item in items):
        yield Problem("external-ids", "a work needs at least one identifier with relationship self")


def _contributors(contributors: Any) -> Iterator[Problem]:
    for at, contributor in enumerate(items_of(contributors, "contributor")):
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
        if name is not None and not fits(name, vocabulary.CREDIT_NAME_LIMIT):
            yield from check_wrapped(f"contributors[{at}].credit-name", name, vocabulary.CREDIT_NAME_LIMIT)
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
        and fits(contributor.get("credit-name"), vocabulary.CREDIT_NAME_LIMIT)
    )


def _is_orcid_uri(uri: Any, path: Any) -> bool:
    if not isinstance(uri, str) or not uri.startswith("https://"):
        return False
    host, _, local = uri[len("https://") :].partition("/")
    return host.endswith("orcid.org") and local == path


def _affiliation(section: str, content: Content) -> Iterator[Problem]:
    yield from check_fields(content, _AFFILIATION_FIELDS)
    yield from check_organization("organization", content.get("organization"))
    yield from _place(section, content)
    yield from check_text("department-name", content.get("department-name"), vocabulary.DEPARTMENT_LIMIT)
    yield from check_text("role-title", content.get("role-title"), vocabulary.ROLE_TITLE_LIMIT)
    yield from check_period(content)
    yield from check_url("url", content.get("url"))
    for at, item in enumerate(items_of(content.get("external-ids"), "external-id")):
        for name in ("external-id-type", "external-id-value"):
            if not str(item.get(name) or "").strip():
                yield Problem(f"external-ids[{at}].{name}", "is blank")
        if item.get("external-id-relationship") not in vocabulary.RELATIONSHIPS:
            yield Problem(f"external-ids[{at}]", "its relationship is not one of the registry's")
        yield from check_url(f"external-ids[{at}].external-id-url", item.get("external-id-url"))


def _place(section: str, content: Content) -> Iterator[Problem]:
    """Employments and educations name an organisation with identifier, city and country; the others less."""
    known, address = known_of(content.get("organization")), address_of(content.get("organization"))
    if section in ("employment", "education"):
        if not known:
            yield Problem("organization.disambiguated-organization", "is required")
        if not address.get("city") or not address.get("country"):
            yield Problem("organization.address", "city and country are required")
        return
    if not known and not items_of(content.get("external-ids"), "external-id"):
        yield Problem("organization.disambiguated-organization", "either it or an identifier is required")
    if (address.get("city") or address.get("region")) and not address.get("country"):
        yield Problem("organization.address.country", "is required where a city or region is given")


_RULES: Final[Mapping[str, Callable[[Content], Iterator[Problem]]]] = {
    "work": _work,
    "funding": funding_problems,
    "peer-review": peer_review_problems,
    "research-resource": research_resource_problems,
    "researcher-url": researcher_url_problems,
    "external-identifier": person_identifier_problems,
}

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
    _rules(section)
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
        if name == "amount":
            return [_number(value.get("value")), value.get("currency-code")]
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


def _number(text: Any) -> str:
    """1000, 1000.0 and 1000.00 are one amount."""
    try:
        return format(Decimal(str(text)).normalize(), "f")
    except InvalidOperation:
        return str(text)
