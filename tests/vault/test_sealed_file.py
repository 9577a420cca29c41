"""Tokens from one system to another: a file that only its passphrase opens, and that says where it belongs."""

from __future__ import annotations

import csv
import io

import pytest
from orcid_sync.errors import Misconfigured
from orcid_sync.secret import Secret
from orcid_sync.vault.sealed_file import is_sealed, read_sealed, write_sealed
from orcid_sync.vault.store import SEALED_COLUMNS

PASSPHRASE = Secret("correct horse battery")
ROW = dict.fromkeys(SEALED_COLUMNS, "") | {
    "person_id": "person-4711",
    "orcid": "0000-0002-1825-0097",
    "access_token": "the-access-token",
    "scope": "/read-limited /activities/update",
    "expires_at": "2046-01-01T00:00:00+00:00",
    "provenance": "portal",
}


def sealed(**changes: str) -> str:
    file = io.StringIO()
    assert write_sealed(file, [ROW | changes], SEALED_COLUMNS, PASSPHRASE, registry="sandbox") == 1
    return file.getvalue()


def test_what_was_sealed_comes_back_with_scope_expiry_and_provenance() -> None:
    text = sealed()
    assert is_sealed(text.splitlines()[0])
    assert not is_sealed("person_id,orcid")
    assert list(csv.DictReader(read_sealed(text, PASSPHRASE, registry="sandbox"))) == [ROW]


def test_nothing_of_a_person_or_token_can_be_read_in_the_file() -> None:
    text = sealed()
    for value in ("the-access-token", "0000-0002-1825-0097", "person-4711"):
        assert value not in text


@pytest.mark.parametrize(
    ("spoil", "passphrase", "registry", "why"),
    [
        pytest.param(str, None, "sandbox", "it is sealed", id="no passphrase"),
        pytest.param(str, Secret("another passphrase"), "sandbox", "passphrase is another one", id="wrong"),
        pytest.param(str, PASSPHRASE, "production", "are for the sandbox registry", id="another registry"),
        pytest.param(
            lambda text: text.replace('"tokens": 1', '"tokens": 2'),
            PASSPHRASE,
            "sandbox",
            "was changed",
            id="header changed",
        ),
        pytest.param(lambda text: text[:-9] + "\n", PASSPHRASE, "sandbox", "was changed", id="cut"),
        pytest.param(
            lambda text: text.replace("tokens 1", "tokens 9"),
            PASSPHRASE,
            "sandbox",
            "newer version",
            id="newer",
        ),
        pytest.param(
            lambda text: text.replace('"n": 32768', '"n": 1073741824'),
            PASSPHRASE,
            "sandbox",
            "can't be read",
            id="a cost that would eat the machine",
        ),
    ],
)
def test_a_file_that_does_not_open_says_why(
    spoil: object, passphrase: Secret | None, registry: str, why: str
) -> None:
    assert callable(spoil)
    with pytest.raises(Misconfigured, match=why):
        read_sealed(spoil(sealed()), passphrase, registry=registry)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(Misconfigured, match="fewer than 16"):
        write_sealed(io.StringIO(), [ROW], SEALED_COLUMNS, Secret("short"), registry="sandbox")
