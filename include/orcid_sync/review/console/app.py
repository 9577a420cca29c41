"""The console as one application: pages, JSON API, and what holds for both."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import psycopg
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from orcid_sync.errors import Misconfigured, SyncError, Transient, Who
from orcid_sync.ledger.imports import UnreadableFile
from orcid_sync.review.console.context import Console, console_of, signed_in
from orcid_sync.review.console.guard import HEADERS, ForeignRequest, NotJson, NotSignedIn
from orcid_sync.review.console.rendering import error_page
from orcid_sync.review.console.routes import affiliations, api, ids, ledger, pictures, reports, review
from orcid_sync.review.console.visitor import Forbidden, NotFound
from orcid_sync.review.rights import BatchClosed, NotAllowed, NothingSelected
from orcid_sync.web import SecurityHeaders, status_of

STATUS: Final[dict[type[SyncError], int]] = {
    NotSignedIn: 401,
    ForeignRequest: 403,
    Forbidden: 403,
    NotAllowed: 403,
    NotFound: 404,
    BatchClosed: 409,
    NotJson: 415,
    NothingSelected: 422,
    UnreadableFile: 422,
    Transient: 503,
    Misconfigured: 503,
}


def create_app(console: Console) -> FastAPI:
    """The application. Every route asks who is signed in; there is no documentation for strangers."""
    app = FastAPI(
        title="ORCID review",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(signed_in)],
    )
    app.state.console = console
    app.add_middleware(SecurityHeaders, headers=HEADERS)
    for part in (api, review, ledger, ids, reports, pictures, affiliations):
        app.include_router(part.router)
    app.add_exception_handler(SyncError, _sync_error)
    app.add_exception_handler(psycopg.OperationalError, _no_database)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    return app


def _sync_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SyncError)
    if isinstance(error, NotSignedIn) and _is_page(request):
        console = console_of(request)
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(console.host.sign_in_url(quote(back, safe="/?&=")), status_code=303)
    return _answer(request, status_of(error, STATUS), error)


def _no_database(request: Request, error: Exception) -> Response:
    failure = Transient(
        "The ledger does not answer",
        why="the database could not be reached",
        remedy="Try again in a minute; if it lasts, tell the operator",
        who=Who.US,
        doubt=False,
    )
    return _answer(request, 503, failure)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    failure = SyncError(str(error.detail), remedy="Check the address" if error.status_code == 404 else "")
    return _answer(request, error.status_code, failure, dict(error.headers or {}))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:5]
    )
    return _answer(
        request, 422, SyncError("The request can't be understood", why=wrong, remedy="Correct what is named")
    )


def _answer(
    request: Request, status: int, error: SyncError, headers: dict[str, str] | None = None
) -> Response:
    if _is_page(request):
        return error_page(request, status, error)
    return JSONResponse(
        {
            "error": error.kind,
            "what": error.what,
            "why": error.why,
            "remedy": error.remedy,
            "who": str(error.who),
        },
        status_code=status,
        headers=headers,
    )


def _is_page(request: Request) -> bool:
    """Whether a person looks at the answer in a browser."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")
