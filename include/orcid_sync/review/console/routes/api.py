"""The JSON API: what the pages' own script calls, and what scripts of others may call with a token."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.routing import BaseRoute

from orcid_sync.review.console import ledger_pages, reports
from orcid_sync.review.console.acts import Decided
from orcid_sync.review.console.batch_page import batch_rows
from orcid_sync.review.console.change_page import change_page
from orcid_sync.review.console.context import Acting, AtDesk, console_of
from orcid_sync.review.console.filters import View
from orcid_sync.review.console.routes.shapes import (
    Asked,
    BatchOut,
    ChangeDetail,
    ChangeOut,
    ChangesOut,
    DecidedOut,
    DecideMatching,
    DecideNamed,
    DiffField,
    DiffLine,
    Error,
    HoldIn,
    HoldOut,
    ItemOut,
    Key,
    PageIn,
    Preview,
    PreviewOut,
    RunOut,
    WishIn,
    WishOut,
    Word,
)
from orcid_sync.review.console.visitor import Forbidden
from orcid_sync.review.holds import pause, resume

_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": Error, "description": "Nobody is signed in"},
    403: {"model": Error, "description": "Not allowed, or not sent by one of our pages"},
    404: {"model": Error, "description": "There is no such thing among what you may see"},
    409: {"model": Error, "description": "The batch is closed"},
    415: {"model": Error, "description": "Not JSON"},
    422: {"model": Error, "description": "The request can't be understood"},
    503: {"model": Error, "description": "The ledger does not answer"},
}
router = APIRouter(prefix="/api", responses=_ERRORS)


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    """The description of this API, for those who are signed in."""
    return JSONResponse(description(request.app.routes, request.scope.get("root_path", "")))


def description(routes: list[BaseRoute], root: str) -> dict[str, Any]:
    """The API's OpenAPI description."""
    found = get_openapi(
        title="ORCID review",
        version="1",
        description="Batches, changes, decisions and the ledger, for scripts. Sign in with a bearer token of Airflow.",
        routes=routes,
        servers=[{"url": root or "/"}],
    )
    found.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    return found


@router.get("/batches")
def list_batches(
    desk: AtDesk, unit: Annotated[Word | None, Query()] = None, open_only: bool = False
) -> list[BatchOut]:
    """The last batches of your units, the newest first."""
    found = ledger_pages.batches(desk, desk.visitor.chosen(unit), open_only=open_only)
    return [_batch_out(owner.code, row) for owner, row in found]


@router.get("/batches/{batch}")
def show_batch(desk: AtDesk, batch: Key) -> BatchOut:
    """One batch."""
    unit = desk.unit_of("batch", batch)
    with desk.open(unit) as connection:
        return _batch_out(unit.code, ledger_pages.batch(connection, batch))


@router.get("/batches/{batch}/changes")
def list_changes(desk: AtDesk, batch: Key, query: Annotated[PageIn, Query()]) -> ChangesOut:
    """The changes of a batch, a hundred a page, those that need attention first."""
    unit = desk.unit_of("batch", batch)
    view = View(filter=query.filter(), page=query.page)
    with desk.open(unit) as connection:
        found = batch_rows(connection, batch, view)
    return ChangesOut(
        total=found.total,
        page=query.page,
        pages=found.pages,
        changes=[
            ChangeOut(
                change=row.id,
                item=row.item_id,
                kind=row.kind,
                state=row.state,
                section=row.section,
                cris_id=row.cris_id,
                person_id=row.person_id,
                person=row.person,
                title=row.title,
                type=row.type,
                year=row.year,
                why=row.why,
                warnings=row.warnings,
                first_write=row.first_write,
                decision=row.decision,
                decided_by=row.by,
            )
            for row in found.rows
        ],
    )


@router.post("/batches/{batch}/preview")
def preview(actor: Acting, batch: Key, body: Preview) -> PreviewOut:
    """What approving everything that matches would cover. Decides nothing."""
    found = actor.preview(batch, body.filter.filter(), removals=body.removals, warnings=body.warnings)
    return PreviewOut(**found.__dict__, total=found.total)


