"""Questions about batches that a newer one replaced are ended over Airflow's API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from orcid_sync.errors import Misconfigured, Unreachable
from orcid_sync.review.airflow_api import AirflowApi
from orcid_sync.review.replaced import close_replaced
from orcid_sync.secret import Secret

from tests.fixtures.house import House


class _Airflow(ThreadingHTTPServer):
    """The two calls of Airflow's API that are used: signing in, and answering a question that waits."""

    waiting: set[str]
    answered: list[tuple[str, list[str]]]
    notes: dict[str, str]


class _Handler(BaseHTTPRequestHandler):
    server: _Airflow

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = (self.path, body) == ("/auth/token", {"username": "robot", "password": "hush"})
        self._answer(
            201 if known else 401, {"access_token": "t"} if known else {"detail": "Invalid credentials"}
        )

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        run = self.path.split("/")[6]
        if self.headers["Authorization"] != "Bearer t":
            self._answer(401, {})
        elif self.path.endswith("?update_mask=note"):
            self.server.notes[self.path.partition("?")[0]] = body["note"]
            self._answer(200, {})
        elif run in self.server.waiting:
            self.server.waiting.remove(run)
            self.server.answered.append((run, body["chosen_options"]))
            self._answer(200, {})
        else:
            self._answer(409, {"detail": "already answered"})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def airflow() -> Iterator[_Airflow]:
    server = _Airflow(("127.0.0.1", 0), _Handler)
    server.waiting, server.answered, server.notes = set(), [], {}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def _api(server: _Airflow, password: str = "hush") -> AirflowApi:
    return AirflowApi(f"http://127.0.0.1:{server.server_port}", "robot", Secret(password))


@pytest.fixture
def replaced(house: House) -> int:
    """A batch that was asked about and then replaced."""
    batch = house.batch(house.unit(), [])
    house.all(
        "UPDATE batch SET asked_at = now(), state = 'replaced', closed_at = now() WHERE id = %s RETURNING id",
        batch,
    )
    return batch


def test_the_question_of_a_replaced_batch_is_left_open_once(
    house: House, replaced: int, airflow: _Airflow
) -> None:
    airflow.waiting.add(f"batch-{replaced}")
    assert close_replaced(house.ledger, _api(airflow)) == 1
    assert airflow.answered == [(f"batch-{replaced}", ["Leave open"])]
    assert close_replaced(house.ledger, _api(airflow)) == 0


def test_a_question_that_somebody_answered_meanwhile_is_no_trouble(
    house: House, replaced: int, airflow: _Airflow
) -> None:
    assert close_replaced(house.ledger, _api(airflow)) == 0
    assert house.one("SELECT lapsed_at IS NOT NULL FROM batch WHERE id = %s", replaced)


def test_an_open_batch_is_not_touched(house: House, airflow: _Airflow) -> None:
    batch = house.batch(house.unit(), [])
    house.all("UPDATE batch SET asked_at = now() WHERE id = %s RETURNING id", batch)
    airflow.waiting.add(f"batch-{batch}")
    assert close_replaced(house.ledger, _api(airflow)) == 0
    assert airflow.answered == []


def test_a_wrong_login_is_named_without_its_password(house: House, replaced: int, airflow: _Airflow) -> None:
    with pytest.raises(Misconfigured, match="airflow_api") as error:
        close_replaced(house.ledger, _api(airflow, "wrong-secret"))
    assert "wrong-secret" not in str(error.value)


def test_no_answer_is_told_with_its_remedy(house: House, replaced: int) -> None:
    with pytest.raises(Unreachable, match="airflow_api"):
        close_replaced(house.ledger, AirflowApi("http://127.0.0.1:9", "robot", Secret("hush")))


def test_a_note_is_written_on_its_run(airflow: _Airflow) -> None:
    _api(airflow).note_run("write_approved/manual__2026-05-04T12:00:00+00:00", "5 written" + "." * 2000)
    [(path, note)] = airflow.notes.items()
    assert path == "/api/v2/dags/write_approved/dagRuns/manual__2026-05-04T12%3A00%3A00%2B00%3A00"
    assert note.startswith("5 written")
    assert len(note) == 1000


def test_a_login_that_may_not_note_runs_gets_a_remedy(airflow: _Airflow) -> None:
    with pytest.raises(Misconfigured, match="airflow_api"):
        _api(airflow, "wrong").note_run("write_approved/r", "5 written")
