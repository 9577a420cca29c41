"""OpenID Connect: keys, id_tokens, userinfo and discovery."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from orcid_simulator.errors import OAuthError
from orcid_simulator.model import Record, Token
from orcid_simulator.pkce import METHODS
from orcid_simulator.registry import Registry

KEY_SETTING = "openid_key"
KEY_ID = "orcid-simulator-1"
ID_TOKEN_LIFETIME_SECONDS = 86_400


@dataclass(frozen=True)
class Claims:
    """What an id_token says, as far as it is used here."""

    orcid: str
    audience: str


class Identity:
    """Signs with one RSA key, made at first use and kept with the state."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._key: rsa.RSAPrivateKey | None = None

    def forget(self) -> None:
        """Make a new key next time (after a reset)."""
        self._key = None

    def id_token(self, token: Token, issuer: str, nonce: str | None, auth_time: float) -> str:
        """A signed JWT about the researcher who gave the token."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "at_hash": _half_hash(token.access),
            "aud": token.client_id,
            "sub": token.orcid,
            "auth_time": int(auth_time),
            "iss": issuer,
            "exp": now + ID_TOKEN_LIFETIME_SECONDS,
            "iat": now,
            "jti": str(uuid.uuid4()),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        client = self._registry.store.client(token.client_id)
        if client is not None and client.kind != "public":
            claims["amr"] = "pwd"
        record = self._registry.store.record(token.orcid) if token.orcid else None
        claims.update(_names(record))
        head = {"kid": KEY_ID, "alg": "RS256"}
        signed = f"{_encode(orjson.dumps(head))}.{_encode(orjson.dumps(claims))}"
        signature = self._private_key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encode(signature)}"

    def read(self, id_token: str) -> Claims:
        """The claims of an id_token of ours; 401 if it is none or has expired."""
        try:
            head, body, signature = id_token.split(".")
            key = self._private_key().public_key()
            key.verify(_decode(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
            claims = orjson.loads(_decode(body))
        except (ValueError, InvalidSignature) as error:
            raise OAuthError(401, "invalid_token", "The id_token is not valid") from error
        if claims["exp"] < time.time():
            raise OAuthError(401, "invalid_token", "The id_token has expired")
        return Claims(claims["sub"], claims["aud"])

    def userinfo(self, token: Token) -> dict[str, Any]:
        """The researcher's public names and iD."""
        record = self._registry.store.record(token.orcid) if token.orcid else None
        return {"sub": token.orcid, **_names(record)}

    def jwks(self) -> dict[str, Any]:
        """The public key."""
        numbers = self._private_key().public_key().public_numbers()
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "e": _encode_number(numbers.e),
                    "use": "sig",
                    "kid": KEY_ID,
                    "alg": "RS256",
                    "n": _encode_number(numbers.n),
                }
            ]
        }

    @staticmethod
    def discovery(base: str, *, pkce: bool = True) -> dict[str, Any]:
        """The discovery document."""
        return {
            **({"code_challenge_methods_supported": list(METHODS)} if pkce else {}),
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth/authorize",
            "token_endpoint": f"{base}/oauth/token",
            "userinfo_endpoint": f"{base}/oauth/userinfo",
            "jwks_uri": f"{base}/oauth/jwks",
            "revocation_endpoint": f"{base}/oauth/revoke",
            "scopes_supported": ["openid"],
            "response_types_supported": ["code", "id_token", "id_token token"],
            "grant_types_supported": ["authorization_code", "implicit", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "claims_supported": [
                "family_name",
                "given_name",
                "name",
                "auth_time",
                "iss",
                "sub",
            ],
            "claims_parameter_supported": False,
        }

    def _private_key(self) -> rsa.RSAPrivateKey:
        if self._key is None:
            self._key = self._stored_key() or self._new_key()
        return self._key

    def _stored_key(self) -> rsa.RSAPrivateKey | None:
        row = self._registry.store.execute(
            "SELECT value FROM setting WHERE name = ?", (KEY_SETTING,)
        ).fetchone()
        if row is None:
            return None
        key = serialization.load_pem_private_key(row[0], password=None)
        return key if isinstance(key, rsa.RSAPrivateKey) else None

    def _new_key(self) -> rsa.RSAPrivateKey:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with self._registry.store.transaction():
            self._registry.store.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (KEY_SETTING, pem))
        return key


def _names(record: Record | None) -> dict[str, str]:
    if record is None or record.display_name is None:
        return {}
    names = {"name": record.display_name, "given_name": record.given_names}
    if record.family_name:
        names["family_name"] = record.family_name
    return names


def _half_hash(access: str) -> str:
    return _encode(hashlib.sha256(access.encode()).digest()[:16])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode_number(number: int) -> str:
    return _encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
