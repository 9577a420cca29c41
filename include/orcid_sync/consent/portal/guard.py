"""What stands before every page of the portal: headers, and proof that a form was sent from one of our own pages."""

from __future__ import annotations

import hashlib
import hmac
from typing import ClassVar, Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orcid_sync.errors import SyncError, Who

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The address of a page may hold a link that works: nobody else learns it. With "no-referrer" browsers would not say
    # either where a form comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
MAX_BODY: Final = 64 * 1024


class ForeignForm(SyncError):
    """A form that none of our pages sent, or a page that was left open for too long."""

    kind: ClassVar[str] = "foreign_form"
    default_remedy: ClassVar[str] = "Open the portal again and repeat what you did"
    default_who: ClassVar[Who] = Who.RESEARCHER


class Headers:
    """Puts the security headers on every answer, errors included.

    `forms` are the origins to which a form may lead, redirects included: ours, the registry's, the sign-in's.
    """

    def __init__(self, app: ASGIApp, forms: tuple[str, ...], https: bool) -> None:
        self._app = app
        self._policy = _POLICY.format(forms=" ".join(("'self'", *forms)))
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", self._policy)
                if self._https:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def form_key(cookie: str) -> str:
    """What every form of a visitor carries: bound to the cookie, worthless without it, and telling nothing of it."""
    return hmac.new(cookie.encode(), b"portal form", hashlib.sha256).hexdigest()


def check_form(request: Request, cookie: str | None, sent: str | None, own_origin: str) -> None:
    """Raises ForeignForm unless a page of ours, shown to this very visitor, sent the form."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    from_here = site in (None, "same-origin") and (
        origin == own_origin or (origin is None and site is not None)
    )
    if not from_here or not cookie or not same(form_key(cookie), sent):
        raise ForeignForm(
            "Nothing was changed", why="the form did not come from a page of this portal that is still open"
        )


def same(ours: str, sent: str | None) -> bool:
    """Whether somebody sent our secret; takes as long whatever they sent."""
    return hmac.compare_digest(ours.encode(), (sent or "").encode("utf-8", "replace"))


def origin_of(address: str) -> str:
    """Scheme, host and port, as a browser names them."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
