"""At most so many calls a second to the registry, for all workers of one API client together.

Calls are released evenly: each takes the next free moment, `1 / rate` seconds after the last, and waits for it. A
caller that is late takes the moment it arrives; nothing is saved up, so no burst follows a pause. After the registry
has refused calls (503, 429) nothing is released until the penalty is over, turns that were handed out before included,
and then at half the rate, which grows back with each call.

The registry takes 24 calls a second. What the batch lane leaves of them (one a second at a rate of 23) is the
interactive lane, so that a researcher at the portal never waits behind a night's writes.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, LiteralString, Protocol

import psycopg

from orcid_sync.errors import Unreachable
from orcid_sync.ledger.session import Ledger

REGISTRY_RATE = 24.0
SLOWEST = 1.0
RECOVERY = 1.05
DEFAULT_PENALTY = 2.0
Lane = Literal["batch", "interactive"]
LANES: tuple[Lane, ...] = ("batch", "interactive")
Clock = Callable[[], float]
Sleep = Callable[[float], None]


class Limiter(Protocol):
    """Shared by everybody who calls the registry as one API client."""

    def acquire(self, client_id: str, reserve: Lane = "batch") -> None:
        """Wait until the next call may go out."""

    def penalize(self, client_id: str, retry_after: float | None = None) -> None:
        """The registry refused a call: stop for `retry_after` seconds (or a moment), then start slowly."""


def lane_rate(rate: float, lane: Lane) -> float:
    """Calls a second of a lane: the interactive one has what the batch lane leaves, never less than a half."""
    return rate if lane == "batch" else max(0.5, REGISTRY_RATE - rate)


def lane_key(client_id: str, lane: Lane) -> str:
    """The name a lane's state is kept under."""
    return client_id if lane == "batch" else f"{client_id}#{lane}"


def penalty(retry_after: float | None) -> float:
    """Seconds to stop. Without a word from the registry, a moment with jitter so that workers don't return at once."""
    return retry_after if retry_after is not None else DEFAULT_PENALTY * random.uniform(0.5, 1.5)  # noqa: S311


class NoLimiter:
    """Never waits: for a registry that doesn't count, such as a simulator without a limit."""

    def acquire(self, client_id: str, reserve: Lane = "batch") -> None:
        """Return at once."""

    def penalize(self, client_id: str, retry_after: float | None = None) -> None:
        """Remember nothing."""


@dataclass
class _Pace:
    """The state of one lane, in seconds of its clock."""

    next_at: float = float("-inf")
    rate: float | None = None
    penalty_until: float = float("-inf")


@dataclass(eq=False)
class LocalLimiter:
    """The limiter of one process, shared by its threads."""

    rate: float
    clock: Clock = time.monotonic
    sleep: Sleep = time.sleep
    _paces: dict[str, _Pace] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def acquire(self, client_id: str, reserve: Lane = "batch") -> None:
        """Wait until the next call of this client may go out."""
        full = lane_rate(self.rate, reserve)
        while True:
            with self._lock:
                pace = self._paces.setdefault(lane_key(client_id, reserve), _Pace())
                now = self.clock()
                moment = max(now, pace.next_at, pace.penalty_until)
                rate = pace.rate or full
                pace.next_at = moment + 1 / rate
                pace.rate = rate * RECOVERY if rate * RECOVERY < full else None
            if moment <= now:
                return
            self.sleep(moment - now)
            if pace.penalty_until <= moment:
                return

    def penalize(self, client_id: str, retry_after: float | None = None) -> None:
        """Stop both lanes of the client for a while, then let them grow back from half their rate."""
        seconds = penalty(retry_after)
        with self._lock:
            now = self.clock()
            for lane in LANES:
                pace = self._paces.setdefault(lane_key(client_id, lane), _Pace())
                # Calls in flight are refused together: one storm halves the rate once.
                if pace.penalty_until <= now:
                    full = lane_rate(self.rate, lane)
                    pace.rate = max(min(SLOWEST, full), (pace.rate or full) / 2)
                pace.penalty_until = max(pace.penalty_until, now + seconds)


