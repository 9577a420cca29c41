"""Organisations looked up in the institution's copy of ROR: by identifier, by name, by alias.

What the CRIS says comes first. The directory brings identifiers of other registries to ROR, follows a withdrawn
organisation to the one that stands in its place, finds those that the CRIS knows by name alone, and adds city and
country where the CRIS has none. Where a name fits several organisations, it finds none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from orcid_sync.model import vocabulary
from orcid_sync.model.organizations import disambiguated
from orcid_sync.model.payload import place

_APART: Final = re.compile(r"[\W_]+")
_ARTICLE: Final = re.compile(r"^the ")
NAME: Final = "name"
ALIAS: Final = "alias"


@dataclass(frozen=True, slots=True)
class Mention:
    """An organisation as a row of the CRIS speaks of it."""

    name: str | None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    identifier: str | None = None
    source: str | None = None

    @property
    def known(self) -> tuple[str, str] | None:
        """Its identifier and source as the registry spells them, where they are valid."""
        return disambiguated(self.identifier, self.source)


@dataclass(frozen=True, slots=True)
class Listed:
    """An organisation of the directory. `instead` is the one that stands in a withdrawn one's place."""

    ror_id: str
    name: str
    city: str | None = None
    country: str | None = None
    status: str = "active"
    instead: str | None = None
    funder_id: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """How an organisation is named to the registry: its identifier with the source, and its address."""

    known: tuple[str, str] | None
    address: dict[str, str]


@dataclass(frozen=True)
class Directory:
    """Organisations by lookup key, each with what the key is to it: `name`, `alias` or `identifier`."""

    by_key: Mapping[str, tuple[tuple[str, Listed], ...]] = field(default_factory=dict)

    def find(self, mention: Mention, *, funder: bool = False) -> Found:
        """What to send for a mention. A funder found by name goes out under its Funder Registry id, if it has one."""
        known = mention.known
        if known is None:
            listed = self._by_name(mention)
            if listed and funder and listed.funder_id:
                known = (listed.funder_id, "FUNDREF")
            elif listed:
                known = (listed.ror_id, "ROR")
            return Found(known, _address(mention, listed))
        listed = self._one(identifier_key(known))
        if listed is None or listed.status == "withdrawn":
            return Found(known, _address(mention, None))
        if not (funder and known[1] == "FUNDREF"):
            known = (listed.ror_id, "ROR")
        return Found(known, _address(mention, listed))

    def named(self, mention: Mention) -> Listed | None:
        """The one organisation of that name, if there is one; its identifier is not looked at."""
        return self._by_name(mention)

    def listed(self, known: tuple[str, str]) -> Listed | None:
        """The organisation of that identifier as the directory has it, withdrawn ones included."""
        found = self.by_key.get(identifier_key(known), ())
        return found[0][1] if len(found) == 1 else None

    def _one(self, key: str) -> Listed | None:
        found = self.by_key.get(key, ())
        return self._standing(found[0][1]) if len(found) == 1 else None

    def _standing(self, listed: Listed) -> Listed:
        """It, or the one that stands in its place."""
        if listed.status != "withdrawn" or listed.instead is None:
            return listed
        return next(
            (heir for _, heir in self.by_key.get(identifier_key((listed.instead, "ROR")), ())), listed
        )

    def _by_name(self, mention: Mention) -> Listed | None:
        key = name_key(mention.name)
        country = vocabulary.country(mention.country)
        fitting: dict[str, dict[str, Listed]] = {NAME: {}, ALIAS: {}}
        for kind, listed in self.by_key.get(key or "", ()):
            standing = self._standing(listed)
            if standing.status != "withdrawn" and country in (None, standing.country):
                fitting[kind][standing.ror_id] = standing
        # Short forms are shared by organisations all over the world: without a country they say nothing.
        chosen = fitting[NAME] or (fitting[ALIAS] if country else {})
        return _only(list(chosen.values()), mention.city)


def _only(candidates: list[Listed], city: str | None) -> Listed | None:
    for chosen in (
        candidates,
        [one for one in candidates if one.status == "active"],
        [one for one in candidates if city and name_key(one.city) == name_key(city)],
    ):
        if len(chosen) == 1:
            return chosen[0]
    return None


def _address(mention: Mention, listed: Listed | None) -> dict[str, str]:
    country = vocabulary.country(mention.country)
    if listed is None or (country is not None and country != listed.country):
        return place(mention.city, mention.region, mention.country)
    return place(mention.city or listed.city, mention.region, listed.country)


def name_key(name: str | None) -> str | None:
    """The lookup key of a name: case, accents, punctuation and a leading "the" don't count."""
    plain = unicodedata.normalize("NFKD", (name or "").replace("&", " and ")).casefold()
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    folded = _ARTICLE.sub("", _APART.sub(" ", bare).strip())
    return f"name {folded}" if folded else None


def identifier_key(known: tuple[str, str]) -> str:
    """The lookup key of an identifier with its source."""
    return f"{known[1].lower()} {known[0].lower()}"


def lookup_keys(mentions: Iterable[Mention]) -> Iterator[str]:
    """The keys by which these may be found."""
    for mention in mentions:
        if known := mention.known:
            yield identifier_key(known)
        elif key := name_key(mention.name):
            yield key


NOTHING_LISTED: Final = Directory()
