"""Where the vault's keys come from: a variable, a file, or a connection of Airflow's (with whatever secrets backend).

A process that meets a token sealed with a key it doesn't know looks again: another process may have been given a new key
and rotated meanwhile. That is what makes a rotation possible without stopping anything,
with a file or a secrets backend; a variable can't change in a running process.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from orcid_sync import connections
from orcid_sync.connections import ConnectionInfo
from orcid_sync.errors import SettingInvalid
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.vault.crypto import VARIABLE, KeyRing, no_keys

FILE_VARIABLE: Final = "ORCID_SYNC_KEYS_FILE"
CONNECTION: Final = "vault_keys"

FindConnection = Callable[[str], ConnectionInfo]


def key_ring(settings: Settings, connection: FindConnection = connections.connection) -> KeyRing:
    """The vault's keys: ORCID_SYNC_KEYS, else the file ORCID_SYNC_KEYS_FILE, else the connection `vault_keys`' password.

    `connection` finds a connection by its name and raises SettingInvalid where there is none. Raises SettingInvalid
    where no place has keys, or they can't be read.
    """

    def read() -> Secret:
        return _keys(settings, connection)[0]

    return KeyRing.parse(read(), again=read)


def key_source(settings: Settings, connection: FindConnection = connections.connection) -> str:
    """The place that `key_ring` takes the keys from, for people. Raises SettingInvalid like it."""
    return _keys(settings, connection)[1]


def _keys(settings: Settings, connection: FindConnection) -> tuple[Secret, str]:
    if settings.vault_keys is not None:
        return settings.vault_keys, VARIABLE
    if settings.keys_file is not None:
        return _from_file(settings.keys_file), f"the file {settings.keys_file}"
    try:
        info = connection(CONNECTION)
    except SettingInvalid:
        raise no_keys() from None
    return info.password, f"connection {CONNECTION}"


def _from_file(path: Path) -> Secret:
    """The entries of a file, one a line or separated by commas; blank lines and lines starting with # are skipped."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
    else:
        lines = (line.strip() for line in text.splitlines())
        return Secret(",".join(line for line in lines if line and not line.startswith("#")))
    raise SettingInvalid(
        f"The vault's keys ({FILE_VARIABLE})",
        why=f"the file {path} can't be read: {reason}",
        remedy="Name a readable file of id:base64key lines, the current key first",
        variable=FILE_VARIABLE,
    )
