"""How affiliations are recognised where no identifier says it: by canonical content.

`content:` keys are equal for the same post in the same words (our own entry, read back); `near:` keys for what is
probably the same post entered by somebody else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from orcid_sync.model.sections import SECTIONS

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


def near_keys(section: str, content: Mapping[str, Any]) -> tuple[str, ...]:
    """`near:` keys of what we would write: the organisation by its identifier and by its name, the year of the start.

    Where the section tells entries apart by their role, the role stands in the key, and a key beside it finds those
    entries that say none.
    """
    role = _fold(content.get("role-title"))
    if not SECTIONS[section].near_by_role:
        return _near(content, ("",))
    return _near(content, (f"|={role}", "|none") if role else ("|any",))


def standing_near_keys(section: str, content: Mapping[str, Any]) -> tuple[str, ...]:
    """The `near:` keys by which an entry on a record is found by those of `near_keys`."""
    role = _fold(content.get("role-title"))
    if section not in SECTIONS or not SECTIONS[section].near_by_role:
        return _near(content, ("",))
    return _near(content, (f"|={role}", "|any") if role else ("|none", "|any"))


def _near(content: Mapping[str, Any], roles: tuple[str, ...]) -> tuple[str, ...]:
    year = _date(content.get("start-date"))[:4] or "?"
    organization = content.get("organization") or {}
    names = {_organization(content), "name " + _fold(organization.get("name"))}
    return tuple(sorted(f"near:{name}|{year}{role}" for name in names for role in roles))


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
