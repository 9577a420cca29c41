"""The registry as one ASGI application: every host of the real one under one address."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from orcid_simulator import openapi, organizations, xml_output
from orcid_simulator.calls import CallLog
from orcid_simulator.collections_api import CollectionsApi
from orcid_simulator.control import Control, ControlHandler
from orcid_simulator.errors import ApiError, OAuthError, refusal
from orcid_simulator.faults import Fault, Faults
from orcid_simulator.limiter import Limiter, Quota
from orcid_simulator.media import is_json, preferred_error_type
from orcid_simulator.member_api import Answer, MemberApi
from orcid_simulator.notifications import NotificationsApi
from orcid_simulator.oauth import OAuth
from orcid_simulator.openid import Identity
from orcid_simulator.pages import Pages, userinfo
from orcid_simulator.registry import Registry
from orcid_simulator.render import Renderer
from orcid_simulator.search_api import SearchApi
from orcid_simulator.settings import Settings
from orcid_simulator.store import Store
from orcid_simulator.tokens import Tokens
from orcid_simulator.web import (
    Cut,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    cut_connection,
    json_response,
    read_request,
    send_response,
)
from orcid_simulator.webhooks import Webhooks

logger = logging.getLogger(__name__)
VERSION = "v3.0"
ORCID = re.compile(r"(\d{4}-){3}\d{3}[\dX]", re.ASCII)
WELL_KNOWN = ("oauth/userinfo", "oauth/jwks", ".well-known/openid-configuration", "openapi.json")
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
STATUS = {"tomcatUp": True, "dbConnectionOk": True, "readOnlyDbConnectionOk": True, "overallOk": True}


@dataclass
class Parts:
    """The parts of a running registry, for those that need several of them."""

    registry: Registry
    tokens: Tokens
    identity: Identity
    calls: CallLog
    faults: Faults
    limiter: Limiter
    control_extras: dict[tuple[str, str], ControlHandler] = field(default_factory=dict)
    on_reset: list[Callable[[], None]] = field(default_factory=list)

    def reset(self) -> None:
        """Forget everything."""
        self.registry.store.reset()
        self.registry.random.seed(self.registry.settings.seed)
        self.identity.forget()
        self.calls.clear()
        self.faults.clear()
        self.limiter.forget()
        for forget in self.on_reset:
            forget()


class RegistryApp:
    """The ASGI application."""

    def __init__(self, settings: Settings) -> None:
        store = Store(settings.state, settings.first_put_code)
        organizations.seed(store, settings.organizations)
        registry = Registry(settings, store)
        self._settings = settings
        self._renderer = Renderer(registry)
        tokens, identity = Tokens(registry), Identity(registry)
        self.parts = Parts(
            registry,
            tokens,
            identity,
            CallLog(),
            Faults(settings.seed),
            Limiter(settings.rate, settings.burst, time.monotonic),
        )
        self._api = MemberApi(registry, self._renderer)
        self._oauth = OAuth(registry, tokens, identity)
        self._webhooks = Webhooks(registry)
        self._quota = Quota(settings.public_daily_quota, registry.clock)
        self._extend()
        self._control = Control(self.parts)

    def _extend(self) -> None:
        """Add what is not part of a record's own sections."""
        registry, parts = self.parts.registry, self.parts
        collections = CollectionsApi(registry, self._renderer)
        notifications = NotificationsApi(registry, self._renderer)
        search = SearchApi(registry, self._renderer)
        self._pages = Pages(registry, parts.tokens, parts.identity, notifications)
        self._api.extend(
            collections={
                "client": collections.clients,
                "group-id-record": collections.groups,
                "identifiers": collections.identifiers,
                "search": search.search,
                "expanded-search": search.expanded,
                "csv-search": search.csv,
            },
            records={"notification-permission": notifications.routes},
        )
        parts.control_extras[("POST", "webhooks/flush")] = lambda _: self._webhooks.flush()
        parts.control_extras[("POST", "search/refresh")] = lambda _: search.refresh()
        parts.on_reset += [
            self._seed_again,
            search.forget,
            self._pages.sessions.forget,
            self._renderer.forget,
        ]

    def _seed_again(self) -> None:
        organizations.seed(self.parts.registry.store, self._settings.organizations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry point."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        request = await read_request(scope, receive)
        if request is None:
            return
        try:
            response = await self._answer(request)
        except Cut:
            await cut_connection(scope, receive)
            return
        await send_response(send, response, without_body=request.method == "HEAD")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        tasks: list[asyncio.Task[None]] = []
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                tasks.append(asyncio.create_task(self._webhooks.run_forever()))
                await send({"type": "lifespan.startup.complete"})
            else:
                for task in tasks:
                    task.cancel()
                self.parts.registry.store.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, request: Request) -> Response:
        segments = [unquote(part) for part in request.raw_path.split("/")[1:]]
        if segments and segments[-1] == "":
            segments.pop()
        if segments[:1] == ["control"]:
            answer = self._control.handle(request, segments[1:])
            return answer if isinstance(answer, Response) else json_response(200, await answer)
        is_api = self._is_api(segments)
        if is_api:
            refused = await self._queue(request)
            if refused is not None:
                return self._logged(request, refused, is_api=True)
        return await self._with_accidents(request, segments, is_api=is_api)

    async def _queue(self, request: Request) -> Response | None:
        """The front proxy: wait in the client's queue, or be refused."""
        client_id = self.parts.tokens.client_of(self.parts.tokens.bearer_of(request))
        request.note.client_id = client_id
        self.parts.calls.arrived(time.monotonic())
        delay = self.parts.limiter.admit(client_id or request.peer)
        if delay is None:
            self.parts.calls.refused_for_rate += 1
            request.note.endpoint = "(refused for rate)"
            return unavailable()
        if delay > 0:
            await asyncio.sleep(delay)
        return None

    async def _with_accidents(self, request: Request, segments: list[str], *, is_api: bool) -> Response:
        verdict = self.parts.faults.judge(request.method, request.path, request.note.client_id)
        if verdict.delay:
            await asyncio.sleep(verdict.delay)
        accident = verdict.accident
        if accident is None:
            return self._logged(request, self._dispatch(request, segments), is_api=is_api)
        if accident.kind == "status":
            return self._logged(request, planned_answer(accident, request), is_api=is_api)
        if accident.kind == "drop_after":
            request.note.stop_after_items = accident.after_items
            with suppress(Cut):
                self._dispatch(request, segments)
        self._log(request, None, is_api=is_api)
        raise Cut

    def _logged(self, request: Request, response: Response, *, is_api: bool) -> Response:
        if is_api or request.note.endpoint.startswith("/oauth/") or request.path.startswith("/oauth/"):
            self._log(request, response.status, is_api=is_api)
        return response

    def _log(self, request: Request, status: int | None, *, is_api: bool) -> None:
        self.parts.calls.add(time.time(), request.method, request.path, status, request.note, is_api=is_api)

    @staticmethod
    def _is_api(segments: list[str]) -> bool:
        return bool(segments) and (
            (segments[0][:1] == "v" and segments[0][1:2].isdigit())
            or (segments[0] == "pub" and segments[1:2] != ["oauth"])
            or (len(segments) == 3 and segments[1] == "webhook")
        )

    def _dispatch(self, request: Request, segments: list[str]) -> Response:
        try:
            if self._is_api(segments):
                return self._dispatch_api(request, segments)
            return self._dispatch_web(request, segments[1:] if segments[:1] == ["pub"] else segments)
        except OAuthError as error:
            if "text/html" in request.headers.get("accept", ""):
                return self._pages.error_page(error)
            return json_response(error.status, error.body(), **NO_STORE)
        except ApiError as error:
            return self._error(request, error)
        except Cut:
            raise
        except Exception as error:
            logger.exception(
                "unexpected error in %s %s", request.method, request.note.endpoint or "(no endpoint)"
            )
            return self._error(request, refusal(9008, type(error).__name__))

    def _dispatch_api(self, request: Request, segments: list[str]) -> Response:
        public = segments[0] == "pub"
        if not public and len(segments) == 3 and segments[1] == "webhook":
            request.note.endpoint, request.note.orcid = "/webhook", segments[0]
            caller = self.parts.tokens.member_caller(request)
            return self._webhooks.handle(request.method, segments[0], segments[2], caller)
        if public:
            segments = segments[1:]
        below = self._below_version(request, segments, public=public)
        if isinstance(below, Response):
            return below
        if below in (["status"], ["apiStatus"]) and request.method == "GET":
            request.note.endpoint = f"/{below[0]}"
            return json_response(200, STATUS)
        tokens = self.parts.tokens
        caller = tokens.public_caller(request) if public else tokens.member_caller(request)
        if public and not self._quota.admit(request.note.client_id or request.peer):
            request.note.endpoint = "/pub (over the daily quota)"
            return Response(429, b"Too many requests: the daily quota of reads is used up.", "text/plain")
        route = self._api.route(below, public=public)
        request.note.endpoint = ("/pub" if public else "") + route.endpoint
        request.note.orcid = route.orcid or None
        answer, media = self._api.respond(route, request, caller)
        return self._write(answer, media)

    def _below_version(self, request: Request, segments: list[str], *, public: bool) -> list[str] | Response:
        """The path below /v3.0; other versions are refused or redirected."""
        version = segments[0] if segments else ""
        if self._settings.require_https and not request.base_url.startswith("https://"):
            raise refusal(9012, "this API version takes https calls only")
        if version == VERSION:
            return segments[1:]
        request.note.endpoint = f"/{version}"
        if version in ("v1.1", "v1.2"):
            raise refusal(9012, f"API version {version[1:]} is no longer available")
        if version in ("v2.0", "v2.1"):
            if self.parts.tokens.is_on_behalf(request):
                raise refusal(9052)
            raise refusal(9012, f"API version {version[1:]} is not part of this simulator; use 3.0")
        if version[:1] == "v" and version[1:2].isdigit():
            code = 9059 if version.startswith("v3") else 9056
            location = request.raw_path.replace(f"/{version}", f"/{VERSION}", 1)
            raise refusal(code, headers={"location": f"{request.base_url}{location}"})
        return self._without_version(request, public=public)

    @staticmethod
    def _without_version(request: Request, *, public: bool) -> Response:
        """A read goes on at the current version; a write has to name one."""
        if request.method != "GET":
            raise refusal(9012, "the path has no API version")
        prefix = "/pub" if public else ""
        rest = request.raw_path.removeprefix("/pub")
        return Response(302, headers={"location": f"{request.base_url}{prefix}/{VERSION}{rest}"})

    def _dispatch_web(self, request: Request, segments: list[str]) -> Response:
        path = "/".join(segments)
        if path == "oauth/token":
            request.note.endpoint = "/oauth/token"
            if request.method != "POST":
                raise OAuthError(405, "method_not_allowed", "POST is the only method of the token endpoint")
            return self._oauth.token(request)
        if path == "oauth/revoke":
            request.note.endpoint = "/oauth/revoke"
            if request.method != "POST":
                raise OAuthError(
                    405, "method_not_allowed", "POST is the only method of the revocation endpoint"
                )
            return self._oauth.revoke(request)
        if path in WELL_KNOWN:
            return self._well_known(request, path)
        page = self._pages.handle(request, segments)
        if page is not None:
            return page
        if segments and ORCID.fullmatch(segments[0]):
            return self._without_version(request, public=False)
        raise refusal(9001, "there is no such path", status=404)

    def _well_known(self, request: Request, path: str) -> Response:
        request.note.endpoint = f"/{path}"
        if path == "oauth/userinfo":
            return userinfo(self.parts.tokens, self.parts.identity, request)
        if path == "oauth/jwks":
            return json_response(200, self.parts.identity.jwks())
        if path == "openapi.json":
            return json_response(200, openapi.description(request.base_url))
        return json_response(200, self.parts.identity.discovery(request.base_url, pkce=self._settings.pkce))

    def _write(self, answer: Answer, media: str) -> Response:
        headers = dict(answer.headers)
        if answer.text is not None:
            return Response(answer.status, answer.text.encode(), f"{media};charset=UTF-8", headers)
        if answer.body is None:
            return Response(answer.status, headers=headers)
        if is_json(media):
            options = 0 if media == "application/json" else orjson.OPT_INDENT_2
            body = orjson.dumps(answer.body, option=options)
            return Response(answer.status, body, f"{media};charset=UTF-8", headers)
        return Response(
            answer.status, xml_output.document(answer.root, answer.body), f"{media};charset=UTF-8", headers
        )

    def _error(self, request: Request, error: ApiError) -> Response:
        request.note.error_code = error.code
        media = preferred_error_type(request.headers.get("accept"), request.content_type())
        if media is None:
            return Response(error.status, headers=error.headers)
        response = self._write(Answer(error.status, error.body(), "error"), media)
        response.headers.update(error.headers)
        return response


def unavailable() -> Response:
    """What the front proxy says when the queue is full: no body of the registry."""
    body = b"<html><head><title>503 Service Temporarily Unavailable</title></head></html>"
    return Response(503, body, "text/html")


def planned_answer(fault: Fault, request: Request) -> Response:
    """The answer of a `status` fault: with an error code the registry's body, else what a proxy would send."""
    headers = {"retry-after": fault.retry_after} if fault.retry_after is not None else {}
    request.note.error_code = fault.error_code
    if fault.error_code is not None:
        body: dict[str, Any] = ApiError(fault.error_code, fault.status, "planned by the control API").body()
        return Response(fault.status, orjson.dumps(body), "application/json;charset=UTF-8", headers)
    if fault.status == 401:
        token_body = OAuthError(401, "invalid_token", "Invalid access token (planned)").body()
        return Response(401, orjson.dumps(token_body), "application/json;charset=UTF-8", headers)
    return Response(fault.status, b"planned by the control API", "text/plain", headers)
