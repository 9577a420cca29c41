"""`/broker/v1`: the broker as a web application, to be mounted in the portal's or served alone.

Errors say the same for a person who does not exist, who did not connect, and whose permission is narrower than asked.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import orjson
import psycopg
from fastapi import Depends, FastAPI, Path, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from orcid_sync.consent.broker import journal
from orcid_sync.consent.broker.calls import LARGEST_PUT_CODE, Method, NotAllowed, broker_call
from orcid_sync.consent.broker.clients import Caller, authenticate
from orcid_sync.consent.broker.relay import (
    BadContent,
    Busy,
    NoPermission,
    NotYours,
    Relayed,
    find,
    relay,
    token_for,
)
from orcid_sync.errors import (
    Duplicate,
    Gone,
    ItemRefused,
    Misconfigured,
    PermissionLost,
    RateLimited,
    RecordUnavailable,
    SyncError,
    Transient,
)
from orcid_sync.ledger.session import Ledger
from orcid_sync.vault.registry import Registry
from orcid_sync.web import status_of

logger = logging.getLogger(__name__)

PREFIX: Final = "/broker/v1"
LARGEST_BODY: Final = 2 * 1024 * 1024
IN_FLIGHT: Final = 2
_STATUS: Final[dict[type[SyncError], int]] = {
    NotAllowed: 403,
    NoPermission: 404,
    NotYours: 404,
    BadContent: 422,
    Busy: 503,
    RateLimited: 503,
    PermissionLost: 404,
    RecordUnavailable: 409,
    Duplicate: 409,
    Gone: 404,
    ItemRefused: 422,
    Misconfigured: 502,
}

PersonId = Annotated[
    str, Path(description="The person's key in the CRIS.", pattern=r"^[\w.@:+-]{1,100}$", examples=["p-1001"])
]
Scope = Annotated[
    str,
    Query(
        description="Scopes the permission has to hold, separated by blanks.",
        pattern=r"^[a-z/-]+( [a-z/-]+)*$",
        max_length=300,
    ),
]
PutCode = Annotated[int, Path(ge=1, le=LARGEST_PUT_CODE, description="The registry's key of an item.")]
Endpoint = Annotated[
    str,
    Path(
        pattern=r"^[a-z-]{1,40}$",
        description="As in the Member API: `activities`, `works`, `employment`...",
        examples=["activities"],
    ),
]


class Connected(BaseModel):
    """A person whose permission covers what was asked for."""

    person_id: str
    orcid: str = Field(description="The authenticated iD.")
    scopes: list[str] = Field(description="What the person granted.")


class Token(BaseModel):
    """An access token, for units whose policy lets it leave."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - a word of the protocol
    orcid: str
    scopes: list[str]


class Problem(BaseModel):
    """Why a call came to nothing. `registry_message` is ORCID's own text, without tokens and names."""

    error: str
    what: str
    why: str = ""
    remedy: str = ""
    status: int | None = Field(default=None, description="The registry's status, where it answered.")
    error_code: int | None = Field(default=None, description="The registry's error code.")
    registry_message: str = ""
    may_have_arrived: bool = False


class Unauthenticated(Exception):
    """No credential, or a wrong one."""


_BEARER: Final = HTTPBearer(
    auto_error=False, description="The credential of `orcid-sync broker clients add`."
)


def _caller(
    request: Request, credential: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
) -> Caller:
    found = authenticate(request.app.state.ledger, credential.credentials) if credential else None
    if found is None:
        raise Unauthenticated
    return found


Calling = Annotated[Caller, Depends(_caller)]


class TooMany(Exception):
    """A credential has as many calls under way as it may."""


class _TooLarge(Exception):
    """More than the largest body."""


