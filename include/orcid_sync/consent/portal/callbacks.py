"""Where the registry says that a record changed. It says nothing else, and all that follows is one more reading."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from orcid_sync.consent.portal.context import Here
from orcid_sync.sync.mirror import record_called

router = APIRouter()


@router.post("/webhooks/{path}")
def record_changed(portal: Here, path: str) -> Response:
    """Answers as soon as the ledger knows; 404 where no record has this address, without a page."""
    return Response(status_code=204 if record_called(portal.ledger, path) else 404)
