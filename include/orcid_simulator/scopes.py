"""OAuth scopes and what each of them implies."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

READ_PUBLIC = "/read-public"

_ACTIVITY_KINDS = ("orcid-works", "affiliations", "funding", "peer-review")
_IMPLIES: dict[str, tuple[str, ...]] = {
    READ_PUBLIC: (),
    "/authenticate": (READ_PUBLIC,),
    "openid": (READ_PUBLIC,),
    "/read-limited": ("/activities/read-limited", "/person/read-limited"),
    "/activities/read-limited": tuple(f"/{kind}/read-limited" for kind in _ACTIVITY_KINDS),
    "/person/read-limited": ("/orcid-bio/read-limited",),
    "/orcid-bio/read-limited": (READ_PUBLIC,),
    "/activities/update": tuple(
        f"/{kind}/{verb}" for kind in _ACTIVITY_KINDS for verb in ("create", "update")
    ),
    "/person/update": ("/orcid-bio/update",),
    "/orcid-bio/update": ("/orcid-bio/external-identifiers/create",),
    "/orcid-bio/external-identifiers/create": (READ_PUBLIC,),
    "/email/read-private": (READ_PUBLIC,),
    "/group-id-record/update": ("/group-id-record/read",),
    "/group-id-record/read": (),
    "/premium-notification": ("/basic-notification",),
    "/basic-notification": (),
    "/webhook": (),
    **{
        f"/{kind}/{verb}": (READ_PUBLIC,)
        for kind in _ACTIVITY_KINDS
        for verb in ("read-limited", "create", "update")
    },
}
KNOWN = frozenset(_IMPLIES)
IGNORED = frozenset({"profile", "email", "address", "phone", "offline_access"})
"""OpenID's extra scopes: accepted and dropped."""
CLIENT_SCOPES = frozenset(
    {
        READ_PUBLIC,
        "/webhook",
        "/premium-notification",
        "/basic-notification",
        "/group-id-record/read",
        "/group-id-record/update",
    }
)
"""Granted to an API client for itself; everything else is a person's to give."""
MEMBER_CLIENT_SCOPES = CLIENT_SCOPES - {READ_PUBLIC}
PREMIUM_SCOPES = frozenset({"/webhook", "/premium-notification"})
PUBLIC_CLIENT_USER_SCOPES = frozenset({"/authenticate", "openid", READ_PUBLIC})
IMPLICIT_SCOPES = frozenset({"/authenticate", "openid"})


@lru_cache(maxsize=4096)
def closure(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes and everything they imply."""
    reached: set[str] = set()
    open_ones = list(scopes)
    while open_ones:
        scope = open_ones.pop()
        if scope not in reached:
            reached.add(scope)
            open_ones += _IMPLIES.get(scope, ())
    return frozenset(reached)


def parse(text: str) -> frozenset[str]:
    """The scopes of a space-separated list, OpenID's extras dropped."""
    return frozenset(text.split()) - IGNORED


def unknown(scopes: Iterable[str]) -> list[str]:
    """The scopes that do not exist."""
    return sorted(set(scopes) - KNOWN)


def family(scope: str) -> frozenset[str]:
    """The narrow scope and the wide ones that imply it, for messages."""
    return frozenset(wide for wide in KNOWN if scope in closure(frozenset({wide})))
