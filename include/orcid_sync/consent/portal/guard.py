"""What stands before every page of the portal: headers, and proof that a form was sent from one of our own pages."""

from __future__ import annotations

import hashlib
import hmac
from typing import ClassVar, Final
from urllib.parse import urlsplit

from starlette.requests import Request

from orcid_sync.errors import SyncError, Who
from orcid_sync.web import COMMON_HEADERS, from_own_page

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
)
MAX_BODY: Final = 64 * 1024


class ForeignForm(SyncError):
    """A form that none of our pages sent, or a page that was left open for too long."""

    kind: ClassVar[str] = "foreign_form"
    default_remedy: ClassVar[str] = "Open the portal again and repeat what you did"
    default_who: ClassVar[Who] = Who.RESEARCHER


def headers(forms: tuple[str, ...], https: bool) -> dict[str, str]:
    """The headers on every answer. `forms` are the origins to which a form may lead, redirects included: ours, the
    registry's, the sign-in's."""
    found = COMMON_HEADERS | {
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
        "Content-Security-Policy": _POLICY.format(forms=" ".join(("'self'", *forms))),
    }
    return found | ({"Strict-Transport-Security": "max-age=31536000"} if https else {})


def form_key(cookie: str) -> str:
    """What every form of a visitor carries: bound to the cookie, worthless without it, and telling nothing of it."""
    return hmac.new(cookie.encode(), b"portal form", hashlib.sha256).hexdigest()


def check_form(request: Request, cookie: str | None, sent: str | None, own_origin: str) -> None:
    """Raises ForeignForm unless a page of ours, shown to this very visitor, sent the form."""
    if not cookie or not same(form_key(cookie), sent) or not from_own_page(request, {own_origin}):
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
