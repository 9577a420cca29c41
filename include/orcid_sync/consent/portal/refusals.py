"""What a researcher reads when something can't be done: a page in their language, with what they can do about it.

What speaks to operators (a setting, a key, the registry's words) goes to the log alone; the researcher is told what it means
for them.
"""

from __future__ import annotations

import logging
from typing import Final

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from orcid_sync.consent.choices import BeingWritten, NoSuchItem
from orcid_sync.consent.links import LinkRefused
from orcid_sync.consent.own_data import StillConnected
from orcid_sync.consent.portal.context import LANGUAGE_COOKIE, portal_of, visitor_of
from orcid_sync.consent.portal.entrance import NotKnown, NotSignedIn
from orcid_sync.consent.portal.guard import ForeignForm
from orcid_sync.consent.portal.pages import common, page
from orcid_sync.consent.portal.rendering import is_known, language_of, render
from orcid_sync.consent.portal.tries import TooManyTries
from orcid_sync.errors import ConsentFailed, Misconfigured, SyncError, Transient
from orcid_sync.web import status_of

logger = logging.getLogger(__name__)

STATUS: Final[dict[type[SyncError], int]] = {
    ForeignForm: 403,
    NotKnown: 403,
    LinkRefused: 410,
    NoSuchItem: 404,
    BeingWritten: 409,
    StillConnected: 409,
    ConsentFailed: 409,
    TooManyTries: 429,
    Transient: 503,
    Misconfigured: 503,
}
_NOT_NOW: Final = SyncError(
    "This does not work at the moment",
    why="the university's or ORCID's service does not answer",
    remedy="Try again in a few minutes",
)
_NOT_ACCEPTED: Final = SyncError(
    "Nothing was connected",
    why="ORCID's answer was too old, or was used before",
    remedy="Start again from the portal",
)
_OUR_FAULT: Final = SyncError(
    "This does not work at the moment",
    why="something has to be put right on our side first",
    remedy="Try again later, or write to us",
)
_NO_PAGE: Final = SyncError("There is no such page", remedy="Check the address, or start at the first page")
_NOT_HERE: Final = SyncError("This can't be done here", remedy="Start at the first page")
_NO_FORM: Final = SyncError(
    "The form can't be understood", remedy="Open the page again and repeat what you did"
)


def answer_refusals(app: FastAPI) -> None:
    """Have every error of the application answered by a page."""
    app.add_exception_handler(NotSignedIn, _to_the_entrance)
    app.add_exception_handler(SyncError, _refused)
    app.add_exception_handler(psycopg.OperationalError, _no_database)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    # A text or number that no column can hold, like one with a zero byte.
    app.add_exception_handler(psycopg.DataError, _invalid)


def for_people(error: SyncError) -> SyncError:
    """The error as researchers read it: as it is if it was written for them, else what it means for them."""
    if all(is_known(text) for text in (error.what, error.why, error.remedy) if text):
        return error
    if isinstance(error, Transient):
        return _NOT_NOW
    return _NOT_ACCEPTED if isinstance(error, ConsentFailed) else _OUR_FAULT


def _to_the_entrance(request: Request, error: Exception) -> Response:
    return RedirectResponse("/", status_code=303)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SyncError)
    status = status_of(error, STATUS)
    if status >= 500:
        logger.warning("%s: %s", error.kind, error)
    return _error_page(request, status, for_people(error))


def _no_database(request: Request, error: Exception) -> Response:
    logger.warning("the ledger does not answer")
    return _page_without_ledger(request, 503, _NOT_NOW)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error_page(request, error.status_code, _NO_PAGE if error.status_code == 404 else _NOT_HERE)


def _invalid(request: Request, error: Exception) -> Response:
    return _error_page(request, 422, _NO_FORM)


def _error_page(request: Request, status: int, error: SyncError) -> Response:
    try:
        visitor = visitor_of(request)
    except psycopg.OperationalError:
        return _page_without_ledger(request, status, error)
    return page(portal_of(request), visitor, "error.html", status=status, error=error)


def _page_without_ledger(request: Request, status: int, error: SyncError) -> Response:
    """An error page for when nobody can be asked who is there."""
    language = language_of(None, request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language"))
    text = render("error.html", language, **common(portal_of(request), None), error=error)
    return HTMLResponse(text, status_code=status, headers={"Content-Language": language})
