"""Seeded chance, in the few forms the generator needs."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Dice:
    """A stream of choices that the seed fixes."""

    def __init__(self, seed: int) -> None:
        rng = Random(seed)  # noqa: S311
        self.random = rng.random
        self.shuffle = rng.shuffle

    def below(self, limit: int) -> int:
        """An integer from 0 to limit - 1."""
        return int(self.random() * limit)

    def between(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, each as likely."""
        return items[int(self.random() * len(items))]

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.random() < probability

    def around(self, low: float, mean: float) -> int:
        """An integer of at least floor(low), even around the mean, whose expectation is the mean."""
        return int(low + self.random() * 2 * (mean - low) + self.random())


class Weighted(Generic[Item]):
    """Items of unequal likelihood."""

    def __init__(self, items: Sequence[tuple[float, Item]]) -> None:
        self._items = [item for _, item in items]
        self._bounds = list(accumulate(weight for weight, _ in items))

    def pick(self, dice: Dice) -> Item:
        """One of the items."""
        return self._items[bisect(self._bounds, dice.random() * self._bounds[-1])]
