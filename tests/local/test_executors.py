"""Celery on one machine: a broker of its own, two workers, and a clear word where Redis is missing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from orcid_sync.local.executors import REDIS, WORKERS, Executor, redis_command, worker_command
from orcid_sync.local.processes import ProcessFailed
from orcid_sync.local.state import State

DATABASE = "postgresql+psycopg2://airflow:secret@127.0.0.1:5432/airflow"


@pytest.fixture
def state() -> State:
    return State(redis_password="broker-secret", ports={REDIS: 6399})


def test_celery_has_two_workers_on_one_broker(state: State) -> None:
    settings = Executor.CELERY.settings(state, DATABASE)
    assert settings["CORE__EXECUTOR"] == "CeleryExecutor"
    assert settings["CELERY__BROKER_URL"] == "redis://:broker-secret@127.0.0.1:6399/0"
    assert settings["CELERY__RESULT_BACKEND"] == f"db+{DATABASE}"
    assert Executor.CELERY.workers == WORKERS


def test_the_local_executor_needs_neither(state: State) -> None:
    assert Executor.LOCAL.settings(state, DATABASE) == {"CORE__EXECUTOR": "LocalExecutor"}
    assert (Executor.LOCAL.workers, Executor.LOCAL.broker) == ((), ())


def test_the_brokers_password_stands_in_a_private_file_and_not_on_the_command_line(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    command = redis_command(tmp_path / "redis", state)
    assert "broker-secret" not in " ".join(command)
    settings = Path(command[1])
    assert "requirepass broker-secret" in settings.read_text()
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600


def test_a_missing_redis_is_named_with_the_remedy(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(ProcessFailed, match="apt install redis-server"):
        redis_command(tmp_path, state)


def test_what_a_killed_worker_left_does_not_keep_the_next_from_starting(tmp_path: Path) -> None:
    (tmp_path / "worker-1.pid").write_text("1")
    command = worker_command("airflow", "worker-1", tmp_path)
    assert command[command.index("--pid") + 1] == str(tmp_path / "worker-1.pid")
    assert not (tmp_path / "worker-1.pid").exists()
