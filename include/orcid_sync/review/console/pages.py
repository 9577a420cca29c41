"""The pages: what is asked of the ledger, and which template shows it."""

from __future__ import annotations

import csv
import io
import json
import mimetypes
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path as File
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orcid_sync.errors import SyncError
from orcid_sync.report.reasons import WITHHELD, Word
from orcid_sync.report.schedule import next_write
from orcid_sync.review.console import charts, ledger_pages, reports, words
from orcid_sync.review.console.api import Word as ShortText
from orcid_sync.review.console.batch_page import batch_rows, neighbours
from orcid_sync.review.console.change_page import change_page
from orcid_sync.review.console.context import MAX_KEY, AtDesk, console_of
from orcid_sync.review.console.filters import GROUPINGS, SORTINGS, View, view_from
from orcid_sync.review.console.visitor import Desk, Forbidden, NotFound
from orcid_sync.review.holds import holds
from orcid_sync.review.items import ASSERTABLE

router = APIRouter(include_in_schema=False)
Key = Annotated[int, Path(ge=1, le=MAX_KEY)]
Asked = Annotated[ShortText, Query()]

_HERE: Final = File(__file__).parent
_STATIC: Final = ("console.css", "console.js", "theme.js")
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals.update(
    words=words,
    counted=words.counted,
    number=words.number,
    ago=words.ago,
    KINDS=words.KINDS,
    GROUPINGS=GROUPINGS,
    SORTINGS=SORTINGS,
    ASSERTABLE=ASSERTABLE,
)


@cache
def _asset(name: str) -> tuple[bytes, str]:
    """A file of ours and its fingerprint."""
    content = (_HERE / "static" / name).read_bytes()
    return content, sha256(content).hexdigest()[:12]


def _page(
    request: Request, template: str, desk: Desk | None, status: int = 200, **values: Any
) -> HTMLResponse:
    console = console_of(request)
    text = _TEMPLATES.get_template(template).render(
        base=request.scope.get("root_path", ""),
        assets={name: _asset(name)[1] for name in _STATIC},
        clock=words.Clock(console.settings.zone),
        environment=console.environment(),
        visitor=desk.visitor if desk else None,
        next_write=next_write(console.settings),
        path=request.url.path.removeprefix(request.scope.get("root_path", "")),
        **values,
    )
    return HTMLResponse(text, status_code=status)


