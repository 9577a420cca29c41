"""Who is signed in to the portal: a random cookie, of which the ledger keeps the hash alone.

A cookie that a browser brings is never made to mean more: each sign-in makes a new one and ends the old, so that nobody
can hand a victim a cookie that they know.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final, Literal

from starlette.responses import Response

from orcid_sync.ledger.session import Connection

SignedInBy = Literal["link", "oidc", "proxy", "demo"]

IDLE: Final = dt.timedelta(hours=2)
LONGEST: Final = dt.timedelta(hours=12)
_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Session:
    """Somebody signed in. `key` names the session in the ledger; it opens nothing."""

    key: str
    researcher_id: int
    signed_in_by: SignedInBy


def new_cookie() -> str:
    """A cookie nobody can guess. By itself it says nothing about who brings it."""
    return secrets.token_urlsafe(32)


def usable(cookie: str | None) -> str | None:
    """The cookie, if it has the form of one of ours."""
    return cookie if cookie and _COOKIE.fullmatch(cookie) else None


def key_of(secret: str) -> str:
    """What the ledger knows a cookie or a state by."""
    return hashlib.sha256(secret.encode()).hexdigest()


def start(
    connection: Connection, researcher_id: int, signed_in_by: SignedInBy, *, instead_of: str | None
) -> str:
    """Begin a session; the one of the cookie that the browser had before ends. Returns the new cookie."""
    end(connection, instead_of)
    cookie = new_cookie()
    connection.execute(
        "INSERT INTO portal_session (key, researcher_id, signed_in_by, ends_at) VALUES (%s, %s, %s, now() + %s)",
        (key_of(cookie), researcher_id, signed_in_by, LONGEST),
    )
    return cookie


def find(connection: Connection, cookie: str | None) -> Session | None:
    """The session of a cookie, if it is neither over nor was left alone for too long."""
    if cookie is None:
        return None
    row = connection.execute(
        "UPDATE portal_session SET seen_at = now() WHERE key = %s AND ends_at > now() AND seen_at > now() - %s "
        "RETURNING key, researcher_id, signed_in_by",
        (key_of(cookie), IDLE),
    ).fetchone()
    return None if row is None else Session(row.key, row.researcher_id, row.signed_in_by)


def end(connection: Connection, cookie: str | None) -> None:
    """Sign out."""
    if cookie is not None:
        connection.execute("DELETE FROM portal_session WHERE key = %s", (key_of(cookie),))


def end_all(connection: Connection, researcher_id: int) -> None:
    """Sign a person out everywhere."""
    connection.execute("DELETE FROM portal_session WHERE researcher_id = %s", (researcher_id,))


def sweep(connection: Connection) -> int:
    """Delete what is over: sessions, requests that nobody came back with, counts of tries. Returns the sessions' number."""
    connection.execute("DELETE FROM consent_request WHERE ends_at < now() - interval '1 day'")
    connection.execute("DELETE FROM portal_try WHERE hour < now() - interval '1 day'")
    return connection.execute(
        "DELETE FROM portal_session WHERE ends_at < now() OR seen_at < now() - %s", (IDLE,)
    ).rowcount


def cookie_name(https: bool) -> str:
    """With https the browser itself refuses a cookie that another host or an unencrypted page has set."""
    return "__Host-portal" if https else "portal"


def give_cookie(response: Response, cookie: str, *, https: bool) -> None:
    """Set the cookie: for this site alone, not for scripts, gone with the browser."""
    # Lax and not Strict: the registry's redirect back to us has to bring it along.
    response.set_cookie(cookie_name(https), cookie, httponly=True, secure=https, samesite="lax", path="/")
