"""The front proxy's rate limit: a leaky bucket for each API client whose queue delays before it refuses."""

from __future__ import annotations

from collections.abc import Callable


class Limiter:
    """`rate` calls a second leave the queue; a call that finds `burst` others waiting is refused."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._excess: dict[str, tuple[float, float]] = {}

    def admit(self, caller: str) -> float | None:
        """Seconds to wait before this call goes on, None if it is refused."""
        if self.rate <= 0:
            return 0.0
        now = self._clock()
        excess, seen = self._excess.get(caller, (-1.0, now))
        excess = max(0.0, excess - (now - seen) * self.rate + 1) if caller in self._excess else 0.0
        if excess > self.burst:
            return None
        self._excess[caller] = (excess, now)
        return excess / self.rate

    def forget(self) -> None:
        """Empty every queue."""
        self._excess.clear()


class Quota:
    """The public API's reads a day (UTC) and caller; 0 is unlimited."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._day = 0
        self._used: dict[str, int] = {}

    def admit(self, caller: str) -> bool:
        """Count one read; False if the caller had all of its reads today."""
        if self._limit <= 0:
            return True
        day = int(self._clock() // 86_400)
        if day != self._day:
            self._day, self._used = day, {}
        self._used[caller] = self._used.get(caller, 0) + 1
        return self._used[caller] <= self._limit
