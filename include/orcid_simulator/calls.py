"""The log of calls and what is counted from it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from orcid_simulator.web import CallNote

WINDOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `status` is None if the connection was cut without an answer. `path` is without its query."""

    n: int
    time: float
    client_id: str | None
    method: str
    path: str
    status: int | None
    error_code: int | None
    orcid: str | None
    items: int

    def as_json(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass
class CallLog:
    """Every call since the start or the last reset, in memory."""

    calls: list[Call] = field(default_factory=list)
    by_endpoint: Counter[str] = field(default_factory=Counter)
    api_calls: int = 0
    refused_for_rate: int = 0
    busiest_second: int = 0
    _recent: deque[float] = field(default_factory=deque)
    _next: int = 1

    def arrived(self, now: float) -> None:
        """Note the arrival of an API call for the busiest second."""
        recent = self._recent
        recent.append(now)
        while recent[0] <= now - WINDOW_SECONDS:
            recent.popleft()
        self.busiest_second = max(self.busiest_second, len(recent))

    def add(
        self,
        now: float,
        method: str,
        path: str,
        status: int | None,
        note: CallNote,
        *,
        is_api: bool,
    ) -> None:
        """Keep a finished call and give it the next number."""
        self.calls.append(
            Call(
                self._next, now, note.client_id, method, path, status, note.error_code, note.orcid, note.items
            )
        )
        self._next += 1
        self.by_endpoint[f"{method} {note.endpoint or path}"] += 1
        self.api_calls += is_api

    def since(self, number: int) -> list[dict[str, Any]]:
        """The calls with a higher number, in the order in which they ended."""
        if not self.calls:
            return []
        start = bisect_right(self.calls, number, key=lambda call_: call_.n)
        return [call_.as_json() for call_ in self.calls[start:]]

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        self.calls.clear()
        self.by_endpoint.clear()
        self._recent.clear()
        self.api_calls = self.refused_for_rate = self.busiest_second = 0
