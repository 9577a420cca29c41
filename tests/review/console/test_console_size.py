"""A batch of ten thousand changes is shown page by page and approved at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from orcid_sync.ledger.session import Connect, Ledger
from psycopg.rows import TupleRow
from starlette.testclient import TestClient

from tests.fixtures.big_batch import fill_big_batch
from tests.fixtures.console import Browser, FakeHost, console_app
from tests.fixtures.house import House
from tests.fixtures.ledger import LedgerDatabase

pytestmark = pytest.mark.slow


@pytest.fixture
def big_batch(house: House, ledger_owner: Connect) -> int:
    """Ten thousand additions with warnings among them."""
    unit = house.unit("library", default_for=["work"])
    with ledger_owner() as connection:
        return fill_big_batch(connection, unit)


class Counting(psycopg.Connection[TupleRow]):
    """Counts the statements of all connections of this kind."""

    statements = 0

    def execute(self, *arguments: Any, **options: Any) -> psycopg.Cursor[TupleRow]:
        Counting.statements += 1
        return super().execute(*arguments, **options)


@pytest.fixture
def counted(ledger_database: LedgerDatabase, console_host: FakeHost) -> Iterator[Browser]:
    """The console on connections that count their statements."""
    ledger = Ledger(lambda: Counting.connect(ledger_database.application_dsn))
    Counting.statements = 0
    with TestClient(console_app(ledger, console_host), follow_redirects=False) as client:
        yield Browser(client)


def test_a_page_of_ten_thousand_takes_as_few_statements_as_one_of_ten(
    counted: Browser, big_batch: int
) -> None:
    assert counted.get(f"/batches/{big_batch}").status_code == 200
    assert Counting.statements <= 10


def test_approving_ten_thousand_takes_few_statements(counted: Browser, big_batch: int) -> None:
    answer = counted.post(f"/api/batches/{big_batch}/decisions", {"verdict": "approve", "warnings": True})
    assert answer.json()["decided"] == 10_000
    assert Counting.statements <= 35


@pytest.mark.parametrize(
    "query", ["", "?group=researcher", "?group=kind&sort=newest", "?text=number+12", "?care=warned&page=2"]
)
def test_a_page_shows_a_hundred_of_ten_thousand(browser: Browser, big_batch: int, query: str) -> None:
    page = browser.get(f"/batches/{big_batch}{query}")
    assert page.status_code == 200
    assert page.text.count('<li class="change"') == 100
    assert "10,000" in page.text


def test_ten_thousand_are_approved_by_one_request(browser: Browser, big_batch: int) -> None:
    answer = browser.post(
        f"/api/batches/{big_batch}/decisions", {"verdict": "approve", "warnings": True}
    ).json()
    assert answer["decided"] == 10_000
    assert answer["batches"] == [{"batch": big_batch, "state": "decided", "changes": 10_000, "undecided": 0}]
