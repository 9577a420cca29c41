"""Which of a publication's identifiers are sent, and as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from orcid_sync.model import vocabulary
from orcid_sync.model.identifiers import (
    canonical_type,
    clean,
    detect,
    is_preprint_identifier,
    match_key,
    relationship,
)
from orcid_sync.model.inputs import Identifier
from orcid_sync.model.payload import Refused, external_id

_UNTYPED: Final = frozenset({"", "id", "id-number", "id_number", "identifier", "number", "unknown"})


def work_identifiers(
    work_type: str, identifiers: Sequence[Identifier], item_uri: str | None, warnings: list[str]
) -> tuple[list[dict[str, Any]], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The identifiers that are sent, without repetition; the match keys of `self` ones and of the others."""
    items: list[dict[str, Any]] = []
    related_by_key: dict[str, str] = {}
    for row in sorted(identifiers, key=lambda one: one.identifier_seq or 0):
        found = _typed_and_clean(row, warnings)
        if found is None:
            continue
        id_type, value = found
        related = relationship(work_type, id_type, row.external_id_relationship, value)
        if related == "funded-by" and id_type not in vocabulary.FUNDED_BY_TYPES:
            warnings.append(f"a {id_type} cannot be funded-by: left out")
            continue
        key = match_key(id_type, value)
        if key not in related_by_key:
            related_by_key[key] = related
            items.append(external_id(id_type, value, related, row.external_id_url))
    if item_uri and "self" not in related_by_key.values():
        related_by_key[match_key("uri", item_uri)] = "self"
        items.append(external_id("uri", item_uri, "self"))
    self_keys = tuple(key for key, related in related_by_key.items() if related == "self")
    if not self_keys:
        raise Refused("no_usable_identifier", "external_id_value", _why_none_is_usable(identifiers, items))
    return items, self_keys, tuple(pair for pair in related_by_key.items() if pair[1] != "self")


def is_preprint(work_type: str, ids: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the work is a preprint, by its type or by an identifier that only preprints have."""
    return work_type == "preprint" or any(
        item["external-id-relationship"] == "self"
        and is_preprint_identifier(item["external-id-type"], item["external-id-value"])
        for item in ids
    )


def _typed_and_clean(row: Identifier, warnings: list[str]) -> tuple[str, str] | None:
    """Type and value as they would be sent; a value that is plainly of another type is taken as that."""
    value = row.external_id_value
    if not value or not value.strip():
        return None
    id_type = canonical_type(row.external_id_type)
    if id_type is not None and (cleaned := clean(id_type, value)):
        return id_type, cleaned
    named = (row.external_id_type or "").strip().lower()
    detected = detect(value) if id_type is not None or named in _UNTYPED else None
    if detected is not None and (detected[0] != "uri" or id_type is None):
        return detected
    shown = value if len(value) <= 80 else f"{value[:80]}\u2026"
    what = (
        f"is not a valid {id_type}"
        if id_type
        else f"has type {row.external_id_type!r}, unknown to the registry"
    )
    warnings.append(f"identifier {shown!r} {what}: left out")
    return None


def _why_none_is_usable(identifiers: Sequence[Identifier], items: Sequence[Mapping[str, Any]]) -> str:
    if items:
        had = ", ".join(sorted({f"{i['external-id-type']} ({i['external-id-relationship']})" for i in items}))
        hint = "add its DOI, handle or another identifier in the CRIS"
        if any(is_preprint_identifier(i["external-id-type"], i["external-id-value"]) for i in items):
            hint += "; a preprint's identifier names this work only if its type is preprint or working paper"
        return f"no identifier of the work itself, only {had}: {hint}"
    if identifiers:
        return "none of its identifiers is valid: correct them in the CRIS"
    return "it has no identifier: add its DOI, handle or another identifier in the CRIS"
