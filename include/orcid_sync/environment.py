"""Where a variable's value comes from: the environment first, then the secrets file it names."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orcid_sync.errors import SettingInvalid
from orcid_sync.secret import Secret

SECRETS_FILE = "ORCID_SYNC_SECRETS_FILE"


@dataclass(frozen=True)
class Variable:
    """A variable's value and where it was found ("environment", or "secrets file PATH")."""

    name: str
    value: Secret
    origin: str


def read_secrets_file(path: Path) -> dict[str, str]:
    """The KEY=VALUE lines of a file; blank lines and lines starting with # are skipped, outer quotes dropped.

    Raises SettingInvalid naming file and line, never the line's text.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SettingInvalid(
            f"The secrets file {path} can't be read",
            why=str(reason),
            remedy=f"Set {SECRETS_FILE} to a readable file of KEY=VALUE lines, or unset it",
            variable=SECRETS_FILE,
        ) from None
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        key, separator, value = stripped.removeprefix("export ").partition("=")
        if not separator or not key.strip():
            raise SettingInvalid(
                f"Line {number} of the secrets file {path} can't be read",
                why="it is not KEY=VALUE",
                remedy="Correct the line, or start it with # to skip it",
                variable=SECRETS_FILE,
            )
        values[key.strip()] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def secrets_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """The secrets file that the environment names, or None."""
    named = (os.environ if environ is None else environ).get(SECRETS_FILE, "").strip()
    return Path(named) if named else None


def from_secrets_file(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Every variable of the secrets file; empty where none is named."""
    path = secrets_file(environ)
    return read_secrets_file(path) if path else {}


def variable(name: str, environ: Mapping[str, str] | None = None) -> Variable | None:
    """The value of a variable; an empty one counts as not set."""
    value = (os.environ if environ is None else environ).get(name, "")
    if value:
        return Variable(name, Secret(value), "environment")
    value = from_secrets_file(environ).get(name, "")
    if value:
        return Variable(name, Secret(value), f"secrets file {secrets_file(environ)}")
    return None


def secrets_file_is_private(path: Path) -> bool:
    """Whether only the file's owner and group can read it."""
    return not stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH
