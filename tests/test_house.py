"""Who may import whom: downwards only, Airflow at the top alone, the simulator apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INCLUDE = ROOT / "include"
# From the bottom up; a room may import what is on its own floor and below.
FLOORS = (
    ("errors", "secret", "environment", "connections", "settings", "web", "model"),
    ("ledger",),
    ("cris", "quality", "orcid", "vault"),
    ("sync", "review", "consent", "report"),
    ("commands", "cli", "local", "__main__"),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(INCLUDE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a module belongs"
            assert node.module is not None
            # `from orcid_sync.cris import demo` imports a module, `from orcid_sync.errors import Gone` doesn't.
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str | None:
    """The room of an orcid_sync module: `orcid_sync.vault.crypto` is in `vault`."""
    parts = module.split(".")
    return parts[1] if parts[0] == "orcid_sync" and len(parts) > 1 else None


def own_room(path: Path) -> str | None:
    return room(".".join(path.relative_to(INCLUDE).with_suffix("").parts))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(INCLUDE)))
def test_imports_run_downwards(path: Path) -> None:
    here = own_room(path)
    if here in (None, "__init__"):
        return
    assert here in FLOOR_OF, f"{path}: give the room {here} a floor in this test"
    upwards = {
        module
        for module in imported(path)
        if (other := room(module)) in FLOOR_OF and FLOOR_OF[other] > FLOOR_OF[here]
    }
    assert not upwards, f"{path.relative_to(ROOT)} imports upwards: {', '.join(sorted(upwards))}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(INCLUDE)))
def test_airflow_is_imported_in_dags_and_plugins_only(path: Path) -> None:
    assert not {module for module in imported(path) if module.split(".")[0] == "airflow"}


def test_the_simulator_stands_alone() -> None:
    borrowed = {
        f"{path.name}: {module}"
        for path in (INCLUDE / "orcid_simulator").rglob("*.py")
        for module in imported(path)
        if module.split(".")[0] in ("orcid_sync", "airflow", "tests")
    }
    assert not borrowed


def test_only_the_command_that_starts_the_simulator_imports_it() -> None:
    users = {
        own_room(path)
        for path in (INCLUDE / "orcid_sync").rglob("*.py")
        if any(module.split(".")[0] == "orcid_simulator" for module in imported(path))
    }
    assert users <= {"commands", "cli"}


def test_dag_files_import_only_the_sdk_and_providers_of_airflow() -> None:
    strange = {
        f"{path.name}: {module}"
        for path in (ROOT / "dags").glob("*.py")
        for module in imported(path)
        if module.split(".")[0] == "airflow" and not module.startswith(("airflow.sdk", "airflow.providers"))
    }
    assert not strange
