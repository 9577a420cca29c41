"""Webhooks: registering them, and calling them when a record has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests

from orcid_simulator.errors import refusal
from orcid_simulator.registry import Caller, Registry
from orcid_simulator.web import Response

SCOPE = "/webhook"
TIMEOUT_SECONDS = 10
POLL_SECONDS = 0.25
TOO_MANY_REQUESTS = 429
Post = Callable[[str], int]


def post_empty(uri: str) -> int:
    """POST an empty body to a receiver; its status, 0 if it could not be reached."""
    try:
        return requests.post(uri, data=b"", timeout=TIMEOUT_SECONDS, allow_redirects=False).status_code
    except requests.RequestException:
        return 0


class Webhooks:
    """`/{iD}/webhook/{uri}` and the deliveries.

    A change makes the record's webhooks due after the collecting interval. A receiver that answers 2xx is done;
    others are called again with doubling delay; one 429 leaves that client's other webhooks for the next run.
    """

    def __init__(self, registry: Registry, post: Post = post_empty) -> None:
        self._registry = registry
        self._store = registry.store
        self._post = post
        self._running = asyncio.Lock()
        registry.changed.append(self._note_change)

    def handle(self, method: str, orcid: str, uri: str, caller: Caller) -> Response:
        """Register (PUT) or remove (DELETE) a webhook.

        Raises:
            ApiError: 9004 scope, 9011 unknown iD, 9012 bad uri, 9028 unknown webhook, 9014 another client's, 405.
        """
        if method not in ("PUT", "DELETE"):
            raise refusal(
                9001, "PUT and DELETE are allowed here", status=405, headers={"allow": "DELETE, PUT"}
            )
        if SCOPE not in caller.granted or caller.client is None:
            raise refusal(9004)
        if self._store.record(orcid) is None:
            raise refusal(9011)
        _require_uri(uri)
        owner = self._store.execute(
            "SELECT client_id FROM webhook WHERE orcid = ? AND uri = ?", (orcid, uri)
        ).fetchone()
        if method == "PUT":
            return self._register(orcid, uri, caller.client.client_id, exists=owner is not None)
        if owner is None:
            raise refusal(9028, orcid=orcid, uri=uri)
        if owner[0] != caller.client.client_id:
            raise refusal(9014)
        with self._store.transaction():
            self._store.execute("DELETE FROM webhook WHERE orcid = ? AND uri = ?", (orcid, uri))
        return Response(204)

    async def run_forever(self) -> None:
        """Deliver what is due, again and again."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.deliver(self._registry.clock())

    async def flush(self) -> dict[str, int]:
        """Deliver everything that waits, now; how many calls succeeded and failed."""
        return await self.deliver(float("inf"))

    async def deliver(self, until: float) -> dict[str, int]:
        """Call every webhook that is due by then."""
        counts = {"delivered": 0, "failed": 0}
        async with self._running:
            paused: set[str] = set()
            for orcid, uri, client_id, failures in self._due(until):
                if client_id in paused:
                    continue
                started = self._registry.clock()
                status = await asyncio.to_thread(self._post, uri)
                if 200 <= status < 300:
                    counts["delivered"] += 1
                    self._delivered(orcid, uri, started)
                else:
                    counts["failed"] += 1
                    self._failed(orcid, uri, failures)
                if status == TOO_MANY_REQUESTS:
                    paused.add(client_id)
        return counts

    def _register(self, orcid: str, uri: str, client_id: str, *, exists: bool) -> Response:
        if exists:
            return Response(204)
        with self._store.transaction():
            self._store.execute(
                "INSERT INTO webhook (orcid, uri, client_id, created) VALUES (?, ?, ?, ?)",
                (orcid, uri, client_id, self._registry.now()),
            )
        return Response(201)

    def _note_change(self, orcid: str) -> None:
        now = self._registry.clock()
        self._store.execute(
            "UPDATE webhook SET changed = ?, failures = CASE WHEN due IS NULL THEN 0 ELSE failures END,"
            " due = coalesce(due, ?) WHERE orcid = ?",
            (now, now + self._registry.settings.webhook_interval_seconds, orcid),
        )

    def _due(self, until: float) -> list[tuple[Any, ...]]:
        return self._store.execute(
            "SELECT orcid, uri, client_id, failures FROM webhook WHERE due IS NOT NULL AND due <= ? ORDER BY due",
            (until,),
        ).fetchall()

    def _delivered(self, orcid: str, uri: str, started: float) -> None:
        """Done, unless the record changed again while the receiver was called."""
        with self._store.transaction():
            self._store.execute(
                "UPDATE webhook SET due = CASE WHEN changed > ? THEN ? END, failures = 0, delivered = ?"
                " WHERE orcid = ? AND uri = ?",
                (
                    started,
                    started + self._registry.settings.webhook_interval_seconds,
                    self._registry.now(),
                    orcid,
                    uri,
                ),
            )

    def _failed(self, orcid: str, uri: str, failures: int) -> None:
        delay = self._registry.settings.webhook_retry_seconds * 2 ** min(failures, 16)
        with self._store.transaction():
            self._store.execute(
                "UPDATE webhook SET due = ?, failures = failures + 1 WHERE orcid = ? AND uri = ?",
                (self._registry.clock() + delay, orcid, uri),
            )


def _require_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        valid = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in uri)
        )
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        raise refusal(9012, f"the webhook uri {uri} is not a full http or https address")
