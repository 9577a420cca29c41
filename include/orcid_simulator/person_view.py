"""A record as its researcher sees it on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orcid_simulator.model import Item, Record
from orcid_simulator.registry import Registry
from orcid_simulator.sections import SECTIONS

HEADINGS = {
    "work": "Works",
    "employment": "Employment",
    "education": "Education",
    "qualification": "Qualifications",
    "distinction": "Distinctions",
    "invited-position": "Invited positions",
    "membership": "Memberships",
    "service": "Service",
    "funding": "Funding",
    "peer-review": "Peer reviews",
    "research-resource": "Research resources",
    "other-name": "Also known as",
    "keyword": "Keywords",
    "researcher-url": "Websites",
    "address": "Countries",
    "external-identifier": "Other identifiers",
}
TITLE_PATHS: dict[str, tuple[str, ...]] = {
    "work": ("title", "title", "value"),
    "funding": ("title", "title", "value"),
    "research-resource": ("proposal", "title", "title", "value"),
    "other-name": ("content",),
    "keyword": ("content",),
    "researcher-url": ("url", "value"),
    "address": ("country", "value"),
    "external-identifier": ("external-id-value",),
    "peer-review": ("review-group-id",),
}
EDITABLE = frozenset({"work", "funding", "other-name", "keyword"})


@dataclass(frozen=True)
class Entry:
    """One item on the page."""

    put_code: int
    section: str
    title: str
    details: str
    identifiers: tuple[str, ...]
    source: str
    visibility: str
    editable: bool


@dataclass(frozen=True)
class Part:
    """One section on the page."""

    name: str
    heading: str
    entries: tuple[Entry, ...]


def parts(registry: Registry, record: Record, *, only_public: bool = False) -> list[Part]:
    """The sections that have something to show."""
    shown = []
    for section in SECTIONS:
        items = [
            item
            for item in record.of(section.singular).values()
            if not only_public or item.visibility == "public"
        ]
        if items:
            entries = tuple(_entry(registry, record, item) for item in items)
            shown.append(Part(section.singular, HEADINGS[section.singular], entries))
    return shown


def title_path(section: str) -> tuple[str, ...]:
    """Where an item's title stands in its message; affiliations go by their role."""
    return TITLE_PATHS.get(section, ("role-title",))


def title_of(item: Item) -> str:
    """What an item is called."""
    value: Any = item.content
    for step in title_path(item.section):
        value = value.get(step) if isinstance(value, dict) else None
    if not value:
        value = ((item.content.get("organization") or {}).get("name")) or "(no title)"
    return str(value)


def _entry(registry: Registry, record: Record, item: Item) -> Entry:
    own = item.source.orcid == record.orcid
    return Entry(
        item.put_code,
        item.section,
        title_of(item),
        _details(item),
        tuple(f"{entry.kind}: {entry.value}" for entry in item.ids),
        registry.source_name(item.source) or item.source.client_id or "",
        item.visibility,
        own and (item.section in EDITABLE or title_path(item.section) == ("role-title",)),
    )


def _details(item: Item) -> str:
    content = item.content
    organization = (content.get("organization") or content.get("convening-organization") or {}).get("name")
    kind = content.get("type") or content.get("review-type")
    dates = [_year(content.get(name)) for name in ("publication-date", "start-date", "end-date")]
    journal = (content.get("journal-title") or {}).get("value")
    return " · ".join(
        str(part) for part in (kind, organization, journal, " to ".join(filter(None, dates))) if part
    )


def _year(date: dict[str, Any] | None) -> str | None:
    if not date:
        return None
    parts_ = [(date[name] or {}).get("value") for name in ("year", "month", "day")]
    return "-".join(part for part in parts_ if part) or None
