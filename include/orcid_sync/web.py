"""What our web applications share: the headers on every answer, who sent a form, and errors as HTTP statuses."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orcid_sync.errors import SyncError

COMMON_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # The address of a page may hold a link that works: nobody else learns it. With "no-referrer" browsers would not say
    # either where a form comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Puts headers on every answer, errors included; what an answer brings itself stays."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = dict(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def from_own_page(request: Request, origins: Container[str]) -> bool:
    """Whether a browser says that a page of these origins sent the request; where it says nothing, no."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    return site == "same-origin" if origin is None else origin in origins


def status_of(error: SyncError, statuses: Mapping[type[SyncError], int]) -> int:
    """The status of the nearest kind of error that has one; 500 where none has."""
    return next((statuses[kind] for kind in type(error).__mro__ if kind in statuses), 500)
