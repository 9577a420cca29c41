"""What the demo says to Airflow over its REST API, as one user."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import requests

CALL_SECONDS: Final = 60
POLL_SECONDS: Final = 0.5
END_STATES: Final = frozenset({"success", "failed"})

Found = TypeVar("Found")


class AirflowRefused(RuntimeError):
    """Airflow answered a call with an error; the message names call, status and Airflow's reason."""


class TookTooLong(RuntimeError):
    """What was waited for did not happen in time."""


@dataclass(frozen=True)
class TaskRun:
    """One try of a task: its label, how long it took in seconds."""

    task_id: str
    map_index: int
    state: str
    seconds: float


class AirflowApi:
    """The stable REST API, signed in as one user."""

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self._base = base_url
        self._session = requests.Session()
        # A proxy of the machine has no business on the loopback interface.
        self._session.trust_env = False
        credentials = {"username": username, "password": password}
        token = self._call("POST", f"{base_url}/auth/token", json=credentials)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def known_dags(self) -> set[str]:
        """The DAGs that the scheduler can run."""
        answer = self._api("GET", "/dags", params={"limit": 100})
        return {dag["dag_id"] for dag in answer["dags"]}

    def import_errors(self) -> list[str]:
        """The DAG files that can't be read, each with its error's last line."""
        found = self._api("GET", "/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in found]

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run the DAG."""
        self._api("PATCH", f"/dags/{dag_id}", params={"update_mask": "is_paused"}, json={"is_paused": False})

    def trigger(
        self, dag_id: str, conf: Mapping[str, Any] | None = None, *, run_id: str | None = None
    ) -> str:
        """Start a run by hand, under an id of its own if one is given, and return the id."""
        body = {"logical_date": None, "conf": dict(conf or {})} | ({"dag_run_id": run_id} if run_id else {})
        return str(self._api("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """The state of a run: queued, running, success, failed."""
        return str(self._api("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def run_times(self, dag_id: str, run_id: str) -> tuple[dt.datetime, dt.datetime]:
        """When an ended run was queued, and when it ended."""
        run = self._api("GET", f"/dags/{dag_id}/dagRuns/{run_id}")
        queued, ended = (dt.datetime.fromisoformat(run[moment]) for moment in ("queued_at", "end_date"))
        return queued, ended

    def runs(self, dag_id: str) -> list[str]:
        """The ids of the newest runs, newest first."""
        answer = self._api("GET", f"/dags/{dag_id}/dagRuns", params={"limit": 20, "order_by": "-run_after"})
        return [run["dag_run_id"] for run in answer["dag_runs"]]

    def run_caused_by(self, dag_id: str, cause: str) -> str | None:
        """The run that was started by an asset event of the run `cause`, if there is one yet."""
        for run_id in self.runs(dag_id):
            events = self._api("GET", f"/dags/{dag_id}/dagRuns/{run_id}/upstreamAssetEvents")["asset_events"]
            if any(event.get("source_run_id") == cause for event in events):
                return run_id
        return None

    def task_runs(self, dag_id: str, run_id: str) -> list[TaskRun]:
        """The tasks of a run; a task that has not ended has 0 seconds."""
        answer = self._api("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", params={"limit": 200})
        return [
            TaskRun(task["task_id"], task["map_index"], str(task["state"]), float(task["duration"] or 0))
            for task in answer["task_instances"]
        ]

    def open_questions(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The required actions of a run that nobody has answered."""
        answer = self._api(
            "GET", f"/dags/{dag_id}/dagRuns/{run_id}/hitlDetails", params={"response_received": False}
        )
        found: list[dict[str, Any]] = answer["hitl_details"]
        return found

    def scheduler_beat(self) -> str:
        """When the scheduler last gave a sign of life; another text each time, every few seconds."""
        return str(self._api("GET", "/monitor/health")["scheduler"]["latest_scheduler_heartbeat"])

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str) -> None:
        """Choose one option of a required action."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        self._api("PATCH", path, json={"chosen_options": [option], "params_input": {}})

    def wait_for_end(self, dag_id: str, run_id: str, seconds: float, alive: Callable[[], None]) -> None:
        """Wait until the run has ended well. Raises AirflowRefused naming the failed tasks, TookTooLong."""

        def ended() -> str | None:
            state = self.run_state(dag_id, run_id)
            return state if state in END_STATES else None

        state = wait_for(ended, seconds, f"run {run_id} of {dag_id} to end", alive)
        if state != "success":
            failed = sorted(
                {task.task_id for task in self.task_runs(dag_id, run_id) if task.state == "failed"}
            )
            raise AirflowRefused(f"Run {run_id} of {dag_id} failed in {', '.join(failed) or 'no task'}")

    def _api(self, method: str, path: str, **arguments: Any) -> Any:
        return self._call(method, f"{self._base}/api/v2{path}", **arguments)

    def _call(self, method: str, url: str, **arguments: Any) -> Any:
        answer = self._session.request(method, url, timeout=CALL_SECONDS, **arguments)
        if answer.status_code >= 400:
            raise AirflowRefused(
                f"Airflow answered {answer.status_code} to {method} {url.removeprefix(self._base)}: "
                f"{answer.text[:300]}"
            )
        return answer.json() if answer.content else None


def wait_for(look: Callable[[], Found | None], seconds: float, what: str, alive: Callable[[], None]) -> Found:
    """Look until something is found; `alive` raises where waiting on has become pointless."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        alive()
        if time.monotonic() > deadline:
            raise TookTooLong(f"Waited {seconds:.0f} s for {what}")
        time.sleep(POLL_SECONDS)
