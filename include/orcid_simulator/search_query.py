"""Queries in Lucene's syntax, evaluated over the index."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fnmatch import translate
from typing import Any

from luqum import tree  # type: ignore[import-untyped]
from luqum.exceptions import ParseError  # type: ignore[import-untyped]
from luqum.parser import parser  # type: ignore[import-untyped]

from orcid_simulator.errors import refusal
from orcid_simulator.search_index import DATE_FIELDS, Document, is_exact, words

DEFAULT_FIELD = "text"
MAX_QUERY = 8_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Test = Callable[[Document], bool]

_NOW = re.compile(r"NOW(?P<steps>([+-]\d{1,6}[A-Z]+)*)(?P<round>/[A-Z]+)?")
_STEP = re.compile(r"([+-]\d{1,6})([A-Z]+)")
_UNITS = {
    "SECOND": timedelta(seconds=1),
    "MINUTE": timedelta(minutes=1),
    "HOUR": timedelta(hours=1),
    "DAY": timedelta(days=1),
    "WEEK": timedelta(weeks=1),
    "MONTH": timedelta(days=30),
    "YEAR": timedelta(days=365),
}


def compile_query(text: str, fields: tuple[str, ...], now: int) -> Test:
    """A test on documents.

    `fields` are searched where the query names none. 9012 for a query that cannot be read.
    """
    if not text.strip():
        raise refusal(9012, "q is empty")
    if len(text) > MAX_QUERY:
        raise refusal(9012, "q is too long")
    try:
        parsed = parser.parse(text)
    except (ParseError, RecursionError, ValueError) as error:
        raise refusal(9012, f"q cannot be read: {type(error).__name__}") from error
    try:
        return _Compiler(fields or (DEFAULT_FIELD,), now).test(parsed)
    except RecursionError as error:
        raise refusal(9012, "q is nested too deeply") from error


class _Compiler:
    def __init__(self, fields: tuple[str, ...], now: int) -> None:
        self._fields = fields
        self._now = now

    def test(self, node: Any) -> Test:
        """The test that a part of the query stands for."""
        match node:
            case tree.SearchField():
                return _Compiler((node.name,), self._now).test(node.expr)
            case tree.Group() | tree.FieldGroup():
                return self.test(node.expr)
            case tree.AndOperation():
                return _all([self.test(child) for child in node.children])
            case tree.OrOperation() | tree.UnknownOperation() | tree.BoolOperation():
                return self._any_with_signs(node.children)
            case tree.Plus():
                return self.test(node.a)
            case tree.Not() | tree.Prohibit():
                inner = self.test(node.a)
                return lambda document: not inner(document)
            case tree.Boost():
                return self.test(node.expr)
            case tree.Fuzzy() | tree.Proximity():
                return self.test(node.term)
            case tree.Range() | tree.From() | tree.To():
                return self._range(node)
            case tree.Phrase():
                return self._term(_unescaped(node.value[1:-1]), phrase=True)
            case tree.Word():
                return self._term(node.value, phrase=False)
        raise refusal(9012, f"{type(node).__name__} is not supported in q")

    def _any_with_signs(self, children: Any) -> Test:
        """Without operator any child suffices, but +children must match and -children must not."""
        must = [
            self.test(child) for child in children if isinstance(child, tree.Plus | tree.Not | tree.Prohibit)
        ]
        may = [
            self.test(child)
            for child in children
            if not isinstance(child, tree.Plus | tree.Not | tree.Prohibit)
        ]
        required = any(isinstance(child, tree.Plus) for child in children)
        some = (lambda document: any(test(document) for test in may)) if may and not required else _anything
        return _all([*must, some])

    def _term(self, value: str, *, phrase: bool) -> Test:
        tests = [self._field_term(name, value, phrase=phrase) for name in self._fields]
        return tests[0] if len(tests) == 1 else lambda document: any(test(document) for test in tests)

    def _field_term(self, name: str, value: str, *, phrase: bool) -> Test:
        if name == "*" and value == "*":
            return _anything
        if value == "*" and not phrase:
            return lambda document: bool(document.texts.get(name)) or name in document.dates
        if name in DATE_FIELDS:
            moment = self._moment(_unescaped(value))
            return lambda document: document.dates.get(name) == moment
        wild = not phrase and re.search(r"(?<!\\)[*?]", value) is not None
        if wild:
            pattern = re.compile(translate(_unescaped(value).lower()))
            return _wild_test(name, pattern)
        return _plain_test(name, _unescaped(value))

    def _range(self, node: Any) -> Test:
        low, high = "*", "*"
        include_low = include_high = True
        if isinstance(node, tree.Range):
            low, high = _unescaped(_text(node.low)), _unescaped(_text(node.high))
            include_low, include_high = node.include_low, node.include_high
        elif isinstance(node, tree.From):
            low, include_low = _unescaped(_text(node.a)), node.include
        else:
            high, include_high = _unescaped(_text(node.a)), node.include
        tests = [self._field_range(name, low, high, include_low, include_high) for name in self._fields]
        return lambda document: any(test(document) for test in tests)

    def _field_range(self, name: str, low: str, high: str, include_low: bool, include_high: bool) -> Test:
        if name in DATE_FIELDS:
            start = None if low == "*" else self._moment(low)
            end = None if high == "*" else self._moment(high)
            return lambda document: _within(document.dates.get(name), start, end, include_low, include_high)
        first = None if low == "*" else low.lower()
        last = None if high == "*" else high.lower()
        return lambda document: any(
            _within(text.lower(), first, last, include_low, include_high)
            for text in document.texts.get(name, ())
        )

    def _moment(self, text: str) -> int:
        """Epoch milliseconds of a date, or of NOW with its arithmetic."""
        relative = _NOW.fullmatch(text)
        if relative is None:
            return _absolute(text)
        moment = EPOCH + timedelta(milliseconds=self._now)
        try:
            for amount, unit in _STEP.findall(relative["steps"]):
                moment += int(amount) * _unit(unit)
        except OverflowError as error:
            raise refusal(9012, f"{text} is out of range") from error
        if relative["round"]:
            moment = _rounded(moment, relative["round"][1:])
        return (moment - EPOCH) // timedelta(milliseconds=1)


def _all(tests: list[Test]) -> Test:
    return lambda document: all(test(document) for test in tests)


def _anything(document: Document) -> bool:
    return True


def _plain_test(name: str, value: str) -> Test:
    if is_exact(name):
        wanted = value.lower()
        return lambda document: any(text.lower() == wanted for text in document.texts.get(name, ()))
    sought = words(value)
    if not sought:
        return lambda document: False
    return lambda document: any(_has_phrase(words(text), sought) for text in document.texts.get(name, ()))


def _wild_test(name: str, pattern: re.Pattern[str]) -> Test:
    def test(document: Document) -> bool:
        for text in document.texts.get(name, ()):
            candidates = [text.lower()] if is_exact(name) else [text.lower(), *words(text)]
            if any(pattern.match(candidate) for candidate in candidates):
                return True
        return False

    return test


def _has_phrase(present: list[str], sought: list[str]) -> bool:
    if len(sought) == 1:
        return sought[0] in present
    return any(
        present[place : place + len(sought)] == sought for place in range(len(present) - len(sought) + 1)
    )


def _within(value: Any, low: Any, high: Any, include_low: bool, include_high: bool) -> bool:
    if value is None:
        return False
    if low is not None and not (value >= low if include_low else value > low):
        return False
    return high is None or bool(value <= high if include_high else value < high)


def _text(node: Any) -> str:
    value = str(getattr(node, "value", node))
    return value[1:-1] if value[:1] == value[-1:] == '"' and len(value) > 1 else value


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _absolute(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise refusal(9012, f"'{text}' is not a date") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _unit(name: str) -> timedelta:
    for candidate in (name, name.removesuffix("S")):
        if candidate in _UNITS:
            return _UNITS[candidate]
    raise refusal(9012, f"'{name}' is not a unit of time")


def _rounded(moment: datetime, unit: str) -> datetime:
    parts = {"YEAR": 1, "MONTH": 2, "DAY": 3, "HOUR": 4, "MINUTE": 5, "SECOND": 6}
    kept = parts.get(unit.removesuffix("S"))
    if kept is None:
        raise refusal(9012, f"'{unit}' is not a unit of time")
    whole = [*moment.timetuple()[:kept], *(1, 1)[: max(0, 3 - kept)], 0, 0, 0][:6]
    return datetime(whole[0], whole[1], whole[2], whole[3], whole[4], whole[5], tzinfo=UTC)
