"""The registry's callbacks: one address for each record, registered once, which says no more than "it changed".

The address can't be guessed, and all that a call to it can do is to have a record read once more. Registering takes a
premium API client; without one, the search alone tells what changed.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.errors import Misconfigured, ScopeMissing, SyncError
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.client import ApiClient
from orcid_sync.orcid.in_flight import InFlight
from orcid_sync.settings import Settings
from orcid_sync.vault.registry import Registry

logger = logging.getLogger(__name__)

CHUNK: Final = 200
_MISSING: Final = """
SELECT DISTINCT record.orcid
FROM record
JOIN permission ON permission.orcid = record.orcid AND permission.client_id = record.client_id
    AND permission.state = 'granted'
LEFT JOIN webhook ON webhook.orcid = record.orcid AND webhook.client_id = record.client_id
WHERE record.client_id = %(client)s AND record.status = 'active' AND record.read_at IS NOT NULL
  AND (%(repair)s OR webhook.registered_at IS NULL OR webhook.base <> %(base)s)
ORDER BY 1
"""
_ADDRESS: Final = """
INSERT INTO webhook (orcid, client_id, path, base) SELECT orcid, %(client)s, path, %(base)s
FROM unnest(%(orcids)s::text[], %(paths)s::text[]) AS new (orcid, path)
ON CONFLICT (orcid, client_id) DO UPDATE SET base = excluded.base
RETURNING orcid, path
"""
_REGISTERED: Final = "UPDATE webhook SET registered_at = now() WHERE client_id = %s AND orcid = ANY (%s)"
# Each call counts anew: one that arrives while the record is being read tells of a later change.
_CALLED: Final = """
WITH called AS (UPDATE webhook SET called_at = clock_timestamp() WHERE path = %s RETURNING orcid, client_id, called_at)
UPDATE record SET flagged_at = called.called_at
FROM called WHERE record.orcid = called.orcid AND record.client_id = called.client_id
"""


@dataclass(frozen=True)
class _Hook:
    orcid: str
    uri: str


def register_webhooks(
    ledger: Ledger, registry: Registry, *, run_id: str, settings: Settings, repair: bool = False
) -> Counts:
    """Register the address of each record that was read and has none, or with `repair` of each at all.

    Registering again what stands is no change for the registry. Nothing is done without `ORCID_SYNC_WEBHOOK_URL`.

    Returns `{run, registered, failed: {kind: n}, not_allowed: {client id: reason}, calls}`.
    """
    with stage_run(ledger, run_id, "webhooks") as counts:
        registered, failed, not_allowed = 0, Counter[str](), {}
        for client_id in registry.client_ids if settings.webhook_url else ():
            try:
                done, problems = _register_all(ledger, registry.client(client_id), settings, repair=repair)
            except SyncError as error:
                not_allowed[client_id] = str(error)
                logger.warning("No webhooks for client %s: %s", client_id, error)
                continue
            registered += done
            failed += problems
        counts |= {
            "registered": registered,
            "failed": dict(failed),
            "not_allowed": not_allowed,
            "calls": registry.flush_calls(ledger, run_id),
        }
    return counts


def record_called(ledger: Ledger, path: str) -> bool:
    """Take one callback: its record is read again by the next `mirror`. False where no record has this address."""
    with ledger.transaction() as connection:
        return connection.execute(_CALLED, (path,)).rowcount > 0


def _register_all(
    ledger: Ledger, api: ApiClient, settings: Settings, *, repair: bool
) -> tuple[int, Counter[str]]:
    assert settings.webhook_url is not None
    base = settings.webhook_url
    chosen = {"client": api.client_id, "repair": repair, "base": base}
    with ledger.transaction() as connection:
        orcids = [row.orcid for row in connection.execute(_MISSING, chosen)]
    done, failed = 0, Counter[str]()
    with InFlight(settings.calls_in_flight, "webhooks") as pool:
        for start in range(0, len(orcids), CHUNK):
            hooks = _addresses(ledger, api.client_id, base, orcids[start : start + CHUNK])
            outcomes = list(pool.map(lambda hook: _register(api, hook), hooks))
            good = [hook.orcid for hook, error in zip(hooks, outcomes, strict=True) if error is None]
            with ledger.transaction() as connection:
                connection.execute(_REGISTERED, (api.client_id, good))
            done += len(good)
            errors = [error for error in outcomes if error is not None]
            # What is wrong with the client is wrong with every further call.
            for error in errors:
                if isinstance(error, Misconfigured | ScopeMissing):
                    raise error
            failed.update(error.kind for error in errors)
    return done, failed


def _addresses(ledger: Ledger, client_id: str, base: str, orcids: Sequence[str]) -> list[_Hook]:
    """The addresses of these records, made where they have none; kept before they are told to anybody."""
    paths = [secrets.token_urlsafe(24) for _ in orcids]
    values: dict[str, Any] = {"client": client_id, "base": base, "orcids": list(orcids), "paths": paths}
    with ledger.transaction() as connection:
        rows = connection.execute(_ADDRESS, values).fetchall()
    return [_Hook(row.orcid, f"{base}/{row.path}") for row in rows]


def _register(api: ApiClient, hook: _Hook) -> SyncError | None:
    try:
        api.register_webhook(hook.orcid, hook.uri)
    except SyncError as error:
        return error
    return None
