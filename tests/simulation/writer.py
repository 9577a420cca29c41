"""Writers that can be killed: the command `orcid-sync write`, each as a process with an environment of its own.

Most are forked from a server (`python -m tests.simulation.writer`) that has everything imported, so that a kill soon
after the start finds the command at work and not an interpreter at its imports; `executable` starts the installed
command itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg

# Imported before the fork: what a command would import when it is called.
from orcid_sync.cli import main as command
from orcid_sync.sync.write import write as _  # noqa: F401

from tests.fixtures.promises import CLIENT
from tests.fixtures.world import World


@dataclass(frozen=True)
class Patience:
    """How long a writer gives a call, and lost requests to land beyond that, in seconds."""

    deadline: float
    settle: float


# Killed by and by: the next one may soon look what became of its calls.
HASTY: Final = Patience(0.3, 2)
# For writers that are to come to an end, also on a machine that has other things to do.
PATIENT: Final = Patience(5, 10)
EXECUTABLE: Final = Path(sysconfig.get_path("scripts")) / "orcid-sync"


@dataclass(frozen=True)
class Started:
    """A writer: its process id, and the file to which it prints its counts."""

    pid: int
    output: Path


def environment(world: World, patience: Patience) -> dict[str, str]:
    """The variables that name this world's ledger, registry and keys, and how patient a writer is."""
    base = world.site.simulator.base_url
    orcid = {
        "conn_type": "http",
        "host": base,
        "login": CLIENT,
        "password": "s",
        "extra": {"web_base": base, "public_base": f"{base}/pub"},
    }
    return {
        "AIRFLOW_CONN_LEDGER": _ledger_uri(world.site.database.application_dsn),
        "AIRFLOW_CONN_ORCID": json.dumps(orcid),
        "ORCID_SYNC_KEYS": ",".join(world.keys),
        "ORCID_SYNC_CALL_DEADLINE": str(patience.deadline),
        "ORCID_SYNC_SETTLE_SECONDS": str(patience.settle),
        "ORCID_SYNC_ATTEMPTS": "1000",
        "ORCID_SYNC_CALLS_IN_FLIGHT": "4",
        "ORCID_SYNC_RATE": "24",
    }


def _ledger_uri(dsn: str) -> str:
    parts = {
        name: quote(str(value), safe="") for name, value in psycopg.conninfo.conninfo_to_dict(dsn).items()
    }
    host = parts.get("host", "")
    place, query = ("", f"?host={host}") if host.startswith("%2F") else (host, "")
    port = f":{parts['port']}" if place and "port" in parts else ""
    if query and "port" in parts:
        query += f"&port={parts['port']}"
    return f"postgres://{parts['user']}:{parts['password']}@{place}{port}/{parts['dbname']}{query}"


class WriterServer:
    """Starts writers, and tells what became of them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, world: World, run_id: str, patience: Patience = HASTY) -> Started:
        """Start one."""
        output = world.site.docs / f"{run_id}.json"
        output.parent.mkdir(parents=True, exist_ok=True)
        question = {"environment": environment(world, patience), "run_id": run_id, "output": str(output)}
        return Started(int(self._ask(question)), output)

    def wait(self, writer: Started, seconds: float = 60) -> int | None:
        """Its exit code (negative: the signal that ended it), or None if it still runs by then."""
        until = time.monotonic() + seconds
        while True:
            status = self._ask({"pid": writer.pid})
            if status != "running":
                return int(status)
            if time.monotonic() > until:
                return None
            time.sleep(0.005)

    def kill(self, writer: Started) -> None:
        """End it as a crash would."""
        os.kill(writer.pid, signal.SIGKILL)
        self.wait(writer)

    def _ask(self, question: object) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


def nothing_left(writer: Started) -> bool:
    """Whether a writer that came to its end had nothing to leave for the next one."""
    counts: dict[str, Any] = json.loads(writer.output.read_text())
    return not (counts["retrying"] or counts["busy"])


def executable(world: World, run_id: str, patience: Patience = HASTY) -> subprocess.Popen[str]:
    """The installed command, as cron or an operator would start it; its counts come on its stdout."""
    return subprocess.Popen(
        [EXECUTABLE, "write", "--json", "--run-id", run_id],
        env={**os.environ, **environment(world, patience)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextmanager
def writer_server() -> Iterator[WriterServer]:
    """A server of writers, for the length of the block."""
    root = Path(__file__).parents[2]
    variables = {**os.environ, "PYTHONPATH": f"{root / 'include'}{os.pathsep}{root}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.simulation.writer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=variables,
        cwd=root,
        # An interrupt from the keyboard is for who waits, not for the server: it ends when its input does.
        start_new_session=True,
    )
    try:
        yield WriterServer(process)
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        process.wait()


def serve() -> None:
    """Answer questions until there are no more. Nothing is connected to before a fork."""
    for line in sys.stdin:
        question = json.loads(line)
        if "pid" in question:
            done, status = os.waitpid(question["pid"], os.WNOHANG)
            answer = str(os.waitstatus_to_exitcode(status)) if done else "running"
        else:
            answer = str(_fork(**question))
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


def _fork(environment: dict[str, str], run_id: str, output: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.environ.update(environment)
        command(["write", "--json", "--run-id", run_id])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
