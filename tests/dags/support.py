"""How the tests of the DAGs answer questions and read runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
from orcid_sync.vault.crypto import KeyRing

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from fastapi.testclient import TestClient

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 60
VAULT_KEY = f"test:{KeyRing.generate_key().reveal()}"
Answer = Callable[[dict[str, Any]], bool]


@dataclass
class Desk:
    """Answers the questions of `approve_batch` while its run waits for them, in a thread of its own."""

    client: TestClient
    respond: Answer
    questions: list[dict[str, Any]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    @contextmanager
    def open(self) -> Iterator[Desk]:
        stop = threading.Event()
        thread = threading.Thread(target=self._work, args=(stop,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join(PATIENCE_SECONDS)
        assert not self.errors, self.errors

    def _work(self, stop: threading.Event) -> None:
        try:
            while not stop.wait(POLL_SECONDS):
                listed = self.client.get(
                    "/api/v2/dags/approve_batch/dagRuns/~/hitlDetails", params={"response_received": False}
                )
                for question in listed.json().get("hitl_details", []):
                    if question["task_instance"]["state"] != "awaiting_input":
                        continue
                    self.questions.append(question)
                    if self.respond(question):
                        return
        except Exception as error:
            self.errors.append(error)


def answer(client: TestClient, question: dict[str, Any], option: str) -> int:
    """Choose an option of a question; returns the HTTP status."""
    run, task = question["task_instance"]["dag_run_id"], question["task_instance"]["task_id"]
    path = f"/api/v2/dags/approve_batch/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
    return int(client.patch(path, json={"chosen_options": [option], "params_input": {}}).status_code)


def airflow_uri(dsn: str) -> str:
    """A database's DSN in the form of AIRFLOW_CONN_..."""
    parts = {key: quote(str(value), safe="") for key, value in psycopg.conninfo.conninfo_to_dict(dsn).items()}
    return "postgres://{user}:{password}@{host}:{port}/{dbname}".format(**parts)


def task_states(run: DagRun) -> dict[str, str]:
    """The states of a run's tasks; of a mapped one all that occur."""
    found: dict[str, set[str]] = {}
    for instance in run.get_task_instances():
        found.setdefault(instance.task_id, set()).add(str(instance.state))
    return {task: ", ".join(sorted(states)) for task, states in found.items()}
