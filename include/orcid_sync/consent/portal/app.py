"""The researchers' portal as one application: pages, forms, and what holds for all of them."""

from __future__ import annotations

import logging
from typing import Final

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from orcid_sync.consent.broker.app import PREFIX, interactive
from orcid_sync.consent.broker.app import create_app as broker
from orcid_sync.consent.choices import BeingWritten, NoSuchItem
from orcid_sync.consent.invitations.pages import opt_out_router
from orcid_sync.consent.links import LinkRefused
from orcid_sync.consent.own_data import StillConnected
from orcid_sync.consent.portal import callbacks, entrance, own_data_pages, pages, permission_pages
from orcid_sync.consent.portal.context import Portal, portal_of, visitor_of
from orcid_sync.consent.portal.entrance import NotKnown, NotSignedIn
from orcid_sync.consent.portal.guard import ForeignForm, Headers, origin_of
from orcid_sync.consent.portal.pages import page
from orcid_sync.consent.portal.tries import TooManyTries
from orcid_sync.errors import ConsentFailed, Misconfigured, SyncError, Transient, Who

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


def create_app(portal: Portal) -> FastAPI:
    """The application. There is no documentation for strangers, and nothing of it is for programs."""
    app = FastAPI(title="ORCID portal", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.portal = portal
    forms = [origin_of(portal.web_base)]
    if portal.sign_in is not None:
        forms.append(origin_of(portal.sign_in.issuer))
    app.add_middleware(Headers, forms=tuple(forms), https=portal.https)
    for router in (
        pages.router,
        entrance.router,
        permission_pages.router,
        own_data_pages.router,
        callbacks.router,
    ):
        app.include_router(router)
    app.include_router(opt_out_router(portal.ledger, lambda: portal.registry.keys))
    app.mount(PREFIX, broker(portal.ledger, lambda: interactive(portal.registry)))
    app.add_exception_handler(NotSignedIn, _to_the_entrance)
    app.add_exception_handler(SyncError, _refused)
    app.add_exception_handler(psycopg.OperationalError, _no_database)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    return app


def _to_the_entrance(request: Request, error: Exception) -> Response:
    return RedirectResponse("/", status_code=303)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SyncError)
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    if status >= 500:
        logger.warning("%s: %s", error.kind, error)
    return _error_page(request, status, error)


def _no_database(request: Request, error: Exception) -> Response:
    failure = Transient(
        "The portal can't be reached at this moment",
        why="its database does not answer",
        remedy="Try again in a few minutes",
        who=Who.US,
        doubt=False,
    )
    return HTMLResponse(page_without_ledger(request, failure), status_code=503)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        failure = SyncError("There is no such page", remedy="Check the address, or start at the first page")
    else:
        failure = SyncError("This can't be done here", remedy="Start at the first page")
    return _error_page(request, error.status_code, failure)


def _invalid(request: Request, error: Exception) -> Response:
    return _error_page(
        request,
        422,
        SyncError("The form can't be understood", remedy="Open the page again and repeat what you did"),
    )


def _error_page(request: Request, status: int, error: SyncError) -> Response:
    try:
        visitor = visitor_of(request)
    except psycopg.OperationalError:
        return HTMLResponse(page_without_ledger(request, error), status_code=status)
    return page(portal_of(request), visitor, "error.html", status=status, error=error)


def page_without_ledger(request: Request, error: SyncError) -> str:
    """An error page for when nobody can be asked who is there."""
    from orcid_sync.consent.portal.pages import common
    from orcid_sync.consent.portal.rendering import language_of, render

    language = language_of(None, None, request.headers.get("accept-language"))
    return render("error.html", language, **common(portal_of(request), None), error=error)
