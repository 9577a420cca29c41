"""The registry as a stage uses it: our API clients, the researchers' tokens, and a count of every call."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import astuple, dataclass, field

from orcid_sync import connections
from orcid_sync.connections import ConnectionInfo, orcid_connection_name
from orcid_sync.errors import Misconfigured, TokenRefused
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.calls import CallRecord
from orcid_sync.orcid.client import ApiClient
from orcid_sync.orcid.limiter import Limiter, PostgresLimiter
from orcid_sync.orcid.transport import Timeouts
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.keys import key_ring
from orcid_sync.vault.tokens import read_tokens


@dataclass(frozen=True)
class _Endpoint:
    client_id: str
    method: str
    endpoint: str
    status: int
    error_code: int


@dataclass
class CallCounter:
    """Counts calls by client, endpoint and answer, and nothing about whom they concern. Thread-safe."""

    _calls: Counter[_Endpoint] = field(default_factory=Counter)
    _items: Counter[_Endpoint] = field(default_factory=Counter)
    _seconds: dict[_Endpoint, float] = field(default_factory=dict)
    _pace: Counter[tuple[str, dt.datetime]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self, call: CallRecord) -> None:
        """Count one call; status 0 stands for a call without an answer, error code 0 for none."""
        key = _Endpoint(call.client_id, call.method, call.endpoint, call.status or 0, call.error_code or 0)
        with self._lock:
            self._calls[key] += 1
            self._items[key] += call.items
            self._seconds[key] = self._seconds.get(key, 0.0) + call.seconds
            self._pace[call.client_id, call.at.replace(microsecond=0)] += 1

    def flush(self, ledger: Ledger, run_id: str) -> int:
        """Add what was counted since the last flush to the run's figures; returns the number of calls."""
        with self._lock:
            # Workers of one run add to the same rows at the same time: in one order, so that none waits for another in a
            # circle.
            keys = sorted(self._calls, key=astuple)
            rows = [(self._calls[key], self._items[key], self._seconds[key]) for key in keys]
            pace = sorted(self._pace.items())
            self._calls, self._items, self._seconds, self._pace = Counter(), Counter(), {}, Counter()
        if not keys:
            return 0
        with ledger.transaction() as connection:
            connection.execute(
                "INSERT INTO api_call AS known (run_id, client_id, method, endpoint, status, error_code, calls, items, "
                "seconds) SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::smallint[], %s::int[], "
                "%s::int[], %s::int[], %s::float8[]) "
                "ON CONFLICT (run_id, client_id, method, endpoint, status, error_code) DO UPDATE SET "
                "calls = known.calls + excluded.calls, items = known.items + excluded.items, "
                "seconds = known.seconds + excluded.seconds",
                (
                    run_id,
                    [key.client_id for key in keys],
                    [key.method for key in keys],
                    [key.endpoint for key in keys],
                    [key.status for key in keys],
                    [key.error_code for key in keys],
                    *(list(column) for column in zip(*rows, strict=True)),
                ),
            )
            connection.execute(
                "INSERT INTO api_call_second AS known (run_id, client_id, second, calls) "
                "SELECT %s, * FROM unnest(%s::text[], %s::timestamptz[], %s::int[]) "
                "ON CONFLICT (run_id, client_id, second) DO UPDATE SET calls = known.calls + excluded.calls",
                (
                    run_id,
                    [client_id for (client_id, _), _ in pace],
                    [second for (_, second), _ in pace],
                    [calls for _, calls in pace],
                ),
            )
        return sum(calls for calls, _, _ in rows)


@dataclass
class Registry:
    """Our API clients by their codes in units.yaml, and the vault. One for each process."""

    clients: Mapping[str, ApiClient]
    ledger: Ledger
    keys: KeyRing
    calls: CallCounter = field(default_factory=CallCounter)

    def __post_init__(self) -> None:
        for client in self.clients.values():
            client.on_call = self.calls

    @property
    def client_ids(self) -> tuple[str, ...]:
        """The client ids that calls can be made with."""
        return tuple(client.client_id for client in self.clients.values())

    def client(self, client_id: str) -> ApiClient:
        """The API client with this id. Raises Misconfigured where no connection names it."""
        for client in self.clients.values():
            if client.client_id == client_id:
                return client
        raise Misconfigured(
            f"There is no connection for the API client {client_id}",
            why=f"connections name {', '.join(self.client_ids) or 'none'}",
            remedy="Set its AIRFLOW_CONN_ORCID_<CODE>, and name it as `client` of a unit in the units file",
        )

    def token(self, permission_id: int) -> Secret:
        """The access token of a permission, opened. Raises TokenRefused where there is none."""
        found = self.tokens([permission_id]).get(permission_id)
        if found is None:
            raise TokenRefused("A permission can't be used", why="no token is stored for it")
        return found

    def tokens(self, permission_ids: Collection[int]) -> dict[int, Secret]:
        """The access tokens of many permissions in one query; those without one are left out."""
        with self.ledger.transaction() as connection:
            return {
                key: tokens.access
                for key, tokens in read_tokens(connection, self.keys, permission_ids).items()
            }

    def flush_calls(self, ledger: Ledger, run_id: str) -> int:
        """Write down the calls since the last time; returns how many there were."""
        return self.calls.flush(ledger, run_id)

    def close(self) -> None:
        """Close the pooled connections."""
        for client in self.clients.values():
            client.close()


def registry_from(
    settings: Settings,
    ledger: Ledger,
    connection: Callable[[str], ConnectionInfo] = connections.connection,
    limiter: Limiter | None = None,
) -> Registry:
    """The registry for this process: a client for each code the units use, one limiter for all workers together.

    `connection` finds a connection by its name (`orcid`, `orcid_<code>`, `vault_keys`). Raises SettingInvalid for a missing
    connection or key, Misconfigured where a connection names another client than the units were applied with.
    """
    keys = key_ring(settings, connection)
    with ledger.transaction() as session:
        known = session.execute(
            "SELECT code, client_id FROM api_client WHERE code IS NOT NULL ORDER BY code"
        ).fetchall()
    if not known:
        raise Misconfigured(
            "The ledger knows no API client",
            why="no units were applied",
            remedy="Run `orcid-sync units apply units.yaml`",
        )
    limiter = limiter or PostgresLimiter(ledger, settings.rate)
    timeouts = Timeouts(settings.connect_timeout, settings.call_timeout, settings.call_deadline)
    clients = {}
    for row in known:
        info = connection(orcid_connection_name(row.code))
        if info.login != row.client_id:
            raise Misconfigured(
                f"Connection {info.name} ({info.variable}) is another API client than the units were applied with",
                why=f"it names {info.login or 'no client'}, the ledger knows {row.client_id} as `{row.code}`",
                remedy="Correct its login, or run `orcid-sync units apply` to take over the new client",
            )
        clients[row.code] = ApiClient.from_connection(info, limiter, timeouts, contact=settings.contact)
    return Registry(clients, ledger, keys)
