"""A researcher's iD and permission: asked for at the registry's consent page, and brought back by the same browser.

`begin` remembers a request and names the address to go to; `finish` takes what the browser came back with. A request
belongs to one session of one researcher, is answered once and in time; its nonce and, where the registry accepts one, its
PKCE verifier are derived from the session's cookie, so that an answer that was begun elsewhere is worth nothing here, and
nothing of it is stored.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from orcid_sync.consent.people import Staff, staff_of
from orcid_sync.consent.portal.sessions import Session, key_of
from orcid_sync.errors import ConsentFailed, Misconfigured, Who
from orcid_sync.ledger.session import Connection, Ledger, audit
from orcid_sync.model.orcid_id import parse_orcid
from orcid_sync.orcid.oauth import OAuth, TokenGrant
from orcid_sync.secret import Secret
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.permissions import set_permission
from orcid_sync.vault.tokens import Tokens, put_tokens

NEEDED_SCOPE: Final = "/activities/update"
REQUEST_LIVES: Final = dt.timedelta(hours=1)
# A permission in one of these states is in use: its iD is taken, and "no" to a wider one takes nothing away.
IN_USE: Final = ("granted", "wider_scope_needed", "paused_by_researcher", "delete_only")
_LOCK: Final = 0x0C1D0010
_WITH_VERIFIER: Final = ".v"


class ConnectRefused(ConsentFailed):
    """What the browser brought back doesn't answer a request of this session."""

    kind: ClassVar[str] = "connect_refused"
    default_remedy: ClassVar[str] = "Start again from the portal"
    default_who: ClassVar[Who] = Who.RESEARCHER


class Denied(ConsentFailed):
    """The researcher said no at the registry."""

    kind: ClassVar[str] = "denied"
    default_remedy: ClassVar[str] = "Nothing has to be done; the portal stays open if you change your mind"
    default_who: ClassVar[Who] = Who.RESEARCHER


class IdTaken(ConsentFailed):
    """The iD is connected to another member of staff."""

    kind: ClassVar[str] = "id_taken"
    default_who: ClassVar[Who] = Who.RESEARCHER


class OtherIdConnected(ConsentFailed):
    """This member of staff is connected with another iD."""

    kind: ClassVar[str] = "other_id_connected"
    default_who: ClassVar[Who] = Who.RESEARCHER


class NameDiffers(ConsentFailed):
    """Somebody who came by a link signed in to a record with another name."""

    kind: ClassVar[str] = "name_differs"
    default_who: ClassVar[Who] = Who.RESEARCHER


@dataclass(frozen=True)
class Asked:
    """What a researcher is asked for, and with which words."""

    client_id: str
    scopes: tuple[str, ...]
    wording: str
    language: str
    redirect_uri: str


@dataclass(frozen=True)
class Connected:
    """A permission came about. `differs`: the CRIS has another iD for this person."""

    permission_id: int
    orcid: str
    differs: bool


