"""What of a batch is shown: filters, grouping, order and page, from the address and back into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal
from urllib.parse import urlencode

PAGE_SIZE: Final = 100

Grouping = Literal["publication", "researcher", "kind"]
Sorting = Literal["attention", "title", "newest", "shared"]
GROUPINGS: Final[dict[Grouping, str]] = {
    "publication": "Publication",
    "researcher": "Researcher",
    "kind": "Kind of change",
}
SORTINGS: Final[dict[Sorting, str]] = {
    "attention": "What needs attention first",
    "title": "Title",
    "newest": "Newest first",
    "shared": "Most of our co-authors first",
}


@dataclass(frozen=True)
class Filter:
    """Each field narrows down; several values of one field widen it. `text` searches titles, people and identifiers."""

    state: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    care: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    year: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    work: tuple[str, ...] = ()
    text: str = ""

    @property
    def empty(self) -> bool:
        return self == Filter()

    @property
    def names_removals(self) -> bool:
        """Whether removals were asked for by name."""
        return "remove" in self.kind

    @property
    def names_warnings(self) -> bool:
        """Whether changes with warnings were asked for by name."""
        return "warned" in self.care

    def parameters(self) -> dict[str, Any]:
        """For the query: None where a field doesn't narrow anything down."""
        values: dict[str, Any] = {name: list(getattr(self, name)) or None for name in LISTS}
        return values | {"text": f"%{_escaped(self.text)}%" if self.text else None}

    def toggled(self, name: str, value: str) -> Filter:
        """With that value of that field switched on or off."""
        held: tuple[str, ...] = getattr(self, name)
        new = tuple(one for one in held if one != value) if value in held else (*held, value)
        return replace(self, **{name: new})  # type: ignore[arg-type]

    def without(self, name: str) -> Filter:
        """Without that field."""
        return replace(self, **{name: "" if name == "text" else ()})  # type: ignore[arg-type]

    def chosen(self, name: str) -> tuple[str, ...]:
        """The values of one field."""
        return tuple(getattr(self, name))

    def cleared(self) -> Filter:
        """Without any field."""
        return Filter()

    def pairs(self) -> list[tuple[str, str]]:
        """For an address."""
        found = [(name, value) for name in LISTS for value in getattr(self, name)]
        return [*found, ("text", self.text)] if self.text else found


LISTS: Final = tuple(field.name for field in fields(Filter) if field.name != "text")
LONGEST_VALUE: Final = 400


@dataclass(frozen=True)
class View:
    """A filter with the way it is laid out."""

    filter: Filter = Filter()
    group: Grouping = "publication"
    sort: Sorting = "attention"
    page: int = 1

    def query(self, **changes: Any) -> str:
        """The query of this view's address, with some of it changed; any other change leads to the first page."""
        other = replace(self, **({"page": 1} | changes))
        pairs = other.filter.pairs()
        if other.group != "publication":
            pairs.append(("group", other.group))
        if other.sort != "attention":
            pairs.append(("sort", other.sort))
        if other.page != 1:
            pairs.append(("page", str(other.page)))
        return "?" + urlencode(pairs) if pairs else "?"


def view_from(pairs: Iterable[tuple[str, str]]) -> View:
    """The view of an address. What it doesn't know or can't be is passed over."""
    held: dict[str, list[str]] = {}
    for name, value in pairs:
        cleaned = value.replace("\0", "")[:LONGEST_VALUE]
        if cleaned:
            held.setdefault(name, []).append(cleaned)
    return View(
        filter=filter_from(held),
        group=_one(held, "group", GROUPINGS, "publication"),
        sort=_one(held, "sort", SORTINGS, "attention"),
        page=_page(held.get("page", ["1"])[-1]),
    )


def filter_from(held: Mapping[str, Iterable[str]]) -> Filter:
    """A filter from lists by field name."""
    lists = {name: tuple(dict.fromkeys(held.get(name, ()))) for name in LISTS}
    text = " ".join(list(held.get("text", ()))[-1:]).strip()
    return Filter(**lists, text=text)


def _one(held: Mapping[str, list[str]], name: str, known: Mapping[Any, str], default: Any) -> Any:
    value = held.get(name, [default])[-1]
    return value if value in known else default


def _page(text: str) -> int:
    return min(max(int(text), 1), 10**6) if text.isdecimal() and len(text) < 8 else 1


def _escaped(text: str) -> str:
    """Without what LIKE takes as patterns."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