async def _body(request: Request) -> Any:
    """The JSON of a request, of bounded size. Raises BadContent."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > LARGEST_BODY:
            raise _TooLarge
    try:
        content = orjson.loads(data)
        # What came in must go out again: numbers beyond 64 bits do not.
        orjson.dumps(content)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        raise BadContent("The content was not sent on", why="it is no JSON") from None
    return content


Body = Annotated[Any, Depends(_body)]

_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": Problem, "description": "No credential, a wrong or a revoked one."},
    403: {"model": Problem, "description": "The unit's policy has no such call or scope."},
    404: {"model": Problem, "description": "No permission that covers it, or no such entry of the unit."},
    409: {
        "model": Problem,
        "description": "The record can't be used now, or the entry stands there already.",
    },
    413: {"model": Problem, "description": "The content is too large."},
    422: {"model": Problem, "description": "The request or the content is not what it should be."},
    429: {"model": Problem, "description": "Two calls of this credential are under way."},
    502: {"model": Problem, "description": "The registry does not take our calls; its operators are told."},
    503: {"model": Problem, "description": "Try again later; nothing was carried out."},
    504: {
        "model": Problem,
        "description": "The registry gave no answer; `may_have_arrived` says what that means.",
    },
}
_CONTENT: Final = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}
_RELAYED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The registry's answer.", "content": {"application/json": {"schema": {}}}}
}


def create_app(ledger: Ledger, registry: Callable[[], Registry]) -> FastAPI:
    """The application below `/broker/v1`. `registry` gives the API clients and the vault, made at the first call.

    With `interactive(registry)` its calls take the share of the rate that the sync's writing leaves.
    """
    app = FastAPI(
        title="ORCID token broker",
        version="1",
        description="For systems of the university's units: whose iD is known, and calls to the ORCID Member API with the "
        "researchers' permission. Each use is audited.",
        docs_url=None,
        redoc_url=None,
        servers=[{"url": PREFIX}],
    )
    app.state.ledger = ledger
    flying = _Flying()

    @app.get("/researchers/{person_id}", responses=_PROBLEMS, operation_id="get_researcher")
    def get_researcher(who: Calling, person_id: PersonId, scope: Scope = "/read-limited") -> Connected:
        """The authenticated iD of a member of staff, if there is a permission that covers the scopes."""
        found = find(ledger, who, person_id, frozenset(scope.split()))
        journal.begin(ledger, who, found, "id")
        return Connected(person_id=person_id, orcid=found.orcid, scopes=sorted(found.scopes))

    @app.post("/researchers/{person_id}/token", responses=_PROBLEMS, operation_id="get_token")
    def get_token(who: Calling, person_id: PersonId, response: Response) -> Token:
        """The access token itself, where the unit's policy is `mode: token`."""
        found, token = token_for(ledger, registry(), who, person_id)
        response.headers["Cache-Control"] = "no-store"
        return Token(access_token=token.reveal(), orcid=found.orcid, scopes=sorted(found.scopes))

    def call(
        who: Caller, method: Method, person_id: str, endpoint: str, put_code: int | None, body: Any = None
    ) -> Response:
        allowed = broker_call(method, endpoint, put_code, who.policy)
        with flying.one(who.client_id):
            return _answer(relay(ledger, registry(), who, person_id, allowed, body))

    path = "/researchers/{person_id}/orcid/{endpoint}"

    @app.get(path, responses=_PROBLEMS | _RELAYED, operation_id="read")
    def read(who: Calling, person_id: PersonId, endpoint: Endpoint) -> Response:
        """Read a section, `activities` or `record`."""
        return call(who, "GET", person_id, endpoint, None)

    @app.post(
        path,
        responses=_PROBLEMS | _RELAYED | {201: {"description": "Added; Location ends with its put code."}},
        operation_id="add",
        openapi_extra=_CONTENT,
    )
    def add(who: Calling, person_id: PersonId, endpoint: Endpoint, body: Body) -> Response:
        """Add one item, or several works in bulk. What is added is your unit's."""
        return call(who, "POST", person_id, endpoint, None, body)

    @app.get(path + "/{put_code}", responses=_PROBLEMS | _RELAYED, operation_id="read_item")
    def read_item(who: Calling, person_id: PersonId, endpoint: Endpoint, put_code: PutCode) -> Response:
        """Read one item."""
        return call(who, "GET", person_id, endpoint, put_code)

    @app.put(
        path + "/{put_code}", responses=_PROBLEMS | _RELAYED, operation_id="update", openapi_extra=_CONTENT
    )
    def update(
        who: Calling,
        person_id: PersonId,
        endpoint: Endpoint,
        put_code: PutCode,
        body: Body,
    ) -> Response:
        """Replace an item of your unit."""
        return call(who, "PUT", person_id, endpoint, put_code, body)

    @app.delete(
        path + "/{put_code}",
        responses=_PROBLEMS | {204: {"description": "It does not stand there any more."}},
        status_code=204,
        operation_id="remove",
    )
    def remove(who: Calling, person_id: PersonId, endpoint: Endpoint, put_code: PutCode) -> Response:
        """Remove an item of your unit."""
        return call(who, "DELETE", person_id, endpoint, put_code)

    _handle_errors(app)
    return app