def begin(
    connection: Connection,
    oauth: OAuth,
    session: Session,
    cookie: str,
    asked: Asked,
    staff: Staff,
    *,
    pkce: bool,
) -> Secret:
    """Remember the request; returns the address of the registry's consent page for this browser."""
    # The state, which comes back as it is or not at all, says whether a verifier was promised.
    state = secrets.token_urlsafe(32) + (_WITH_VERIFIER if pkce else "")
    connection.execute(
        "INSERT INTO consent_request (state_key, session_key, researcher_id, client_id, scopes, wording, language, "
        "ends_at) VALUES (%s, %s, %s, %s, %s, %s, %s, now() + %s)",
        (
            key_of(state),
            session.key,
            session.researcher_id,
            asked.client_id,
            list(asked.scopes),
            asked.wording,
            asked.language,
            REQUEST_LIVES,
        ),
    )
    challenge = {}
    if pkce:
        digest = hashlib.sha256(_derived(cookie, "pkce", state).encode()).digest()
        challenge = {
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
    return Secret(
        oauth.authorize_url(
            asked.redirect_uri,
            " ".join(asked.scopes),
            state,
            # Where somebody has no iD yet, the registry's form for one is filled in.
            email=staff.email,
            given_names=staff.given_names or staff.family_names,
            family_names=staff.family_names if staff.given_names else None,
            lang=asked.language,
            nonce=_nonce(cookie, state),
            **challenge,
        )
    )


def finish(
    ledger: Ledger,
    oauth_of: Mapping[str, OAuth],
    keys: KeyRing,
    session: Session,
    cookie: str,
    query: Mapping[str, str],
    *,
    redirect_uri: str,
    veto: dt.timedelta,
) -> Connected:
    """Take the registry's answer, once. `veto` is the time before the first write after a first connection.

    Raises ConnectRefused, Denied, IdTaken, OtherIdConnected or NameDiffers (each recorded), ConsentFailed where the code
    is no good, Misconfigured where the registry finds fault with our request, and Transient.
    """
    state = query.get("state", "")
    with ledger.transaction() as connection:
        request = _take_request(connection, session, state)
    error, code = query.get("error"), query.get("code")
    if error == "access_denied":
        with ledger.transaction() as connection:
            _record_denial(connection, request)
        raise Denied("You did not give permission", why="ORCID says that you declined")
    if error in ("login_required", "interaction_required"):
        raise ConnectRefused("Nothing was connected", why="you were not signed in at ORCID")
    if error or not code:
        raise Misconfigured(
            "ORCID refused our request for a permission",
            why="it names scopes or an address that are not registered for our API client",
            remedy="Check scopes and redirect addresses of the API client at ORCID",
        )
    grant = oauth_of[request.client_id].exchange_code(Secret(code), redirect_uri, _verifier(cookie, state))
    orcid = _checked_orcid(grant, _nonce(cookie, state))
    refusal: ConsentFailed | None = None
    with ledger.transaction() as connection:
        # Two people who bring the same iD at the same moment come one after the other.
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, orcid))
        staff = staff_of(connection, session.researcher_id)
        refusal = _why_not(connection, session, request, grant, orcid, staff)
        if refusal is None:
            return _store(connection, keys, session, request, grant, orcid, staff, veto)
        # What was granted is not kept. It isn't revoked either: the registry may have named the very permission that
        # the other person uses.
        audit(connection, "connect_refused", researcher_id=session.researcher_id, why=refusal.kind)
    raise refusal


def _take_request(connection: Connection, session: Session, state: str) -> Any:
    row = connection.execute(
        "UPDATE consent_request SET used_at = now() WHERE state_key = %s AND session_key = %s AND used_at IS NULL "
        "AND ends_at > now() RETURNING researcher_id, client_id, scopes, wording, language",
        (key_of(state), session.key),
    ).fetchone()
    if row is None or row.researcher_id != session.researcher_id:
        raise ConnectRefused(
            "Nothing was connected",
            why="this answer was used before, is too old, or was asked for in another browser",
        )
    return row


def _checked_orcid(grant: TokenGrant, nonce: str) -> str:
    orcid = parse_orcid(grant.orcid or "")
    if orcid is None:
        raise ConnectRefused("Nothing was connected", why="ORCID's answer names no iD")
    if grant.id_token is not None:
        claims = _claims(grant.id_token)
        if claims.get("nonce") != nonce or not str(claims.get("sub", "")).endswith(orcid):
            raise ConnectRefused("Nothing was connected", why="ORCID's answer belongs to another request")
    return orcid


def _claims(id_token: Secret) -> dict[str, Any]:
    """The claims of an ID token that the registry itself gave us, over TLS: no third party had a hand in it."""
    try:
        body = id_token.reveal().split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return found if isinstance(found, dict) else {}


