"""Superscripts and subscripts in plain text.

A subscript is written on the line (H2O, CO2), as everybody types it in a search box. A superscript on the line
would be another number (10 to the 5th is not 105), so it takes Unicode's raised characters where all of it has
them, and else a caret, except for ordinals and marks that stand on the line just as well.
"""

from __future__ import annotations

from typing import Final

_RAISED: Final = str.maketrans(
    "0123456789+-\u2212=()n",
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207b\u207c\u207d\u207en"[:-1]
    + "\u207f",
)
_HAS_RAISED: Final = frozenset(chr(code) for code in _RAISED)
_ON_THE_LINE: Final = frozenset(
    {"th", "st", "nd", "rd", "e", "er", "re", "o", "a", "\u00ae", "\u2122", "tm", "c", "r"}
)
_STANDS_RAISED: Final = frozenset("\u00ae\u2122\u00b0*\u2020\u2021\u2217\u22c6'\u2032\u2033")


def superscript(text: str) -> str:
    """`text` raised: `5` as a raised five, `th` as it is, anything else after a caret."""
    stripped = text.strip()
    if not stripped:
        return text
    if stripped == "\u2218" or stripped == "\u25e6":
        return "\u00b0"
    if all(character in _HAS_RAISED for character in stripped):
        return stripped.translate(_RAISED)
    if stripped.lower() in _ON_THE_LINE or all(character in _STANDS_RAISED for character in stripped):
        return stripped
    if stripped.isalpha() and len(stripped) > 1 and stripped.islower():
        return stripped
    return f"^{stripped}" if len(stripped) == 1 or stripped.isalnum() else f"^({stripped})"


def subscript(text: str) -> str:
    """`text` lowered, which in plain text is the text itself."""
    return text.strip() or text
