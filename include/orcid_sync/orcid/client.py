"""The Member API, call by call: what goes out, what comes back as values, what comes back as an error.

A write is sent once and never repeated here: whoever calls reads the record first where an error leaves a doubt
(`Transient.doubt`). A read is repeated, with growing pauses, where trying again may help.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from orcid_sync.connections import ConnectionInfo, environment_name
from orcid_sync.errors import (
    ItemRefused,
    Misconfigured,
    NoAnswer,
    RateLimited,
    ServerError,
    SyncError,
    TokenRefused,
    Transient,
    Unreachable,
)
from orcid_sync.model.sections import SECTIONS
from orcid_sync.orcid.answers import element_error, error_from
from orcid_sync.orcid.calls import Answer, Call, CallRecord, Target
from orcid_sync.orcid.in_flight import call_departs
from orcid_sync.orcid.limiter import Lane, Limiter
from orcid_sync.orcid.records import (
    Activities,
    parse_activities,
    parse_record,
    unreadable,
)
from orcid_sync.orcid.transport import Request, Timeouts, Transport
from orcid_sync.secret import Secret

logger = logging.getLogger(__name__)

VERSION = "v3.0"
MEDIA_TYPE = "application/vnd.orcid+json"
PRODUCT = "orcid-sync/0.1"
BULK = 100
READ_ATTEMPTS = 4
LONGEST_PAUSE = 60.0
_ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")
_NAMED_PUT_CODE = re.compile(r"'(\d+)'")

OnCall = Callable[[CallRecord], None]
BeforeCall = Callable[[str | None], None]
Content = Mapping[str, Any]


@dataclass(frozen=True)
class ItemAnswer:
    """What became of one item of a bulk call: a put code with the content as it stands now, or an error."""

    put_code: int | None = None
    content: Content | None = None
    error: SyncError | None = None


@dataclass(frozen=True)
class WorksRead:
    """Full works by put code, and the reason for each that can't be read."""

    found: Mapping[int, Content]
    errors: Mapping[int, SyncError]


@dataclass(frozen=True)
class SearchResult:
    """How many records match, and the iDs of this page."""

    num_found: int
    orcids: tuple[str, ...]


@dataclass(frozen=True)
class Credentials:
    """An API client and where its registry is. The bases come without a version and without a slash at the end."""

    client_id: str
    client_secret: Secret
    api_base: str
    web_base: str
    public_base: str

    @classmethod
    def from_connection(cls, info: ConnectionInfo) -> Credentials:
        """Read them from an ORCID connection; ORCID's own hosts need no extras. Raises SettingInvalid."""
        api_base = info.host.rstrip("/")
        if info.port and info.host:
            api_base = f"{api_base}:{info.port}"
        known = {
            "https://api.orcid.org": ("https://orcid.org", "https://pub.orcid.org"),
            "https://api.sandbox.orcid.org": ("https://sandbox.orcid.org", "https://pub.sandbox.orcid.org"),
        }
        web_base, public_base = known.get(api_base, (None, None))
        bases = {
            "host": api_base,
            "web_base": str(info.extra.get("web_base") or web_base or "").rstrip("/"),
            "public_base": str(info.extra.get("public_base") or public_base or "").rstrip("/"),
        }
        for name, base in bases.items():
            if not re.match(r"https?://[^/\s]+", base):
                raise info.problem(f"its {name} is no web address", f"Set {name} like https://api.orcid.org")
            if environment_name(info) != "simulator" and not base.startswith("https://"):
                raise info.problem(f"its {name} isn't https", "Use https:// for ORCID's own hosts")
        if not info.login or not info.password:
            raise info.problem("client id or secret is missing", "Set login and password to the client's")
        return cls(info.login, info.password, *bases.values())


