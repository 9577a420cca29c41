"""Work begins when the work before it has its call on the way: calls in flight follow the registry's answer times."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest
from orcid_sync.orcid.in_flight import InFlight, call_departs

WAIT = 60


def test_work_waits_while_enough_is_on_the_way_to_a_call_and_begins_when_one_departs() -> None:
    begun = threading.Semaphore(0)
    may_depart, may_end = threading.Semaphore(0), threading.Event()

    def work() -> None:
        begun.release()
        assert may_depart.acquire(timeout=WAIT)
        call_departs()
        # A second call of the same work makes no further room.
        call_departs()
        assert may_end.wait(WAIT)

    with InFlight(10, "test", ahead=2) as pool:
        jobs = [pool.submit(work) for _ in range(5)]
        for _ in range(2):
            assert begun.acquire(timeout=WAIT)
        assert not begun.acquire(blocking=False)
        # None of them has ended: each call that departs lets one more begin.
        for _ in range(3):
            may_depart.release()
            assert begun.acquire(timeout=WAIT)
        assert not begun.acquire(blocking=False)
        may_depart.release(2)
        may_end.set()
        for job in jobs:
            job.result(WAIT)


def test_work_that_makes_no_call_gives_its_place_back_at_its_end() -> None:
    with InFlight(4, "test", ahead=1) as pool:
        assert [job.result(WAIT) for job in [pool.submit(int, str(n)) for n in range(20)]] == list(range(20))


def test_work_that_fails_gives_its_place_back() -> None:
    with InFlight(4, "test", ahead=1) as pool:
        failing = [pool.submit(int, "no number") for _ in range(3)]
        for job in failing:
            with pytest.raises(ValueError, match="no number"):
                job.result(WAIT)
        assert pool.submit(int, "7").result(WAIT) == 7


def test_work_that_waits_for_its_place_is_left_when_all_is_given_up() -> None:
    begun, may_end = threading.Event(), threading.Event()
    done: list[int] = []

    def first() -> None:
        begun.set()
        assert may_end.wait(WAIT)

    pool = InFlight(3, "test", ahead=1)
    pool.submit(first)
    assert begun.wait(WAIT)
    waiting = [pool.submit(done.append, n) for n in range(8)]
    pool.shutdown(wait=False, cancel_futures=True)
    may_end.set()
    for job in waiting:
        with pytest.raises(CancelledError):
            job.result(WAIT)
    pool.shutdown()
    assert done == []
