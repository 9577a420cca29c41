"""A batch of ten thousand changes is shown page by page and approved at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from orcid_sync.ledger.session import Connect, Ledger
from psycopg.rows import TupleRow
from starlette.testclient import TestClient

from tests.fixtures.console import Browser, FakeHost, console_app
from tests.fixtures.house import CLIENT, House
from tests.fixtures.ledger import LedgerDatabase

pytestmark = pytest.mark.slow

PUBLICATIONS, RESEARCHERS = 2_500, 401


@pytest.fixture
def big_batch(house: House, ledger_owner: Connect) -> int:
    """Each of 2,500 publications with four of 400 researchers; set up as the superuser, in a few statements."""
    unit = house.unit("library", default_for=["work"])
    with ledger_owner() as connection:
        connection.execute(
            "INSERT INTO researcher (person_id) SELECT 'p' || n FROM generate_series(1, %s) n", (RESEARCHERS,)
        )
        connection.execute(
            "INSERT INTO cris_staff (person_id, family_names, given_names, is_current, visible, opted_out, row_hash) "
            "SELECT 'p' || n, 'Family' || n, 'Given', true, true, false, gen_random_uuid() FROM generate_series(1, %s) n",
            (RESEARCHERS,),
        )
        connection.execute(
            "INSERT INTO payload (digest, section, content, title, type, year, self_keys) SELECT 'd' || n, 'work', '{}', "
            "'Title number ' || n, 'journal-article', 2000 + n %% 25, ARRAY['doi:10.5555/' || n] "
            "FROM generate_series(1, %s) n",
            (PUBLICATIONS,),
        )
        connection.execute(
            "INSERT INTO item (unit_id, researcher_id, section, cris_id, client_id) SELECT %s, researcher.id, 'work', "
            "'pub-' || n, %s FROM generate_series(1, %s) n, generate_series(0, 3) k JOIN researcher ON true "
            "WHERE researcher.person_id = 'p' || ((n * 7 + k * 31) %% %s + 1)",
            (unit, CLIENT, PUBLICATIONS, RESEARCHERS),
        )
        connection.execute(
            "INSERT INTO change (item_id, unit_id, action, digest, payload_digest, warnings, why, run_id) "
            "SELECT id, unit_id, 'add', change_digest('add', 'work', NULL, content), content, "
            "CASE WHEN id % 50 = 0 THEN ARRAY['the year is unlikely'] ELSE '{}' END, 'new in the CRIS', 'run-1' "
            "FROM (SELECT *, replace(cris_id, 'pub-', 'd') AS content FROM item) AS item"
        )
        connection.execute("INSERT INTO batch (unit_id, run_id) VALUES (%s, 'run-1')", (unit,))
        connection.execute(
            "INSERT INTO batch_change (batch_id, change_id) SELECT batch.id, change.id FROM batch, change"
        )
        connection.execute("ANALYZE")
        assert connection.execute("SELECT count(*) FROM change").fetchone() == (10_000,)
    return int(house.one("SELECT id FROM batch"))


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
