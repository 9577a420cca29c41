"""A dump of ROR, schema version 2, organisation by organisation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TextIO

from orcid_sync.model.organization_directory import ALIAS, NAME, identifier_key, name_key
from orcid_sync.model.organizations import disambiguated, ror_url

CHUNK: Final = 1 << 20


class NoDumpError(ValueError):
    """The text is no dump of ROR in schema version 2; the message says what is wrong, not the remedy."""


@dataclass(frozen=True)
class RorOrganization:
    """One organisation of the dump. `keys` are what it is found by, each with what it is: name, alias, identifier."""

    ror_id: str
    name: str
    city: str | None
    country: str | None
    status: str
    successor: str | None
    funder_id: str | None
    keys: Mapping[str, str]


def read_organizations(stream: TextIO) -> Iterator[RorOrganization]:
    """The organisations of a dump, read piece by piece. Raises NoDumpError."""
    for number, one in enumerate(_objects(stream), 1):
        try:
            yield _organization(one)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise NoDumpError(f"its entry number {number} has not the shape of schema version 2") from error


def _objects(stream: TextIO) -> Iterator[Any]:
    """The elements of one JSON array, of which only one piece is in memory."""
    decoder = json.JSONDecoder()
    text = ""
    while not text and (piece := stream.read(CHUNK)):
        text = piece.lstrip("\ufeff \t\r\n")
    if not text.startswith("["):
        raise NoDumpError("it is no JSON array")
    at = 1
    while True:
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return
        try:
            found, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            more = stream.read(CHUNK)
            if not more:
                raise NoDumpError("it ends in the middle") from None
            text, at = text[at:] + more, 0
            continue
        yield found
        at = end


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _organization(one: Mapping[str, Any]) -> RorOrganization:
    ror_id = ror_url(one["id"])
    if ror_id is None:
        raise ValueError("id")
    names = [(name["value"], frozenset(name["types"])) for name in one["names"]]
    shown = next((value for value, types in names if "ror_display" in types), names[0][0])
    details = (one.get("locations") or [{}])[0].get("geonames_details") or {}
    successors = [
        ror_url(related["id"])
        for related in one.get("relationships") or ()
        if related["type"].lower() == "successor"
    ]
    funders = [identifier for identifier in one.get("external_ids") or () if identifier["type"] == "fundref"]
    keys = {identifier_key((ror_id, "ROR")): "identifier"}
    for identifier in one.get("external_ids") or ():
        for value in identifier["all"]:
            if known := disambiguated(value, identifier["type"]):
                keys[identifier_key(known)] = "identifier"
    for value, types in names:
        kind = NAME if types & {"ror_display", "label"} else ALIAS if "alias" in types else None
        if kind and (key := name_key(value)) and keys.get(key) != NAME:
            keys[key] = kind
    return RorOrganization(
        ror_id=ror_id,
        name=shown,
        city=details.get("name"),
        country=details.get("country_code"),
        status=one["status"],
        # Where several stand in its place, nobody here can say which.
        successor=successors[0] if len(successors) == 1 else None,
        funder_id=_funder_id(funders[0]) if funders else None,
        keys=keys,
    )


def _funder_id(identifier: Mapping[str, Any]) -> str | None:
    known = disambiguated(identifier.get("preferred") or identifier["all"][0], "FUNDREF")
    return known[0] if known else None
