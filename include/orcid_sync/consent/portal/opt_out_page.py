"""The page behind the opt-out link of an invitation: looking at it does nothing, its button opts out.

A mail program's own button for it sends the same form without having seen the page (RFC 8058): the link is proof enough, so
that no form key is asked for.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from orcid_sync.consent.invitations.campaigns import opt_out
from orcid_sync.consent.links import LinkUsed, read_link, use_link
from orcid_sync.consent.portal.context import Here, Who
from orcid_sync.consent.portal.pages import page

router = APIRouter()


@router.get("/opt-out/{sealed}")
def ask(sealed: str, portal: Here, visitor: Who) -> Response:
    """Asks whether they are sure. Whose link it is is on no page."""
    done = False
    try:
        with portal.ledger.transaction() as connection:
            read_link(connection, portal.registry.keys, "opt_out", sealed)
    except LinkUsed:
        done = True
    return page(portal, visitor, "opt_out.html", sealed=sealed, done=done)


@router.post("/opt-out/{sealed}")
def act(sealed: str, portal: Here, visitor: Who) -> Response:
    """No more invitations; asked twice, it is done as well."""
    try:
        with portal.ledger.transaction() as connection:
            link = read_link(connection, portal.registry.keys, "opt_out", sealed)
            use_link(connection, link)
            opt_out(connection, link.researcher_id)
    except LinkUsed:
        pass
    return page(portal, visitor, "opt_out.html", sealed=sealed, done=True)
