"""Connecting, choosing, pausing and disconnecting: the forms of a researcher's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Form
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from orcid_sync.consent import connect, leaving
from orcid_sync.consent.choices import Choice, choose
from orcid_sync.consent.portal.connections import Connection, connections_of
from orcid_sync.consent.portal.context import Here, Portal, Visitor, Who
from orcid_sync.consent.portal.entrance import FormKey, check, signed_in
from orcid_sync.consent.portal.pages import consent_text, page
from orcid_sync.consent.portal.rendering import wording_version
from orcid_sync.consent.portal.tries import count_try
from orcid_sync.orcid.oauth import OAuth

router = APIRouter()
PermissionId = Annotated[int, Form(ge=1, le=2**63 - 1)]


@router.post("/orcid/connect")
def to_orcid(
    request: Request,
    portal: Here,
    visitor: Who,
    form_key: FormKey,
    client: Annotated[str, Form(max_length=100)],
) -> Response:
    """Send the browser to ORCID's consent page."""
    check(request, portal, visitor, form_key)
    session, staff = signed_in(visitor)
    with portal.ledger.connection() as connection:
        count_try(connection, "connect", session.key)
    with portal.ledger.transaction() as connection:
        known = {one.client_id for one in connections_of(connection, session.researcher_id, portal.settings)}
    if client not in known:
        raise HTTPException(404)
    asked = connect.Asked(
        client_id=client,
        scopes=portal.settings.portal_scopes,
        wording=wording_version(consent_text(portal, visitor.language)),
        language=visitor.language,
        redirect_uri=portal.redirect_uri,
    )
    oauth = _oauths(portal)[client]
    pkce = portal.accepts_pkce(oauth)
    with portal.ledger.transaction() as connection:
        address = connect.begin(connection, oauth, session, visitor.cookie, asked, staff, pkce=pkce)
    return RedirectResponse(address.reveal(), status_code=303)


@router.get("/orcid/callback")
def from_orcid(request: Request, portal: Here, visitor: Who) -> Response:
    """Take ORCID's answer; whatever came of it, the address with the code is left at once."""
    if visitor.session is None:
        raise connect.ConnectRefused(
            "Nothing was connected",
            why="you are not signed in here any more, or came back in another browser",
        )
    connect.finish(
        portal.ledger,
        _oauths(portal),
        portal.registry.keys,
        visitor.session,
        visitor.cookie,
        dict(request.query_params),
        redirect_uri=portal.redirect_uri,
        veto=portal.veto,
    )
    return RedirectResponse("/me?said=connected", status_code=303)


@router.post("/items")
def say(
    request: Request,
    portal: Here,
    visitor: Who,
    form_key: FormKey,
    choice: Annotated[Choice, Form()],
    item: Annotated[Sequence[int], Form()],
) -> Response:
    """The researcher's word on one or several items."""
    check(request, portal, visitor, form_key)
    session, _ = signed_in(visitor)
    changed = choose(portal.ledger, session.researcher_id, choice, list(item))
    return _back("changed" if changed else "unchanged", "#list")


@router.post("/pause")
def pause(
    request: Request, portal: Here, visitor: Who, form_key: FormKey, permission: PermissionId
) -> Response:
    """Nothing is written until the researcher goes on."""
    check(request, portal, visitor, form_key)
    session, _ = signed_in(visitor)
    return _back("paused" if leaving.pause(portal.ledger, session.researcher_id, permission) else "unchanged")


@router.post("/go-on")
def go_on(
    request: Request, portal: Here, visitor: Who, form_key: FormKey, permission: PermissionId
) -> Response:
    """End of the pause."""
    check(request, portal, visitor, form_key)
    session, _ = signed_in(visitor)
    return _back(
        "resumed" if leaving.go_on(portal.ledger, session.researcher_id, permission) else "unchanged"
    )


@router.get("/disconnect/{permission}")
def disconnect_page(permission: int, portal: Here, visitor: Who) -> Response:
    """Asks first: keep our entries, or have them removed? Afterwards we can do neither."""
    return page(portal, visitor, "disconnect.html", connection=_own(portal, visitor, permission))


@router.post("/disconnect")
def disconnect(
    request: Request,
    portal: Here,
    visitor: Who,
    background: BackgroundTasks,
    form_key: FormKey,
    permission: PermissionId,
    entries: Annotated[str, Form(pattern="^(keep|remove)$")],
) -> Response:
    """Disconnect: at once, or as soon as our entries are removed."""
    check(request, portal, visitor, form_key)
    session, _ = signed_in(visitor)
    _own(portal, visitor, permission)
    if entries == "remove":
        if leaving.leave_and_remove(portal.ledger, session.researcher_id, permission) is None:
            return _back("unchanged")
        background.add_task(
            leaving.finish_leaving,
            portal.ledger,
            portal.registry,
            settings=portal.settings,
            permission_id=permission,
        )
        return _back("leaving")
    done = leaving.disconnect(portal.ledger, portal.registry, session.researcher_id, permission)
    return _back("disconnected" if done else "unchanged")


def _own(portal: Portal, visitor: Visitor, permission_id: int) -> Connection:
    session, _ = signed_in(visitor)
    with portal.ledger.transaction() as connection:
        found = connections_of(connection, session.researcher_id, portal.settings)
    mine = next((one for one in found if one.permission_id == permission_id), None)
    if mine is None or not (mine.connected or mine.can_remove):
        raise HTTPException(404)
    return mine


def _oauths(portal: Portal) -> dict[str, OAuth]:
    # A person waits: their calls don't stand in line behind the night's writes.
    return {
        client.client_id: OAuth(replace(client, lane="interactive"))
        for client in portal.registry.clients.values()
    }


def _back(said: str, place: str = "") -> Response:
    return RedirectResponse(f"/me?said={said}{place}", status_code=303)
