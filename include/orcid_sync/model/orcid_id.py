"""ORCID iDs and API client ids: any spelling in, the canonical one out."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_2

_CANONICAL = re.compile(r"[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]")
_PREFIX = re.compile(
    r"^[\s<(\[\"']*(?:orcid(?!\.org)(?:[\s._-]*id)?\s*[:=]?\s*)?(?:(?:https?:)?/{0,2}(?:[a-z0-9-]+\.)*orcid\.org/+)?",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"(?:[/?#].*|[\s>)\]\"'.,;]+)$", re.DOTALL)
_SEPARATORS = re.compile(r"[\s\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufeff_-]+")
_SIXTEEN = re.compile(r"[0-9]{15}[0-9X]")
_CLIENT_ID = re.compile(r"APP-[0-9A-Za-z]{16}")


def parse_orcid(text: str | None) -> str | None:
    """The canonical `0000-0000-0000-000X` of an ORCID iD, or None where `text` is not one valid iD.

    Accepts URLs (http, https, sandbox), `orcid:` labels, blanks of any kind, missing or typographic dashes
    and a lower-case x. The last character is the ISO 7064 MOD 11-2 check of the first fifteen digits.
    """
    if not text:
        return None
    if _CANONICAL.fullmatch(text):
        compact = text.replace("-", "")
        return text if _check_digit_holds(compact) else None
    bare = _PREFIX.sub("", unicodedata.normalize("NFKC", text), count=1)
    bare = _SUFFIX.sub("", bare)
    compact = _SEPARATORS.sub("", bare).upper()
    if not _SIXTEEN.fullmatch(compact) or not _check_digit_holds(compact):
        return None
    return f"{compact[:4]}-{compact[4:8]}-{compact[8:12]}-{compact[12:]}"


def is_client_id(text: str | None) -> bool:
    """Whether `text` names an ORCID API client: `APP-` and sixteen letters or digits, or a legacy iD."""
    if not text:
        return False
    return bool(_CLIENT_ID.fullmatch(text)) or (
        bool(_CANONICAL.fullmatch(text)) and parse_orcid(text) is not None
    )


# The same few thousand researchers stand on all publications.
@lru_cache(maxsize=65536)
def _check_digit_holds(compact: str) -> bool:
    try:
        mod_11_2.validate(compact)
    except ValidationError:
        return False
    return True
