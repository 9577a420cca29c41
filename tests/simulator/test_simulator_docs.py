"""The page about the simulator says what is there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import requests
from orcid_simulator.errors import KINDS
from orcid_simulator.settings import Settings
from orcid_simulator.testing import RunningSimulator

from tests.simulator.support import ONLY_PLANNED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/simulator.md").read_text()
CONTROL_CALLS = re.findall(r"^\| `(GET|POST|PATCH|DELETE) (/control/[^`]*)`", PAGE, re.MULTILINE)


def rows_under(heading: str) -> list[list[str]]:
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_setting_is_described() -> None:
    described = {name for row in rows_under("Settings") for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert described == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(("method", "path"), CONTROL_CALLS, ids=lambda part: part)
def test_every_described_control_call_exists(registry: RunningSimulator, method: str, path: str) -> None:
    filled = (
        path.replace("{orcid}", registry.control.record())
        .replace("{section}", "work")
        .replace("{put_code}", "1")
    )
    filled = filled.replace("{client_id}", registry.control.client().client_id).replace("{token}", "t")
    answer = requests.request(
        method, registry.base_url + filled, json={} if method != "GET" else None, timeout=5
    )
    assert "the control API has no" not in answer.text
    assert answer.status_code < 500


def test_every_control_call_is_described() -> None:
    source = (ROOT / "include/orcid_simulator/control.py").read_text()
    cases = re.findall(r'case \("([A-Z]+)", ([^)]*)\):', source)
    implemented = {
        (
            method,
            "/control/"
            + "/".join(f"{{{part}}}" if part[0] != '"' else part.strip('"') for part in rest.split(", ")),
        )
        for method, rest in cases
    }
    extras = {("POST", "/control/webhooks/flush"), ("POST", "/control/search/refresh")}
    assert implemented | extras == set(CONTROL_CALLS)


def test_the_tests_that_hold_each_part_exist_and_none_is_left_out() -> None:
    named = {
        name
        for row in rows_under("What is faithful, and what is not")
        for name in re.findall(r"`(test_\w+\.py)`", row[3])
    }
    present = {path.name for path in Path(__file__).parent.glob("test_simulator_*.py")}
    assert present - named == {Path(__file__).name}
    assert named <= present


def test_the_codes_that_only_faults_send_are_named() -> None:
    row = next(row for row in rows_under("What is faithful, and what is not") if row[0] == "error codes")
    assert {int(code) for code in re.findall(r"\d{4}", row[2])} == ONLY_PLANNED <= set(KINDS)
