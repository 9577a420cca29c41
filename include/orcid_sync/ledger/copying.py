"""COPY's text format, for rows that are put into it away from any connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def copy_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Lines for `COPY ... FROM STDIN`: of None, truth values, lists of text, and whatever its `str` says.

    A NUL character, which PostgreSQL has no place for, is its to refuse.
    """
    return "".join(["\t".join(map(_field, row)) + "\n" for row in rows]).encode()


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, list):
        value = f"{{{','.join(map(_element, value))}}}"
    text = str(value)
    for character, escaped in _ESCAPES:
        text = text.replace(character, escaped)
    return text


def _element(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
