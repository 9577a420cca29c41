"""The pages on which is decided: batches, one batch, one change."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from orcid_sync.review.console import ledger_pages, words
from orcid_sync.review.console.batch_page import batch_rows, neighbours
from orcid_sync.review.console.change_page import change_page
from orcid_sync.review.console.context import AtDesk, console_of
from orcid_sync.review.console.filters import View, view_from
from orcid_sync.review.console.rendering import STATIC, asset, render
from orcid_sync.review.console.routes.shapes import Key
from orcid_sync.review.console.visitor import NotFound

router = APIRouter(include_in_schema=False)


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Our own style and script."""
    if name not in STATIC:
        raise NotFound("There is no such file", why="only our own style and script are here")
    content, _ = asset(name)
    return Response(
        content,
        media_type=mimetypes.guess_type(name)[0],
        headers={"Cache-Control": "private, max-age=31536000, immutable"},
    )


@router.get("/")
def batches(request: Request, desk: AtDesk) -> Response:
    """All batches: open ones with their progress, then what was decided and written."""
    if not desk.visitor.units:
        return render(request, "no_units.html", desk, 403)
    rows = ledger_pages.batches(desk, desk.visitor.units)
    return render(
        request,
        "batches.html",
        desk,
        open=[(unit, row) for unit, row in rows if row.state == "open" and row.changes],
        past=[(unit, row) for unit, row in rows if row.state != "open"],
    )


@router.get("/batches/{batch}")
def batch(request: Request, desk: AtDesk, batch: Key) -> Response:
    """One batch: filters with counts, groups, rows to decide."""
    unit = desk.unit_of("batch", batch)
    view = view_from(request.query_params.multi_items())
    with desk.open(unit) as connection:
        head = ledger_pages.batch(connection, batch)
        found = batch_rows(connection, batch, view)
    return render(
        request,
        "batch.html",
        desk,
        unit=unit,
        batch=head,
        view=view,
        found=found,
        groups=list(_groups(found.rows)),
        filter_json=json.dumps({**dict(_filter_lists(view)), "text": view.filter.text}),
    )


def _filter_lists(view: View) -> Iterable[tuple[str, list[str]]]:
    for name, value in view.filter.__dict__.items():
        if name != "text":
            yield name, list(value)


def _groups(rows: list[Any]) -> Iterable[tuple[Any, list[Any]]]:
    """Neighbouring rows of one group, with the first row as the group's face."""
    group: list[Any] = []
    for row in rows:
        if group and group[0].group_key != row.group_key:
            yield group[0], group
            group = []
        group.append(row)
    if group:
        yield group[0], group


@router.get("/changes/{change}")
def change(request: Request, desk: AtDesk, change: Key) -> Response:
    """One change with everything around it."""
    unit = desk.unit_of("change", change)
    page = change_page(desk, unit, change)
    view = view_from(request.query_params.multi_items())
    before: int | None = None
    after: int | None = None
    head: Any = None
    if page.change.batch is not None:
        with desk.open(unit) as connection:
            before, after = neighbours(connection, page.change.batch, view, change)
            head = ledger_pages.batch(connection, page.change.batch)
    return render(
        request,
        "change.html",
        desk,
        unit=unit,
        page=page,
        change=page.change,
        fix_url=ledger_pages.fix_address(
            console_of(request).settings.cris_item_url, page.change.section, page.change.cris_id
        ),
        batch=head,
        view=view,
        before=before,
        after=after,
        permission=words.permission_word(page.permission),
    )
