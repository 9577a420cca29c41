"""What an authorization request asks for, and where its answer goes."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from orcid_simulator import scopes
from orcid_simulator.errors import OAuthError
from orcid_simulator.model import Client
from orcid_simulator.pkce import Challenge, ChallengeRefused, read_challenge
from orcid_simulator.store import Store

RESPONSE_TYPES = ("code", "token", "id_token", "id_token token", "token id_token")
DENIED = {"error": "access_denied", "error_description": "User denied access"}


@dataclass(frozen=True)
class Wish:
    """A checked authorization request."""

    client: Client
    redirect_uri: str
    scope: frozenset[str]
    response_type: str
    state: str | None
    nonce: str | None
    prompt: frozenset[str]
    max_age: int | None
    challenge: Challenge | None = None

    @property
    def implicit(self) -> bool:
        """Whether the answer goes to the browser itself, in the fragment."""
        return self.response_type != "code"

    def answer_uri(self, parameters: dict[str, str]) -> str:
        """The redirect URI with an answer: in the query for codes and denials, in the fragment else."""
        if self.state is not None:
            parameters = {**parameters, "state": self.state}
        return (
            with_fragment(self.redirect_uri, parameters)
            if self.implicit
            else with_query(self.redirect_uri, parameters)
        )

    def error_uri(self, error: str, description: str) -> str:
        """The redirect URI with an error in its fragment, as the registry's front end sends it."""
        parameters = {"error": error, "error_description": description}
        if self.state is not None:
            parameters["state"] = self.state
        return with_fragment(self.redirect_uri, parameters)


class RedirectedError(Exception):
    """An error that goes back to the client by redirect."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


def read_wish(store: Store, query: dict[str, str], *, pkce: bool = True) -> Wish:
    """Check an authorization request. Without `pkce` a challenge is like any parameter that the registry does not know.

    Raises:
        OAuthError: unknown client or redirect URI: shown, never redirected.
        RedirectedError: anything else that is wrong.
    """
    client = store.client(query.get("client_id", ""))
    if client is None or client.locked:
        raise OAuthError(400, "invalid_request", "Invalid parameter: client_id")
    redirect_uri = query.get("redirect_uri", "")
    if not any(redirect_matches(registered, redirect_uri) for registered in client.redirect_uris):
        raise OAuthError(400, "invalid_request", "Invalid parameter: redirect_uri")
    response_type = " ".join(query.get("response_type", "").split())
    wish = Wish(
        client,
        redirect_uri,
        scopes.parse(query.get("scope", "")),
        response_type,
        query.get("state"),
        query.get("nonce"),
        frozenset(query.get("prompt", "").split()),
        int(query["max_age"])
        if query.get("max_age", "").isascii() and query.get("max_age", "").isdigit()
        else None,
    )
    if response_type not in RESPONSE_TYPES:
        raise RedirectedError(wish.error_uri("unsupported_response_type", "Unsupported response type"))
    refused = refused_scopes(wish)
    if refused or not wish.scope:
        description = f"Invalid scope: {' '.join(sorted(refused))}".rstrip(": ")
        raise RedirectedError(wish.error_uri("invalid_scope", description))
    try:
        return replace(wish, challenge=read_challenge(query) if pkce and not wish.implicit else None)
    except ChallengeRefused as error:
        raise RedirectedError(wish.error_uri("invalid_request", str(error))) from None


def refused_scopes(wish: Wish) -> frozenset[str]:
    """The scopes that a researcher cannot give to this client in this way."""
    allowed = scopes.KNOWN - scopes.CLIENT_SCOPES
    if wish.client.kind == "public":
        allowed &= scopes.PUBLIC_CLIENT_USER_SCOPES
    if wish.implicit:
        allowed &= scopes.IMPLICIT_SCOPES
    return wish.scope - allowed


def redirect_matches(registered: str, requested: str) -> bool:
    """Whether a requested URI is covered: same origin, and the registered path begins the cleaned requested one."""
    try:
        ours, theirs = urlsplit(registered), urlsplit(requested)
        if not theirs.scheme or not theirs.netloc or theirs.fragment:
            return False
        same_origin = (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
    except ValueError:
        return False
    return same_origin and _clean(theirs.path).startswith(_clean(ours.path))


def with_query(uri: str, parameters: dict[str, str]) -> str:
    """The URI with parameters added to its query."""
    parts = urlsplit(uri)
    query = "&".join(filter(None, (parts.query, urlencode(parameters, quote_via=quote))))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))


def with_fragment(uri: str, parameters: dict[str, str]) -> str:
    """The URI with parameters as its fragment."""
    return f"{uri}#{urlencode(parameters, quote_via=quote)}"


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(unquote(path)) if path else "/"
    return "/" if cleaned in (".", "//") else cleaned
