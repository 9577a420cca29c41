"""How much of the registry's rate several worker processes use together, at several answer times; and what it refuses.

Each worker is a process with a limiter, a client and a `mirror` stage of its own; they share the ledger's database alone.
`python -m tests.benchmarks.rates` is one of them; what it needs comes as a line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

import psycopg
from orcid_simulator.testing import running_simulator
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import PostgresLimiter
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.mirror import mirror
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.registry import Registry

from tests.benchmarks.calls import OurSync
from tests.benchmarks.setup import CLIENT, Server

RATE: Final = 24
SECONDS: Final = 20
"""About as long is measured, for each number of workers and answer time."""
EDGE: Final = 0.1
"""The part of the calls at either end that is left out: while workers start, and while the last ones are answered."""


def rates_used(server: Server, workers: tuple[int, ...], answer_times: tuple[float, ...]) -> dict[str, Any]:
    """A row for each number of workers and answer time in seconds."""
    rows = []
    with running_simulator(rate=RATE, process=True) as simulator:
        simulator.control.client(client_id=CLIENT, client_secret="s")
        records = 23 * SECONDS
        ours = OurSync(server, simulator, records)
        for seconds in answer_times:
            for count in workers:
                simulator.control.clear_faults()
                simulator.control.fault("delay", seconds=seconds, times=1_000_000, path="/v3.0/")
                before = simulator.control.summary()["refused_for_rate"]
                seen = max((call["n"] for call in simulator.control.calls()), default=0)
                _run(count, ours.dsn, simulator.base_url, ours.key, records // count)
                moments = sorted(call["time"] for call in simulator.control.calls(seen))
                edge = int(len(moments) * EDGE)
                middle = moments[edge:-edge]
                rate = (len(middle) - 1) / (middle[-1] - middle[0])
                rows.append(
                    {
                        "answer time, s": seconds,
                        "workers": count,
                        "calls": len(moments),
                        "calls a second": round(rate, 2),
                        f"of {RATE}/s, %": round(100 * rate / RATE, 1),
                        "refused": simulator.control.summary()["refused_for_rate"] - before,
                    }
                )
        ours.close()
    return {"rows": rows}


def _run(workers: int, dsn: str, base: str, key: str, records: int) -> None:
    """Start the workers, let them go at once when all are ready, and wait for their ends."""
    command = [sys.executable, "-m", __name__]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for worker in started:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for number, worker in enumerate(started):
        assert worker.stdin is not None
        given = {"dsn": dsn, "base": base, "key": key, "records": records, "run": f"worker {number}"}
        worker.stdin.write(json.dumps(given) + "\n")
        worker.stdin.flush()
    for worker in started:
        if worker.wait():
            raise SystemExit("a worker failed")


def main() -> None:
    """One worker: ready, go, and one call for each record."""
    settings = Settings()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    given = json.loads(sys.stdin.readline())
    base = given["base"]
    ledger = Ledger(lambda: psycopg.connect(given["dsn"]))
    limiter = PostgresLimiter(ledger, settings.rate)
    api = ApiClient(Credentials(CLIENT, Secret("s"), base, base, f"{base}/pub"), limiter)
    registry = Registry({"default": api}, ledger, KeyRing.parse(Secret(given["key"])))
    common = {"settings": settings, "everything": True}
    mirror(ledger, registry, run_id=given["run"], limit=given["records"], **common)


if __name__ == "__main__":
    main()
