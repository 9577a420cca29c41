"""As many calls in flight as the registry's answer times ask for: few while it is quick, many while it is slow.

Work on a record begins when the work before it has its call on the way. So a few are always ready to take the next turn of
the rate limit, whatever an answer takes, and no more wait for turns than that: what waits can't be called back, and in
the stages that write it holds a connection to the ledger.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar

AHEAD: Final = 6
"""Pieces of work that may be on the way to their first call: as much as preparing them takes at the full rate."""

Given = ParamSpec("Given")
Result = TypeVar("Result")
_current = threading.local()


def call_departs() -> None:
    """Called when a call has got its turn: the next piece of work may begin."""
    place: _Place | None = getattr(_current, "place", None)
    if place is not None:
        place.leave()


class _Place:
    """One of the places ahead of the first call; given back once."""

    def __init__(self, places: threading.Semaphore) -> None:
        self._places = places
        self._taken = True

    def leave(self) -> None:
        if self._taken:
            self._taken = False
            self._places.release()


class InFlight(ThreadPoolExecutor):
    """Threads for work that makes calls to the registry, at most `at_most` at a time."""

    def __init__(self, at_most: int, name: str, ahead: int = AHEAD) -> None:
        super().__init__(at_most, name)
        self._places = threading.Semaphore(min(ahead, at_most))
        self._given_up = False

    def submit(
        self, work: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
    ) -> Future[Result]:
        """As ThreadPoolExecutor's; the work begins when there is a place for it."""
        return super().submit(self._begin, work, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As ThreadPoolExecutor's; with `cancel_futures` what waits for its place doesn't begin either."""
        self._given_up = self._given_up or cancel_futures
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _begin(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Nothing gives the place back but this thread: its work, or what is left of it, always ends.
        self._places.acquire()
        _current.place = place = _Place(self._places)
        try:
            if self._given_up:
                raise CancelledError
            return work(*args, **kwargs)
        finally:
            place.leave()
            _current.place = None
