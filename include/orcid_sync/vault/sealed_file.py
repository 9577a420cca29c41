"""Tokens on their way from one system to another: one file, sealed with a passphrase that travels another way.

The first line says in clear what it is: the format, the registry the tokens are for, when it was made, how many there are
and how the key is made from the passphrase (scrypt). The second is the sealed content (AES-256-GCM, bound to the first
line): CSV rows of `SEALED_COLUMNS`.
"""

from __future__ import annotations

import base64
import binascii
import csv
import datetime as dt
import io
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from orcid_sync.errors import Misconfigured
from orcid_sync.secret import Secret

FORMAT: Final = "orcid-sync tokens 1"
SHORTEST_PASSPHRASE: Final = 16
_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1}
_LARGEST_N: Final = 2**20
_NONCE: Final = 12


def write_sealed(
    file: TextIO,
    rows: Iterable[Mapping[str, str]],
    columns: Iterable[str],
    passphrase: Secret,
    *,
    registry: str,
    now: dt.datetime | None = None,
) -> int:
    """Seal the rows into `file`; returns how many. `registry` is production, sandbox or simulator.

    Raises Misconfigured for a passphrase that is too short to protect anything.
    """
    if len(passphrase.reveal()) < SHORTEST_PASSPHRASE:
        raise Misconfigured(
            "The tokens can't be exported",
            why=f"the passphrase has fewer than {SHORTEST_PASSPHRASE} characters",
            remedy="Make one with `openssl rand -base64 24`, and send it another way than the file",
        )
    content = io.StringIO()
    writer = csv.DictWriter(content, list(columns), lineterminator="\n")
    writer.writeheader()
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the count
        writer.writerow(row)
    salt, nonce = os.urandom(16), os.urandom(_NONCE)
    header = json.dumps(
        {
            "format": FORMAT,
            "registry": registry,
            "made_at": (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds"),
            "tokens": count,
            "scrypt": {**_SCRYPT, "salt": base64.b64encode(salt).decode()},
        }
    )
    cipher = AESGCM(_key(passphrase, salt, _SCRYPT))
    sealed = nonce + cipher.encrypt(nonce, content.getvalue().encode(), header.encode())
    file.write(f"{header}\n{base64.b64encode(sealed).decode()}\n")
    return count


def is_sealed(first_line: str) -> bool:
    """Whether a file that begins with this line is a sealed one (of any version)."""
    return first_line.lstrip("\ufeff").startswith('{"format": "orcid-sync tokens')


def read_sealed(text: str, passphrase: Secret | None, *, registry: str) -> TextIO:
    """The CSV inside a sealed file. Raises Misconfigured: no or a wrong passphrase, another registry, a broken file."""
    first, _, rest = text.lstrip("\ufeff").partition("\n")
    header = _header(first)
    if header["registry"] != registry:
        raise _refused(
            f"its tokens are for the {header['registry']} registry, and this deployment uses {registry}",
            "Import it into a deployment of the same registry",
        )
    if passphrase is None:
        raise _refused(
            "it is sealed", "Name the file that holds its passphrase: --passphrase-file passphrase.txt"
        )
    scrypt = header["scrypt"]
    try:
        sealed = base64.b64decode(rest.strip(), validate=True)
        key = _key(passphrase, base64.b64decode(scrypt["salt"]), scrypt)
        plain = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], first.encode())
    except (InvalidTag, binascii.Error, ValueError):
        plain = None
    if plain is None:
        raise _refused("the passphrase is another one, or the file was changed", "Ask whoever made the file")
    return io.StringIO(plain.decode(), newline="")


def _header(line: str) -> dict[str, Any]:
    try:
        header = json.loads(line)
        scrypt = header["scrypt"]
        known = header["format"] == FORMAT and isinstance(header["registry"], str)
        sane = 2 <= int(scrypt["n"]) <= _LARGEST_N and int(scrypt["r"]) <= 32 and int(scrypt["p"]) <= 16
    except (ValueError, KeyError, TypeError):
        known = sane = False
    if not (known and sane):
        raise _refused("its first line can't be read, or is of a newer version", "Export it again")
    return dict(header)


def _key(passphrase: Secret, salt: bytes, cost: Mapping[str, Any]) -> bytes:
    kdf = Scrypt(salt=salt, length=32, n=int(cost["n"]), r=int(cost["r"]), p=int(cost["p"]))
    return kdf.derive(passphrase.reveal().encode())


def _refused(why: str, remedy: str) -> Misconfigured:
    return Misconfigured("The file of tokens can't be imported", why=why, remedy=remedy)
