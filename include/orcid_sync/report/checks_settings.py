"""Doctor: versions, settings and where they come from."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from orcid_sync.connections import connection, environment_name
from orcid_sync.environment import secrets_file, secrets_file_is_private, variable
from orcid_sync.errors import SettingInvalid
from orcid_sync.report.doctor import Finding, ok, refused, warn
from orcid_sync.settings import load_settings, unknown_variables

_SHOWN_PACKAGES = ("apache-airflow", "great-expectations", "psycopg")


def check() -> Iterator[Finding]:
    """Versions, the secrets file, the settings, the connections' places."""
    packages = ", ".join(f"{name} {_version(name)}" for name in _SHOWN_PACKAGES)
    yield ok("versions", f"Python {platform.python_version()}, {packages}")
    path = secrets_file()
    if path is None:
        yield ok("source", "the environment alone (ORCID_SYNC_SECRETS_FILE is not set)")
    elif not path.exists():
        yield Finding(
            "fail", "source", f"the secrets file {path} does not exist", "Correct ORCID_SYNC_SECRETS_FILE"
        )
        return
    elif not secrets_file_is_private(path):
        yield warn("source", f"the secrets file {path} can be read by everybody", f"chmod 640 {path}")
    else:
        yield ok("source", f"the environment, then the secrets file {path}")
    settings = load_settings()
    yield ok(
        "settings",
        f"time zone {settings.timezone}, every {settings.every_days} days at {settings.extract_at}",
    )
    folder = settings.data_docs_dir
    existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not os.access(existing, os.W_OK):
        yield warn("data quality pages", f"{folder} can't be written", "Correct ORCID_SYNC_DATA_DOCS_DIR")
    for name, meant in unknown_variables(dict(os.environ)).items():
        yield warn(name, "nothing reads this variable", f"Did you mean {meant}?" if meant else "Remove it")
    for name in ("cris", "ledger", "orcid"):
        yield from _connection(name)
    if variable("AIRFLOW_CONN_LEDGER_OWNER") is None:
        yield ok("connection ledger_owner", "not set; only `migrate` and `units apply` need it")


def _connection(name: str) -> Iterator[Finding]:
    try:
        info = connection(name)
        where = f"{info.variable} from the {info.origin}"
        if name == "orcid":
            where += f", environment {environment_name(info)}"
    except SettingInvalid as error:
        yield refused(f"connection {name}", error)
    else:
        yield ok(f"connection {name}", where)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