def _why_not(
    connection: Connection, session: Session, request: Any, grant: TokenGrant, orcid: str, staff: Staff | None
) -> ConsentFailed | None:
    taken = connection.execute(
        "SELECT FROM permission WHERE orcid = %s AND researcher_id <> %s AND state = ANY (%s)",
        (orcid, session.researcher_id, list(IN_USE)),
    ).fetchone()
    if taken is not None:
        return IdTaken(
            "This ORCID iD is connected to another member of staff",
            why="an iD belongs to one person",
            remedy="If it is yours, tell us: the two entries of the staff list may be the same person. If you signed in "
            "to ORCID on somebody else's computer, sign out there and start again",
        )
    other = connection.execute(
        "SELECT FROM permission WHERE researcher_id = %s AND client_id = %s AND orcid <> %s AND state = ANY (%s)",
        (session.researcher_id, request.client_id, orcid, list(IN_USE)),
    ).fetchone()
    if other is not None:
        return OtherIdConnected(
            "You are connected with another ORCID iD",
            why="one of the two has to be the right one",
            remedy="Disconnect the other iD here first; ORCID can merge two records of one person",
        )
    if (
        session.signed_in_by == "link"
        and grant.name
        and staff is not None
        and not staff.is_called(grant.name)
    ):
        return NameDiffers(
            "The name on this ORCID record is not the name that the link was sent to",
            why="a link that was passed on connects nobody else",
            remedy="Open the link that was sent to you, sign in with your university account, or write to us if your "
            "ORCID record has another name",
        )
    return None


def _store(
    connection: Connection,
    keys: KeyRing,
    session: Session,
    request: Any,
    grant: TokenGrant,
    orcid: str,
    staff: Staff | None,
    veto: dt.timedelta,
) -> Connected:
    enough = NEEDED_SCOPE in grant.scopes or NEEDED_SCOPE not in request.scopes
    permission_id = set_permission(
        connection,
        researcher_id=session.researcher_id,
        client_id=request.client_id,
        orcid=orcid,
        state="granted" if enough else "wider_scope_needed",
        cause="portal",
        scopes=grant.scopes,
    )
    put_tokens(
        connection,
        keys,
        permission_id,
        Tokens(grant.access_token, grant.refresh_token, grant.expires_at),
        provenance="portal",
    )
    # A first connection leaves time to look through the list; whoever comes back has seen it.
    connection.execute(
        "UPDATE permission SET leaving_since = NULL, write_after = CASE WHEN EXISTS (SELECT FROM permission_grant "
        "WHERE permission_id = permission.id) THEN write_after ELSE now() + %s END WHERE id = %s",
        (veto, permission_id),
    )
    connection.execute(
        "INSERT INTO permission_grant (permission_id, scopes, wording, language, signed_in_by) "
        "VALUES (%s, %s, %s, %s, %s)",
        (permission_id, sorted(grant.scopes), request.wording, request.language, session.signed_in_by),
    )
    differs = staff is not None and staff.orcid_hint is not None and staff.orcid_hint != orcid
    audit(connection, "connected", researcher_id=session.researcher_id, differs_from_cris=differs)
    return Connected(permission_id, orcid, differs)


def _record_denial(connection: Connection, request: Any) -> None:
    known = connection.execute(
        "SELECT FROM permission WHERE researcher_id = %s AND client_id = %s AND state = ANY (%s)",
        (request.researcher_id, request.client_id, list(IN_USE)),
    ).fetchone()
    if known is not None:
        # No to more is not no to what was given before.
        audit(connection, "wider_scope_denied", researcher_id=request.researcher_id)
        return
    set_permission(
        connection,
        researcher_id=request.researcher_id,
        client_id=request.client_id,
        state="denied",
        cause="portal",
    )


def missing_scopes(granted: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """What would have to be asked for again, in the order of `wanted`."""
    return tuple(scope for scope in wanted if scope not in granted)


def _verifier(cookie: str, state: str) -> Secret | None:
    return Secret(_derived(cookie, "pkce", state)) if state.endswith(_WITH_VERIFIER) else None


def _nonce(cookie: str, state: str) -> str:
    return _derived(cookie, "nonce", state)


def _derived(cookie: str, what: str, state: str) -> str:
    digest = hmac.new(cookie.encode(), f"{what} {state}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
