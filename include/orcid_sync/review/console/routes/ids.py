"""The page of iDs that differ between the CRIS and ORCID's sign-in, and the same for the CRIS team's spreadsheet."""

from __future__ import annotations

import csv
import io

from fastapi import APIRouter, Request
from fastapi.responses import Response

from orcid_sync.review.console.context import AtDesk
from orcid_sync.review.console.differing_ids import differing_ids
from orcid_sync.review.console.rendering import render
from orcid_sync.review.console.visitor import Forbidden

router = APIRouter(include_in_schema=False)
COLUMNS = ("person_id", "orcid_in_cris", "orcid_signed_in", "connected", "what", "remedy", "whose_move")


@router.get("/differing-ids")
def page(request: Request, desk: AtDesk) -> Response:
    """Each of them, with whose move it is."""
    if not desk.visitor.units:
        return render(request, "no_units.html", desk, 403)
    return render(request, "differing_ids.html", desk, found=differing_ids(desk))


@router.get("/differing-ids.csv")
def as_csv(desk: AtDesk) -> Response:
    """By person id and without names: what the CRIS team needs."""
    if not desk.visitor.units:
        raise Forbidden("There is nothing for you to export", why="no unit names you among its librarians")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in differing_ids(desk):
        # A person id is the CRIS's own text: no cell can be read as a formula.
        person_id = f"'{one.person_id}" if one.person_id.startswith(("=", "+", "-", "@")) else one.person_id
        connected = str(one.connected).lower()
        writer.writerow(
            (person_id, one.in_cris, one.signed_in, connected, one.what, one.remedy, str(one.who))
        )
    return Response(
        "\ufeff" + text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="differing-ids.csv"'},
    )
