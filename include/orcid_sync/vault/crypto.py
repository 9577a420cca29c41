"""Tokens at rest: authenticated encryption with several keys alive at once.

Each ciphertext stands beside the id of its key, so that a new key can be put first while old rows are still readable,
and is bound to a context (who owns it), so that it can't be moved to another row unnoticed.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from orcid_sync.errors import SettingInvalid
from orcid_sync.secret import Secret

VARIABLE = "ORCID_SYNC_KEYS"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
# The first byte of each ciphertext: which cipher and layout it is (AES-256-GCM, nonce, ciphertext with tag).
LAYOUT = b"\x01"
_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


@dataclass(frozen=True)
class Sealed:
    """An encrypted value and the id of the key that opens it."""

    key_id: str
    data: bytes = field(repr=False)


class KeyRing:
    """The vault's keys. The first one encrypts; all of them decrypt. Thread-safe."""

    def __init__(self, keys: dict[str, bytes], again: Callable[[], Secret] | None = None) -> None:
        """`again` reads the keys anew, for a ring that meets a key id it doesn't know."""
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.current = next(iter(keys))
        self._again = again
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._ciphers)})"

    @classmethod
    def parse(cls, text: str | Secret | None, again: Callable[[], Secret] | None = None) -> KeyRing:
        """Read `id:base64key,id2:base64key2`; a key is 32 random bytes (`KeyRing.generate_key`).

        Raises SettingInvalid naming the entry by place, never showing a key.
        """
        return cls(_parsed(text), again)

    @staticmethod
    def generate_key() -> Secret:
        """A new random key, base64-encoded as `parse` takes it (without an id)."""
        return Secret(base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode())

    @property
    def key_ids(self) -> tuple[str, ...]:
        """All ids, the current one first."""
        return tuple(self._ciphers)

    def encrypt(self, plain: Secret, context: str) -> Sealed:
        """Encrypt with the current key. The same context is needed to decrypt (`token_context`)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        with self._lock:
            key_id, cipher = self.current, self._ciphers[self.current]
        sealed = cipher.encrypt(nonce, plain.reveal().encode(), _bound(key_id, context))
        return Sealed(key_id, LAYOUT + nonce + sealed)

    def decrypt(self, sealed: Sealed, context: str) -> Secret:
        """Decrypt. Raises SettingInvalid where the key is missing or wrong, or the row was tampered with."""
        cipher = self._cipher(sealed.key_id)
        if cipher is None:
            raise SettingInvalid(
                "A stored token can't be decrypted",
                why=f"{VARIABLE} has no key with the id {_shown(sealed.key_id)}",
                remedy="Add that key behind the current one, then run `orcid-sync keys rotate`",
                variable=VARIABLE,
            )
        data = bytes(sealed.data)
        if data[:1] != LAYOUT or len(data) < 1 + NONCE_BYTES + TAG_BYTES:
            raise _unopened("it was cut or written by a newer version")
        nonce = data[1 : 1 + NONCE_BYTES]
        try:
            return Secret(
                cipher.decrypt(nonce, data[1 + NONCE_BYTES :], _bound(sealed.key_id, context)).decode()
            )
        except InvalidTag:
            # Authenticated encryption can't tell these apart: in each the tag doesn't fit.
            why = f"key {_shown(sealed.key_id)} is another one than it was, or the row was changed or moved"
        raise _unopened(why)

    def _cipher(self, key_id: str) -> AESGCM | None:
        """The cipher of a key; for an id that isn't known the keys are read anew, and taken over as they are now."""
        with self._lock:
            if key_id not in self._ciphers and self._again is not None:
                keys = _parsed(self._again())
                self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
                self.current = next(iter(keys))
            return self._ciphers.get(key_id)

    def rotate(self, sealed: Sealed, context: str) -> Sealed:
        """The same value, encrypted with the current key."""
        return self.encrypt(self.decrypt(sealed, context), context)


def token_context(client_id: str, orcid: str, kind: str) -> str:
    """What a token's ciphertext is bound to: the API client it was given to, the iD, and which token it is."""
    return "\x1f".join((client_id, orcid, kind))


def _bound(key_id: str, context: str) -> bytes:
    return b"\x1f".join((LAYOUT, key_id.encode(), context.encode()))


def _parsed(text: str | Secret | None) -> dict[str, bytes]:
    value = text.reveal() if isinstance(text, Secret) else text or ""
    keys: dict[str, bytes] = {}
    for place, entry in enumerate(filter(None, map(str.strip, value.split(","))), start=1):
        key_id, separator, encoded = entry.partition(":")
        if not separator or not _KEY_ID.fullmatch(key_id):
            raise _wrong_keys(f"entry {place} is not id:base64key")
        if key_id in keys:
            raise _wrong_keys(f"the id of entry {place} is used twice")
        keys[key_id] = _key(encoded, place)
    if not keys:
        raise no_keys()
    return keys


def _key(encoded: str, place: int) -> bytes:
    plain = encoded.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise _wrong_keys(f"the key of entry {place} is not {KEY_BYTES} bytes in base64")
    return key


def _shown(key_id: str) -> str:
    """A key id from a row, quoted; a row's text is not trusted to be one."""
    return repr(key_id) if _KEY_ID.fullmatch(key_id) else "that is no id"


def no_keys() -> SettingInvalid:
    """The error for keys that stand nowhere."""
    return _wrong_keys(
        "it is not set, nor is ORCID_SYNC_KEYS_FILE or a connection vault_keys with the keys as its password"
    )


def _wrong_keys(why: str) -> SettingInvalid:
    return SettingInvalid(
        f"The vault's keys ({VARIABLE})",
        why=why,
        remedy="Set it to id:base64key, several separated by commas, the current one first; "
        "make a key with `openssl rand -base64 32`",
        variable=VARIABLE,
    )


def _unopened(why: str) -> SettingInvalid:
    return SettingInvalid(
        "A stored token can't be decrypted",
        why=why,
        remedy=f"Restore the key in {VARIABLE}, or the row from a backup; else ask the researcher to connect again",
        variable=VARIABLE,
    )
