"""The researchers' portal as one application: pages, forms, and what holds for all of them."""

from __future__ import annotations

from fastapi import FastAPI

from orcid_sync.consent.broker.app import PREFIX, interactive
from orcid_sync.consent.broker.app import create_app as broker
from orcid_sync.consent.portal import (
    callbacks,
    entrance,
    opt_out_page,
    own_data_pages,
    pages,
    permission_pages,
)
from orcid_sync.consent.portal.context import Portal
from orcid_sync.consent.portal.guard import headers, origin_of
from orcid_sync.consent.portal.refusals import answer_refusals
from orcid_sync.web import SecurityHeaders


def create_app(portal: Portal) -> FastAPI:
    """The application. There is no documentation for strangers, and nothing of it but the broker is for programs."""
    app = FastAPI(title="ORCID portal", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.portal = portal
    forms = [origin_of(portal.web_base)]
    if portal.sign_in is not None:
        forms.append(origin_of(portal.sign_in.issuer))
    app.add_middleware(SecurityHeaders, headers=headers(tuple(forms), portal.https))
    for part in (pages, entrance, permission_pages, own_data_pages, opt_out_page, callbacks):
        app.include_router(part.router)
    app.mount(PREFIX, broker(portal.ledger, lambda: interactive(portal.registry)))
    answer_refusals(app)
    return app
