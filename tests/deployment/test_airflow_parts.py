"""The parts of Airflow that only the deployment uses, and no test of the DAGs would miss."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def airflow_environment(home: Path) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests-" + "x" * 32,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    return {**inherited, **settings}


def run(home: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], env=airflow_environment(home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_celery_executor_loads(tmp_path: Path) -> None:
    # Packages that fit each other by their own account need not: this broke with Celery 5.7.
    run(tmp_path, "-c", "import airflow.providers.celery.executors.celery_executor")


@pytest.mark.slow
def test_the_librarian_role_answers_questions_and_the_dags_know_it(tmp_path: Path) -> None:
    run(tmp_path, "-m", "airflow", "db", "migrate")
    script = str(ROOT / "plugins" / "fab_roles.py")
    first, again = run(tmp_path, script), run(tmp_path, script)
    assert first.splitlines()[-1] == again.splitlines()[-1]
    permissions = run(
        tmp_path, "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'plugins')!r}); "
        "from fab_roles import make_librarian; print(make_librarian())",
    )  # fmt: skip
    for right in ("can_edit on HITL Detail", "menu_access on HITL Detail", "can_read on DAGs"):
        assert right in permissions
    for wrong in ("can_edit on DAGs", "can_create on DAG Runs", "can_edit on Connections"):
        assert wrong not in permissions
    run(tmp_path, "-m", "airflow", "dags", "reserialize")
    assert "approve_batch" in run(tmp_path, "-m", "airflow", "dags", "list", "--output", "plain")
