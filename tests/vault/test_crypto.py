"""Tokens at rest: what one key ring seals another opens, and nothing else does."""

from __future__ import annotations

import base64
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orcid_sync.errors import SettingInvalid
from orcid_sync.secret import Secret
from orcid_sync.vault.crypto import KeyRing, Sealed, token_context

KEY_1 = base64.urlsafe_b64encode(bytes(range(32))).decode()
KEY_2 = base64.urlsafe_b64encode(bytes(range(32, 64))).decode()
TOKEN = Secret("9f1c1d34-9c0b-4f3e-8a4e-0a2b3c4d5e6f")
CONTEXT = token_context("APP-0000000000000001", "0000-0002-1825-0097", "access")


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.parse(f"2025:{KEY_1}")


def test_what_was_sealed_is_opened_again(ring: KeyRing) -> None:
    sealed = ring.encrypt(TOKEN, CONTEXT)
    assert sealed.key_id == "2025"
    assert TOKEN.reveal().encode() not in sealed.data
    assert ring.decrypt(sealed, CONTEXT) == TOKEN


@given(st.text(), st.text())
def test_any_text_in_any_context_comes_back(plain: str, context: str) -> None:
    ring = KeyRing.parse(f"k:{KEY_1}")
    try:
        plain.encode()
        context.encode()
    except UnicodeEncodeError:
        return
    assert ring.decrypt(ring.encrypt(Secret(plain), context), context).reveal() == plain


def test_the_same_token_never_looks_the_same_twice(ring: KeyRing) -> None:
    assert ring.encrypt(TOKEN, CONTEXT).data != ring.encrypt(TOKEN, CONTEXT).data


def test_a_new_key_in_front_encrypts_and_the_old_one_still_opens(ring: KeyRing) -> None:
    old = ring.encrypt(TOKEN, CONTEXT)
    both = KeyRing.parse(f"2026:{KEY_2}, 2025:{KEY_1}")
    assert both.current == "2026"
    assert both.key_ids == ("2026", "2025")
    assert both.decrypt(old, CONTEXT) == TOKEN
    new = both.rotate(old, CONTEXT)
    assert new.key_id == "2026"
    assert KeyRing.parse(f"2026:{KEY_2}").decrypt(new, CONTEXT) == TOKEN


def test_a_generated_key_is_one_that_parses() -> None:
    key = KeyRing.generate_key()
    ring = KeyRing.parse(Secret(f"new:{key.reveal()}"))
    assert ring.decrypt(ring.encrypt(TOKEN, CONTEXT), CONTEXT) == TOKEN
    assert KeyRing.generate_key() != key


def test_a_key_of_openssl_parses_as_well() -> None:
    standard = base64.b64encode(bytes([251, 255] * 16)).decode()
    assert "+" in standard or "/" in standard
    assert KeyRing.parse(f"a:{standard}").current == "a"


@pytest.mark.parametrize(
    "other",
    [
        token_context("APP-0000000000000002", "0000-0002-1825-0097", "access"),
        token_context("APP-0000000000000001", "0000-0001-5109-3700", "access"),
        token_context("APP-0000000000000001", "0000-0002-1825-0097", "refresh"),
        "",
    ],
    ids=["another client", "another iD", "another kind", "none"],
)
def test_a_ciphertext_moved_to_another_row_does_not_open(ring: KeyRing, other: str) -> None:
    sealed = ring.encrypt(TOKEN, CONTEXT)
    with pytest.raises(SettingInvalid, match="changed or moved"):
        ring.decrypt(sealed, other)


@pytest.mark.parametrize("place", [1, 5, 13, -1], ids=["nonce", "nonce's middle", "text", "tag"])
def test_a_changed_byte_is_noticed(ring: KeyRing, place: int) -> None:
    sealed = ring.encrypt(TOKEN, CONTEXT)
    data = bytearray(sealed.data)
    data[place] ^= 1
    with pytest.raises(SettingInvalid, match="changed or moved"):
        ring.decrypt(Sealed(sealed.key_id, bytes(data)), CONTEXT)


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01" + bytes(20), b"\x02" + bytes(60)])
def test_a_cut_or_unknown_ciphertext_is_told_apart(ring: KeyRing, data: bytes) -> None:
    with pytest.raises(SettingInvalid, match="cut or written by a newer version"):
        ring.decrypt(Sealed("2025", data), CONTEXT)


def test_a_missing_key_is_named(ring: KeyRing) -> None:
    sealed = ring.encrypt(TOKEN, CONTEXT)
    with pytest.raises(SettingInvalid, match="no key with the id '2025'") as caught:
        KeyRing.parse(f"2026:{KEY_2}").decrypt(sealed, CONTEXT)
    assert "keys rotate" in caught.value.remedy


def test_a_wrong_key_under_the_right_id_does_not_open(ring: KeyRing) -> None:
    sealed = ring.encrypt(TOKEN, CONTEXT)
    with pytest.raises(SettingInvalid, match="another one than it was"):
        KeyRing.parse(f"2025:{KEY_2}").decrypt(sealed, CONTEXT)


def test_relabelling_the_key_id_does_not_open(ring: KeyRing) -> None:
    same_key_twice = KeyRing.parse(f"a:{KEY_1},b:{KEY_1}")
    sealed = same_key_twice.encrypt(TOKEN, CONTEXT)
    with pytest.raises(SettingInvalid):
        same_key_twice.decrypt(Sealed("b", sealed.data), CONTEXT)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "not set"),
        ("", "not set"),
        (" , ", "not set"),
        (KEY_1, "entry 1 is not id:base64key"),
        (f"a:{KEY_1},{KEY_2}", "entry 2 is not id:base64key"),
        (f"a:{KEY_1},a:{KEY_2}", "entry 2 is used twice"),
        ("a:c2hvcnQ=", "entry 1 is not 32 bytes"),
        ("a:!!!notbase64!!!", "entry 1 is not 32 bytes"),
        (f"white space:{KEY_1}", "entry 1 is not id:base64key"),
    ],
    ids=["none", "empty", "commas", "no id", "second without id", "twice", "short", "no base64", "bad id"],
)
def test_wrong_keys_are_named_by_place_and_never_shown(text: str | None, why: str) -> None:
    with pytest.raises(SettingInvalid, match=why) as caught:
        KeyRing.parse(text)
    assert caught.value.variable == "ORCID_SYNC_KEYS"
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY_1 not in shown
    assert KEY_2 not in shown
    assert "notbase64" not in shown.split("raise")[-1].split("SettingInvalid:")[-1]


def test_neither_ring_nor_ciphertext_shows_a_secret(ring: KeyRing) -> None:
    assert repr(ring) == "KeyRing(2025)"
    assert repr(ring.encrypt(TOKEN, CONTEXT)) == "Sealed(key_id='2025')"
