"""The demo command itself, as `make demo` calls it: twice, then nothing of it runs any more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SMALL = ("--staff", "40", "--publications", "150")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    # Not pytest's own temporary folder: that one is closed to the user whom root's database server runs as.
    with tempfile.TemporaryDirectory(prefix="orcid-sync-demo-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "local"
        yield home
        run("down", home)
        forget = "from orcid_sync.local.stack import forget; import pathlib, sys; forget(pathlib.Path(sys.argv[1]))"
        subprocess.run([sys.executable, "-c", forget, str(home)], check=True)


def command(name: str, home: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "orcid_sync.local", name, "--home", str(home), *more]


def run(name: str, home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    # An empty home, as a fresh machine has it.
    environment = {**os.environ, "HOME": str(home.parent), "COLUMNS": "200"}
    return subprocess.run(
        command(name, home, *more), env=environment, capture_output=True, text=True, check=False
    )


def demo(home: Path) -> dict[str, Any]:
    summary = home.parent / "summary.json"
    done = run("demo", home, *SMALL, "--json", str(summary))
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, Any] = json.loads(summary.read_text())
    return {**figures, "printed": done.stdout}


def processes_of(home: Path) -> list[str]:
    """What still runs and has to do with the stack: it names its folder, or writes to a file in it."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        try:
            files = [file.path for file in process.open_files()]
        except (psutil.Error, OSError):
            files = []
        command_line = " ".join(process.info["cmdline"] or [])
        mine = str(home) in command_line or any(path.startswith(f"{home}/") for path in files)
        if mine and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(f"{process.pid} {command_line}")
    return found


@pytest.fixture(scope="module")
def first(home: Path) -> dict[str, Any]:
    return demo(home)


def test_everything_promised_happens(first: dict[str, Any]) -> None:
    assert first["broken"] == []
    assert not first["nothing_new"]
    assert (first["staff"], first["publications"]) == (40, 150)
    assert first["quarantined"]
    assert {"already_on_record", "never_asked"} <= set(first["withheld"])
    assert sum(count for by, count in first["approved"].items() if "librarian" in by) > 50
    assert first["approved"]["hr by policy:automatic"] > 0
    assert first["written"]["library: add"] > 50
    assert first["put_codes"]["library"] >= first["written"]["library: add"]
    assert first["waiting"]["hospital"] > 0, "a batch is left for a person to try"
    assert {"extract", "validate", "merge", "mirror", "propose", "write"} <= set(first["seconds"])
    assert first["calls"]["POST /works"] < first["written"]["library: add"], "works go out in bulk"


def test_the_table_and_the_way_on_are_printed(first: dict[str, Any]) -> None:
    for text in (
        "What happened",
        "quarantined, by check",
        "withheld, by reason",
        "put codes, by unit",
        "make up",
    ):
        assert text in first["printed"]


def test_no_process_and_no_readable_secret_is_left(first: dict[str, Any], home: Path) -> None:
    assert processes_of(home) == []
    for name in ("state.json", "env", "airflow/passwords.json"):
        assert (home / name).stat().st_mode & 0o077 == 0, name
    assert not (home / "tokens.csv").exists()
    secrets = json.loads((home / "state.json").read_text())
    logs = "".join(
        path.read_text(errors="replace") for path in home.rglob("*.log") if os.access(path, os.R_OK)
    )
    for name in (
        "vault_key",
        "fernet_key",
        "jwt_secret",
        "client_secret",
        "ledger_password",
        "cris_password",
    ):
        assert secrets[name] not in logs, f"{name} stands in a log"


def test_a_second_time_there_is_nothing_to_write(first: dict[str, Any], home: Path) -> None:
    second = demo(home)
    assert second["broken"] == []
    assert second["nothing_new"]
    assert second["written"] == {}
    assert second["put_codes"] == first["put_codes"]
    assert "Nothing new to write" in second["printed"]
    assert not [
        name
        for name in second["calls"]
        if name.split()[0] in ("POST", "PUT", "DELETE") and "oauth" not in name
    ]
    assert processes_of(home) == []


def test_an_interrupted_command_ends_what_it_started(first: dict[str, Any], home: Path) -> None:
    started = subprocess.Popen(
        command("up", home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert started.stdout is not None
    for line in started.stdout:
        if "Registry simulator" in line:
            break
    started.send_signal(signal.SIGINT)
    printed, _ = started.communicate(timeout=120)
    assert started.returncode == 130, printed
    assert processes_of(home) == []


def test_up_stays_until_down_and_a_second_command_waits_its_turn(first: dict[str, Any], home: Path) -> None:
    up = run("up", home)
    assert up.returncode == 0, up.stdout + up.stderr
    for text in ("librarian", "required_actions", "ORCID_SYNC_SECRETS_FILE"):
        assert text in up.stdout
    running = " ".join(processes_of(home))
    for name in ("postgres", "orcid_simulator", "api-server", "scheduler", "dag-processor"):
        assert name in running or name.replace("-", "_") in running, f"{name} does not run"
    again = time.monotonic()
    assert run("up", home).returncode == 0
    assert time.monotonic() - again < 60, "what runs is left alone"
    assert run("down", home).returncode == 0
    assert processes_of(home) == []
