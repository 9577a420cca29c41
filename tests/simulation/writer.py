"""A writer as a process that can be killed: the write stage, once, on a ledger and a registry named by address.

Writers are forked from a server (`python -m tests.simulation.writer`) that has everything imported, so that a kill soon
after the start finds a writer at work and not an interpreter at its imports.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import NoLimiter
from orcid_sync.orcid.transport import Timeouts, Transport
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.write import write
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.registry import Registry

SOMETHING_LEFT = 3
# A lost request lands within a tenth of a second at the registries of these tests, if at all.
CALL_DEADLINE = 0.3
SETTLE_SECONDS = 0.3


@dataclass(frozen=True)
class WriterPlace:
    """Where a writer works."""

    dsn: str
    registry: str
    client_id: str
    keys: str


def run_writer(place: WriterPlace, run_id: str) -> int:
    """Write what is approved; the exit code says whether something is left for the next one."""
    ledger = Ledger(lambda: psycopg.connect(place.dsn))
    base = place.registry
    api = ApiClient(
        Credentials(place.client_id, Secret("s"), base, base, f"{base}/pub"),
        NoLimiter(),
        Transport(Timeouts(5, 30, 30)),
        sleep=lambda _: None,
    )
    settings = Settings(
        settle_seconds=SETTLE_SECONDS, call_deadline=CALL_DEADLINE, attempts=1000, calls_in_flight=4
    )
    registry = Registry({"default": api}, ledger, KeyRing.parse(place.keys))
    counts = write(ledger, registry, run_id=run_id, settings=settings)
    return SOMETHING_LEFT if counts["retrying"] or counts["busy"] else 0


class WriterServer:
    """Starts writers, and tells what became of them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, place: WriterPlace, run_id: str) -> int:
        """Start one; returns its process id."""
        return int(self._ask({"place": asdict(place), "run_id": run_id}))

    def wait(self, pid: int, seconds: float = 60) -> int | None:
        """Its exit code (negative: the signal that ended it), or None if it still runs by then."""
        until = time.monotonic() + seconds
        while True:
            status = self._ask({"pid": pid})
            if status != "running":
                return int(status)
            if time.monotonic() > until:
                return None
            time.sleep(0.005)

    def kill(self, pid: int) -> None:
        """End it as a crash would."""
        os.kill(pid, signal.SIGKILL)
        self.wait(pid)

    def _ask(self, question: object) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@contextmanager
def writer_server() -> Iterator[WriterServer]:
    """A server of writers, for the length of the block."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'include'}{os.pathsep}{root}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.simulation.writer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
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
            answer = str(_fork(WriterPlace(**question["place"]), question["run_id"]))
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


def _fork(place: WriterPlace, run_id: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        code = run_writer(place, run_id)
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