@dataclass(eq=False)
class ApiClient:
    """One API client of the registry. Thread-safe; one for each process and API client is enough.

    `on_call` learns about each call that went out. `before_call` is asked with the iD right before a call leaves,
    after its wait for a turn; what it raises stops the call.
    """

    credentials: Credentials
    limiter: Limiter
    transport: Transport = field(default_factory=Transport)
    on_call: OnCall | None = None
    before_call: BeforeCall | None = None
    lane: Lane = "batch"
    contact: str | None = None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    sleep: Callable[[float], None] = time.sleep
    read_attempts: int = READ_ATTEMPTS
    _client_tokens: dict[str, Secret] = field(default_factory=dict, repr=False)
    _token_lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def from_connection(
        cls, info: ConnectionInfo, limiter: Limiter, timeouts: Timeouts | None = None, **options: Any
    ) -> ApiClient:
        """A client from an ORCID connection; `options` are the fields above. Raises SettingInvalid."""
        return cls(Credentials.from_connection(info), limiter, Transport(timeouts), **options)

    @property
    def client_id(self) -> str:
        return self.credentials.client_id

    def close(self) -> None:
        """Close the pooled connections."""
        self.transport.close()

    # Reads

    def read_activities(self, orcid: str, token: Secret, *, person: bool = False) -> Activities:
        """Every section of a record in one call, as far as the permission sees it; with `person` the person's as well."""
        if person:
            return parse_record(orcid, self.read_record(orcid, token))
        call = Call("GET", "/{orcid}/activities", Target.RECORD, orcid)
        return parse_activities(orcid, self._read(call, f"/{_checked(orcid)}/activities", token).body)

    def read_record(self, orcid: str, token: Secret) -> Content:
        """The whole record as the registry gives it; `history.last-modified-date.value` tells whether it changed."""
        call = Call("GET", "/{orcid}/record", Target.RECORD, orcid)
        return _object(self._read(call, f"/{_checked(orcid)}/record", token).body)

    def read_works(self, orcid: str, put_codes: Iterable[int], token: Secret) -> WorksRead:
        """Full works, `BULK` a call. What can't be read is told by put code and stops nothing."""
        asked = list(dict.fromkeys(put_codes))
        found: dict[int, Content] = {}
        errors: dict[int, SyncError] = {}
        for start in range(0, len(asked), BULK):
            page = asked[start : start + BULK]
            call = Call("GET", "/{orcid}/works/{put_codes}", Target.BULK_READ, orcid, len(page))
            path = f"/{_checked(orcid)}/works/{','.join(map(str, page))}"
            _sort_works(self._read(call, path, token).body, page, call, found, errors)
        return WorksRead(found, errors)

    def read_item(self, orcid: str, section: str, put_code: int, token: Secret) -> Content:
        """One item in full, as the registry gives it (`parse_item` reads it). Raises Gone, Hidden."""
        call = self._item_call("GET", orcid, section)
        return _object(self._read(call, _item_path(orcid, section, put_code), token).body)

    def read_section(self, orcid: str, section: str, token: Secret) -> Content:
        """One section as the registry gives it."""
        plural = SECTIONS[_checked_section(section)].plural
        call = Call("GET", f"/{{orcid}}/{plural}", Target.RECORD, orcid)
        return _object(self._read(call, f"/{_checked(orcid)}/{plural}", token).body)

    def verify_token(self, orcid: str, token: Secret) -> None:
        """Prove that the token works and belongs to this iD, by reading the smallest section.

        Raises TokenRefused (revoked, expired, unknown), TokenOfAnotherRecord, or RecordUnavailable.
        """
        self.read_section(orcid, "employment", token)

    def search(
        self, query: str, *, start: int = 0, rows: int = 100, token: Secret | None = None
    ) -> SearchResult:
        """iDs of the records that match a query. Without a token, the client's own is used."""
        call = Call("GET", "/search", Target.CLIENT)
        path = "/search?" + urlencode({"q": query, "start": start, "rows": rows})
        try:
            answer = self._read(call, path, token or self.client_token("/read-public"))
        except TokenRefused:
            if token is not None:
                raise
            answer = self._read(call, path, self.client_token("/read-public", renew=True))
        body = _object(answer.body)
        results = body.get("result") or []
        return SearchResult(
            int(body.get("num-found") or 0), tuple(hit["orcid-identifier"]["path"] for hit in results)
        )

    def register_webhook(self, orcid: str, uri: str) -> None:
        """Have `uri` called, without a word, some minutes after each change of the record. Needs a premium client.

        Registering again what is registered changes nothing.
        """
        call = Call("PUT", "/{orcid}/webhook", Target.CLIENT, orcid)
        path = f"/{_checked(orcid)}/webhook/{quote(uri, safe='')}"
        # The only address of the registry that carries no version.
        base = self.credentials.api_base
        self._send(
            call,
            path,
            self.client_token("/webhook"),
            None,
            HTTPStatus.CREATED,
            HTTPStatus.NO_CONTENT,
            base=base,
        )

    # Writes

    def add_works_bulk(self, orcid: str, contents: Sequence[Content], token: Secret) -> list[ItemAnswer]:
        """Add up to `BULK` works in one call; the answers are in the order of the contents.

        An error of the call as a whole is raised, and means that no work was taken unless it leaves a doubt.
        """
        if len(contents) > BULK:
            msg = f"at most {BULK} works fit in one call, not {len(contents)}"
            raise ValueError(msg)
        if not contents:
            return []
        call = Call("POST", "/{orcid}/works", Target.RECORD, orcid, len(contents))
        body = {"bulk": [{"work": content} for content in contents]}
        answer = self._send(call, f"/{_checked(orcid)}/works", token, body, HTTPStatus.OK)
        elements = _object(answer.body, doubt=True).get("bulk")
        if not isinstance(elements, list) or len(elements) != len(contents):
            raise unreadable("it doesn't answer each work that was sent", doubt=True)
        return [_item_answer(element, call) for element in elements]

    def add_item(self, orcid: str, section: str, content: Content, token: Secret) -> int:
        """Add one item; returns its put code."""
        call = Call("POST", f"/{{orcid}}/{section}", Target.RECORD, orcid, 1)
        path = f"/{_checked(orcid)}/{SECTIONS[_checked_section(section)].endpoint}"
        answer = self._send(call, path, token, content, HTTPStatus.CREATED)
        last = _header(answer, "Location").rstrip("/").rpartition("/")[2]
        if not last.isdecimal():
            raise unreadable("it names no put code for the item that was added", doubt=True)
        return int(last)

    def update_item(
        self, orcid: str, section: str, put_code: int, content: Content, token: Secret
    ) -> Content:
        """Replace an item as a whole: fields left out are erased. Returns it as it stands now. Raises Gone."""
        call = self._item_call("PUT", orcid, section)
        body = {**content, "put-code": put_code}
        answer = self._send(call, _item_path(orcid, section, put_code), token, body, HTTPStatus.OK)
        return _object(answer.body, doubt=True)

    def delete_item(self, orcid: str, section: str, put_code: int, token: Secret) -> None:
        """Remove an item. Raises Gone where it wasn't there any more."""
        call = self._item_call("DELETE", orcid, section)
        path = _item_path(orcid, section, put_code)
        self._send(call, path, token, None, HTTPStatus.NO_CONTENT)

    def relay(
        self, call: Call, path: str, token: Secret, content: Content | None, *expected: HTTPStatus
    ) -> Answer:
        """A call that somebody else composed, once: `path` begins behind the version. Raises like all the others."""
        return self._send(call, path, token, content, *expected)

    # Peer-review groups, which belong to no record

    def has_group(self, group_id: str, token: Secret) -> bool:
        """Whether the registry knows this peer-review group."""
        call = Call("GET", "/group-id-record", Target.CLIENT)
        body = _object(self._read(call, "/group-id-record?" + urlencode({"group-id": group_id}), token).body)
        found = body.get("group-id-record") or ([body] if body.get("group-id") else [])
        return any(one.get("group-id") == group_id for one in found)

    def add_group(self, content: Content, token: Secret) -> None:
        """Make a peer-review group. Raises Duplicate where there is one with this id."""
        call = Call("POST", "/group-id-record", Target.CLIENT)
        self._send(call, "/group-id-record", token, content, HTTPStatus.CREATED)

    # The client's own token

    def client_token(self, scope: str, *, renew: bool = False) -> Secret:
        """A token of the client itself (no researcher's), kept until it is refused."""
        from orcid_sync.orcid.oauth import OAuth

        with self._token_lock:
            if renew or scope not in self._client_tokens:
                self._client_tokens[scope] = OAuth(self).client_credentials(scope).access_token
            return self._client_tokens[scope]

    # The way of every call

    def _read(self, call: Call, path: str, token: Secret) -> Answer:
        retrying = Retrying(
            retry=retry_if_exception(_may_help_to_repeat),
            stop=stop_after_attempt(self.read_attempts),
            wait=_pause,
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(self._send, call, path, token, None, HTTPStatus.OK)

    def _send(
        self,
        call: Call,
        path: str,
        token: Secret,
        body: Content | None,
        *expected: HTTPStatus,
        base: str | None = None,
    ) -> Answer:
        headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, **self.agent_headers()}
        request = Request(
            call.method,
            f"{base or f'{self.credentials.api_base}/{VERSION}'}{path}",
            headers,
            token=token,
            body=None if body is None else orjson.dumps(body),
        )
        return self.exchange(call, request, *expected)

    def exchange(self, call: Call, request: Request, *expected: HTTPStatus) -> Answer:
        """Wait for a turn, send once, tell the observer, and turn every unexpected answer into its error."""
        self.limiter.acquire(self.client_id, self.lane)
        call_departs()
        if self.before_call is not None:
            self.before_call(call.orcid)
        started = self.clock()
        answer: Answer | None = None
        failure: SyncError | None = None
        try:
            answer = self.transport.send(request)
        except SyncError as error:
            failure = _without_doubt(error) if call.reads else error
        if answer is not None and answer.status not in expected:
            failure = error_from(answer, call)
        self._observe(call, answer, failure, self.clock() - started)
        if isinstance(failure, RateLimited):
            self.limiter.penalize(self.client_id, failure.retry_after)
        if failure is not None or answer is None:
            raise failure or Misconfigured("The registry gave no answer")
        return answer

    def agent_headers(self) -> dict[str, str]:
        """The headers that name this product to the registry."""
        return {"User-Agent": f"{PRODUCT} ({self.contact})" if self.contact else PRODUCT}

    def _item_call(self, method: str, orcid: str, section: str) -> Call:
        return Call(method, f"/{{orcid}}/{section}/{{put_code}}", Target.ITEM, orcid, 1)

    def _observe(self, call: Call, answer: Answer | None, failure: SyncError | None, seconds: float) -> None:
        if self.on_call is None:
            return
        record = CallRecord(
            at=self.now(),
            client_id=self.client_id,
            method=call.method,
            endpoint=call.endpoint,
            status=None if answer is None else answer.status,
            error_code=None if failure is None else failure.error_code,
            failure=None if failure is None else failure.kind,
            seconds=seconds,
            orcid=call.orcid,
            items=call.items,
        )
        try:
            self.on_call(record)
        except Exception:
            # The call is made: its outcome must reach the journal whatever becomes of the count.
            logger.exception("A call to the registry wasn't counted")


