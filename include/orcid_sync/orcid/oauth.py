"""A researcher's permission: asked for in the browser, exchanged for tokens, renewed, given back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from orcid_sync.errors import ConsentFailed, Misconfigured
from orcid_sync.orcid.calls import Call, Target
from orcid_sync.orcid.records import unreadable
from orcid_sync.orcid.transport import Request
from orcid_sync.secret import Secret

if TYPE_CHECKING:
    from orcid_sync.orcid.client import ApiClient

AUTHORIZE = "/oauth/authorize"
TOKEN = "/oauth/token"  # noqa: S105 - a path
REVOKE = "/oauth/revoke"
DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class TokenGrant:
    """What the registry granted. `orcid` is None for a client's own token; `name` only where it is public."""

    access_token: Secret
    refresh_token: Secret | None
    scopes: frozenset[str]
    expires_at: dt.datetime | None
    orcid: str | None = None
    name: str | None = field(default=None, repr=False)
    id_token: Secret | None = None


class OAuth:
    """The OAuth calls of one API client, made in its turn and seen by its observer. Thread-safe."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._credentials = client.credentials

    def authorize_url(self, redirect_uri: str, scope: str, state: str, **prefill: str | None) -> str:
        """Where to send a researcher's browser. `scope` is blank-separated.

        `prefill` may be email, orcid, given_names, family_names, lang, prompt, nonce; it is seen in the address. With
        `code_challenge` (PKCE) the code can be exchanged by nobody but whoever has the verifier, where the registry
        accepts it (`accepts_pkce`).
        """
        known = {
            "email",
            "orcid",
            "given_names",
            "family_names",
            "lang",
            "prompt",
            "nonce",
            "show_login",
            "max_age",
            "code_challenge",
            "code_challenge_method",
        }
        unknown = set(prefill) - known
        if unknown:
            msg = f"the registry's consent page knows no {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        query = {
            "client_id": self._credentials.client_id,
            "response_type": "code",
            "scope": scope,
            "redirect_uri": redirect_uri,
            "state": state,
            **{key: value for key, value in prefill.items() if value},
        }
        return f"{self._credentials.web_base}{AUTHORIZE}?{urlencode(query)}"

    def accepts_pkce(self) -> bool:
        """Whether the registry's description of itself names the challenge method S256.

        A server that names no methods knows none (RFC 8414), and one behind a proxy that forwards known fields alone would
        refuse what it can't see. Raises SyncError where there is no description.
        """
        request = Request(
            "GET",
            self._credentials.web_base + DISCOVERY,
            {"Accept": "application/json", **self._client.agent_headers()},
        )
        found = self._client.exchange(Call("GET", DISCOVERY, Target.CLIENT), request, HTTPStatus.OK).body
        methods = found.get("code_challenge_methods_supported") if isinstance(found, dict) else None
        return isinstance(methods, list) and "S256" in methods

    def exchange_code(self, code: Secret, redirect_uri: str, verifier: Secret | None = None) -> TokenGrant:
        """Turn a one-time code into a permission. Raises ConsentFailed where it is unknown, expired or used up.

        `redirect_uri` and `verifier` (PKCE) are those of the request that the code answers.
        """
        form: dict[str, str | Secret] = {"code": code, "redirect_uri": redirect_uri}
        if verifier is not None:
            form["code_verifier"] = verifier
        return self._grant("authorization_code", form)

    def refresh(self, refresh_token: Secret, scope: str | None = None) -> TokenGrant:
        """Renew a permission. Store both tokens that come back: the old ones may not work any more.

        Raises TokenRefused, ScopeMissing.
        """
        form: dict[str, str | Secret] = {"refresh_token": refresh_token}
        if scope:
            form["scope"] = scope
        return self._grant("refresh_token", form)

    def client_credentials(self, scope: str) -> TokenGrant:
        """A token of the client itself. Raises Misconfigured where id, secret or scope is refused."""
        return self._grant("client_credentials", {"scope": scope})

    def revoke(self, token: Secret) -> None:
        """Give a permission back. Access and refresh token fall together, and with them the right to remove."""
        self._post(REVOKE, {"token": token}, None)

    def _grant(self, grant: str, form: Mapping[str, str | Secret]) -> TokenGrant:
        body = self._post(TOKEN, {"grant_type": grant, **form}, grant)
        if not isinstance(body, dict) or not body.get("access_token"):
            raise unreadable("it holds no token", doubt=True)
        seconds = body.get("expires_in")
        return TokenGrant(
            access_token=Secret(body["access_token"]),
            refresh_token=_secret(body.get("refresh_token")),
            scopes=frozenset(str(body.get("scope") or "").split()),
            expires_at=self._client.now() + dt.timedelta(seconds=seconds)
            if isinstance(seconds, int)
            else None,
            orcid=body.get("orcid") or None,
            name=body.get("name") or None,
            id_token=_secret(body.get("id_token")),
        )

    def _post(self, path: str, form: Mapping[str, str | Secret], grant: str | None) -> Any:
        credentials = self._credentials
        request = Request(
            "POST",
            credentials.web_base + path,
            {"Accept": "application/json", **self._client.agent_headers()},
            form={"client_id": credentials.client_id, "client_secret": credentials.client_secret, **form},
        )
        call = Call("POST", path, Target.TOKEN, grant=grant)
        return self._client.exchange(call, request, HTTPStatus.OK).body


def code_from_callback(query: Mapping[str, str], expected_state: str) -> Secret:
    """The one-time code out of the address a researcher came back to.

    Raises ConsentFailed where the researcher said no or the answer belongs to another request, Misconfigured where
    the registry found fault with ours.
    """
    if not expected_state or query.get("state") != expected_state:
        raise ConsentFailed(
            "The permission did not come about",
            why="the answer doesn't belong to this request",
            remedy="Start again from the invitation or the portal",
        )
    error = query.get("error")
    if error in {"access_denied", "login_required", "interaction_required"}:
        raise ConsentFailed(
            "The permission did not come about", why="the researcher said no or wasn't signed in"
        )
    code = query.get("code")
    if error or not code:
        raise Misconfigured(
            "The registry refused the request for a permission",
            why="the client may not ask for this scope or answer to this address",
            remedy="Check scopes and redirect addresses that are registered for the API client",
        )
    return Secret(code)


def _secret(value: object) -> Secret | None:
    return Secret(str(value)) if value else None
