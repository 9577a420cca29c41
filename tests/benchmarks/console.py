"""What a librarian waits for on a batch of ten thousand changes: pages, and approving all of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import requests

from tests.benchmarks.setup import Server, new_ledger
from tests.fixtures.big_batch import CHANGES, fill_big_batch
from tests.fixtures.console import FakeHost, console_server

LOOKS = 9
PAGES = {
    "first page": "",
    "page 50": "?page=50",
    "by researcher": "?group=researcher",
    "by kind, newest": "?group=kind&sort=newest",
    "text search": "?text=number+12",
    "with warnings": "?care=warned",
}
PAGE_BUDGET, APPROVE_BUDGET = 0.3, 2.0


def console_times(server: Server) -> dict[str, Any]:
    """Seconds from a browser's request to the whole answer, over a socket, on a ledger with one batch."""
    ledger, superuser = new_ledger(server)
    with superuser() as connection:
        unit: Any = connection.execute("SELECT id FROM ledger.unit").fetchone()
        batch = fill_big_batch(connection, unit[0])
    rows: list[dict[str, Any]] = []
    with console_server(ledger, FakeHost()) as address, requests.Session() as session:
        session.headers.update({"Authorization": "Bearer ann", "Accept": "text/html"})

        def page(query: str) -> Callable[[], None]:
            def look() -> None:
                answer = session.get(f"{address}/batches/{batch}{query}", timeout=60)
                assert answer.status_code == requests.codes.ok, answer.text

            return look

        def decide(verdict: str) -> None:
            answer = session.post(
                f"{address}/api/batches/{batch}/decisions",
                json={"verdict": verdict, "warnings": True},
                timeout=60,
            )
            assert answer.json()["decided"] == CHANGES, answer.text

        for label, query in PAGES.items():
            rows.append(_row(label, _timed(page(query), LOOKS), PAGE_BUDGET))
        approvals, withdrawals = [], []
        for _ in range(3):
            approvals += _timed(lambda: decide("approve"), 1)
            withdrawals += _timed(lambda: decide("withdraw"), 1)
        rows.append(_row("approve all", approvals, APPROVE_BUDGET))
        rows.append(_row("take all back", withdrawals, APPROVE_BUDGET))
    return {"changes": CHANGES, "rows": rows}


def _timed(action: Callable[[], None], times: int) -> list[float]:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        found.append(time.perf_counter() - started)
    return found


def _row(label: str, seconds: list[float], budget: float) -> dict[str, Any]:
    return {
        "what": label,
        "median s": round(statistics.median(seconds), 3),
        "worst s": round(max(seconds), 3),
        "budget s": budget,
    }
