"""Affiliations as a file: the page, its upload and its download."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field

from orcid_sync.model.upload_rows import COLUMNS, NEEDED, PERSON
from orcid_sync.review.console import affiliations
from orcid_sync.review.console.context import AtDesk, console_of
from orcid_sync.review.console.rendering import render
from orcid_sync.review.console.routes.shapes import Word

router = APIRouter(include_in_schema=False)


class UploadIn(BaseModel):
    """A file, and what to do with it."""

    text: Annotated[str, Field(max_length=affiliations.LARGEST)]
    take: affiliations.Take = "check"


@router.get("/affiliations")
def page(request: Request, desk: AtDesk) -> Response:
    """What may be uploaded by whom, and how the uploaded rows stand."""
    if not desk.visitor.units:
        return render(request, "no_units.html", desk, 403)
    return render(
        request,
        "affiliations.html",
        desk,
        found=affiliations.units_with_rows(desk),
        columns=COLUMNS,
        needed=NEEDED,
        persons=PERSON,
        portal=console_of(request).settings.portal_url,
    )


@router.get("/affiliations/{unit}/rows.csv")
def rows(desk: AtDesk, unit: Word) -> Response:
    """The unit's rows with their status, to be edited and uploaded again."""
    seen = desk.visitor.unit(unit)
    return StreamingResponse(
        affiliations.rows_csv(desk, seen),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="affiliations-{seen.code}.csv"'},
    )


@router.post("/api/affiliations/{unit}")
def upload(request: Request, desk: AtDesk, unit: Word, body: UploadIn) -> dict[str, Any]:
    """Check a file or take it over; what follows is proposed, approved and written like everything else."""
    settings = console_of(request).settings
    return affiliations.upload(desk, desk.visitor.unit(unit), body.text, body.take, settings)
