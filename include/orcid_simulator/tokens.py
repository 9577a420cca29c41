"""Access tokens: issuing, refreshing, revoking, and who a bearer is."""

from __future__ import annotations

import string
import uuid
from dataclasses import dataclass, replace

from orcid_simulator import scopes
from orcid_simulator.errors import OAuthError, refusal
from orcid_simulator.model import Client, Code, Token
from orcid_simulator.registry import Caller, Registry
from orcid_simulator.web import Request

FORBIDDEN = "Forbidden: The server understood the request but refuses to authorize it."
OBO_LIFETIME_SECONDS = 3600
CODE_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Grant:
    """What a new token is to carry."""

    client_id: str
    orcid: str | None
    scope: frozenset[str]
    lifetime: float | None = None
    refreshable: bool = True
    origin_client_id: str | None = None


class Tokens:
    """The tokens of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._store = registry.store

    def bearer_of(self, request: Request) -> str | None:
        """The access token of a request: header, query or form."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and value.strip():
            return value.strip()
        if "access_token" in request.query:
            return request.query["access_token"]
        if request.content_type() == "application/x-www-form-urlencoded":
            return request.form().get("access_token")
        return None

    def client_of(self, access: str | None) -> str | None:
        """Whose token it is, whatever its state; for the rate limit and the call log."""
        token = self._store.token(access) if access else None
        return token.client_id if token else None

    def is_on_behalf(self, request: Request) -> bool:
        """Whether the request's token was issued on behalf of another client."""
        access = self.bearer_of(request)
        token = self._store.token(access) if access else None
        return token is not None and token.origin_client_id is not None

    def member_caller(self, request: Request) -> Caller:
        """The caller of the member API.

        Raises:
            OAuthError: no token (403), an unusable one (401), one of a public client (403).
            ApiError: 9057 the client is locked.
        """
        access = self.bearer_of(request)
        if access is None:
            raise OAuthError(403, "forbidden", FORBIDDEN)
        token = self.usable(access, for_delete=request.method == "DELETE")
        client = self._client(token, access)
        if client.kind == "public":
            raise OAuthError(
                403, "forbidden", f"Public members are not allowed to use the Members API: {access}"
            )
        if client.locked:
            raise refusal(9057)
        return Caller(client, token)

    def public_caller(self, request: Request) -> Caller:
        """The caller of the public API: anybody, or a client with a token that works.

        Raises:
            OAuthError: 401 for a token that does not work.
        """
        access = self.bearer_of(request)
        if access is not None:
            self.usable(access, for_delete=False)
        return Caller()

    def usable(self, access: str, *, for_delete: bool) -> Token:
        """The token, if it is alive. One that its user revoked still authenticates a DELETE; 401 otherwise."""
        token = self._store.token(access)
        alive = token is not None and token.expires > self._registry.clock()
        allowed = ("live", "user_revoked") if for_delete else ("live",)
        if token is None or not alive or token.state not in allowed:
            raise OAuthError(401, "invalid_token", f"Invalid access token: {access}")
        return token

    def issue(self, grant: Grant) -> Token:
        """A new token."""
        now = self._registry.clock()
        lifetime = (
            grant.lifetime if grant.lifetime is not None else self._registry.settings.token_lifetime_seconds
        )
        token = Token(
            access=str(uuid.uuid4()),
            refresh=str(uuid.uuid4()) if grant.refreshable else None,
            client_id=grant.client_id,
            orcid=grant.orcid,
            scope=grant.scope,
            issued=now,
            expires=now + lifetime,
            origin_client_id=grant.origin_client_id,
        )
        with self._store.transaction():
            self._store.save_token(token)
        return token

    def answer(self, token: Token) -> dict[str, object]:
        """The token response."""
        answer: dict[str, object] = {
            "access_token": token.access,
            "token_type": "bearer",
            "refresh_token": token.refresh,
            "expires_in": max(0, int(token.expires - self._registry.clock())),
            "scope": " ".join(sorted(token.scope)),
        }
        record = self._store.record(token.orcid) if token.orcid else None
        if record is not None:
            answer["name"] = record.display_name
        answer["orcid"] = token.orcid
        return answer

    def revoke(self, access_or_refresh: str, state: str) -> bool:
        """End a token and its refresh token; False if there is none such."""
        token = self._store.token(access_or_refresh) or self._store.token_by_refresh(access_or_refresh)
        if token is None:
            return False
        with self._store.transaction():
            self._store.save_token(replace(token, state=state))
        return True

    def revoke_client(self, orcid: str, client_id: str) -> int:
        """The researcher withdraws every permission of one client; the number of tokens that end."""
        ended = [
            token
            for token in self._store.tokens_of(orcid)
            if token.client_id == client_id and token.state == "live"
        ]
        with self._store.transaction():
            for token in ended:
                self._store.save_token(replace(token, state="user_revoked"))
        return len(ended)

    def live_scopes(self, orcid: str, client_id: str) -> frozenset[str]:
        """Everything that a researcher's live tokens grant to a client."""
        now = self._registry.clock()
        granted: set[str] = set()
        for token in self._store.tokens_of(orcid):
            if token.client_id == client_id and token.state == "live" and token.expires > now:
                granted |= token.scope
        return scopes.closure(frozenset(granted))

    def new_code(
        self,
        client: Client,
        orcid: str,
        scope: frozenset[str],
        redirect_uri: str,
        nonce: str | None = None,
        auth_time: float | None = None,
    ) -> Code:
        """An authorization code: six mixed-case letters and digits."""
        now = self._registry.clock()
        text = "".join(self._registry.random.choices(CODE_ALPHABET, k=6))
        while self._store.code(text) is not None:
            text = "".join(self._registry.random.choices(CODE_ALPHABET, k=6))
        code = Code(text, client.client_id, orcid, scope, redirect_uri, nonce, now, auth_time or now)
        with self._store.transaction():
            self._store.save_code(code)
        return code

    def _client(self, token: Token, access: str) -> Client:
        client = self._store.client(token.client_id)
        if client is None:
            raise OAuthError(401, "invalid_token", f"Invalid access token: {access}")
        return client


def unusable_record(status: str | None) -> bool:
    """Whether a record in this state gets no tokens."""
    return status in (None, "locked", "deactivated", "deprecated")
