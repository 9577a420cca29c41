"""What a request of the portal gets handed: the parts it is built from, and who is there."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from orcid_sync.consent.people import Staff, staff_of
from orcid_sync.consent.portal import sessions
from orcid_sync.consent.portal.rendering import language_of
from orcid_sync.consent.portal.sessions import Session
from orcid_sync.errors import SyncError
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.oauth import OAuth
from orcid_sync.settings import Settings
from orcid_sync.vault.registry import Registry

LANGUAGE_COOKIE = "portal_language"


@dataclass
class Portal:
    """The parts. The registry is opened when it is first needed; `sign_in` is the university's, where it has one."""

    ledger: Ledger
    open_registry: Callable[[], Registry]
    settings: Settings
    environment: str
    web_base: str
    sign_in: Any = None
    _registry: Registry | None = None
    _pkce: bool | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def registry(self) -> Registry:
        """Our API clients and the vault. Raises Misconfigured."""
        with self._lock:
            if self._registry is None:
                self._registry = self.open_registry()
            return self._registry

    def accepts_pkce(self, oauth: OAuth) -> bool:
        """Whether the registry checks code challenges; asked once, and taken for a no while it can't be asked."""
        if self._pkce is None:
            with contextlib.suppress(SyncError):
                self._pkce = oauth.accepts_pkce()
        return bool(self._pkce)

    @property
    def https(self) -> bool:
        return self.settings.portal_url.startswith("https://")

    @property
    def redirect_uri(self) -> str:
        """Where the registry sends researchers back to; exactly this is registered there."""
        return f"{self.settings.portal_url}/orcid/callback"

    @property
    def veto(self) -> dt.timedelta:
        """How long a researcher can look through the list before anything is written."""
        return dt.timedelta(days=self.settings.portal_veto_days)

    def ways_in(self) -> tuple[str, ...]:
        """The ways to sign in. The demo's list of names opens nothing where real records are at stake."""
        return tuple(
            way for way in self.settings.portal_sign_in if way != "demo" or self.environment == "simulator"
        )


@dataclass(frozen=True)
class Visitor:
    """Who sent a request. `cookie` is there from the first page on; `session` and `staff` after a sign-in."""

    cookie: str
    is_new: bool
    language: str
    session: Session | None = None
    staff: Staff | None = None


def portal_of(request: Request) -> Portal:
    """The portal that a request came to."""
    portal: Portal = request.app.state.portal
    return portal


def visitor_of(request: Request) -> Visitor:
    """Who is there. Somebody who left the staff list is nobody any more."""
    portal = portal_of(request)
    brought = sessions.usable(request.cookies.get(sessions.cookie_name(portal.https)))
    language = language_of(
        request.query_params.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language"),
    )
    session, staff = None, None
    if brought is not None:
        with portal.ledger.transaction() as connection:
            session = sessions.find(connection, brought)
            staff = None if session is None else staff_of(connection, session.researcher_id)
    return Visitor(
        brought or sessions.new_cookie(), brought is None, language, session if staff else None, staff
    )


def address_of(request: Request, portal: Portal) -> str:
    """The network address a request came from; behind trusted proxies, the one that the nearest of them saw."""
    peer = request.client.host if request.client else ""
    if peer in portal.settings.portal_proxies:
        return request.headers.get("x-forwarded-for", peer).rpartition(",")[2].strip() or peer
    return peer


Here = Annotated[Portal, Depends(portal_of)]
Who = Annotated[Visitor, Depends(visitor_of)]
