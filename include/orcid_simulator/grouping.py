"""How the items of a section are grouped and ordered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from orcid_simulator import vocabularies
from orcid_simulator.model import Item

GROUPABLE = frozenset({"self", "version-of", None})
_TYPE_ORDER = {name: place for place, name in enumerate(vocabularies.WORK_TYPES)}

GroupKey = tuple[str, str]


def group_keys(item: Item) -> list[GroupKey]:
    """(type, normalised or raw value) of each identifier that can tie items together."""
    return [
        (identifier.kind, identifier.normalized or identifier.value)
        for identifier in item.ids
        if identifier.relationship in GROUPABLE and identifier.value
    ]


def group(items: Iterable[Item]) -> list[list[Item]]:
    """Items that share a groupable identifier, directly or through others; each group with its preferred item first."""
    leaders: dict[GroupKey, int] = {}
    members: dict[int, list[Item]] = {}
    keys: dict[int, list[GroupKey]] = {}
    for number, item in enumerate(items):
        own = group_keys(item)
        touched = sorted({leaders[key] for key in own if key in leaders})
        home = touched[0] if touched else number
        members.setdefault(home, []).append(item)
        keys.setdefault(home, []).extend(own)
        for other in touched[1:]:
            members[home] += members.pop(other)
            for key in (moved := keys.pop(other)):
                leaders[key] = home
            keys[home] += moved
        for key in own:
            leaders[key] = home
    return [sorted(group_, key=_preference) for group_ in members.values()]


def union_of_identifiers(group_: Iterable[Item], identifiers: Callable[[Item], list[Any]]) -> list[Any]:
    """The groupable identifiers of a group, one for each distinct key."""
    union: dict[GroupKey, Any] = {}
    for item in group_:
        for identifier, key in zip(identifiers(item), item.ids, strict=True):
            if key.relationship in GROUPABLE and key.value:
                union.setdefault((key.kind, key.normalized or key.value), identifier)
    return list(union.values())


def order_works(groups: list[list[Item]]) -> list[list[Item]]:
    """Groups of works by their first item: newest publication first, then title, then work type; missing ones last."""
    by_rest = sorted(groups, key=lambda group_: _title_and_type(group_[0]))
    return sorted(by_rest, key=lambda group_: _publication(group_[0]), reverse=True)


def _preference(item: Item) -> tuple[int, int, int]:
    return -item.display_index, item.created, item.put_code


def _publication(work: Item) -> str:
    date = work.content["publication-date"]
    if date is None:
        return ""
    return "-".join((date[name] or {}).get("value") or "0" for name in ("year", "month", "day"))


def _title_and_type(work: Item) -> tuple[bool, str, int]:
    title = ((work.content["title"] or {}).get("title") or {}).get("value")
    return title is None, title or "", _TYPE_ORDER.get(work.content["type"], len(_TYPE_ORDER))
