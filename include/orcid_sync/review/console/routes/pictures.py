"""Charts as pictures, and the data quality pages as the library wrote them."""

from __future__ import annotations

import mimetypes
from typing import Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from orcid_sync.report.adoption import adoption
from orcid_sync.report.quality import quality_history
from orcid_sync.review.console import charts, reports, words
from orcid_sync.review.console.context import AtDesk, console_of
from orcid_sync.review.console.routes.shapes import Asked
from orcid_sync.review.console.visitor import Forbidden, NotFound

router = APIRouter(include_in_schema=False)
Theme = Literal["light", "dark"]


@router.get("/charts/funnel.svg")
def funnel_svg(desk: AtDesk, theme: Theme = "light") -> Response:
    """From the CRIS to the records."""
    return _picture(charts.funnel_chart(reports.funnel(desk, desk.visitor.units), theme))


@router.get("/charts/stages.svg")
def stages_svg(desk: AtDesk, run: Asked, theme: Theme = "light") -> Response:
    """How long the stages of a run took."""
    report = reports.run_page(desk.ledger, desk.visitor, run)
    stages = [(stage["stage"], stage["seconds"] or 0.0) for stage in report["stages"]]
    return _picture(charts.stages_chart(stages, theme))


@router.get("/charts/adoption.svg")
def adoption_svg(desk: AtDesk, theme: Theme = "light") -> Response:
    """Permissions over time, by state."""
    found = adoption(desk.ledger)
    labels = {state: words.permission_word(state).label for state in found.states}
    return _picture(charts.adoption_chart(found, labels, theme))


@router.get("/charts/units.svg")
def units_svg(desk: AtDesk, theme: Theme = "light") -> Response:
    """The share of each unit's staff that is connected, over time."""
    found = adoption(desk.ledger, [unit.code for unit in desk.visitor.units])
    return _picture(charts.units_chart(found, theme))


@router.get("/charts/quality.svg")
def quality_svg(desk: AtDesk, theme: Theme = "light") -> Response:
    """Rows that failed a check, over the last extractions."""
    found = quality_history(desk.ledger)
    labels = [words.plain(check.check) for check in found.checks]
    return _picture(charts.quality_chart(found, labels, theme))


def _picture(svg: bytes) -> Response:
    return Response(
        svg,
        media_type="image/svg+xml",
        headers={"Content-Security-Policy": charts.CONTENT_SECURITY_POLICY},
    )


# The data quality library's pages bring styles and scripts of their own: a sandbox keeps them from everything else.
_DATA_DOCS_POLICY: Final = (
    "sandbox; default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "frame-ancestors 'self'"
)


@router.get("/data-docs/{path:path}")
def data_docs(request: Request, desk: AtDesk, path: str) -> Response:
    """The data quality pages of a run; they count the rows of every unit, so only for those who see all."""
    if not desk.visitor.sees_all:
        raise Forbidden(
            "These pages are not yours to see",
            why="they are about the rows of every unit",
            remedy="“Needs correction” lists the rows of your own units",
        )
    root = console_of(request).settings.data_docs_dir.resolve()
    try:
        file = (root / path).resolve()
        found = file.is_relative_to(root) and file.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        raise NotFound("There is no such page", why="no run has written it, or it was replaced")
    return Response(
        file.read_bytes(),
        media_type=mimetypes.guess_type(file.name)[0] or "application/octet-stream",
        headers={"Content-Security-Policy": _DATA_DOCS_POLICY},
    )
