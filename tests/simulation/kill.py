"""The command `orcid-sync write` is killed again and again, until another one has nothing left to do.

The moments are chosen by a seed.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from tests.fixtures.world import Site, World, site_of_its_own
from tests.simulation.writer import HASTY, PATIENT, WriterServer, nothing_left, writer_server

PEOPLE = ("p1", "p2", "p3")
# So many are killed at most; one of the next has to come to an end.
MORTAL = 12
ENOUGH = 400


def prepare(world: World, chance: random.Random) -> None:
    """Records with entries, and approved additions, updates, swapped identifiers and removals for each of them."""
    for person in PEOPLE:
        world.hire(person)
        world.grant(person)
    for number in range(1, 9):
        world.publish(f"W{number}", *chance.sample(PEOPLE, chance.randint(1, 3)))
    world.employ("E1", "p1")
    world.employ("E2", "p2")
    world.round()
    world.check()
    for name in chance.sample(sorted(world.things), 4):
        world.edit(name)
    world.swap_dois(*chance.sample([f"W{number}" for number in range(1, 9)], 2))
    for name in chance.sample(sorted(world.things), 2):
        world.state(name, visibility="hidden")
    for number in range(9, 15):
        world.publish(f"W{number}", *chance.sample(PEOPLE, chance.randint(1, 3)))
    world.employ("E3", "p3")
    world.employ("E4", "p1")
    world.run("mirror")
    world.proposes()
    world.approve_all()


def plan_accidents(world: World, chance: random.Random) -> None:
    """Slow calls, so that a kill finds one under way, and some lost answers, in the middle of a bulk too."""
    for method in ("POST", "PUT", "DELETE"):
        world.control.fault("delay", times=10_000, seconds=0.03, method=method)
    for _ in range(chance.randint(0, 3)):
        world.control.fault("drop_after", times=1, method=chance.choice(("POST", "PUT", "DELETE")))
    if chance.random() < 0.5:
        world.control.fault(
            "drop_after", times=1, method="POST", path="/works$", after_items=chance.randint(1, 3)
        )


def expected(world: World, person: str) -> list[str]:
    """What the person's record shows in the end."""
    return sorted(
        thing.title
        for thing in world.things.values()
        if world.knowledge.wants(person, thing.cris_id, thing.section) == "yes"
    )


def kill_round(site: Site, writers: WriterServer, seed: int) -> tuple[int, int]:
    """One round: returns how many writers were started, and how many of them were killed."""
    chance = random.Random(seed)
    world = site.fresh(item_uri_base="https://cris.example.org" if seed % 2 else None)
    try:
        prepare(world, chance)
        plan_accidents(world, chance)
        started, killed = _kill_until_done(world, writers, chance)
        world.settled()
        for person in PEOPLE:
            if world.titles(person) != expected(world, person):
                raise AssertionError(f"{person}: {world.titles(person)} instead of {expected(world, person)}")
        return started, killed
    finally:
        world.close()


def _kill_until_done(world: World, writers: WriterServer, chance: random.Random) -> tuple[int, int]:
    killed = 0
    for started in range(1, ENOUGH):
        mortal = killed < MORTAL
        writer = writers.start(world, f"writer-{started}", HASTY if mortal else PATIENT)
        code = writers.wait(writer, chance.uniform(0.01, 0.25) if mortal else 300)
        if code is None:
            writers.kill(writer)
            killed += 1
        elif code == 0 and nothing_left(writer):
            return started, killed
        elif code > 0:
            raise AssertionError(f"a writer ended with exit code {code}")
        world.check()
    raise AssertionError(f"{ENOUGH} writers did not come to an end")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when every round ended as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    begun, rounds, started, killed, broken = time.monotonic(), 0, 0, 0, 0
    with site_of_its_own() as site, writer_server() as writers, suppress(KeyboardInterrupt):
        for seed in range(options.seed, options.seed + options.rounds):
            try:
                more, dead = kill_round(site, writers, seed)
            except Exception as error:
                broken += 1
                print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
            else:
                started, killed = started + more, killed + dead
            rounds += 1
    print(
        f"{rounds} rounds in {time.monotonic() - begun:.0f} s: {started} writers, {killed} killed, {broken} broken"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
