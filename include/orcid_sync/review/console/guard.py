"""What stands before every page: signed in, from our own pages, and nothing that the browser may run but our script."""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import urlsplit

from starlette.requests import Request

from orcid_sync.errors import SyncError
from orcid_sync.review.console.ports import Person
from orcid_sync.web import COMMON_HEADERS, from_own_page

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
HEADERS: Final = COMMON_HEADERS | {
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
}
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class NotSignedIn(SyncError):
    """Nobody is signed in."""

    kind: ClassVar[str] = "not_signed_in"
    default_remedy: ClassVar[str] = "Sign in to Airflow, or send a token"


class ForeignRequest(SyncError):
    """A request to change something that no page of ours sent."""

    kind: ClassVar[str] = "foreign_request"
    default_remedy: ClassVar[str] = "Scripts send a token in the Authorization header; people use the pages"


class NotJson(SyncError):
    """A request to change something in a form that a foreign page could send as well."""

    kind: ClassVar[str] = "not_json"
    default_remedy: ClassVar[str] = "Send JSON, with Content-Type: application/json"


def check_request(request: Request, person: Person, own_address: str | None) -> None:
    """A change is asked for in JSON and, where a cookie signs in, by a page of this very site.

    `own_address` is the address that people open, where a proxy hides it. Raises NotJson, ForeignRequest.
    """
    if request.method in _READING:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotJson("The request was not carried out", why=f"its content type is {kind or 'not named'}")
    if person.by_cookie and not _from_here(request, own_address):
        raise ForeignRequest("The request was not carried out", why="it did not come from one of these pages")


def _from_here(request: Request, own_address: str | None) -> bool:
    # By host alone: behind a proxy we don't know which scheme the browser sees.
    here = {request.headers.get("host", "")}
    if own_address:
        here.add(urlsplit(own_address).netloc)
    return from_own_page(
        request, {f"{scheme}://{host}" for host in here - {""} for scheme in ("https", "http")}
    )
