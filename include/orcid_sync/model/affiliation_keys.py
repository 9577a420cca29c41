"""How affiliations are recognised where no identifier says it: by canonical content.

`content:` keys are equal for the same post in the same words (our own entry, read back); `near:` keys for what is
probably the same post entered by somebody else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_NOT_WORDS = re.compile(r"[\W_]+")


def content_key(content: Mapping[str, Any]) -> str:
    """`content:` + organisation, department, role and start date of an affiliation in the API's shape.

    The end date is left out on purpose: a post that ends stays the same post.
    """
    return "content:" + "|".join(
        (
            _organization(content),
            _fold(content.get("department-name")),
            _fold(content.get("role-title")),
            _date(content.get("start-date")),
        )
    )


def near_keys(content: Mapping[str, Any]) -> tuple[str, ...]:
    """`near:` keys: the organisation by its identifier and by its name, each with the year of the start."""
    year = _date(content.get("start-date"))[:4] or "?"
    organization = content.get("organization") or {}
    names = {_organization(content), "name " + _fold(organization.get("name"))}
    return tuple(sorted(f"near:{name}|{year}" for name in names))


def _organization(content: Mapping[str, Any]) -> str:
    organization = content.get("organization") or {}
    known = organization.get("disambiguated-organization") or {}
    identifier = known.get("disambiguated-organization-identifier")
    if identifier:
        return f"{_fold(known.get('disambiguation-source'))} {str(identifier).strip().lower()}"
    return "name " + _fold(organization.get("name"))


def _date(date: Mapping[str, Any] | None) -> str:
    parts = [((date or {}).get(part) or {}).get("value") or "" for part in ("year", "month", "day")]
    return "-".join(str(part) for part in parts if part)


def _fold(text: object) -> str:
    if text is None:
        return ""
    plain = unicodedata.normalize("NFKC", str(text)).casefold()
    return _NOT_WORDS.sub(" ", plain).strip()
