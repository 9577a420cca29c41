# ruff: noqa: T201
"""Histories for as long as wanted: `python -m tests.simulation.run --n 10000 --seed 1`.

Each history has a seed of its own, the first one `--seed`; `--n 1` with the seed of a broken one plays it again. Prints
rate and coverage of the actions. A history that breaks a promise is cut down to the steps that matter, with what was
logged on the way; told in plain steps it becomes one of `tests/simulation/regressions.py`. Interrupted, it prints the
figures so far.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from tests.fixtures.world import Site, site_of_its_own
from tests.simulation.actions import ACTIONS, Steps, play
from tests.simulation.kill import main as kill_writers

SHRINKING_SECONDS = 240.0
# Great Expectations judges one extraction in so many.
JUDGED_EVERY = 10


def history_of(seed: int, length: int) -> list[tuple[str, int]]:
    """The steps of one history."""
    chance = random.Random(seed)
    names = chance.choices(
        list(ACTIONS), [action.weight for action in ACTIONS.values()], k=chance.randint(3, length)
    )
    return [(name, chance.randrange(1_000_000)) for name in names]


@dataclass(frozen=True)
class Broken:
    """What is wrong with a history, and what the stages said on the way."""

    error: str
    log: list[str]

    def is_like(self, other: Broken) -> bool:
        """Whether the same kind of promise is broken."""
        return self.error[:40] == other.error[:40]


def broken_by(site: Site, seed: int, steps: Steps, lived: Counter[str] | None = None) -> Broken | None:
    """What is wrong with a history, or None; `lived` is told how much happened.

    The seed chooses whether posts carry a link of their own.
    """
    world = site.fresh(item_uri_base="https://cris.example.org" if seed % 2 else None)
    try:
        play(world, steps)
    except Exception as error:
        return Broken(f"{type(error).__name__}: {error}", world.log)
    finally:
        if lived is not None:
            lived.update(histories=1, steps=len(steps), runs=world.runs, crashes=world.crashes)
        world.close()
    return None


def shrink(site: Site, seed: int, steps: list[tuple[str, int]], broken: Broken) -> list[tuple[str, int]]:
    """Leave out what is not needed to break the same kind of promise."""
    until = time.monotonic() + SHRINKING_SECONDS
    size = len(steps) // 2
    while size:
        at = 0
        while at < len(steps) and time.monotonic() < until:
            fewer = steps[:at] + steps[at + size :]
            found = broken_by(site, seed, fewer)
            if found is not None and found.is_like(broken):
                steps = fewer
            else:
                at += size
        size //= 2
    return steps


def _figures(lived: Counter[str], seconds: float, broken: int) -> str:
    rate = lived["histories"] / seconds * 60
    return (
        f"{lived['histories']} histories of {lived['steps']} steps in {seconds:.0f} s, {rate:.0f} a minute: "
        f"{lived['runs']} runs of stages, {lived['crashes']} of them crashed, {broken} histories broken"
    )


def main() -> int:
    """Exit code 0 when every promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="how many histories")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200, help="rounds in which writer processes are killed")
    parser.add_argument("--steps", type=int, default=25, help="steps of a history at most")
    options = parser.parse_args()
    counted: Counter[str] = Counter()
    lived: Counter[str] = Counter()
    broken = 0
    started = time.monotonic()
    with site_of_its_own(judged_every=JUDGED_EVERY) as site, suppress(KeyboardInterrupt):
        for seed in range(options.seed, options.seed + options.n):
            steps = history_of(seed, options.steps)
            found = broken_by(site, seed, steps, lived)
            counted.update(name for name, _ in steps)
            if found is not None:
                broken += 1
                print(f"seed {seed}: {found.error}", flush=True)
                fewer = shrink(site, seed, steps, found)
                again = broken_by(site, seed, fewer) or found
                print(f"    {fewer}", *again.log, again.error, sep="\n    ", flush=True)
            elif lived["histories"] % 50 == 0:
                print(_figures(lived, time.monotonic() - started, broken), flush=True)
    print(_figures(lived, time.monotonic() - started, broken))
    for name in ACTIONS:
        print(f"{counted[name]:8d}  {name}")
    unkilled = (
        kill_writers(["--rounds", str(options.kills), "--seed", str(options.seed)]) if options.kills else 0
    )
    return 1 if broken or unkilled else 0


if __name__ == "__main__":
    sys.exit(main())
