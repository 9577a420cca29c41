"""Airflow's own API, for what the DAGs can't do from within: end a question, write a note on a run.

Needs a connection `airflow_api` (AIRFLOW_CONN_AIRFLOW_API: host with scheme and port, login, password) of a user who may
answer Required Actions and edit runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import requests

from orcid_sync.connections import ConnectionInfo
from orcid_sync.errors import Misconfigured, Unreachable

CONNECTION: Final = "airflow_api"
LEAVE_OPEN: Final = "Leave open"
LONGEST_NOTE: Final = 1000
TIMEOUT: Final = 30


@dataclass
class AirflowApi:
    """Airflow's REST API, signed in as one user. `base` is its address without a path."""

    base: str
    login: str
    password: Any
    _token: str | None = None

    @classmethod
    def from_connection(cls, info: ConnectionInfo) -> AirflowApi:
        """The address and the login of a connection."""
        host = info.host if "://" in info.host else f"http://{info.host}"
        return cls(f"{host}:{info.port}" if info.port else host, info.login, info.password)

    def leave_open(self, run_id: str, task_id: str = "ask", dag_id: str = "approve_batch") -> bool:
        """Answer a waiting question with *Leave open*; False where it does not wait any more."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        answer = self._call("PATCH", path, {"chosen_options": [LEAVE_OPEN], "params_input": {}})
        if answer.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            return False
        self._check(answer)
        return True

    def note_run(self, run_id: str, note: str) -> None:
        """Write the note of a run, in place of an older one; `run_id` is DAG and run. Raises Misconfigured, Unreachable."""
        dag, _, run = run_id.partition("/")
        path = f"/api/v2/dags/{quote(dag, safe='')}/dagRuns/{quote(run, safe='')}?update_mask=note"
        self._check(self._call("PATCH", path, {"note": note[:LONGEST_NOTE]}))

    def _call(self, method: str, path: str, body: dict[str, Any]) -> requests.Response:
        if self._token is None:
            login = {"username": self.login, "password": self.password.reveal()}
            signed_in = self._request("POST", "/auth/token", login, None)
            self._check(signed_in)
            self._token = str(signed_in.json()["access_token"])
        return self._request(method, path, body, self._token)

    def _request(self, method: str, path: str, body: dict[str, Any], token: str | None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return requests.request(method, f"{self.base}{path}", json=body, headers=headers, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise Unreachable(
                "Airflow's API did not answer",
                why=type(error).__name__,
                remedy="Check host and port of the connection airflow_api",
            ) from None

    @staticmethod
    def _check(answer: requests.Response) -> None:
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise Misconfigured(
                f"Airflow's API refused a call of the connection {CONNECTION}",
                why=f"status {answer.status_code}",
                remedy="Set login and password to a user who may answer Required Actions and edit runs",
            )
