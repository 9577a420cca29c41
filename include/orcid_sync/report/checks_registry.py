"""Doctor: the vault's keys, and for each API client whether the registry takes it and shares our clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import psycopg
import requests

from orcid_sync.connections import ConnectionInfo, connection, environment_name, orcid_connection_name
from orcid_sync.environment import variable
from orcid_sync.errors import SettingInvalid, SyncError
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.client import ApiClient
from orcid_sync.orcid.limiter import LocalLimiter
from orcid_sync.orcid.oauth import OAuth
from orcid_sync.orcid.transport import Timeouts
from orcid_sync.report.doctor import Finding, fail, ok, refused, warn
from orcid_sync.settings import load_settings
from orcid_sync.vault.crypto import KeyRing, Sealed, token_context
from orcid_sync.vault.keys import key_ring, key_source

_SECONDS = 10.0
_CLOCK_WARN = 30
_CLOCK_FAIL = 300


def check_vault() -> Iterator[Finding]:
    """The keys can be read, every stored token has its key among them, and each key opens what is sealed with it."""
    settings = load_settings()
    ring = key_ring(settings)
    yield ok("token vault", f"{len(ring.key_ids)} keys from {key_source(settings)}, {ring.current} encrypts")
    yield from _wrong_keys(ring)
    rows = _ledger_rows(
        "SELECT key_id, count(*) AS n FROM (SELECT access_key_id AS key_id FROM token UNION ALL SELECT refresh_key_id "
        "FROM token WHERE refresh_key_id IS NOT NULL) AS used GROUP BY key_id ORDER BY key_id"
    )
    for row in rows:
        if row.key_id not in ring.key_ids:
            yield fail(
                "token vault",
                f"{row.n} tokens need the key {row.key_id}, which ORCID_SYNC_KEYS doesn't have",
                "Add that key behind the first one, then run `orcid-sync keys rotate`",
            )
        elif row.key_id != ring.current:
            yield warn(
                "token vault",
                f"{row.n} tokens still use the key {row.key_id}",
                "Run `orcid-sync keys rotate`",
            )


def _wrong_keys(ring: KeyRing) -> Iterator[Finding]:
    """One token of each key is opened: a key under the id of another one would else seal new tokens unnoticed."""
    samples = _ledger_rows(
        "SELECT DISTINCT ON (access_key_id) access_key_id AS key_id, access_sealed, client_id, orcid "
        "FROM token JOIN permission ON permission.id = permission_id ORDER BY access_key_id, permission_id"
    )
    for row in samples:
        if row.key_id not in ring.key_ids:
            continue
        try:
            ring.decrypt(
                Sealed(row.key_id, bytes(row.access_sealed)),
                token_context(row.client_id, row.orcid, "access"),
            )
        except SyncError as error:
            yield refused("token vault", error)


def check_registry() -> Iterator[Finding]:
    """Each API client's credentials and the registry's clock."""
    clients = _ledger_rows("SELECT code, client_id FROM api_client WHERE code IS NOT NULL ORDER BY code")
    for code, client_id in [(row.code, row.client_id) for row in clients] or [("default", None)]:
        yield from _client(code, client_id)


def _client(code: str, client_id: str | None) -> Iterator[Finding]:
    name = orcid_connection_name(code)
    if variable(f"AIRFLOW_CONN_{name.upper()}") is None and name == "orcid":
        return
    thing = f"API client {code}"
    try:
        info = connection(name)
        if client_id is not None and info.login != client_id:
            yield fail(
                thing,
                f"{info.variable} is the client {info.login}, the units were applied with {client_id}",
                "Correct its login, or run `orcid-sync units apply`",
            )
        client = ApiClient.from_connection(info, LocalLimiter(1), Timeouts(5, _SECONDS, _SECONDS))
    except SyncError as error:
        yield refused(thing, error)
        return
    try:
        OAuth(client).client_credentials("/read-public")
        yield ok(thing, f"the {environment_name(info)} registry accepts id and secret of {client.client_id}")
    except SyncError as error:
        yield refused(thing, error)
    finally:
        client.close()
    yield from _clock(info)


def _clock(info: ConnectionInfo) -> Iterator[Finding]:
    """Compare our clock with the Date that the registry's host gives; any answer of it will do."""
    base = info.host.rstrip("/") + (f":{info.port}" if info.port else "")
    try:
        answer = requests.head(base, timeout=_SECONDS, allow_redirects=False)
        theirs = parsedate_to_datetime(answer.headers["Date"])
    except requests.RequestException:
        yield warn("clock", "the registry gave no time to compare ours with", "Check the network")
        return
    except (KeyError, ValueError):
        yield ok("clock", "the registry tells no time to compare ours with")
        return
    off = abs((dt.datetime.now(dt.UTC) - theirs).total_seconds())
    found = f"{off:.0f} s away from the registry's"
    if off > _CLOCK_FAIL:
        yield fail(
            "clock", found, "Set this machine's clock (NTP): expiry of tokens and lost answers depend on it"
        )
    elif off > _CLOCK_WARN:
        yield warn("clock", found, "Set this machine's clock (NTP)")
    else:
        yield ok("clock", found)


def _ledger_rows(query: str) -> list[Any]:
    """The rows of a query on the ledger; none where it can't be asked: that was told already."""
    try:
        if variable("AIRFLOW_CONN_LEDGER") is None:
            return []
        dsn = connection("ledger").dsn()
        with Ledger(lambda: psycopg.connect(dsn, connect_timeout=5)).transaction() as session:
            return session.execute(query).fetchall()
    except (psycopg.Error, SettingInvalid, SyncError):
        return []
