"""What the registry holds: clients, tokens, records and their items."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Source(NamedTuple):
    """Who asserted an item. Two sources are the same only if all four parts are equal; names do not count."""

    client_id: str | None = None
    orcid: str | None = None
    origin_client_id: str | None = None
    origin_orcid: str | None = None


@dataclass(frozen=True)
class Client:
    """A registered API client; `kind` is member, premium or public."""

    client_id: str
    secret: str
    name: str
    kind: str
    redirect_uris: tuple[str, ...]
    locked: bool = False
    website: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Token:
    """An access token with its refresh token. Times are epoch seconds.

    `state` is live, user_revoked, client_revoked or disabled.
    """

    access: str
    refresh: str | None
    client_id: str
    orcid: str | None
    scope: frozenset[str]
    issued: float
    expires: float
    state: str = "live"
    origin_client_id: str | None = None
    """For a token on behalf of another client: the client that asserts."""


@dataclass(frozen=True)
class Code:
    """An authorization code; `token` is the access token that was issued for it."""

    code: str
    client_id: str
    orcid: str
    scope: frozenset[str]
    redirect_uri: str
    nonce: str | None
    created: float
    auth_time: float
    token: str | None = None


class IdKey(NamedTuple):
    """An external identifier as duplicates and groups compare it."""

    kind: str
    value: str
    normalized: str | None
    relationship: str | None


DuplicateKey = tuple[str, Source, str | None, str, str, str]
"""(section, source, relationship, type, "raw" or "normalized", value)"""


@dataclass
class Item:
    """One item on a record. `content` is the message as it is returned, without the registry's own fields."""

    put_code: int
    orcid: str
    section: str
    source: Source
    visibility: str
    display_index: int
    created: int
    modified: int
    content: dict[str, Any]
    ids: tuple[IdKey, ...] = ()


@dataclass
class Record:
    """A researcher's record with all of its items in memory. Times are epoch milliseconds.

    `status` is active, locked, deactivated, deprecated or unclaimed.
    """

    orcid: str
    given_names: str
    family_name: str
    status: str
    default_visibility: str
    created: int
    modified: int
    primary: str | None = None
    creator: str | None = None
    notifications: int = 0
    profile: dict[str, Any] = field(default_factory=dict)
    """credit_name, biography, emails, names_visibility, locale, accepts_notifications, password..."""
    items: dict[int, Item] = field(default_factory=dict)
    sections: dict[str, dict[int, Item]] = field(default_factory=dict)
    duplicates: dict[DuplicateKey, set[int]] = field(default_factory=dict)
    """The put codes that carry an identifier."""

    @property
    def display_name(self) -> str | None:
        """The public display name, None if the researcher keeps it to themselves."""
        if self.profile.get("names_visibility", "public") != "public":
            return None
        return self.profile.get("credit_name") or f"{self.given_names} {self.family_name or ''}".strip()

    def of(self, section: str) -> dict[int, Item]:
        """The items of a section by put code."""
        return self.sections.get(section, {})