@router.post("/batches/{batch}/decisions")
def decide_matching(actor: Acting, batch: Key, body: DecideMatching) -> DecidedOut:
    """Decide everything of a batch that matches."""
    return _decided_out(
        actor.decide_matching(
            body.verdict,
            batch,
            body.filter.filter(),
            removals=body.removals,
            warnings=body.warnings,
            note=body.note,
        )
    )


@router.get("/changes/{change}")
def show_change(desk: AtDesk, change: Key) -> ChangeDetail:
    """One change, before and after."""
    page = change_page(desk, desk.unit_of("change", change), change)
    return ChangeDetail(
        change=page.change.id,
        item=page.change.item_id,
        kind=page.change.kind,
        state=page.change.state,
        person_id=page.change.person_id,
        orcid=page.orcid,
        title=page.change.title,
        why=page.change.why,
        warnings=page.change.warnings,
        first_write=page.change.first_write,
        decision=page.decision,
        fields=[
            DiffField(
                name=field.name,
                label=field.label,
                before=[DiffLine(**line.__dict__) for line in field.before],
                after=[DiffLine(**line.__dict__) for line in field.after],
            )
            for field in page.fields
        ],
    )


@router.post("/decisions")
def decide_named(actor: Acting, body: DecideNamed) -> DecidedOut:
    """Decide changes named one by one, all of one unit."""
    return _decided_out(
        actor.decide_named(body.verdict, {one.change: one.seen for one in body.changes}, body.note)
    )


@router.post("/wishes")
def wish(actor: Acting, body: WishIn) -> WishOut:
    """Never send, add our version too, restore; and back."""
    count = actor.wish(body.wish, body.items, body.note)
    return WishOut(unit=count.unit, wish=count.wish, items=count.items, left=count.left)


@router.get("/items")
def list_items(
    desk: AtDesk,
    unit: Annotated[Word | None, Query()] = None,
    text: Asked = "",
    person: Asked = "",
    section: Asked = "",
    cris_id: Asked = "",
    state: Asked = "",
    reason: Asked = "",
) -> list[ItemOut]:
    """Up to 200 items with their state, by person and title."""
    query = ledger_pages.ItemQuery(text, person, section, cris_id, state, reason)
    return [
        ItemOut(
            item=row.id,
            unit=owner.code,
            section=row.section,
            cris_id=row.cris_id,
            person_id=row.person_id,
            person=row.person,
            title=row.title,
            state=row.state,
            reason=row.reason,
            detail=row.detail,
            put_code=row.put_code,
        )
        for owner, row in ledger_pages.items(desk, desk.visitor.chosen(unit), query)
    ]


@router.get("/runs")
def list_runs(desk: AtDesk) -> list[RunOut]:
    """The last runs, the newest first."""
    return [
        RunOut(
            run=row.run_id,
            started_at=row.started_at,
            ended_at=row.ended_at,
            stages=row.names,
            failed=row.failed,
        )
        for row in reports.last_runs(desk.ledger)
    ]


@router.post("/pause")
def hold(request: Request, desk: AtDesk, body: HoldIn) -> HoldOut:
    """Hold everything, or one unit, before the next call. For operators."""
    name = _operator(desk)
    pause(console_of(request).ledger(), actor_name=name, unit=body.unit, note=body.note)
    return HoldOut(unit=body.unit, paused=True)


@router.post("/resume")
def go_on(request: Request, desk: AtDesk, body: HoldIn) -> HoldOut:
    """End the hold of everything, or of one unit. For operators."""
    name = _operator(desk)
    resume(console_of(request).ledger(), actor_name=name, unit=body.unit)
    return HoldOut(unit=body.unit, paused=False)


def _operator(desk: AtDesk) -> str:
    if not desk.visitor.person.operator:
        raise Forbidden(
            "You may not pause or resume", why="that is for operators", remedy="Ask an operator of Airflow"
        )
    return desk.visitor.person.names[0]


def _batch_out(unit: str, row: Any) -> BatchOut:
    names = set(BatchOut.model_fields) - {"batch", "unit"}
    return BatchOut(batch=row.id, unit=unit, **{name: getattr(row, name) for name in names})


def _decided_out(decided: Decided) -> DecidedOut:
    return DecidedOut.model_validate(decided, from_attributes=True)
