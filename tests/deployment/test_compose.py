"""The compose file: complete, consistent with the example of its secrets, and valid where Docker can say so."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from orcid_sync.ledger.units_file import load_units

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
LONG_RUNNING = (
    "postgres",
    "redis",
    "api-server",
    "scheduler",
    "dag-processor",
    "worker",
    "portal",
    "simulator",
)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)["services"]
    return found


def example_variables() -> dict[str, str]:
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_every_lasting_service_says_how_it_is(services: dict[str, Any], name: str) -> None:
    assert services[name]["healthcheck"]["test"]
    assert services[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["api-server", "scheduler", "dag-processor", "worker"])
def test_airflow_starts_after_the_one_shot_init_has_ended_well(services: dict[str, Any], name: str) -> None:
    assert services[name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}


def test_every_variable_of_the_compose_file_is_in_the_example_without_a_secret() -> None:
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", TEXT))
    assert used <= set(example_variables())
    secret = {
        name: value
        for name, value in example_variables().items()
        if re.search("PASSWORD|KEY|SECRET|TOKEN", name)
    }
    assert not any(secret.values()), "the example must not bring secrets that somebody keeps"


def test_no_secret_has_a_default() -> None:
    for name in set(re.findall(r"\$\{([A-Z_]*(?:PASSWORD|KEY|SECRET)[A-Z_]*)", TEXT)):
        assert f"${{{name}:?" in TEXT, f"{name} has to be required"
        assert f"${{{name}:-" not in TEXT


def test_only_the_init_job_may_change_roles_and_tables(services: dict[str, Any]) -> None:
    owners = {name for name, service in services.items() if "AIRFLOW_CONN_LEDGER_OWNER" in str(service)}
    assert owners == {"init"}


def test_nobody_runs_as_root() -> None:
    image = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (\w+)$", image, re.MULTILINE)[-1] == "airflow"
    assert "--require-hashes" in image


def test_the_simulator_is_for_the_demo_only_and_its_control_needs_a_token(services: dict[str, Any]) -> None:
    simulator = services["simulator"]
    assert simulator["profiles"] == ["demo"]
    assert "--control-token" in simulator["command"]
    assert all(port.startswith("127.0.0.1:") for port in simulator["ports"])


def test_the_example_of_the_units_is_a_valid_units_file() -> None:
    units = load_units(ROOT / "docs" / "units.example.yaml")
    assert [unit.code for unit in units.units] == ["library", "hr"]


def test_docker_accepts_the_file(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs docker compose")
    for name in ("docker-compose.yaml", "docs/units.example.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    filled = [f"{name}={value or 'x'}" for name, value in example_variables().items()]
    (tmp_path / ".env").write_text("\n".join(filled))
    command = [docker, "compose", "--profile", "demo", "config", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
