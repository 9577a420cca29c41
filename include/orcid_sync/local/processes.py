"""Child processes that are found again by a later command, and ended with everything they started.

Each child leads a session of its own, so the terminal's Ctrl-C doesn't reach it and its descendants are known by the
session's id. A number alone proves nothing after a restart of the machine, so its start time is kept beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05
_LOG_LINES: Final = 15


class ProcessFailed(RuntimeError):
    """A child ended too early or with an error; the message names it and quotes the end of its log."""


@dataclass(frozen=True)
class Child:
    """A process that this or an earlier command started, kept in `folder` as NAME.json with its log NAME.log."""

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        """What the process says."""
        return self.folder / f"{self.name}.log"

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.name}.json"

    def start(self, command: Sequence[str], environment: Mapping[str, str], directory: Path) -> None:
        """Start the process unless it runs."""
        if self.running():
            return
        # What an earlier, killed one left behind would fight with the new one for ports and locks.
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - the commands are this package's own
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=directory,
                start_new_session=True,
            )
        kept = {"pid": process.pid, "started": psutil.Process(process.pid).create_time()}
        self._file.write_text(json.dumps(kept))

    def running(self) -> bool:
        """Whether the process lives."""
        leader = self._leader()
        return leader is not None and leader.status() != psutil.STATUS_ZOMBIE

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask it to end, wait, and kill what is left of its session."""
        stop_together([self], seconds)

    def ask_to_end(self) -> psutil.Process | None:
        """Send the process the signal to end, and return it if it was alive."""
        leader = self._leader()
        if leader is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                leader.terminate()
        return leader

    def kill_rest(self, seconds: float) -> None:
        """Kill what is left of its session, and forget it."""
        session = self._session()
        if session is None:
            return
        for victim in _members(session):
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        _wait_for_end(_members(session), seconds)
        self._file.unlink(missing_ok=True)

    def require(self) -> None:
        """Raise ProcessFailed if it is not running any more."""
        if not self.running():
            raise ProcessFailed(f"{self.name} ended unexpectedly. {self.tail()}")

    def tail(self) -> str:
        """The end of its log, and where the whole log is."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if self.log.exists() else []
        return "\n".join([f"Its log {self.log} ends:", *(f"    {line}" for line in lines)])

    def _kept(self) -> tuple[int, float] | None:
        try:
            kept = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return None
        return int(kept["pid"]), float(kept["started"])

    def _leader(self) -> psutil.Process | None:
        kept = self._kept()
        if kept is None:
            return None
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(kept[0])
            if abs(process.create_time() - kept[1]) < 1:
                return process
        return None

    def _session(self) -> int | None:
        """The session's id, if its number has not gone to another program since."""
        kept = self._kept()
        if kept is None:
            return None
        pid, started = kept
        with contextlib.suppress(psutil.NoSuchProcess):
            if abs(psutil.Process(pid).create_time() - started) >= 1:
                return None
        return pid


def run_to_end(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, directory: Path
) -> str:
    """Run a command to its end, its output kept in NAME.log, and return the output. Raises ProcessFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    child = Child(name, folder)
    with child.log.open("w+") as log:
        done = subprocess.run(  # noqa: S603 - the commands are this package's own
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=directory,
            check=False,
        )
    if done.returncode != 0:
        raise ProcessFailed(f"{name} failed with exit code {done.returncode}. {child.tail()}")
    return child.log.read_text(errors="replace")


def stop_together(children: Sequence[Child], seconds: float = STOP_SECONDS) -> None:
    """End several at the same time; each gets its chance whatever happens to the others."""
    leaders = [leader for child in children if (leader := child.ask_to_end())]
    _wait_for_end(leaders, seconds)
    with contextlib.ExitStack() as stack:
        for child in children:
            stack.callback(child.kill_rest, seconds)


def _members(session: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _wait_for_end(processes: Sequence[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        # Our own children stay as zombies until somebody asks for their exit code.
        _, alive = psutil.wait_procs(processes, timeout=_POLL_SECONDS)
        if not alive:
            return
