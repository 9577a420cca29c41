"""What is stored about somebody: to read, to take along, to have erased."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from orcid_sync.consent.own_data import erase, stored_about
from orcid_sync.consent.portal.connections import connections_of
from orcid_sync.consent.portal.context import Here, Who
from orcid_sync.consent.portal.entrance import FormKey, check, signed_in
from orcid_sync.consent.portal.pages import page

router = APIRouter()


@router.get("/my-data")
def data_page(portal: Here, visitor: Who) -> Response:
    """How many things are stored, the download, and erasure."""
    session, _ = signed_in(visitor)
    with portal.ledger.transaction() as connection:
        found = stored_about(connection, session.researcher_id)
        connected = any(
            one.connected or one.state == "delete_only"
            for one in connections_of(connection, session.researcher_id, portal.settings)
        )
    counts = {name: len(rows) for name, rows in found.items() if isinstance(rows, list)}
    return page(
        portal,
        visitor,
        "my_data.html",
        counts=counts,
        connected=connected,
        erasure=portal.settings.portal_erasure,
    )


@router.get("/my-data.json")
def download(portal: Here, visitor: Who) -> Response:
    """All of it as one file."""
    session, _ = signed_in(visitor)
    with portal.ledger.transaction() as connection:
        found = stored_about(connection, session.researcher_id)
    return Response(
        json.dumps(found, ensure_ascii=False, indent=2, default=str),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="orcid-sync-my-data.json"'},
    )


@router.post("/erase")
def erase_all(
    request: Request,
    portal: Here,
    visitor: Who,
    form_key: FormKey,
    sure: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Erase, sign out, and say so."""
    check(request, portal, visitor, form_key)
    session, _ = signed_in(visitor)
    if not portal.settings.portal_erasure:
        raise HTTPException(404)
    if sure != "yes":
        return RedirectResponse("/my-data", status_code=303)
    erase(portal.ledger, session.researcher_id)
    return RedirectResponse("/?said=erased", status_code=303)
