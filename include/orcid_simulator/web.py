"""The little of HTTP that the registry needs: a request, a response, and the ASGI shell around one handler.

Handlers are plain functions that run one at a time on the event loop, so a request sees and leaves a consistent
state without locks. What has to wait (the rate limit's queue, a planned delay) waits in the shell.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass
class Request:
    """One HTTP request, read to its end."""

    method: str
    path: str
    raw_path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    peer: str
    base_url: str
    note: CallNote = field(default_factory=lambda: CallNote())

    def form(self) -> dict[str, str]:
        """The fields of a form-encoded body; the first of a repeated field counts."""
        return first_of(self.body.decode("utf-8", "replace"))

    def content_type(self) -> str:
        """The media type of the body without parameters, lower-case; empty if none was sent."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass
class CallNote:
    """What the call log wants to know and only the handler can tell."""

    client_id: str | None = None
    orcid: str | None = None
    items: int = 0
    error_code: int | None = None
    endpoint: str = ""
    stop_after_items: int | None = None
    """Set by a fault: commit this many items of a bulk, then cut the connection."""


@dataclass
class Response:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Cut(Exception):
    """Close the TCP connection without an answer."""


def first_of(encoded: str) -> dict[str, str]:
    """Parse a query string or form; the first of a repeated name counts."""
    values: dict[str, str] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        values.setdefault(name, value)
    return values


def json_response(status: int, content: Any, **headers: str) -> Response:
    """Compact JSON."""
    return Response(status, orjson.dumps(content), "application/json;charset=UTF-8", dict(headers))


async def read_request(scope: Scope, receive: Receive) -> Request | None:
    """The request with its whole body; None if the caller hung up before the end."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if message.get("body"):
            chunks.append(message["body"])
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host") or "{}:{}".format(*(scope.get("server") or ("localhost", 80)))
    protocol = headers.get("x-forwarded-proto", scope.get("scheme", "http"))
    raw = scope.get("raw_path")
    query_string = scope.get("query_string", b"")
    return Request(
        method=scope["method"],
        path=scope["path"],
        raw_path=raw.decode("latin-1") if raw else scope["path"],
        query=first_of(query_string.decode("latin-1")) if query_string else {},
        headers=headers,
        body=b"".join(chunks),
        peer=(scope.get("client") or ("127.0.0.1", 0))[0],
        base_url=f"{protocol}://{host}",
    )


async def send_response(send: Send, response: Response, *, without_body: bool = False) -> None:
    """Write the answer; `without_body` for HEAD."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()
    ]
    if response.content_type is not None:
        headers.append((b"content-type", response.content_type.encode("latin-1")))
    if response.status not in (204, 304):
        headers.append((b"content-length", str(len(response.body)).encode("latin-1")))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if without_body else response.body})


async def cut_connection(scope: Scope, receive: Receive) -> None:
    """Close the connection's transport and wait until the server has noticed."""
    transport = scope.get("extensions", {}).get("orcid_simulator.transport", {}).get("transport")
    if transport is None:
        message = "this server cannot cut connections: start the registry with `orcid_simulator.server`"
        raise RuntimeError(message)
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
