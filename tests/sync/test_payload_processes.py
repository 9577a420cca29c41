"""Payloads made in other processes: in order, a few chunks at a time, and an end that is noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from orcid_sync.errors import Transient
from orcid_sync.sync.propose.makers import made_in_parallel


@dataclass(frozen=True)
class Doubler:
    """Stands for the maker: says who worked, and doubles."""

    def columns(self, rows: Any) -> list[tuple[Any, ...]]:
        return [(os.getpid(), 2 * row[0]) for row in rows]


@dataclass(frozen=True)
class Mortal:
    """A maker whose process ends."""

    def columns(self, rows: Any) -> list[tuple[Any, ...]]:
        os._exit(9)


class Unreadable:
    """What can be sent and not be received."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("no number",)


@dataclass(frozen=True)
class Mumbler:
    """A maker of whose long answers nobody can read the beginning."""

    def columns(self, rows: Any) -> list[Any]:
        return [Unreadable(), os.urandom(1_000_000)]


def chunks(taken: list[int], count: int) -> Iterator[list[tuple[int]]]:
    for number in range(count):
        taken.append(number)
        yield [(10 * number,), (10 * number + 1,)]


@pytest.mark.parametrize("processes", [1, 2])
def test_what_was_made_comes_in_the_order_of_the_rows(processes: int) -> None:
    taken: list[int] = []
    made = made_in_parallel(Doubler(), chunks(taken, 30), processes)
    first = next(made)
    # The rest is still where it came from.
    assert len(taken) <= 2 * processes
    rows = [*first, *(row for chunk in made for row in chunk)]
    assert [doubled for _, doubled in rows] == [
        2 * n for number in range(30) for n in (10 * number, 10 * number + 1)
    ]
    assert ({pid for pid, _ in rows} == {os.getpid()}) is (processes == 1)


def test_a_process_that_is_ended_is_a_reason_to_try_again() -> None:
    with pytest.raises(Transient, match="Payloads"):
        list(made_in_parallel(Mortal(), chunks([], 3), 2))


@pytest.mark.timeout(60)
def test_an_answer_that_can_not_be_read_is_an_error_and_no_standstill() -> None:
    with pytest.raises((ValueError, Transient)):
        list(made_in_parallel(Mumbler(), chunks([], 30), 2))
