"""The university's sign-in by OpenID Connect: discovery, code flow with PKCE, and a checked ID token.

State, nonce and verifier are derived from the visitor's cookie: an answer is good in the browser that asked, and for as
long as that cookie, which a sign-in replaces.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from orcid_sync.connections import ConnectionInfo
from orcid_sync.consent.portal.guard import same
from orcid_sync.errors import ConsentFailed, Misconfigured, Unreachable, Who
from orcid_sync.secret import Secret

TIMEOUT: Final = 10
# Two machines' clocks are never quite the same.
LEEWAY: Final = 120
_ALGORITHMS: Final = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
]


@dataclass
class OpenIdSignIn:
    """A provider, found by its issuer's address."""

    issuer: str
    client_id: str
    client_secret: Secret
    redirect_uri: str
    scope: str = "openid profile email"
    _metadata: dict[str, Any] | None = None
    _keys: KeySet | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def from_connection(cls, info: ConnectionInfo, portal_url: str) -> OpenIdSignIn:
        """From the connection `portal_oidc`: host is the issuer, login and password are the client's."""
        if not info.host.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise info.problem(
                "its host is no https address", "Set host to the issuer, https://login.example.edu"
            )
        if not info.login:
            raise info.problem("it names no client", "Set login and password to the client's id and secret")
        host = info.host.rstrip("/") + (f":{info.port}" if info.port else "")
        return cls(
            host,
            info.login,
            info.password,
            f"{portal_url}/sign-in/oidc/callback",
            str(info.extra.get("scope") or cls.scope),
        )

    def address(self, cookie: str) -> str:
        """Where to send the visitor. Raises Unreachable or Misconfigured."""
        verifier = _derived(cookie, "verifier")
        digest = hashlib.sha256(verifier.encode()).digest()
        url, _ = self._client().create_authorization_url(
            self._found()["authorization_endpoint"],
            state=_derived(cookie, "state"),
            nonce=_derived(cookie, "nonce"),
            code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            code_challenge_method="S256",
        )
        return str(url)

    def answer(self, cookie: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The checked claims of whoever signed in.

        Raises ConsentFailed for an answer that is no good here, Unreachable or Misconfigured where the provider is not.
        """
        if not cookie or not same(_derived(cookie, "state"), query.get("state")):
            raise _refused("the answer was asked for in another browser")
        if query.get("error") or not query.get("code"):
            raise _refused("the university's sign-in did not sign you in")
        try:
            token = self._client().fetch_token(
                self._found()["token_endpoint"],
                code=query["code"],
                code_verifier=_derived(cookie, "verifier"),
                timeout=TIMEOUT,
            )
        except AuthlibBaseError:
            raise _refused(
                "the university's sign-in took its answer back; it may have been used before"
            ) from None
        except requests.RequestException as error:
            raise _unreachable(error) from None
        return self._claims(str(token.get("id_token") or ""), _derived(cookie, "nonce"))

    def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        checks = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self._found()["issuer"]},
            aud={"essential": True, "value": self.client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            found = jwt.decode(id_token, self._key_set(), algorithms=_ALGORITHMS)
            checks.validate(found.claims)
        except (JoseError, ValueError):
            raise _refused("the university's sign-in gave an answer that can't be trusted") from None
        return dict(found.claims)

    def _client(self) -> OAuth2Session:
        return OAuth2Session(
            self.client_id,
            self.client_secret.reveal(),
            scope=self.scope,
            redirect_uri=self.redirect_uri,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - a method's name
        )

    def _found(self) -> dict[str, Any]:
        with self._lock:
            if self._metadata is None:
                found = _get(f"{self.issuer}/.well-known/openid-configuration")
                if not {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"} <= found.keys():
                    raise Misconfigured(
                        "The university's sign-in can't be used",
                        why="its description lacks what it needs",
                        remedy="Check host of the connection portal_oidc: it is the issuer's address",
                    )
                self._metadata = found
            return self._metadata

    def _key_set(self) -> KeySet:
        # Read for each sign-in: providers change their keys, and sign-ins are few.
        return KeySet.import_key_set(_get(self._found()["jwks_uri"]))  # type: ignore[arg-type]


def _get(address: str) -> dict[str, Any]:
    try:
        answer = requests.get(address, timeout=TIMEOUT)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise _unreachable(error) from None
    return found if isinstance(found, dict) else {}


def _derived(cookie: str, what: str) -> str:
    digest = hmac.new(cookie.encode(), f"sign-in {what}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _refused(why: str) -> ConsentFailed:
    return ConsentFailed(
        "You are not signed in", why=why, remedy="Start again from the first page", who=Who.RESEARCHER
    )


def _unreachable(error: Exception) -> Unreachable:
    return Unreachable(
        "The university's sign-in can't be reached",
        why=type(error).__name__,
        remedy="Try again in a few minutes",
    )
