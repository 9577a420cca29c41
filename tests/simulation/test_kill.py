"""Writers that are killed, and writers that work at once: each approved change is on its record once."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator

import pytest

from tests.fixtures.world import Site
from tests.simulation.kill import expected, kill_round, prepare
from tests.simulation.writer import PATIENT, Patience, WriterServer, executable, writer_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def writers() -> Iterator[WriterServer]:
    """What writers are started with."""
    with writer_server() as server:
        yield server


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_writer_killed_at_any_moment_leaves_nothing_twice_and_nothing_out(
    site: Site, writers: WriterServer, seed: int
) -> None:
    started, killed = kill_round(site, writers, seed)
    assert started > killed


def test_four_writers_at_once_make_each_call_once(site: Site, writers: WriterServer) -> None:
    world = site.fresh()
    people = [f"p{number}" for number in range(1, 9)]
    for person in people:
        world.hire(person)
        world.grant(person)
    for number in range(1, 13):
        world.publish(f"W{number}", *people)
    world.run("mirror")
    world.proposes()
    world.approve_all()
    world.control.fault("delay", times=10_000, seconds=0.02, method="POST")
    started = [writers.start(world, f"writer-{number}", Patience(120, 120)) for number in range(4)]
    assert {writers.wait(writer, 300) for writer in started} == {0}
    world.settled()
    posts = [call for call in world.control.calls() if call["method"] == "POST" and call["items"]]
    assert all(world.titles(person) == sorted(f"W{n} v1" for n in range(1, 13)) for person in people)
    assert len(posts) == len(people), "one call a record, whoever made it"
    world.close()


def test_the_installed_command_killed_after_each_of_its_first_calls_is_finished_by_the_next(
    site: Site,
) -> None:
    world = site.fresh()
    prepare(world, random.Random(1))
    for kills in range(4):
        before = world.calls()
        world.control.fault("delay", times=10_000, seconds=0.05)
        writer = executable(world, f"writer-{kills}")
        # Each is killed a call later than the one before.
        while world.calls() < before + kills + 1 and writer.poll() is None:
            time.sleep(0.002)
        writer.kill()
        writer.communicate()
        world.check()
    world.control.clear_faults()
    for number in range(100):
        writer = executable(world, f"last-{number}", PATIENT)
        counts = json.loads(writer.communicate()[0])
        assert writer.returncode == 0
        if not (counts["retrying"] or counts["busy"]):
            break
    world.settled()
    for person in world.people:
        assert world.titles(person) == expected(world, person)
    world.close()
