"""The pages of operators: runs and health, and one run."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from orcid_sync.quality.expectations import data_docs_folder
from orcid_sync.report.adoption import adoption
from orcid_sync.report.quality import quality_history
from orcid_sync.report.unserved import unserved
from orcid_sync.review.console import reports, words
from orcid_sync.review.console.alerts import alerts
from orcid_sync.review.console.brake import brake
from orcid_sync.review.console.context import AtDesk, console_of
from orcid_sync.review.console.needs import needs, needs_of_run
from orcid_sync.review.console.rendering import render
from orcid_sync.review.console.visitor import Desk, NotFound
from orcid_sync.settings import Settings

router = APIRouter(include_in_schema=False)


@router.get("/health")
def health(request: Request, desk: AtDesk) -> Response:
    """What needs a person and who was told, how far everything got, the last runs, and the brake."""
    return render(
        request,
        "health.html",
        desk,
        needs=needs(desk, desk.visitor.units),
        alerts=alerts(desk, console_of(request).host.page_url),
        runs=reports.last_runs(desk.ledger),
        brake=brake(desk),
        quote=quote,
        **_figures(desk),
    )


@router.get("/runs/{run_id:path}")
def run(request: Request, desk: AtDesk, run_id: str) -> Response:
    """One run: what it did, what it asked of ORCID, what it left for a person, and how things stand."""
    if "\0" in run_id:
        raise NotFound("There is no such run", why="the ledger doesn't know its id")
    console = console_of(request)
    batch = console.host.batch_of_run(run_id)
    if batch is not None:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/batches/{batch}", status_code=303)
    try:
        report = reports.run_page(desk.ledger, desk.visitor, run_id)
    except reports.UnknownRun:
        return render(
            request,
            "run_unknown.html",
            desk,
            404,
            run_id=run_id,
            alerts=alerts(desk, console.host.page_url, run_id),
            run_url=console.host.run_url(run_id),
        )
    return render(
        request,
        "run.html",
        desk,
        report=report,
        alerts=alerts(desk, console.host.page_url, run_id),
        needs=needs_of_run(desk, desk.visitor.units, report),
        run_url=console.host.run_url(run_id),
        flat=reports.flat_counts,
        chart_query=urlencode({"run": run_id}),
        took=words.took,
        data_docs=_data_docs(desk, console.settings, run_id),
        **_figures(desk),
    )


def _figures(desk: Desk) -> dict[str, Any]:
    """How everything stands now, of the visitor's units."""
    units = desk.visitor.units
    return {
        "steps": reports.funnel(desk, units),
        "unserved": unserved(desk.ledger, [unit.id for unit in units]),
        "quality": quality_history(desk.ledger),
        "adoption": adoption(desk.ledger, [unit.code for unit in units]),
    }


def _data_docs(desk: Desk, settings: Settings, run_id: str) -> str | None:
    """The address of the run's data quality pages, for those who may see them."""
    folder = data_docs_folder(settings.data_docs_dir, run_id)
    if not desk.visitor.sees_all or not (folder / "index.html").is_file():
        return None
    return f"data-docs/{quote(folder.name)}/index.html"
