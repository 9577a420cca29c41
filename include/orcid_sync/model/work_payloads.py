"""The work that a publication would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from orcid_sync.model import vocabulary
from orcid_sync.model.digests import content_digest
from orcid_sync.model.identifiers import clean
from orcid_sync.model.inputs import Contributor, Identifier, Publication
from orcid_sync.model.payload import Payload, Refusal, Refused, fuzzy_date, line
from orcid_sync.model.text import plain_text, truncate, without_controls
from orcid_sync.model.validation import problems
from orcid_sync.model.work_contributors import work_contributors
from orcid_sync.model.work_identifiers import is_preprint, work_identifiers
from orcid_sync.model.work_types import map_work_type

WEB_BASE: Final = "https://orcid.org"

_NOBODY: Final[Mapping[str, str]] = MappingProxyType({})
_PUBLISHED: Final = frozenset({"published", "epub", ""})


def work_payload(
    publication: Publication,
    contributors: Sequence[Contributor],
    identifiers: Sequence[Identifier],
    *,
    authenticated: Mapping[str, str] = _NOBODY,
    item_uri: str | None = None,
    web_base: str = WEB_BASE,
) -> Payload | Refusal:
    """The work that a publication would be on its researchers' records.

    `authenticated` are iDs that came by OAuth, by person id. `item_uri`, where the institution wants it, stands in
    as identifier for a publication that has no other.
    """
    try:
        return _work(publication, contributors, identifiers, authenticated, item_uri, web_base)
    except Refused as refused:
        return refused.refusal


def _work(
    publication: Publication,
    contributors: Sequence[Contributor],
    identifiers: Sequence[Identifier],
    authenticated: Mapping[str, str],
    item_uri: str | None,
    web_base: str,
) -> Payload:
    warnings: list[str] = []
    notes: list[str] = []
    in_press = _is_in_press(publication)
    ordered = _in_order(contributors)
    work_type = _work_type(publication, ordered)
    title = _title(publication, warnings)
    date = fuzzy_date(publication, "publication")
    ids, self_keys, other_keys = work_identifiers(work_type, identifiers, item_uri, warnings)
    if in_press and not any(key.startswith("doi:") for key in self_keys):
        raise Refused("not_published", "publication_status", "it is in press and has no DOI yet")

    content: dict[str, Any] = {"title": title, "type": work_type}
    if date:
        content["publication-date"] = date.to_json()
    content["external-ids"] = {"external-id": ids}
    if journal := line(publication.journal_title, vocabulary.JOURNAL_TITLE_LIMIT):
        content["journal-title"] = {"value": journal}
    if publication.url and (url := clean("uri", publication.url)):
        content["url"] = {"value": url}
    if ordered and (people := work_contributors(ordered, authenticated, web_base, warnings, notes)):
        content["contributors"] = {"contributor": people}
    _riders(publication, content, notes)

    found = problems("work", content)
    if found:
        raise Refused("invalid_field", found[0].field, f"{found[0].field}: {found[0].message}")
    return Payload(
        section="work",
        content=content,
        digest=content_digest("work", content),
        self_keys=self_keys,
        other_keys=other_keys,
        title=title["title"]["value"],
        type=work_type,
        year=date.year if date else None,
        is_preprint=is_preprint(work_type, ids),
        warnings=tuple(warnings),
        notes=tuple(notes),
    )


def _in_order(contributors: Sequence[Contributor]) -> Sequence[Contributor]:
    return sorted(contributors, key=lambda one: one.contributor_seq or 0)


def _work_type(publication: Publication, contributors: Sequence[Contributor]) -> str:
    roles = {vocabulary.contributor_role(one.contributor_role) for one in contributors}
    mapping = map_work_type(
        publication.source_type_scheme,
        publication.source_type,
        publication.source_subtype,
        publication.work_type,
        "editor" in roles and "author" not in roles,
    )
    if mapping.work_type is None:
        raise Refused(
            "type_not_mapped", "work_type" if publication.work_type else "source_type", mapping.reason
        )
    return mapping.work_type


def _is_in_press(publication: Publication) -> bool:
    """True where only a DOI makes it publishable, False where it is published; refused otherwise."""
    status = (publication.publication_status or "").strip().lower().replace("_", "-")
    if status in _PUBLISHED:
        return False
    if status in ("in-press", "inpress"):
        return True
    if status == "retracted":
        raise Refused("retracted", "publication_status", "the publication is retracted: a person decides")
    raise Refused(
        "not_published", "publication_status", f"its status is {status!r}; only published work is sent"
    )


def _title(publication: Publication, warnings: list[str]) -> dict[str, Any]:
    plain = plain_text(publication.title or "")
    if not plain:
        raise Refused("invalid_field", "title", "the title is empty once its markup is taken away")
    cut = truncate(plain, vocabulary.TITLE_LIMIT)
    if cut != plain:
        warnings.append(f"title cut at {vocabulary.TITLE_LIMIT} characters")
    title: dict[str, Any] = {"title": {"value": cut}}
    if subtitle := line(publication.subtitle, vocabulary.SUBTITLE_LIMIT):
        title["subtitle"] = {"value": subtitle}
    language = vocabulary.language(publication.translated_title_language)
    if language and (translated := line(publication.translated_title, vocabulary.TITLE_LIMIT)):
        title["translated-title"] = {"value": translated, "language-code": language}
    return title


def _riders(publication: Publication, content: dict[str, Any], notes: list[str]) -> None:
    """The fields that trigger no update of their own. What the registry has no code for is left out."""
    if description := line(publication.short_description, vocabulary.DESCRIPTION_LIMIT):
        content["short-description"] = description
    if publication.language_code:
        if language := vocabulary.language(publication.language_code):
            content["language-code"] = language
        else:
            notes.append(f"language {publication.language_code!r} is not in the registry's list: left out")
    if publication.country:
        if country := vocabulary.country(publication.country):
            content["country"] = {"value": country}
        else:
            notes.append(f"country {publication.country!r} is unknown: left out")
    if publication.citation_value and publication.citation_value.strip():
        citation_type = (publication.citation_type or "").strip().lower()
        value = without_controls(publication.citation_value).strip()
        if value and citation_type in vocabulary.CITATION_TYPES:
            content["citation"] = {"citation-type": citation_type, "citation-value": value}
        else:
            notes.append(
                f"citation of type {publication.citation_type!r} is not one of the registry's: left out"
            )