class _Flying:
    """Calls under way by credential: one system can't take the whole lane, in which researchers wait too."""

    def __init__(self) -> None:
        self._calls: Counter[int] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def one(self, client_id: int) -> Iterator[None]:
        with self._lock:
            if self._calls[client_id] >= IN_FLIGHT:
                raise TooMany
            self._calls[client_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls[client_id] -= 1


def interactive(registry: Registry) -> Registry:
    """The registry with its clients in the lane that the sync's writing leaves free."""
    for client in registry.clients.values():
        client.lane = "interactive"
    return registry


def openapi_text() -> str:
    """The description of the API, as it is published."""

    def no_registry() -> Registry:
        msg = "the description makes no calls"
        raise RuntimeError(msg)

    def no_ledger() -> Any:
        msg = "the description asks no ledger"
        raise RuntimeError(msg)

    described = create_app(Ledger(no_ledger), no_registry).openapi()
    return orjson.dumps(described, option=orjson.OPT_INDENT_2).decode() + "\n"


def serve_app(ledger: Ledger, registry: Callable[[], Registry]) -> FastAPI:
    """The broker alone, below its prefix, with a page for probes."""
    alone = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    alone.mount(PREFIX, create_app(ledger, registry))

    @alone.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return alone


def _answer(done: Relayed) -> Response:
    if done.status == 204:
        return Response(status_code=204)
    headers = {"Location": str(done.put_codes[0])} if done.status == 201 and done.put_codes else {}
    content = {"put_codes": list(done.put_codes)} if done.body is None else done.body
    return JSONResponse(content, status_code=done.status, headers={"Cache-Control": "no-store", **headers})


def _handle_errors(app: FastAPI) -> None:
    def problem(
        answer: int, error: str, what: str, headers: dict[str, str] | None = None, **more: Any
    ) -> Response:
        body = Problem(error=error, what=what, **more).model_dump()
        return JSONResponse(
            body, status_code=answer, headers={"Cache-Control": "no-store", **(headers or {})}
        )

    @app.exception_handler(Unauthenticated)
    def unauthenticated(request: Request, error: Unauthenticated) -> Response:
        headers = {"WWW-Authenticate": 'Bearer realm="broker"'}
        return problem(401, "unauthenticated", "The credential is missing, wrong or revoked", headers)

    @app.exception_handler(TooMany)
    def too_many(request: Request, error: TooMany) -> Response:
        what = f"{IN_FLIGHT} calls of this credential are under way"
        return problem(429, "too_many", what, {"Retry-After": "1"}, remedy="Send one after the other")

    @app.exception_handler(_TooLarge)
    def too_large(request: Request, error: _TooLarge) -> Response:
        return problem(413, "too_large", f"The content is larger than {LARGEST_BODY} bytes")

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        # Where, and not what: the value may be a name.
        where = ", ".join(sorted({str(detail["loc"][-1]) for detail in error.errors()}))
        return problem(422, "invalid_request", "The request is not as described", why=f"wrong: {where}")

    @app.exception_handler(HTTPException)
    def plain(request: Request, error: HTTPException) -> Response:
        return problem(error.status_code, "http", str(error.detail), dict(error.headers or {}))

    @app.exception_handler(psycopg.OperationalError)
    def no_ledger(request: Request, error: psycopg.OperationalError) -> Response:
        logger.error("The broker can't reach the ledger: %s", type(error).__name__)
        return problem(503, "unavailable", "The broker can't work now", {"Retry-After": "30"})

    @app.exception_handler(SyncError)
    def refused(request: Request, error: SyncError) -> Response:
        if isinstance(error, PermissionLost):
            # Lost this very moment: to the caller the same as never had.
            error = NoPermission("There is no permission for this person that covers what you ask for")
        status = status_of(error, _STATUS)
        doubt = isinstance(error, Transient) and error.doubt
        if isinstance(error, Transient) and not isinstance(error, RateLimited):
            status = 504 if doubt else 503
        if isinstance(error, Misconfigured) and error.status == 400:
            # The registry found fault with what the caller wrote, and not with us.
            status = 422
        elif isinstance(error, Misconfigured):
            logger.error("The broker's call was refused: %s", error)
        wait = getattr(error, "retry_after", None)
        headers = {"Retry-After": str(max(1, round(wait or 5)))} if status == 503 else {}
        return problem(
            status,
            error.kind,
            error.what,
            headers,
            why=error.why,
            remedy=error.remedy,
            status=error.status,
            error_code=error.error_code,
            registry_message=error.registry_message,
            may_have_arrived=doubt,
        )