def error_page(request: Request, status: int, error: SyncError) -> HTMLResponse:
    """What went wrong, in words, with what to do."""
    return _page(request, "error.html", None, status, error=error, code=status)


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Our own style and script."""
    if name not in _STATIC:
        raise NotFound("There is no such file", why="only our own style and script are here")
    content, _ = _asset(name)
    return Response(
        content,
        media_type=mimetypes.guess_type(name)[0],
        headers={"Cache-Control": "private, max-age=31536000, immutable"},
    )


@router.get("/")
def batches(request: Request, desk: AtDesk) -> Response:
    """All batches: open ones with their progress, then what was decided and written."""
    if not desk.visitor.units:
        return _page(request, "no_units.html", desk, 403)
    rows = ledger_pages.batches(desk, desk.visitor.units)
    return _page(
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
    return _page(
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
    return _page(
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


@router.get("/items")
def items(
    request: Request,
    desk: AtDesk,
    text: Asked = "",
    person: Asked = "",
    section: Asked = "",
    cris_id: Asked = "",
    state: Asked = "",
    reason: Asked = "",
) -> Response:
    """Every item of a researcher or a publication, or in a state, with whose move it is."""
    query = ledger_pages.ItemQuery(text.strip(), person, section, cris_id, state, reason)
    asked = any((query.text, person, section, cris_id, state, reason))
    return _page(
        request,
        "items.html",
        desk,
        query=query,
        asked=asked,
        found=ledger_pages.items(desk, desk.visitor.units, query) if asked else [],
        counts=ledger_pages.state_counts(desk, desk.visitor.units),
        limit=ledger_pages.LIMIT,
    )


@router.get("/items/{item}")
def item(request: Request, desk: AtDesk, item: Key) -> Response:
    """One item: its state, its story, what can be done."""
    unit = desk.unit_of("item", item)
    page = ledger_pages.item_page(desk, unit, item)
    return _page(
        request,
        "item.html",
        desk,
        unit=unit,
        page=page,
        item=page.item,
        fix_url=ledger_pages.fix_address(
            console_of(request).settings.cris_item_url, page.item.section, page.item.cris_id
        ),
        word=words.state_word(page.item.state, page.item.reason),
    )


@router.get("/not-sent")
def not_sent(request: Request, desk: AtDesk, reason: Asked = "") -> Response:
    """What a rule keeps back, by reason."""
    counts = [
        (why, n)
        for state, why, n in ledger_pages.state_counts(desk, desk.visitor.units)
        if state == "withheld"
    ]
    known: list[tuple[Word, int]] = [(words.state_word("withheld", why), n) for why, n in counts]
    chosen = reason if reason in WITHHELD or any(why == reason for why, _ in counts) else ""
    if not chosen and known:
        chosen = known[0][0].name
    query = ledger_pages.ItemQuery(state="withheld", reason=chosen)
    return _page(
        request,
        "not_sent.html",
        desk,
        known=known,
        chosen=chosen,
        word=words.state_word("withheld", chosen) if chosen else None,
        found=ledger_pages.items(desk, desk.visitor.units, query) if chosen else [],
        limit=ledger_pages.LIMIT,
    )


@router.get("/removed")
def removed(request: Request, desk: AtDesk) -> Response:
    """What researchers removed or declined, with the way back."""
    found = [
        pair
        for state in ("removed_by_researcher", "declined_by_researcher")
        for pair in ledger_pages.items(desk, desk.visitor.units, ledger_pages.ItemQuery(state=state))
    ]
    return _page(request, "removed.html", desk, found=found, limit=ledger_pages.LIMIT)


@router.get("/corrections")
def corrections(request: Request, desk: AtDesk) -> Response:
    """Rows that need correction in the CRIS, by check."""
    if not desk.visitor.units:
        return _page(request, "no_units.html", desk, 403)
    return _page(
        request,
        "corrections.html",
        desk,
        checks=ledger_pages.quarantine(desk, desk.visitor.units),
        without_addresses=_without_addresses,
        plain=_plain_json,
    )


@router.get("/corrections.csv")
def corrections_csv(desk: AtDesk, check: Asked = "") -> Response:
    """The same for a spreadsheet; no cell can be read as a formula."""
    if not desk.visitor.units:
        raise Forbidden("There is nothing for you to export", why="no unit names you among its librarians")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("check", "relation", "key", "what is wrong", "first seen", "last seen", "row"))
    for row in ledger_pages.quarantined_rows(desk, desk.visitor.units, check or None):
        writer.writerow(
            _cell(value)
            for value in (
                row.check_name,
                row.relation,
                row.key,
                row.message,
                row.first_seen.isoformat(timespec="seconds"),
                row.last_seen.isoformat(timespec="seconds"),
                _plain_json(_without_addresses(row.row)),
            )
        )
    return Response(
        "\ufeff" + text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="needs-correction.csv"'},
    )


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _without_addresses(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if "email" not in name and value not in (None, "", [])}


def _plain_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


@router.get("/health")
def health(request: Request, desk: AtDesk) -> Response:
    """What needs a person, how far everything got, the last runs, and the brake."""
    console = console_of(request)
    units = desk.visitor.units
    days, states = reports.adoption(desk.ledger)
    return _page(
        request,
        "health.html",
        desk,
        needs=reports.needs(desk, units),
        steps=reports.funnel(desk, units),
        runs=reports.last_runs(desk.ledger),
        run_url=console.host.run_url,
        holds=holds(desk.ledger) if desk.visitor.sees_all else [],
        days=days,
        states=states,
        quote=quote,
        has_data_docs=desk.visitor.sees_all and (console.settings.data_docs_dir / "index.html").is_file(),
    )


@router.get("/runs/{run_id:path}")
def run(request: Request, desk: AtDesk, run_id: str) -> Response:
    """One run: its stages with counts and times, and its calls."""
    if "\0" in run_id:
        raise NotFound("There is no such run", why="the ledger doesn't know its id")
    batch = console_of(request).host.batch_of_run(run_id)
    if batch is not None:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/batches/{batch}", status_code=303)
    report = reports.run_page(desk.ledger, desk.visitor, run_id)
    return _page(
        request,
        "run.html",
        desk,
        report=report,
        run_url=console_of(request).host.run_url(run_id),
        flat=reports.flat_counts,
        chart_query=urlencode({"run": run_id}),
        took=words.took,
    )


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
    """Permissions over time."""
    days, states = reports.adoption(desk.ledger)
    labels = {state: words.permission_word(state).label for state in states}
    return _picture(charts.adoption_chart(days, states, labels, theme))


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
    """The data quality pages of the last runs; they show rows of every unit, so only to those who see all."""
    if not desk.visitor.sees_all:
        raise Forbidden(
            "These pages are not yours to see",
            why="they show rows of every unit",
            remedy="“Needs correction” lists the rows of your own units",
        )
    root = console_of(request).settings.data_docs_dir.resolve()
    try:
        file = (root / (path or "index.html")).resolve()
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
