"""Lets the Test button in the list of connections work for a connection without a port.

For a port that was never set, the page of Airflow 3.3 sends 0. The server takes that for another place than the stored
one and refuses to use the stored secret there. No server listens on port 0, so taking it out changes nothing else.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH: Final = "/api/v2/connections/test"


class NoPortZero:
    """Passes every request on as it came, but a test of a connection without `port: 0`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith(PATH):
            receive = _rewritten(await _body(receive), receive)
        await self.app(scope, receive, send)


async def _body(receive: Receive) -> bytes:
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = bool(message.get("more_body"))
    return b"".join(chunks)


def _rewritten(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": _without_port_zero(body), "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _without_port_zero(body: bytes) -> bytes:
    try:
        asked: Any = json.loads(body)
    except ValueError:
        return body
    if not isinstance(asked, dict) or asked.get("port") != 0:
        return body
    return json.dumps({name: value for name, value in asked.items() if name != "port"}).encode()
