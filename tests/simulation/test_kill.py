"""Writers that are killed, and writers that work at once: each approved change is on its record once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.world import Site
from tests.simulation.kill import kill_round, writer_place
from tests.simulation.writer import SOMETHING_LEFT, WriterServer, writer_server

pytestmark = pytest.mark.slow


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
    world.run("propose")
    world.approve_all()
    world.control.fault("delay", times=10_000, seconds=0.02, method="POST")
    started = [writers.start(writer_place(world), f"writer-{number}") for number in range(4)]
    assert {writers.wait(writer) for writer in started} <= {0, SOMETHING_LEFT}
    posts = [call for call in world.control.calls() if call["method"] == "POST" and call["items"]]
    world.settled()
    assert all(world.titles(person) == sorted(f"W{n} v1" for n in range(1, 13)) for person in people)
    assert len(posts) == len(people), "one call a record, whoever made it"
    world.close()
