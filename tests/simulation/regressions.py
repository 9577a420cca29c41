"""Histories that once broke a promise, told in the people's own steps.

`tests.simulation.run` cuts a broken history down to a seed and a few steps; here it is told so that it says the same
when the actions of the simulation change. Each begins with p1 and p2 connected and p3 not, as `begin` leaves them:
W1 of p1 and p2, W2 of p1, W3 of all three, E1 of p1 and E2 of p2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.fixtures.world import World

Regression = Callable[[World], None]
REGRESSIONS: Final[dict[str, Regression]] = {}


def regression(story: Regression) -> Regression:
    """Register a history under its function's name."""
    REGRESSIONS[story.__name__] = story
    return story


@regression
def what_one_of_two_persons_with_one_record_removed_came_back_for_the_other(world: World) -> None:
    world.round()
    world.grant("p2", world.people["p1"].orcid)
    world.removes(world.entry("p1", "W1"))
    world.round()
    held = world.item("p2", "W1")
    assert (held.state, held.reason) == ("withheld", "other_copy_removed")


@regression
def an_identifier_that_changed_while_one_of_two_permissions_was_lost_was_written_twice(world: World) -> None:
    world.grant("p2", world.people["p1"].orcid)
    world.round()
    world.edit("W1", dois=world.things["W2"].dois)
    world.revoke("p1")
    world.round()
    world.grant("p1")
    world.round()


@regression
def a_refused_token_was_never_looked_at_again_because_that_of_another_person_worked(world: World) -> None:
    world.round()
    world.grant("p2", world.people["p1"].orcid)
    world.revoke("p1")
    world.edit("W2")
    world.round()
    world.round()
    world.grant("p1")
    world.round()


@regression
def a_call_in_doubt_was_lost_with_its_permission_though_the_record_was_reached_through_another(
    world: World,
) -> None:
    world.round()
    world.edit("W2")
    world.proposes()
    world.approve_all()
    world.control.fault("drop_after", method="PUT")
    world.run("write")
    world.grant("p2", world.people["p1"].orcid)
    world.revoke("p1")
    world.round()


@regression
def an_update_that_the_registry_refuses_for_an_identifier_of_another_entry_was_asked_for_again_and_again(
    world: World,
) -> None:
    world.round()
    world.edit("W1", dois=world.things["W2"].dois)
    world.round()
    asked = world.one("SELECT count(*) FROM change")
    world.round()
    assert world.one("SELECT count(*) FROM change") == asked


@regression
def the_content_of_a_post_that_became_a_service_was_kept_as_that_of_an_employment(world: World) -> None:
    world.extract()
    world.state("E1", type="service")
    world.round()
    assert [entry["section"] for entry in world.ours("p1", "service")] == ["service"]


@regression
def an_entry_that_went_to_the_survivor_of_a_merge_waits_there_with_its_person(world: World) -> None:
    world.round()
    world.publish("W4", "p1")
    world.staff("p2", flawed=True)
    world.merge("W3", "W4")
    world.round()
    assert "W3 v1" in world.titles("p2")


@regression
def a_post_that_its_researcher_removed_came_back_as_a_service(world: World) -> None:
    world.round()
    world.removes(world.entry("p1", "E1"))
    world.state("E1", type="service")
    world.round()
    world.round()
    assert world.ours("p1", "service") == []
    held = world.item("p1", "E1", "service")
    assert (held.state, held.reason) == ("withheld", "other_copy_removed")
    world.restored("p1", "E1", "employment")
    world.round()
    assert len(world.ours("p1", "service")) == 1
