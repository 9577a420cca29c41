"""Which ORCID work type a source's type is.

The table is `work_types.csv` beside this module: scheme, type, subtype, ORCID work type (or `skip` for what is no
work of its own), remark. `*` as subtype stands for any or none and comes after exact matches. A type that is not in
the table is not guessed at: its rows wait until a person adds it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

from orcid_sync.model import vocabulary

VERSION: Final = 1
"""Raised with every change of the table: a new mapping can touch every item, and guards want to know."""

SKIP: Final = "skip"
_ANY: Final = "*"
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class TypeMapping:
    """`work_type` is what to send, or None; then `skip` says whether that is as it should be, `reason` why."""

    work_type: str | None
    skip: bool = False
    reason: str = ""


@lru_cache(maxsize=8192)
def map_work_type(
    scheme: str | None,
    source_type: str | None,
    source_subtype: str | None = None,
    override: str | None = None,
    only_editors: bool = False,
) -> TypeMapping:
    """The ORCID work type of a source's type; an `override` that names an ORCID work type wins.

    A book that has editors and no authors (`only_editors`) is an edited book.
    """
    if override and override.strip():
        named = vocabulary.work_type(override)
        if named is None:
            return TypeMapping(None, reason=f"{override!r} is not an ORCID work type that can be written")
        return TypeMapping(named)
    mapped, remark = _look_up(scheme, source_type, source_subtype)
    if mapped is None:
        shown = "/".join(filter(None, (source_type, source_subtype)))
        return TypeMapping(None, reason=f"no ORCID work type is mapped for {shown!r} of scheme {scheme!r}")
    if mapped == SKIP:
        return TypeMapping(None, skip=True, reason=remark or "not a work of its own")
    return TypeMapping("edited-book" if mapped == "book" and only_editors else mapped)


def schemes() -> frozenset[str]:
    """The names of the type schemes that the table knows."""
    return frozenset(scheme for scheme, _, _ in _table())


def _look_up(
    scheme: str | None, source_type: str | None, source_subtype: str | None
) -> tuple[str | None, str]:
    name = _folded(scheme)
    kind, subtype = _parts(name, source_type, source_subtype)
    table = _table()
    for key in ((name, kind, subtype), (name, kind, _ANY), (name, kind, "")):
        if key in table:
            return table[key]
    return None, ""


def _parts(scheme: str, source_type: str | None, source_subtype: str | None) -> tuple[str, str]:
    """Type and subtype as the table spells them, out of URIs, paths and labels."""
    kind, subtype = _folded(source_type), _folded(source_subtype)
    if scheme == "pure":
        return _pure_family_and_leaf(kind, subtype)
    if scheme == "coar" or "::" in kind:
        kind = kind.rstrip("/").rsplit("/", 1)[-1].rsplit("::", 1)[-1].strip()
    return kind, subtype


def _pure_family_and_leaf(kind: str, subtype: str) -> tuple[str, str]:
    """`/dk/atira/pure/researchoutput/researchoutputtypes/<family>/<leaf>`, its last two parts, or two columns."""
    path = kind.strip("/").split("/")
    if "researchoutputtypes" in path:
        path = path[path.index("researchoutputtypes") + 1 :]
    leaf = subtype.strip("/").rsplit("/", 1)[-1]
    return (path[0] if path else ""), (leaf or (path[1] if len(path) > 1 else ""))


def _folded(text: str | None) -> str:
    return " ".join(text.lower().split()) if text else ""


@lru_cache(maxsize=1)
def _table() -> dict[_Key, tuple[str, str]]:
    text = resources.files("orcid_sync.model").joinpath("work_types.csv").read_text("utf-8")
    return {
        (_folded(row["scheme"]), _folded(row["source_type"]), _folded(row["source_subtype"])): (
            row["work_type"],
            row["remark"],
        )
        for row in csv.DictReader(text.splitlines())
    }
