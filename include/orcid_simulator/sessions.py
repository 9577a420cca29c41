"""Signed-in browsers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from orcid_simulator.web import Request

COOKIE = "orcid_simulator_session"
MAX_SESSIONS = 10_000


@dataclass(frozen=True)
class Session:
    """One signed-in browser; `form_key` must come back with every form it sends."""

    orcid: str
    signed_in: float
    form_key: str


@dataclass
class Sessions:
    """The sessions of one registry, in memory: after a restart everybody signs in again."""

    _open: dict[str, Session] = field(default_factory=dict)

    def of(self, request: Request) -> Session | None:
        """The session that a request's cookie names."""
        key = self._key(request)
        return self._open.get(key) if key else None

    def start(self, orcid: str, now: float) -> str:
        """Sign somebody in; the value of the cookie header to set."""
        if len(self._open) >= MAX_SESSIONS:
            self._open.pop(next(iter(self._open)))
        key = secrets.token_urlsafe(24)
        self._open[key] = Session(orcid, now, secrets.token_urlsafe(16))
        return f"{COOKIE}={key}; Path=/; HttpOnly; SameSite=Lax"

    def end(self, request: Request) -> str:
        """Sign the browser out; the value of the cookie header to set."""
        self._open.pop(self._key(request) or "", None)
        return f"{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"

    def forget(self) -> None:
        """Sign everybody out."""
        self._open.clear()

    @staticmethod
    def _key(request: Request) -> str | None:
        try:
            cookies = SimpleCookie(request.headers.get("cookie", ""))
        except CookieError:
            return None
        return cookies[COOKIE].value if COOKIE in cookies else None