def _may_help_to_repeat(error: BaseException) -> bool:
    """Only what happened to the call itself: a Transient from `before_call` is the caller's own wish to stop."""
    if not isinstance(error, RateLimited | Unreachable | NoAnswer | ServerError):
        return False
    return (error.retry_after or 0) <= LONGEST_PAUSE


def _pause(state: RetryCallState) -> float:
    """Growing, with full jitter, and never less than the registry asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Transient) else None
    grown = min(20.0, 0.5 * 2**state.attempt_number)
    return (asked or 0.0) + random.uniform(0.1, grown)  # noqa: S311


def _without_doubt(error: SyncError) -> SyncError:
    if isinstance(error, Transient):
        error.doubt = False
    return error


def _checked(orcid: str) -> str:
    if not _ORCID.fullmatch(orcid):
        msg = "an ORCID iD is written 0000-0000-0000-000X"
        raise ValueError(msg)
    return orcid


def _checked_section(section: str) -> str:
    if section not in SECTIONS:
        msg = f"no section {section!r}: use one of {', '.join(SECTIONS)}"
        raise ValueError(msg)
    return section


def _item_path(orcid: str, section: str, put_code: int) -> str:
    return f"/{_checked(orcid)}/{SECTIONS[_checked_section(section)].endpoint}/{int(put_code)}"


def _object(body: Any, *, doubt: bool = False) -> Content:
    if not isinstance(body, dict):
        raise unreadable("it is no JSON object", doubt=doubt)
    return body


def _header(answer: Answer, name: str) -> str:
    return next((value for key, value in answer.headers.items() if key.lower() == name.lower()), "")


def _item_answer(element: Any, call: Call) -> ItemAnswer:
    """One element of a bulk answer, in its own place."""
    if isinstance(element, dict):
        if isinstance(element.get("error"), dict):
            return ItemAnswer(error=element_error(element["error"], replace(call, items=1)))
        work = element.get("work")
        if isinstance(work, dict) and isinstance(work.get("put-code"), int):
            return ItemAnswer(put_code=work["put-code"], content=work)
    return ItemAnswer(error=unreadable("it tells neither a put code nor an error for a work", doubt=True))


def _sort_works(
    body: Any, asked: Sequence[int], call: Call, found: dict[int, Content], errors: dict[int, SyncError]
) -> None:
    """Match a bulk read's elements to put codes: found ones carry theirs, unknown ones are named in the message.

    Hidden ones name nothing and stand in no order that is promised; they share what is left over.
    """
    elements = _object(body).get("bulk")
    if not isinstance(elements, list):
        raise unreadable("it is no list of works")
    nameless: list[SyncError] = []
    for element in elements:
        work = element.get("work") if isinstance(element, dict) else None
        if isinstance(work, dict) and isinstance(work.get("put-code"), int):
            found[work["put-code"]] = work
            continue
        problem = element.get("error") if isinstance(element, dict) else None
        error = element_error(problem if isinstance(problem, dict) else {}, call)
        named = _NAMED_PUT_CODE.search(error.registry_message)
        if named and int(named.group(1)) in asked:
            errors[int(named.group(1))] = error
        else:
            nameless.append(error)
    left = [put_code for put_code in asked if put_code not in found and put_code not in errors]
    if not left:
        return
    kinds = {type(error) for error in nameless}
    if len(kinds) == 1 and len(nameless) == len(left):
        errors.update(zip(left, nameless, strict=True))
    else:
        errors.update({put_code: _unread() for put_code in left})


def _unread() -> ItemRefused:
    return ItemRefused(
        "The item can't be read",
        why="the registry's answer doesn't say which item has which problem",
        remedy="It is read again with the next sync",
    )
