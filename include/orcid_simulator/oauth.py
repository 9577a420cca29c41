"""The token and revocation endpoints."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from urllib.parse import unquote

from orcid_simulator import scopes
from orcid_simulator.errors import OAuthError
from orcid_simulator.model import Client, Code, Token
from orcid_simulator.openid import Identity
from orcid_simulator.pkce import check_verifier
from orcid_simulator.registry import Registry
from orcid_simulator.tokens import OBO_LIFETIME_SECONDS, Grant, Tokens, unusable_record
from orcid_simulator.web import Request, Response, json_response

FORM = "application/x-www-form-urlencoded"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name, no secret
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}


class OAuth:
    """`/oauth/token` and `/oauth/revoke`."""

    def __init__(self, registry: Registry, tokens: Tokens, identity: Identity) -> None:
        self._registry = registry
        self._store = registry.store
        self._tokens = tokens
        self._identity = identity

    def token(self, request: Request) -> Response:
        """Exchange a grant for a token."""
        if request.content_type() != FORM:
            raise OAuthError(415, "invalid_request", "The request must be form-encoded")
        form = request.form()
        grants = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh,
            "client_credentials": self._by_client,
            TOKEN_EXCHANGE: self._by_exchange,
        }
        grant_type = form.get("grant_type")
        if not grant_type:
            raise OAuthError(400, "unsupported_grant_type", "grant_type is missing")
        if grant_type not in grants:
            raise OAuthError(400, "unsupported_grant_type", f"Unsupported grant type: {grant_type}")
        client = self.authenticate(request, form)
        request.note.client_id = client.client_id
        answer = grants[grant_type](form, client, request)
        return json_response(200, answer, **NO_STORE)

    def revoke(self, request: Request) -> Response:
        """End an access or refresh token of the calling client; both of the pair die. Unknown tokens are no error."""
        if request.content_type() != FORM:
            raise OAuthError(415, "invalid_request", "The request must be form-encoded")
        form = request.form()
        client = self.authenticate(request, form)
        request.note.client_id = client.client_id
        value = form.get("token")
        if not value:
            raise OAuthError(400, "invalid_request", "token is required")
        token = self._store.token(value) or self._store.token_by_refresh(value)
        if token is not None and token.client_id == client.client_id and token.state == "live":
            self._tokens.revoke(token.access, "client_revoked")
        return Response(200)

    def authenticate(self, request: Request, form: dict[str, str]) -> Client:
        """The client by form fields or HTTP Basic.

        Raises:
            OAuthError: 401 invalid_request for a missing field, 401 invalid_client, 400 unauthorized_client.
        """
        client_id, secret = form.get("client_id"), form.get("client_secret")
        if not client_id and (basic := _basic(request)) is not None:
            client_id, secret = basic
        for name, value in (("client_id", client_id), ("client_secret", secret)):
            if not value:
                raise OAuthError(401, "invalid_request", f"{name} is required")
        client = self._store.client(client_id or "")
        if client is None or client.secret != secret:
            raise OAuthError(401, "invalid_client", "Client authentication failed")
        if client.locked:
            raise OAuthError(400, "unauthorized_client", "The client is locked")
        return client

    def _by_code(self, form: dict[str, str], client: Client, request: Request) -> dict[str, object]:
        text = _required(form, "code")
        code = self._store.code(text)
        now = self._registry.clock()
        if code is None or code.client_id != client.client_id:
            raise OAuthError(400, "invalid_grant", f"Invalid authorization code: {text}")
        if code.token is not None:
            self._tokens.revoke(code.token, "disabled")
            raise OAuthError(400, "invalid_grant", f"Reused authorization code: {text}")
        if now - code.created > self._registry.settings.code_lifetime_seconds:
            raise OAuthError(400, "invalid_grant", f"Invalid authorization code: {text}")
        redirect_uri = form.get("redirect_uri")
        if redirect_uri is None:
            raise OAuthError(401, "invalid_request", "redirect_uri is required")
        if redirect_uri != code.redirect_uri:
            raise OAuthError(400, "invalid_grant", "Redirect URI mismatch.")
        if self._registry.settings.pkce:
            check_verifier(self._store.challenge(text), form.get("code_verifier"))
        self._require_usable_record(code.orcid)
        with self._store.transaction():
            token = self._tokens.issue(Grant(client.client_id, code.orcid, code.scope))
            self._store.save_code(replace(code, token=token.access))
        return self._with_id_token(self._tokens.answer(token), token, code, request)

    def _by_refresh(self, form: dict[str, str], client: Client, request: Request) -> dict[str, object]:
        parent = self._store.token_by_refresh(_required(form, "refresh_token"))
        now = self._registry.clock()
        if parent is None or parent.client_id != client.client_id:
            raise OAuthError(400, "invalid_grant", "Invalid refresh token")
        if parent.state != "live":
            raise OAuthError(400, "invalid_grant", "Parent token is disabled")
        if parent.expires <= now:
            raise OAuthError(400, "invalid_grant", "Parent token is expired")
        if parent.orcid:
            self._require_usable_record(parent.orcid)
        scope = parent.scope
        if form.get("scope"):
            scope = self._known(form["scope"])
            outside = scope - scopes.closure(parent.scope)
            if outside:
                raise OAuthError(400, "invalid_scope", f"Invalid scope: {' '.join(sorted(outside))}")
        settings = self._registry.settings
        lifetime = parent.expires - now
        revoke_old = settings.revoke_old_default
        if settings.honour_revoke_old:
            lifetime = self._shortened(form.get("expires_in"), lifetime)
            revoke_old = form.get("revoke_old", str(revoke_old)).lower() == "true"
        with self._store.transaction():
            token = self._tokens.issue(Grant(client.client_id, parent.orcid, scope, lifetime))
            if revoke_old:
                self._tokens.revoke(parent.access, "disabled")
        return self._tokens.answer(token)

    def _by_client(self, form: dict[str, str], client: Client, request: Request) -> dict[str, object]:
        wanted = self._known(form.get("scope", ""))
        allowed = wanted & self._client_scopes(client)
        if not allowed:
            raise OAuthError(400, "invalid_scope", f"Invalid scope: {' '.join(sorted(wanted))}".rstrip())
        return self._tokens.answer(self._tokens.issue(Grant(client.client_id, None, allowed)))

    def _by_exchange(self, form: dict[str, str], client: Client, request: Request) -> dict[str, object]:
        """On behalf of: an id_token of another client becomes an access token for this one, and the reverse."""
        subject = _required(form, "subject_token")
        subject_type = _required(form, "subject_token_type")
        wanted_type = _required(form, "requested_token_type")
        if subject_type == ID_TOKEN_TYPE and wanted_type == ACCESS_TOKEN_TYPE:
            claims = self._identity.read(subject)
            self._require_usable_record(claims.orcid)
            scope = self._tokens.live_scopes(claims.orcid, claims.audience) & scopes.closure(
                frozenset({"/read-limited", "/activities/update", "/person/update"})
            )
            if not scope:
                raise OAuthError(400, "invalid_scope", "The subject has no permission to hand on")
            grant = Grant(client.client_id, claims.orcid, scope, OBO_LIFETIME_SECONDS, False, claims.audience)
            return {**self._tokens.answer(self._tokens.issue(grant)), "issued_token_type": ACCESS_TOKEN_TYPE}
        if subject_type == ACCESS_TOKEN_TYPE and wanted_type == ID_TOKEN_TYPE:
            token = self._store.token(subject)
            if (
                token is None
                or token.state != "live"
                or token.client_id != client.client_id
                or not token.orcid
            ):
                raise OAuthError(401, "invalid_token", f"Invalid access token: {subject}")
            id_token = self._identity.id_token(token, request.base_url, None, token.issued)
            return {"access_token": id_token, "token_type": "N_A", "issued_token_type": ID_TOKEN_TYPE}
        raise OAuthError(400, "invalid_request", "Exchange an id_token for an access_token, or the reverse")

    def _with_id_token(
        self, answer: dict[str, object], token: Token, code: Code, request: Request
    ) -> dict[str, object]:
        if "openid" in token.scope:
            answer["id_token"] = self._identity.id_token(token, request.base_url, code.nonce, code.auth_time)
        return answer

    def _client_scopes(self, client: Client) -> frozenset[str]:
        if client.kind == "public":
            return frozenset({scopes.READ_PUBLIC})
        if client.kind == "premium":
            return scopes.CLIENT_SCOPES
        return scopes.CLIENT_SCOPES - scopes.PREMIUM_SCOPES

    def _require_usable_record(self, orcid: str) -> None:
        record = self._store.record(orcid)
        if unusable_record(record.status if record else None):
            status = record.status if record else "unknown"
            raise OAuthError(400, "unauthorized_client", f"The record is {status}")

    @staticmethod
    def _known(text: str) -> frozenset[str]:
        wanted = scopes.parse(text)
        strange = scopes.unknown(wanted)
        if strange:
            message = "One of the provided scopes is not allowed. Provided scopes: "
            raise OAuthError(401, "invalid_scope", message + " ".join(sorted(wanted)))
        return wanted

    @staticmethod
    def _shortened(expires_in: str | None, lifetime: float) -> float:
        if expires_in is None:
            return lifetime
        if not expires_in.isascii() or not expires_in.isdigit() or len(expires_in) > 12:
            raise OAuthError(400, "invalid_request", "expires_in must be a number of seconds")
        wanted = int(expires_in)
        if wanted > lifetime:
            raise OAuthError(400, "invalid_request", "expires_in may not outlive the parent token")
        return wanted


def _required(form: dict[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError(401, "invalid_request", f"{name} is required")
    return value


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(name), unquote(secret)
