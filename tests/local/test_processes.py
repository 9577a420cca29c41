"""Child processes: found again, ended with their descendants, never mistaken for somebody else's."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import psutil
import pytest
from orcid_sync.local.processes import Child, ProcessFailed, run_to_end

ENVIRONMENT = {"PATH": os.defpath}
# Says that it is ready once its own child, in a process group of its own, exists; and will not end when asked.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
print(child.pid, flush=True)
time.sleep(600)
"""


def wait_for_line(child: Child) -> str:
    while not (text := child.log.read_text()).endswith("\n"):
        child.require()
    return text.strip()


def start(child: Child, program: str, folder: Path) -> None:
    child.start([sys.executable, "-c", program], ENVIRONMENT, folder)


def test_a_child_is_ended_with_all_its_descendants_even_if_it_will_not(tmp_path: Path) -> None:
    child = Child("stubborn", tmp_path)
    start(child, STUBBORN, tmp_path)
    grandchild = int(wait_for_line(child))
    assert child.running()
    child.stop(seconds=0.2)
    assert not child.running()
    assert not psutil.pid_exists(grandchild) or psutil.Process(grandchild).status() == psutil.STATUS_ZOMBIE


def test_a_later_command_finds_the_child_again_and_does_not_start_a_second(tmp_path: Path) -> None:
    start(Child("server", tmp_path), STUBBORN, tmp_path)
    later = Child("server", tmp_path)
    try:
        wait_for_line(later)
        kept = (tmp_path / "server.json").read_text()
        start(later, STUBBORN, tmp_path)
        assert later.running()
        assert (tmp_path / "server.json").read_text() == kept
    finally:
        later.stop(seconds=0.2)


def test_a_number_that_went_to_another_program_is_left_alone(tmp_path: Path) -> None:
    me = psutil.Process()
    (tmp_path / "old.json").write_text(json.dumps({"pid": me.pid, "started": me.create_time() - 3600}))
    child = Child("old", tmp_path)
    assert not child.running()
    child.stop()
    assert me.is_running()


def test_a_broken_note_counts_as_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{")
    child = Child("old", tmp_path)
    assert not child.running()
    child.stop()


def test_a_child_that_ended_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = Child("short", tmp_path)
    start(child, "print('the reason', flush=True); raise SystemExit(3)", tmp_path)
    while child.running():
        pass
    with pytest.raises(ProcessFailed, match=r"(?s)short ended unexpectedly.*short\.log ends:.*the reason"):
        child.require()


def test_a_command_that_fails_is_told_with_its_exit_code_and_output(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no such table'); raise SystemExit(3)"]
    with pytest.raises(ProcessFailed, match=r"(?s)migrate failed with exit code 3.*no such table"):
        run_to_end("migrate", command, ENVIRONMENT, tmp_path, tmp_path)
    assert run_to_end("say", [sys.executable, "-c", "print(1)"], ENVIRONMENT, tmp_path, tmp_path) == "1\n"
