"""Digests: equal exactly if two contents mean the same, so that only a change of meaning is proposed.

What a decision stands on is the digest of a change, over action, section, put code and this one: the database's own
function `change_digest` makes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from orcid_sync.model.identifiers import match_key

Content = Mapping[str, Any]


def content_digest(section: str, content: Content) -> str:
    """SHA-256 (hex) of what an item means.

    For works: title, subtitle, type, date, identifiers with their relationships, journal, URL and contributors
    (names and roles, not iDs); other fields ride along. For every other section: every field. The order of keys and of
    identifiers doesn't count.
    """
    meaning = _work(content) if section == "work" else _every_field(section, content)
    return hashlib.sha256(orjson.dumps(meaning, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _work(content: Content) -> list[Any]:
    title = content.get("title") or {}
    return [
        "work",
        _value(title.get("title")),
        _value(title.get("subtitle")),
        content.get("type"),
        _date(content.get("publication-date")),
        _identifiers(content.get("external-ids")),
        _value(content.get("journal-title")),
        _value(content.get("url")),
        [_contributor(one) for one in (content.get("contributors") or {}).get("contributor") or ()],
    ]


def _every_field(section: str, content: Content) -> list[Any]:
    plain = {name: part for name, part in content.items() if part is not None and name != "external-ids"}
    return [section, plain, _identifiers(content.get("external-ids"))]


def _identifiers(ids: Any) -> list[list[str | None]]:
    found = [
        [
            match_key(item["external-id-type"], item["external-id-value"]),
            item.get("external-id-relationship"),
        ]
        for item in (ids or {}).get("external-id") or ()
    ]
    return sorted(found, key=str)


def _contributor(contributor: Mapping[str, Any]) -> tuple[Any, Any]:
    # Not the iD: it rides along. Else each newly connected researcher would mean an update, and a message, for all
    # co-authors.
    name, attributes = contributor.get("credit-name"), contributor.get("contributor-attributes")
    return name["value"] if name else None, attributes.get("contributor-role") if attributes else None


def _date(date: Any) -> str | None:
    if not date:
        return None
    return "-".join(str(date[part]["value"]) for part in ("year", "month", "day") if date.get(part))


def _value(wrapped: Any) -> Any:
    return wrapped["value"] if wrapped else None
