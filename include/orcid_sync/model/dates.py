"""Dates as precise as they are known: a year, a year and a month, or a day."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
"""ORCID-Source: the schema's range of years."""


class InvalidDateError(ValueError):
    """The parts given are no date that the registry takes; the message says which part and why."""


@dataclass(frozen=True, slots=True)
class FuzzyDate:
    """A calendar date of which month, or day, may be unknown. Only valid ones can be made."""

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise InvalidDateError(f"year {self.year} is not between {FIRST_YEAR} and {LAST_YEAR}")
        if self.month is None:
            if self.day is not None:
                raise InvalidDateError(f"day {self.day} without a month")
            return
        if not 1 <= self.month <= 12:
            raise InvalidDateError(f"month {self.month} is not between 1 and 12")
        if self.day is not None and not 1 <= self.day <= calendar.monthrange(self.year, self.month)[1]:
            raise InvalidDateError(f"{self.year}-{self.month:02} has no day {self.day}")

    def __str__(self) -> str:
        """`yyyy`, `yyyy-mm` or `yyyy-mm-dd`."""
        if self.month is None:
            return f"{self.year:04}"
        if self.day is None:
            return f"{self.year:04}-{self.month:02}"
        return f"{self.year:04}-{self.month:02}-{self.day:02}"

    def to_json(self) -> dict[str, dict[str, str]]:
        """The registry's shape: zero-padded strings, only the parts that are known."""
        parts = {"year": {"value": f"{self.year:04}"}}
        if self.month is not None:
            parts["month"] = {"value": f"{self.month:02}"}
            if self.day is not None:
                parts["day"] = {"value": f"{self.day:02}"}
        return parts

    def last_day(self) -> date:
        """The latest day that this date may be."""
        month = self.month or 12
        return date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    def is_after(self, other: FuzzyDate) -> bool:
        """Whether it is certainly later: compared on the parts that both have; equal is not after."""
        return compare(self, other) > 0


def compare(one: FuzzyDate, other: FuzzyDate) -> int:
    """-1, 0 or 1 on the parts that both dates have, as the registry compares start and end."""
    pairs = ((one.year, other.year), (one.month, other.month), (one.day, other.day))
    for mine, theirs in pairs:
        if mine is None or theirs is None:
            return 0
        if mine != theirs:
            return 1 if mine > theirs else -1
    return 0


def from_parts(
    year: int | None,
    month: int | None = None,
    day: int | None = None,
    *,
    placeholder_dates: Collection[str] = frozenset(),
) -> FuzzyDate | None:
    """The date of a source's three columns, or None where it is unknown.

    Zero is unknown, as NULL is. A date that equals one of `placeholder_dates` (`yyyy`, `yyyy-mm`, `yyyy-mm-dd`:
    the days on which a migration stamped its rows) is unknown too.
    Raises InvalidDateError for parts that are no date.
    """
    if not year:
        if month or day:
            raise InvalidDateError("month or day without a year")
        return None
    found = FuzzyDate(year, month or None, day or None)
    return None if placeholder_dates and str(found) in placeholder_dates else found


def from_json(parts: Mapping[str, Any] | None) -> FuzzyDate | None:
    """The date in the registry's shape; None where it is absent. Raises InvalidDateError."""
    if not parts:
        return None
    return _parsed(*((parts.get(name) or _NO_PART).get("value") for name in ("year", "month", "day")))


_NO_PART: Final[Mapping[str, Any]] = {}


@lru_cache(maxsize=8192)
def _parsed(year: str | None, month: str | None, day: str | None) -> FuzzyDate:
    numbers: list[int | None] = []
    for name, text, width in (("year", year, 4), ("month", month, 2), ("day", day, 2)):
        if text is not None and not (len(text) == width and text.isascii() and text.isdecimal()):
            raise InvalidDateError(f"{name} {text!r} is not {width} digits")
        numbers.append(None if text is None else int(text))
    if numbers[0] is None:
        raise InvalidDateError("no year")
    return FuzzyDate(numbers[0], numbers[1], numbers[2])