# One statement reads, moves on and writes back a lane's next free moment, on the database's clock; the row's lock
# makes it the only one doing so, and is gone when the statement ends.
TAKE = """
INSERT INTO api_rate AS pace (client_id, next_at)
VALUES (%(key)s, clock_timestamp() + make_interval(secs => 1 / %(full)s::float8))
ON CONFLICT (client_id) DO UPDATE SET
    next_at = greatest(clock_timestamp(), pace.next_at, pace.penalty_until)
              + make_interval(secs => 1 / coalesce(pace.rate, %(full)s::float8)),
    rate = CASE WHEN pace.rate * %(recovery)s::float8 < %(full)s::float8 THEN pace.rate * %(recovery)s::float8 END
RETURNING extract(epoch FROM next_at - clock_timestamp())::float8
          - 1 / coalesce(rate / %(recovery)s::float8, %(full)s::float8) AS seconds,
          next_at - make_interval(secs => 1 / coalesce(rate / %(recovery)s::float8, %(full)s::float8)) AS moment
"""
# Were calls refused after this turn had been handed out, it is void. A millisecond is what rounding may make of a turn
# at the penalty's very end.
IS_VOID = """
SELECT coalesce(penalty_until > %(moment)s + interval '1 millisecond', false) AS void FROM api_rate
WHERE client_id = %(key)s
"""
PENALIZE = """
INSERT INTO api_rate AS pace (client_id, next_at, rate, penalty_until)
VALUES (%(key)s, clock_timestamp(), greatest(%(slowest)s::float8, %(full)s::float8 / 2),
        clock_timestamp() + make_interval(secs => %(seconds)s::float8))
ON CONFLICT (client_id) DO UPDATE SET
    rate = CASE WHEN pace.penalty_until > clock_timestamp() THEN pace.rate
                ELSE greatest(%(slowest)s::float8, coalesce(pace.rate, %(full)s::float8) / 2) END,
    penalty_until = greatest(pace.penalty_until, clock_timestamp() + make_interval(secs => %(seconds)s::float8))
RETURNING 0
"""


class PostgresLimiter:
    """The limiter of all processes on all machines: its state is a row a lane, its clock the database's.

    Each thread waits outside of any transaction; one connection to the ledger serves all threads of the process.
    """

    def __init__(self, ledger: Ledger | str, rate: float, sleep: Sleep = time.sleep) -> None:
        """`ledger` may be given as the DSN of its database."""
        self.rate = rate
        self._ledger = Ledger(lambda: psycopg.connect(ledger)) if isinstance(ledger, str) else ledger
        self._sleep = sleep
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._connection: psycopg.Connection[Any] | None = None

    def __repr__(self) -> str:
        return f"PostgresLimiter(rate={self.rate})"

    def acquire(self, client_id: str, reserve: Lane = "batch") -> None:
        """Wait until the next call of this client may go out. Raises Unreachable where the ledger is."""
        key = lane_key(client_id, reserve)
        wanted = {"key": key, "full": lane_rate(self.rate, reserve), "recovery": RECOVERY}
        while True:
            turn = self._run(TAKE, wanted)
            if turn.seconds <= 0:
                return
            self._sleep(turn.seconds)
            if not self._run(IS_VOID, {"key": key, "moment": turn.moment}).void:
                return

    def penalize(self, client_id: str, retry_after: float | None = None) -> None:
        """Stop both lanes of the client for a while, then let them grow back from half their rate."""
        seconds = penalty(retry_after)
        for lane in LANES:
            full = lane_rate(self.rate, lane)
            self._run(
                PENALIZE,
                {
                    "key": lane_key(client_id, lane),
                    "full": full,
                    "slowest": min(SLOWEST, full),
                    "seconds": seconds,
                },
            )

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        with self._lock:
            self._drop()

    def _run(self, statement: LiteralString, values: Mapping[str, object]) -> Any:
        with self._lock:
            for attempt in (1, 2):
                try:
                    return self._connected().execute(statement, values).fetchone()
                except psycopg.OperationalError as error:
                    self._drop()
                    why = type(error).__name__
                    # The connection may have been lost while nobody called; a fresh one tells.
                    if attempt == 1:
                        continue
        raise Unreachable("The ledger can't be reached to take a turn", why=why)

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = self._stack.enter_context(self._ledger.connection())
            # A turn that a crashed server forgets is a turn nobody will miss.
            self._connection.execute("SET synchronous_commit = off")
        return self._connection

    def _drop(self) -> None:
        self._connection = None
        with suppress(psycopg.Error):
            self._stack.close()
