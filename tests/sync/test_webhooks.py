"""The registry's callbacks, from their registration to the record that is read again, over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from orcid_simulator.testing import running_simulator
from orcid_sync.ledger.runs import Counts
from orcid_sync.ledger.session import Ledger
from orcid_sync.settings import Settings
from orcid_sync.sync.mirror.webhooks import record_called, register_webhooks

from tests.fixtures.campus import Campus, campus_on, work
from tests.fixtures.ledger_rows import LedgerRows


class Receiver:
    """What stands behind the address: hands each callback's path to the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        answers: list[int] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                known = record_called(ledger, self.path.removeprefix("/webhooks/"))
                answers.append(204 if known else 404)
                self.send_response(answers[-1])
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.answers = answers
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(ledger: Ledger) -> Iterator[Receiver]:
    receiver = Receiver(ledger)
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def premium(rows: LedgerRows, ledger: Ledger, receiver: Receiver) -> Iterator[Campus]:
    """A campus with a premium API client; its registry calls back when it is told to."""
    with running_simulator() as simulator:
        for campus in campus_on(simulator, rows, ledger, kind="premium"):
            campus.settings = Settings(calls_in_flight=4, webhook_url=receiver.url)
            yield campus


def register(campus: Campus, *, repair: bool = False) -> Counts:
    return register_webhooks(
        campus.ledger, campus.registry, run_id="hooks", settings=campus.settings, repair=repair
    )


def flagged(campus: Campus) -> list[str]:
    return [row[0] for row in campus.rows.execute("SELECT orcid FROM record WHERE flagged_at IS NOT NULL")]


def test_a_change_on_the_record_has_it_read_again(premium: Campus, receiver: Receiver) -> None:
    (orcid, _), _ = premium.join(), premium.join()
    premium.mirror()
    assert register(premium)["registered"] == 2
    premium.simulator.control.add_item(orcid, "work", work(1))
    premium.simulator.control.call("POST", "/webhooks/flush")

    assert receiver.answers == [204]
    assert flagged(premium) == [orcid]
    assert premium.mirror(only_flagged=True)["read"] == 1
    assert flagged(premium) == []


def test_a_record_is_registered_once_and_again_only_when_repairing(premium: Campus) -> None:
    premium.join()
    premium.mirror()
    assert register(premium)["registered"] == 1
    assert register(premium)["calls"] == 0
    assert register(premium, repair=True)["registered"] == 1
    assert premium.rows.one("SELECT count(*) FROM webhook") == 1, "with the address it had"


def test_another_address_of_the_portal_is_registered_anew(premium: Campus) -> None:
    premium.join()
    premium.mirror()
    register(premium)
    path = premium.rows.one("SELECT path FROM webhook")
    premium.settings = Settings(calls_in_flight=4, webhook_url="http://127.0.0.1:9/webhooks")

    assert register(premium)["registered"] == 1
    assert premium.rows.one("SELECT path FROM webhook") == path


def test_a_callback_while_the_record_is_read_is_not_lost(premium: Campus) -> None:
    premium.join()
    premium.mirror()
    register(premium)
    path = premium.rows.one("SELECT path FROM webhook")
    assert record_called(premium.ledger, path)
    first = premium.rows.one("SELECT flagged_at FROM record")
    assert record_called(premium.ledger, path)
    assert premium.rows.one("SELECT flagged_at FROM record") > first, "each call tells of a later change"


def test_a_guessed_address_does_nothing(premium: Campus) -> None:
    premium.join()
    premium.mirror()
    register(premium)
    assert not record_called(premium.ledger, "guess")
    assert flagged(premium) == []
    assert all(len(path) >= 32 for (path,) in premium.rows.execute("SELECT path FROM webhook"))


def test_a_client_without_webhooks_is_told_and_nothing_fails(campus: Campus) -> None:
    campus.join()
    campus.mirror()
    campus.settings = Settings(calls_in_flight=4, webhook_url="https://portal.example.edu/webhooks")

    counts = register(campus)

    assert counts["registered"] == 0
    assert list(counts["not_allowed"]) == [campus.client_id]


def test_nothing_is_registered_without_an_address(campus: Campus) -> None:
    campus.join()
    campus.mirror()
    assert register(campus)["calls"] == 0
