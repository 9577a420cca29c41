"""The whole product on this machine: PostgreSQL, the registry simulator and Airflow, as child processes.

`Stack.start` may be called again at any time: what runs stays, what is missing starts. Everything it keeps is in
one folder, `.local/`; the secrets in it were generated for this machine alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

from orcid_sync.local.airflow_api import AirflowApi, wait_for
from orcid_sync.local.databases import (
    Server,
    create_databases,
    cris_login,
    ledger_login,
    migrator,
)
from orcid_sync.local.executors import REDIS, WORKERS, Executor, redis_command, worker_command
from orcid_sync.local.postgres import EXTERNAL_DSN_VARIABLE, local_postgres
from orcid_sync.local.private import write_private
from orcid_sync.local.processes import Child, ProcessFailed, run_to_end, stop_together
from orcid_sync.local.progress import Progress
from orcid_sync.local.state import HOST, OPERATOR, USERS, State

PROJECT: Final = Path(__file__).parents[3]
START_SECONDS: Final = 120
DAGS: Final = tuple(sorted(path.stem for path in (PROJECT / "dags").glob("*.py")))
AIRFLOW_PROCESSES: Final = ("api-server", "scheduler", "dag-processor")
# The user's own values of these must not reach the stack's processes: they mean other machines.
_NOT_INHERITED: Final = (
    "AIRFLOW",
    "PG",
    "PYTHONPATH",
    "_AIRFLOW",
    "ORCID_SYNC_SECRETS_FILE",
    "ORCID_SYNC_KEYS",
)


@dataclass
class Stack:
    """The stack kept in `home`; `rate` is how many calls a second the simulator allows, as the registry does."""

    home: Path
    rate: float = 24

    def __post_init__(self) -> None:
        self.home = self.home.resolve()
        self.state = State.load(self._state_file)
        self.server: Server = local_postgres(self.home / "postgres")

    # --- starting and ending --------------------------------------------------------------------------------

    def start(self, progress: Progress, *, airflow: bool = True) -> None:
        """Start everything but Airflow's processes, unless all of it runs already; with `airflow` prepare for these."""
        _check_project()
        if self.running():
            return
        # Ports and addresses stand in every process's environment: a part can't be replaced alone.
        self.stop()
        self.home.mkdir(parents=True, exist_ok=True)
        with progress.step("PostgreSQL"):
            self.server.start()
            create_databases(self.server, self.state)
            for name in ("airflow", "simulator", "task-logs", "portal", *self.executor.broker):
                self.state.port(name)
            self.save()
        for name in self.executor.broker:
            with progress.step("Redis"):
                folder = self.home / name
                self._child(name).start(redis_command(folder, self.state), self.environment(), folder)
        with progress.step("Registry simulator"):
            self._start_simulator()
        with progress.step("Ledger: schema and roles"):
            self.run("migrate")
        if airflow:
            self._make_airflow_database(progress)

    def _make_airflow_database(self, progress: Progress) -> None:
        with progress.step("Airflow: its own database"):
            run_to_end(
                "airflow-db",
                [self._program("airflow"), "db", "migrate"],
                self.environment(),
                self._logs,
                PROJECT,
            )

    def start_airflow(self, progress: Progress) -> None:
        """Start Airflow's processes and wait until they are healthy and know the DAGs."""
        if self.running():
            return
        with progress.step("Airflow: API server, scheduler, DAG processor"):
            for name in AIRFLOW_PROCESSES:
                self._child(name).start([self._program("airflow"), name], self.environment(), PROJECT)
            for name in self.executor.workers:
                self.start_worker(name)
            wait_for(self._healthy, START_SECONDS, "Airflow to become healthy", self.require_alive)
            admin = self.api("admin")
            wait_for(
                lambda: self._knows_dags(admin), START_SECONDS, "Airflow to read the DAGs", self.require_alive
            )

    def start_worker(self, name: str) -> None:
        """Start one Celery worker unless it runs."""
        command = worker_command(self._program("airflow"), name, self.home / "workers")
        self._child(name).start(command, self.environment(), PROJECT)

    def start_portal(self, progress: Progress) -> None:
        """Start the researchers' portal and wait until it answers; it needs the units and their API client."""
        portal = self._child("portal")
        if portal.running():
            return
        with progress.step("Researchers' portal"):
            portal.start([self._program("orcid-sync"), "portal"], self.environment(), PROJECT)
            wait_for(self._portal_answers, START_SECONDS, "the portal to answer", portal.require)

    def stop(self) -> None:
        """End every process, Airflow first and the database last."""
        # Those that start tasks end before those that their tasks talk to.
        for together in (
            ("scheduler", "dag-processor", "portal", *WORKERS),
            ("api-server", "simulator", REDIS),
        ):
            stop_together([self._child(name) for name in together])
        self.server.stop()

    def running(self) -> bool:
        """Whether all of it runs."""
        return self.state.loaded and all(self._child(name).running() for name in self._processes)

    def require_alive(self) -> None:
        """Raise ProcessFailed if a process has ended."""
        for name in self._processes:
            child = self._child(name)
            if child.log.exists():
                child.require()

    # --- what others need to talk to it ------------------------------------------------------------------------

    @property
    def airflow_url(self) -> str:
        """Address of Airflow's pages."""
        return f"http://{HOST}:{self.state.ports['airflow']}"

    @property
    def portal_url(self) -> str:
        """Address of the researchers' portal."""
        return f"http://{HOST}:{self.state.ports['portal']}"

    @property
    def simulator_url(self) -> str:
        """Address of the registry simulator: member API, sign-in, control API."""
        return f"http://{HOST}:{self.state.ports['simulator']}"

    @property
    def ledger_dsn(self) -> str:
        """The ledger, as the application sees it."""
        return self.server.url(self.state.ledger, ledger_login(self.state), self.state.ledger_password)

    @property
    def secrets_file(self) -> Path:
        """The variables of the command line, for `ORCID_SYNC_SECRETS_FILE`."""
        return self.home / "env"

    def api(self, user: str) -> AirflowApi:
        """Airflow's API as one of the stack's users."""
        return AirflowApi(self.airflow_url, user, self.state.users[user])

    def run(self, *arguments: str) -> str:
        """Run an `orcid-sync` command against this stack and return its output. Raises ProcessFailed."""
        name = "-".join(["orcid-sync", *(word for word in arguments[:2] if word.isalpha())])
        command = [self._program("orcid-sync"), *arguments]
        return run_to_end(name, command, self.environment(), self._logs, PROJECT)

    def save(self) -> None:
        """Keep the state for the next start, and the files that are made from it."""
        self.state.save(self._state_file)
        write_private(self.home / "airflow" / "passwords.json", json.dumps(self.state.users))
        lines = [f"{key}={value}" for key, value in self._variables().items()]
        write_private(self.secrets_file, "\n".join(lines) + "\n")

    def environment(self) -> dict[str, str]:
        """The environment of every process of the stack."""
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(_NOT_INHERITED) and key != EXTERNAL_DSN_VARIABLE
        }
        bin_folder = str(Path(sys.executable).parent)
        path = os.pathsep.join([bin_folder, inherited.get("PATH", os.defpath)])
        return {
            **inherited,
            "PATH": path,
            "PYTHONUNBUFFERED": "1",
            "GX_ANALYTICS_ENABLED": "false",
            **self._variables(),
            **self._airflow_settings(),
        }

    @property
    def executor(self) -> Executor:
        """Who runs Airflow's tasks."""
        return Executor(self.state.executor)

    # --- inside ----------------------------------------------------------------------------------------------------

    @property
    def _state_file(self) -> Path:
        return self.home / "state.json"

    @property
    def _logs(self) -> Path:
        return self.home / "processes"

    @property
    def _processes(self) -> tuple[str, ...]:
        """All that has to run, but the portal."""
        return (*self.executor.broker, "simulator", *AIRFLOW_PROCESSES, *self.executor.workers)

    def _child(self, name: str) -> Child:
        return Child(name, self._logs)

    def _program(self, name: str) -> str:
        found = Path(sys.executable).with_name(name)
        if not found.exists():
            raise ProcessFailed(
                f"The program {name} is not installed beside {sys.executable}. Run `make install`."
            )
        return str(found)

    def _start_simulator(self) -> None:
        folder = self.home / "simulator"
        folder.mkdir(exist_ok=True)
        port = str(self.state.ports["simulator"])
        command = [
            sys.executable,
            "-m",
            "orcid_simulator",
            "--port",
            port,
            "--state",
            str(folder),
            "--rate",
            str(self.rate),
        ]
        simulator = self._child("simulator")
        simulator.start(command, self.environment(), PROJECT)
        wait_for(self._simulator_answers, START_SECONDS, "the simulator to answer", simulator.require)

    def _simulator_answers(self) -> bool | None:
        return self._get(f"{self.simulator_url}/control/summary") is not None or None

    def _portal_answers(self) -> bool | None:
        with requests.Session() as session:
            session.trust_env = False
            try:
                return session.get(f"{self.portal_url}/health", timeout=10).ok or None
            except requests.RequestException:
                return None

    def _healthy(self) -> bool | None:
        health = self._get(f"{self.airflow_url}/api/v2/monitor/health") or {}
        needed = ("metadatabase", "scheduler", "dag_processor")
        return all((health.get(part) or {}).get("status") == "healthy" for part in needed) or None

    def _get(self, url: str) -> dict[str, dict[str, str]] | None:
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(url, timeout=10)
            except requests.RequestException:
                return None
            return answer.json() if answer.ok else None

    def _knows_dags(self, api: AirflowApi) -> bool | None:
        errors = api.import_errors()
        if errors:
            raise ProcessFailed("Airflow can't read a DAG file: " + "; ".join(errors))
        return api.known_dags().issuperset(DAGS) or None

    def _variables(self) -> dict[str, str]:
        """The product's own variables: the same for Airflow and for the command line."""
        state = self.state
        simulator = self.simulator_url
        orcid = {
            "conn_type": "http",
            "host": simulator,
            "login": state.client_id,
            "password": state.client_secret,
            "extra": {"web_base": simulator, "public_base": f"{simulator}/pub"},
        }
        airflow = {
            "conn_type": "http",
            "host": self.airflow_url,
            "login": OPERATOR,
            "password": state.users[OPERATOR],
        }
        return {
            "AIRFLOW_CONN_AIRFLOW_API": json.dumps(airflow),
            "AIRFLOW_CONN_CRIS": self._postgres(state.cris, cris_login(state), state.cris_password),
            "AIRFLOW_CONN_LEDGER": self._postgres(state.ledger, ledger_login(state), state.ledger_password),
            "AIRFLOW_CONN_LEDGER_OWNER": self._postgres(
                state.ledger, migrator(state), state.ledger_owner_password
            ),
            "AIRFLOW_CONN_ORCID": json.dumps(orcid),
            "ORCID_SYNC_KEYS": f"local:{state.vault_key}",
            "ORCID_SYNC_DATA_DOCS_DIR": str(self.home / "data_docs"),
            "ORCID_SYNC_CONSOLE_URL": self.airflow_url,
            "ORCID_SYNC_PORTAL_URL": self.portal_url,
            "ORCID_SYNC_PORTAL_SIGN_IN": "link,demo",
            "ORCID_SYNC_PORTAL_INSTITUTION": "Demo University",
            "ORCID_SYNC_PORTAL_CONTACT": "orcid@university.example",
        }

    def _postgres(self, database: str, login: str, password: str) -> str:
        """A connection in Airflow's URI form."""
        return self.server.url(database, login, password).replace("postgresql://", "postgres://", 1)

    def _airflow_settings(self) -> dict[str, str]:
        state = self.state
        database = self.server.url(state.airflow, state.airflow, state.airflow_password)
        database = database.replace("postgresql://", "postgresql+psycopg2://", 1)
        folder = self.home / "airflow"
        settings = {
            "CORE__PARALLELISM": "6",
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
            "CORE__TEST_CONNECTION": "Enabled",
            "CORE__FERNET_KEY": state.fernet_key,
            "CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
            "DATABASE__SQL_ALCHEMY_CONN": database,
            **self.executor.settings(state, database),
            "API_AUTH__JWT_SECRET": state.jwt_secret,
            "API__SECRET_KEY": state.api_secret,
            "API__HOST": HOST,
            "API__PORT": str(state.ports["airflow"]),
            "API__BASE_URL": self.airflow_url,
            "API__WORKERS": "1",
            "LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
            "LOGGING__WORKER_LOG_SERVER_PORT": str(state.ports["task-logs"]),
            "DAG_PROCESSOR__REFRESH_INTERVAL": "30",
            # All of it shares one machine: a task must not fail because the API server was busy for a moment.
            "WORKERS__EXECUTION_API_TIMEOUT": "60",
        }
        return {"AIRFLOW_HOME": str(folder), **{f"AIRFLOW__{key}": value for key, value in settings.items()}}


def forget(home: Path) -> None:
    """Stop the stack of `home` and delete everything it kept there."""
    stack = Stack(home)
    stack.stop()
    stack.server.destroy()
    shutil.rmtree(home, ignore_errors=True)


def _check_project() -> None:
    if not (PROJECT / "dags").is_dir():
        raise ProcessFailed(
            f"The DAGs are not in {PROJECT}. Install the project in editable form from its own folder: `make install`."
        )
