"""The pages on which the ledger is looked up: items, what is not sent or was removed, what needs correction."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from orcid_sync.report.reasons import WITHHELD
from orcid_sync.report.reasons import Word as Term
from orcid_sync.review.console import ledger_pages, words
from orcid_sync.review.console.context import AtDesk, console_of
from orcid_sync.review.console.rendering import render
from orcid_sync.review.console.routes.shapes import Asked, Key
from orcid_sync.review.console.visitor import Desk, Forbidden

router = APIRouter(include_in_schema=False)
EXPORTED: Final = 100_000


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
    return render(
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
    return render(
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
    known: list[tuple[Term, int]] = [(words.state_word("withheld", why), n) for why, n in counts]
    chosen = reason if reason in WITHHELD or any(why == reason for why, _ in counts) else ""
    if not chosen and known:
        chosen = known[0][0].name
    query = ledger_pages.ItemQuery(state="withheld", reason=chosen)
    return render(
        request,
        "not_sent.html",
        desk,
        known=known,
        chosen=chosen,
        word=words.state_word("withheld", chosen) if chosen else None,
        found=ledger_pages.items(desk, desk.visitor.units, query) if chosen else [],
        limit=ledger_pages.LIMIT,
    )


@router.get("/not-sent.csv")
def not_sent_csv(desk: AtDesk, reason: Asked = "") -> Response:
    """What a rule keeps back, or what one reason does, for a spreadsheet."""
    _check_units(desk)
    query = ledger_pages.ItemQuery(state="withheld", reason=reason, limit=EXPORTED)
    found = ledger_pages.items(desk, desk.visitor.units, query)
    return _spreadsheet(
        "not-sent",
        ("unit", "section", "CRIS id", "title", "person id", "reason", "detail", "what to do", "whose move"),
        (_kept_back(unit.code, row) for unit, row in found),
    )


def _kept_back(unit: str, row: Any) -> tuple[str, ...]:
    word = words.state_word(row.state, row.reason)
    thing = (unit, row.section, row.cris_id, row.title, row.person_id)
    return (*thing, word.label, row.detail or "", word.remedy, str(word.who or ""))


@router.get("/removed")
def removed(request: Request, desk: AtDesk) -> Response:
    """What researchers removed or declined, with the way back."""
    found = [
        pair
        for state in ("removed_by_researcher", "declined_by_researcher")
        for pair in ledger_pages.items(desk, desk.visitor.units, ledger_pages.ItemQuery(state=state))
    ]
    return render(request, "removed.html", desk, found=found, limit=ledger_pages.LIMIT)


@router.get("/corrections")
def corrections(request: Request, desk: AtDesk) -> Response:
    """Rows that need correction in the CRIS, by check."""
    if not desk.visitor.units:
        return render(request, "no_units.html", desk, 403)
    return render(
        request,
        "corrections.html",
        desk,
        checks=ledger_pages.quarantine(desk, desk.visitor.units),
        without_addresses=_without_addresses,
        plain=_plain_json,
    )


@router.get("/corrections.csv")
def corrections_csv(desk: AtDesk, check: Asked = "") -> Response:
    """The same for a spreadsheet."""
    _check_units(desk)
    return _spreadsheet(
        "needs-correction",
        ("check", "relation", "key", "what is wrong", "first seen", "last seen", "row"),
        (
            (
                row.check_name,
                row.relation,
                row.key,
                row.message,
                row.first_seen.isoformat(timespec="seconds"),
                row.last_seen.isoformat(timespec="seconds"),
                _plain_json(_without_addresses(row.row)),
            )
            for row in ledger_pages.quarantined_rows(desk, desk.visitor.units, check or None)
        ),
    )


def _check_units(desk: Desk) -> None:
    if not desk.visitor.units:
        raise Forbidden("There is nothing for you to export", why="no unit names you among its librarians")


def _spreadsheet(name: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> Response:
    """Rows as a file that spreadsheets open; no cell can be read as a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return Response(
        "\ufeff" + text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _without_addresses(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if "email" not in name and value not in (None, "", [])}


def _plain_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
