"""One HTTP exchange with the registry: bounded in time, never repeated, never redirected, never showing a token."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError

from orcid_sync.errors import Misconfigured, NoAnswer, SyncError, Unreachable
from orcid_sync.orcid.calls import Answer
from orcid_sync.secret import Secret

CHUNK = 64 * 1024
Clock = Callable[[], float]
SessionFactory = Callable[[], requests.Session]


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for a connection, for the next bytes, and for a call as a whole.

    The deadline is looked at whenever bytes arrive, so a call ends at the latest one `read` after it.
    """

    connect: float = 5.0
    read: float = 60.0
    deadline: float = 120.0


@dataclass(frozen=True)
class Request:
    """What goes out. `body` is JSON or a form, already encoded; a form holds secrets and is never shown."""

    method: str
    url: str
    headers: Mapping[str, str]
    token: Secret | None = None
    body: bytes | None = None
    form: Mapping[str, str | Secret] | None = None


class _Bearer(AuthBase):
    """Puts the token on the request as it leaves.

    An auth object also keeps requests from taking credentials for the host out of a .netrc file.
    """

    def __init__(self, token: Secret | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        return request


class _StayingSession(requests.Session):
    """Looks at no redirect: even where it follows none, requests would read the answer to prepare the next call."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """There is none."""


def pooled_session(connections: int = 128) -> requests.Session:
    """A session that threads can share: pooled connections, no retries, redirects or cookies of its own."""
    session = _StayingSession()
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connections, max_retries=0, pool_block=False)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class Transport:
    """Sends requests over one shared session. Thread-safe."""

    def __init__(
        self,
        timeouts: Timeouts | None = None,
        session_factory: SessionFactory = pooled_session,
        clock: Clock = time.monotonic,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self._session = session_factory()
        self._clock = clock

    def send(self, request: Request) -> Answer:
        """The answer, whatever its status. Raises Unreachable, NoAnswer or Misconfigured (address, certificate)."""
        try:
            return self._exchange(request)
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = _failure(error)
        # Raised outside the handler: the library's exception holds the request with its token, and must not
        # hang on to ours as its context.
        raise failure

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _exchange(self, request: Request) -> Answer:
        deadline = self._clock() + self.timeouts.deadline
        with self._session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body if request.form is None else _revealed(request.form),
            auth=_Bearer(request.token),
            timeout=(self.timeouts.connect, min(self.timeouts.read, self.timeouts.deadline)),
            allow_redirects=False,
            stream=True,
        ) as response:
            content = b"".join(self._chunks(response.raw, deadline))
            return Answer(response.status_code, dict(response.headers), _parsed(content))

    def _chunks(self, raw: Any, deadline: float) -> Iterator[bytes]:
        """The body piece by piece as it arrives, so that a trickle can't outlast the deadline."""
        while piece := raw.read1(CHUNK, decode_content=True):
            yield piece
            if self._clock() > deadline:
                msg = "the call's deadline passed"
                raise requests.ReadTimeout(msg)


def _revealed(form: Mapping[str, str | Secret]) -> dict[str, str]:
    return {key: value.reveal() if isinstance(value, Secret) else value for key, value in form.items()}


def _parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _failure(error: Exception) -> SyncError:
    """What a failed exchange means. The library's texts hold addresses with iDs, so only type names are kept."""
    causes = list(_causes(error))
    why = type(causes[-1]).__name__
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Misconfigured(
            "The registry's certificate isn't trusted",
            why=why,
            remedy="Check the host of the ORCID connection, the clock, and the certificates of your proxy",
        )
    unsent = (requests.ConnectTimeout, requests.exceptions.ProxyError)
    if isinstance(error, unsent) or any(
        isinstance(cause, NewConnectionError | NameResolutionError) for cause in causes
    ):
        return Unreachable("The registry can't be reached", why=why)
    if isinstance(
        error, requests.ConnectionError | requests.Timeout | HTTPError | OSError
    ) and not isinstance(error, ValueError):
        return NoAnswer("The registry didn't answer a call", why=why)
    return Misconfigured(
        "The registry's address can't be used",
        why=why,
        remedy="Check host, web_base and public_base of the ORCID connection",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is wrapped in it, outermost first."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [current.__cause__, current.__context__, *current.args]
        if isinstance(current, MaxRetryError):
            inner.append(current.reason)
        waiting += [cause for cause in inner if isinstance(cause, BaseException)]
