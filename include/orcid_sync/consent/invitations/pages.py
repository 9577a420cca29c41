"""The page behind the opt-out link: looking at it does nothing, its button (or a mail program's POST) opts out."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from orcid_sync.consent.invitations.campaigns import opt_out
from orcid_sync.consent.links import LinkRefused, LinkUsed, read_link, use_link
from orcid_sync.ledger.session import Ledger
from orcid_sync.vault.crypto import KeyRing

_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="robots" content="noindex"><title>{title}</title></head><body><main><h1>{title}</h1>{content}</main>'
    "</body></html>"
)


def opt_out_router(ledger: Ledger, keys: Callable[[], KeyRing]) -> APIRouter:
    """`/opt-out/{link}`, for the portal. Whose link it is is on no page."""
    router = APIRouter()

    @router.get("/opt-out/{sealed}", include_in_schema=False)
    def ask(sealed: str) -> HTMLResponse:
        try:
            with ledger.transaction() as connection:
                read_link(connection, keys(), "opt_out", sealed)
        except LinkRefused as error:
            return _refused(error)
        return _page(
            "No more invitations?",
            "<p>You will get no more invitations to connect your ORCID iD. You can still connect it whenever you like.</p>"
            '<form method="post"><button type="submit">No more invitations</button></form>',
        )

    @router.post("/opt-out/{sealed}", include_in_schema=False)
    def act(sealed: str) -> HTMLResponse:
        try:
            with ledger.transaction() as connection:
                link = read_link(connection, keys(), "opt_out", sealed)
                use_link(connection, link)
                opt_out(connection, link.researcher_id)
        except LinkUsed:
            pass  # asked twice: it is done
        except LinkRefused as error:
            return _refused(error)
        return _page(
            "No more invitations", "<p>Done: you will get no more invitations to connect your ORCID iD.</p>"
        )

    return router


def _refused(error: LinkRefused) -> HTMLResponse:
    return _page(error.what, f"<p>{escape(error.why)}.</p>", status=410)


def _page(title: str, content: str, status: int = 200) -> HTMLResponse:
    headers = {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    }
    return HTMLResponse(
        _PAGE.format(title=escape(title), content=content), status_code=status, headers=headers
    )
