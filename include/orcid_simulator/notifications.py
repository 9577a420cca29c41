"""Permission notifications: an organisation asks a researcher for permission through the registry's inbox."""

from __future__ import annotations

from typing import Any

import orjson

from orcid_simulator import messages, parsing
from orcid_simulator.errors import ApiError, refusal
from orcid_simulator.member_api import Answer, Call, Route
from orcid_simulator.model import Record, Source
from orcid_simulator.registry import Registry
from orcid_simulator.render import Renderer, stamp

SCOPE = "/premium-notification"
LIMIT = 1000
COLUMNS = "id, client_id, created, read, archived, content"
Row = tuple[Any, ...]


class NotificationsApi:
    """`/{iD}/notification-permission`."""

    def __init__(self, registry: Registry, renderer: Renderer) -> None:
        self._registry = registry
        self._renderer = renderer

    def routes(self, orcid: str, rest: list[str], public: bool) -> Route | None:
        """The endpoint and one notification below it; member API only."""
        if public or len(rest) > 1:
            return None
        if not rest:
            return Route("/notification-permission", {"GET": self._list, "POST": self._create}, orcid)
        handlers = {"GET": self._read, "DELETE": self._archive}
        return Route("/notification-permission/{id}", handlers, orcid, rest=rest[0])

    def mark_read(self, notification_id: int) -> None:
        """The researcher opens a notification."""
        with self._registry.store.transaction():
            self._registry.store.execute(
                "UPDATE notification SET read = coalesce(read, ?) WHERE id = ?",
                (self._registry.now(), notification_id),
            )

    def of(self, orcid: str) -> list[dict[str, Any]]:
        """Every notification that a researcher received, newest first, as it is returned by the API."""
        rows = self._registry.store.execute(
            f"SELECT {COLUMNS} FROM notification WHERE orcid = ? ORDER BY id DESC", (orcid,)
        ).fetchall()
        return [self._body(row) for row in rows]

    def _create(self, call: Call) -> Answer:
        message = parsing.single(
            call.request.body, call.body_media, messages.NOTIFICATION, "notification", "notification"
        )
        record = self._record(call)
        self._registry.require_scope(call.caller, SCOPE)
        if message.put_code is not None:
            raise refusal(9024)
        _require_url(message.content["authorization-url"])
        if record.profile.get("accepts_notifications") is False:
            raise refusal(9032, orcid=record.orcid)
        with self._registry.store.transaction():
            cursor = self._registry.store.execute(
                "INSERT INTO notification (orcid, client_id, created, content) VALUES (?, ?, ?, ?)",
                (record.orcid, _client_id(call), self._registry.now(), orjson.dumps(message.content)),
            )
        location = f"{call.api_base}/v3.0/{record.orcid}/notification-permission/{cursor.lastrowid}"
        return Answer(201, headers=(("location", location),))

    def _list(self, call: Call) -> Answer:
        record = self._record(call)
        self._registry.require_scope(call.caller, SCOPE)
        rows = self._registry.store.execute(
            f"SELECT {COLUMNS} FROM notification WHERE orcid = ? AND client_id = ? AND archived IS NULL"
            " ORDER BY id LIMIT ?",
            (record.orcid, _client_id(call), LIMIT),
        ).fetchall()
        return Answer(200, {"notifications": [self._body(row) for row in rows]}, "notifications")

    def _read(self, call: Call) -> Answer:
        record = self._record(call)
        self._registry.require_scope(call.caller, SCOPE)
        return Answer(200, self._body(self._row(call, record)), "notification")

    def _archive(self, call: Call) -> Answer:
        record = self._record(call)
        self._registry.require_scope(call.caller, SCOPE)
        row = self._row(call, record)
        if row[3] is not None:
            raise refusal(9009)
        with self._registry.store.transaction():
            self._registry.store.execute(
                "UPDATE notification SET archived = coalesce(archived, ?) WHERE id = ?",
                (self._registry.now(), row[0]),
            )
        return Answer(200, self._body(self._row(call, record)), "notification")

    def _record(self, call: Call) -> Record:
        reading = call.request.method in ("GET", "HEAD")
        try:
            return self._registry.require_record(call.orcid, call.caller, deactivated_allowed=reading)
        except ApiError as error:
            if error.code == 9007:
                error.status = 301 if reading else 409
            raise

    def _row(self, call: Call, record: Record) -> Row:
        number = call.number()
        found: Row | None = self._registry.store.execute(
            f"SELECT {COLUMNS} FROM notification WHERE orcid = ? AND id = ? AND client_id = ?",
            (record.orcid, number, _client_id(call)),
        ).fetchone()
        if found is None:
            raise refusal(9029, id=number, orcid=record.orcid)
        return found

    def _body(self, row: Row) -> dict[str, Any]:
        return {
            "put-code": row[0],
            **orjson.loads(row[5]),
            "created-date": stamp(row[2]),
            "sent-date": None,
            "read-date": stamp(row[3]),
            "actioned-date": None,
            "archived-date": stamp(row[4]),
            "source": self._renderer.source(Source(client_id=row[1])),
        }


def _require_url(url: dict[str, Any]) -> None:
    if not url["uri"] and not (url["path"] and url["host"]):
        raise refusal(9020, "the authorization-url needs uri, or path and host")


def _client_id(call: Call) -> str:
    return call.caller.client.client_id if call.caller.client else ""
