"""Where Airflow's tasks run on this machine: under the scheduler, or with Celery and Redis as on several machines."""

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Final

from orcid_sync.local.private import write_private
from orcid_sync.local.processes import ProcessFailed
from orcid_sync.local.state import HOST, State

WORKERS: Final = ("worker-1", "worker-2")
REDIS: Final = "redis"
_TASKS_A_WORKER: Final = 3


class Executor(StrEnum):
    """Who runs the tasks."""

    LOCAL = "local"
    CELERY = "celery"

    @property
    def workers(self) -> tuple[str, ...]:
        """The processes of it besides Airflow's own."""
        return WORKERS if self is Executor.CELERY else ()

    @property
    def broker(self) -> tuple[str, ...]:
        """What its workers wait on."""
        return (REDIS,) if self is Executor.CELERY else ()

    def settings(self, state: State, database: str) -> dict[str, str]:
        """Airflow's settings for it; `database` is the address of Airflow's own."""
        if self is Executor.LOCAL:
            return {"CORE__EXECUTOR": "LocalExecutor"}
        return {
            "CORE__EXECUTOR": "CeleryExecutor",
            "CELERY__BROKER_URL": f"redis://:{state.redis_password}@{HOST}:{state.ports[REDIS]}/0",
            "CELERY__RESULT_BACKEND": f"db+{database}",
            "CELERY__WORKER_CONCURRENCY": str(_TASKS_A_WORKER),
            # A task whose worker was lost is noticed, and tried again, within a minute or two instead of five or ten.
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            "SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
        }


def redis_command(folder: Path, state: State) -> list[str]:
    """How Redis is started: on this machine alone, with a password, keeping nothing. Raises ProcessFailed without one."""
    program = shutil.which("redis-server")
    if program is None:
        raise ProcessFailed(
            "Celery needs Redis, and there is no redis-server. Install it (Debian: apt install redis-server), "
            "or leave out EXECUTOR=celery."
        )
    lines = {
        "bind": HOST,
        "port": state.ports[REDIS],
        "requirepass": state.redis_password,
        "save": '""',
        "appendonly": "no",
        "dir": folder,
    }
    folder.mkdir(parents=True, exist_ok=True)
    # In a file: what stands on a command line is seen by everybody on the machine.
    settings = folder / "redis.conf"
    write_private(settings, "".join(f"{name} {value}\n" for name, value in lines.items()))
    return [program, str(settings)]


def worker_command(airflow: str, name: str, folder: Path) -> list[str]:
    """How a Celery worker is started; its tasks' logs lie where Airflow's pages find them."""
    folder.mkdir(parents=True, exist_ok=True)
    pid_file = folder / f"{name}.pid"
    # Of a worker that was killed; the next would take it for its own double.
    pid_file.unlink(missing_ok=True)
    name = f"{name}@{HOST}"
    return [
        *(airflow, "celery", "worker", "--skip-serve-logs"),
        *("--celery-hostname", name, "--pid", str(pid_file)),
    ]
