"""Clocks that differ: a sign-in's answer from a machine a minute off is good, an old one is not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from orcid_sync.consent.portal.oidc import LEEWAY, OpenIdSignIn
from orcid_sync.errors import ConsentFailed
from orcid_sync.secret import Secret

ISSUER = "https://login.university.example"


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1"})


@dataclass
class Provider(OpenIdSignIn):
    """A provider whose keys are at hand."""

    known: RSAKey | None = None

    def _key_set(self) -> KeySet:
        return KeySet([self.known])  # type: ignore[list-item]


def sign_in(key: RSAKey) -> Provider:
    return Provider(
        ISSUER, "portal", Secret("x"), "https://portal.example/back", _metadata={"issuer": ISSUER}, known=key
    )


def token(key: RSAKey, **claims: Any) -> str:
    now = int(time.time())
    body = {
        "iss": ISSUER,
        "aud": "portal",
        "sub": "ada",
        "nonce": "n",
        "iat": now,
        "exp": now + 600,
        **claims,
    }
    return jwt.encode({"alg": "RS256", "kid": "k1"}, body, key)


@pytest.mark.parametrize("seconds", [-LEEWAY // 2, 0, LEEWAY // 2])
def test_a_clock_that_is_a_little_off_keeps_nobody_out(key: RSAKey, seconds: int) -> None:
    made = int(time.time()) + seconds
    claims = sign_in(key)._claims(token(key, iat=made, nbf=made, exp=made + LEEWAY // 4), "n")
    assert claims["sub"] == "ada"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_600_000_000},
        {"nonce": "of another sign-in"},
        {"aud": "somebody else"},
        {"iss": "https://evil.example"},
    ],
    ids=["too old", "another question's", "for another client", "of another provider"],
)
def test_an_answer_that_is_not_for_this_sign_in_is_refused(key: RSAKey, claims: dict[str, Any]) -> None:
    with pytest.raises(ConsentFailed):
        sign_in(key)._claims(token(key, **claims), "n")


def test_an_answer_that_somebody_else_signed_is_refused(key: RSAKey) -> None:
    forged = token(RSAKey.generate_key(2048, {"kid": "k1"}))
    with pytest.raises(ConsentFailed):
        sign_in(key)._claims(forged, "n")
