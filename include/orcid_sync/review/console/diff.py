"""What stands on the record beside what would stand there, field by field, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Mark = Literal["same", "added", "gone"]


@dataclass(frozen=True)
class Line:
    """One value of a field: its text, its link if it has a safe one, and whether the other side has it too."""

    text: str
    href: str | None = None
    mark: Mark = "same"


@dataclass(frozen=True)
class Field:
    """One field of the diff; both sides are empty for what neither has."""

    name: str
    label: str
    before: tuple[Line, ...]
    after: tuple[Line, ...]

    @property
    def changed(self) -> bool:
        return any(line.mark != "same" for line in (*self.before, *self.after))


Content = Mapping[str, Any]
Reader = Callable[[Content], Iterable[tuple[str, str | None]]]


def diff(before: Content | None, after: Content | None) -> list[Field]:
    """The fields that either side has, in the order people look for them."""
    sides = before or {}, after or {}
    known = {key for _, _, keys, _ in _FIELDS for key in keys}
    found = []
    for name, label, _, read in _FIELDS:
        old, new = ([_pair for _pair in read(side) if _pair[0]] for side in sides)
        if old or new:
            found.append(_field(name, label, old, new))
    for name in sorted((set(sides[0]) | set(sides[1])) - known):
        old, new = (list(_plain(side.get(name))) for side in sides)
        if old or new:
            found.append(_field(name, name.replace("-", " ").capitalize(), old, new))
    return found


def _field(
    name: str, label: str, old: list[tuple[str, str | None]], new: list[tuple[str, str | None]]
) -> Field:
    olds, news = {text for text, _ in old}, {text for text, _ in new}
    return Field(
        name,
        label,
        tuple(Line(text, safe_link(href), "same" if text in news else "gone") for text, href in old),
        tuple(Line(text, safe_link(href), "same" if text in olds else "added") for text, href in new),
    )


def safe_link(address: str | None) -> str | None:
    """An address that a page may link to: of the web, and nothing that could run."""
    return address if address and address.lower().startswith(("https://", "http://")) else None


def partial_date(value: Any) -> str:
    """A registry's date as precise as it is known: 2024, 2024-05, 2024-05-03."""
    if not isinstance(value, Mapping):
        return ""
    parts: list[str] = []
    for name in ("year", "month", "day"):
        part = value.get(name)
        text = str(part.get("value") or "") if isinstance(part, Mapping) else str(part or "")
        if not text:
            break
        parts.append(text.zfill(2) if parts else text)
    return "-".join(parts)


def contributor_line(one: Content) -> str:
    """A contributor: name, role where it says more than author, iD."""
    name = _value(one.get("credit-name")) or "(no name)"
    role = str((one.get("contributor-attributes") or {}).get("contributor-role") or "")
    path = str((one.get("contributor-orcid") or {}).get("path") or "")
    said = "" if role in ("", "author") else f" ({role.replace('-', ' ')})"
    return f"{name}{said}" + (f" {path}" if path else "")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("value") or value.get("content") or "")
    return "" if value is None else str(value)


def _text(*path: str) -> Reader:
    def read(content: Content) -> Iterable[tuple[str, str | None]]:
        found: Any = content
        for step in path:
            found = found.get(step) if isinstance(found, Mapping) else None
        yield _value(found), None

    return read


def _date(name: str) -> Reader:
    def read(content: Content) -> Iterable[tuple[str, str | None]]:
        yield partial_date(content.get(name)), None

    return read


def _kind(content: Content) -> Iterable[tuple[str, str | None]]:
    yield str(content.get("type") or "").replace("-", " "), None


def _url(content: Content) -> Iterable[tuple[str, str | None]]:
    address = _value(content.get("url"))
    yield address, address


def _translated(content: Content) -> Iterable[tuple[str, str | None]]:
    found = (
        (content.get("title") or {}).get("translated-title")
        if isinstance(content.get("title"), Mapping)
        else None
    )
    if isinstance(found, Mapping):
        language = found.get("language-code")
        yield _value(found) + (f" [{language}]" if language else ""), None


def _ids(content: Content) -> Iterable[tuple[str, str | None]]:
    for one in (content.get("external-ids") or {}).get("external-id") or ():
        kind = str(one.get("external-id-type") or "").upper().replace("-", " ")
        related = str(one.get("external-id-relationship") or "")
        note = "" if related in ("", "self") else f" ({related.replace('-', ' ')})"
        yield f"{kind} {_value(one.get('external-id-value'))}{note}", _value(one.get("external-id-url"))


def _contributors(content: Content) -> Iterable[tuple[str, str | None]]:
    for number, one in enumerate((content.get("contributors") or {}).get("contributor") or (), start=1):
        yield f"{number}. {contributor_line(one)}", None


def _organization(content: Content) -> Iterable[tuple[str, str | None]]:
    found = content.get("organization")
    if not isinstance(found, Mapping):
        return
    address = found.get("address") or {}
    place = ", ".join(filter(None, (address.get("city"), address.get("region"), address.get("country"))))
    yield ", ".join(filter(None, (_value(found.get("name")), place))), None
    known = found.get("disambiguated-organization") or {}
    identifier = str(known.get("disambiguated-organization-identifier") or "")
    yield f"{known.get('disambiguation-source') or ''} {identifier}".strip(), identifier


def _citation(content: Content) -> Iterable[tuple[str, str | None]]:
    found = content.get("citation")
    if isinstance(found, Mapping):
        yield f"{found.get('citation-type') or ''}: {found.get('citation-value') or ''}", None


def _plain(value: Any) -> Iterable[tuple[str, str | None]]:
    """A value of a section that has no field of its own here."""
    if isinstance(value, Mapping):
        text = _value(value) or ", ".join(part for one in value.values() for part, _ in _plain(one))
        if text:
            yield text, text
    elif isinstance(value, list):
        for one in value:
            yield from _plain(one)
    elif value not in (None, ""):
        yield str(value), None


_FIELDS: Final[tuple[tuple[str, str, tuple[str, ...], Reader], ...]] = (
    ("title", "Title", ("title",), _text("title", "title")),
    ("subtitle", "Subtitle", (), _text("title", "subtitle")),
    ("translated-title", "Title in another language", (), _translated),
    ("type", "Type", ("type",), _kind),
    ("role-title", "Role", ("role-title",), _text("role-title")),
    ("department-name", "Department", ("department-name",), _text("department-name")),
    ("organization", "Organisation", ("organization",), _organization),
    ("start-date", "Start", ("start-date",), _date("start-date")),
    ("end-date", "End", ("end-date",), _date("end-date")),
    ("publication-date", "Date", ("publication-date",), _date("publication-date")),
    ("journal-title", "Journal or book", ("journal-title",), _text("journal-title")),
    ("external-ids", "Identifiers", ("external-ids",), _ids),
    ("url", "Link", ("url",), _url),
    ("contributors", "Contributors", ("contributors",), _contributors),
    ("language-code", "Language", ("language-code",), _text("language-code")),
    ("country", "Country", ("country",), _text("country")),
    ("short-description", "Abstract", ("short-description",), _text("short-description")),
    ("citation", "Citation", ("citation",), _citation),
)
