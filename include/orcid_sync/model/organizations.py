"""Organisation identifiers in the forms that the registry's organisation table holds (it matches exactly)."""

from __future__ import annotations

import re
from typing import Final

_ROR: Final = re.compile(
    r"(?:(?:https?:)?//)?(?:www\.)?(?:ror\.org/)?(0[0-9a-hjkmnp-tv-z]{6}[0-9]{2})/?", re.IGNORECASE
)
_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_FUNDREF: Final = re.compile(r"(?:(?:https?:)?//(?:dx\.)?doi\.org/)?(?:10\.13039/)?([1-9][0-9]{2,14})")
_RINGGOLD: Final = re.compile(r"(?:ringgold[.:\s]*)?([1-9][0-9]{0,8})", re.IGNORECASE)
_GRID: Final = re.compile(
    r"(?:https?://(?:www\.)?grid\.ac/institutes/)?(grid\.[0-9]+\.[0-9a-f]+)", re.IGNORECASE
)
_LEI: Final = re.compile(r"[A-Z0-9]{18}[0-9]{2}")


def ror_url(text: str | None) -> str | None:
    """`https://ror.org/0...` for a ROR id in any spelling whose checksum (ISO 7064 MOD 97-10) holds, else None."""
    match = _ROR.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    local = match.group(1).lower()
    number = 0
    for character in local[:7]:
        number = number * 32 + _CROCKFORD.index(character)
    return f"https://ror.org/{local}" if 98 - (number * 100) % 97 == int(local[7:]) else None


def disambiguated(identifier: str | None, source: str | None) -> tuple[str, str] | None:
    """(identifier, source) as the registry spells them, or None where the pair is not a valid one."""
    if not identifier or not identifier.strip():
        return None
    text, name = identifier.strip(), (source or "").strip().upper().replace(" ", "")
    if name in ("ROR", "") and (ror := ror_url(text)):
        return ror, "ROR"
    match name:
        case "FUNDREF" | "CROSSREFFUNDER" | "FUNDERREGISTRY":
            found = _FUNDREF.fullmatch(text)
            return (f"http://dx.doi.org/10.13039/{found.group(1)}", "FUNDREF") if found else None
        case "RINGGOLD":
            found = _RINGGOLD.fullmatch(text)
            return (found.group(1), "RINGGOLD") if found else None
        case "GRID":
            found = _GRID.fullmatch(text)
            return (found.group(1).lower(), "GRID") if found else None
        case "LEI":
            return (text.upper(), "LEI") if _LEI.fullmatch(text.upper()) else None
    return None
