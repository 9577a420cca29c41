"""Any history keeps the promises: found by Hypothesis, and those that once did not."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.fixtures.world import Site, World
from tests.simulation.actions import ACTIONS, Action, begin, finish
from tests.simulation.regressions import REGRESSIONS
from tests.simulation.run import JUDGED_EVERY


class History(RuleBasedStateMachine):
    """One history; its rules are the actions."""

    site: Site
    world: World | None = None

    @initialize(links=st.booleans())
    def begin(self, links: bool) -> None:
        self.world = self.site.fresh(item_uri_base="https://cris.example.org" if links else None)
        begin(self.world)

    @precondition(lambda self: self.world is not None)
    @invariant()
    def promises_hold(self) -> None:
        assert self.world is not None
        self.world.check()

    def teardown(self) -> None:
        if self.world is None:
            return
        try:
            if sys.exception() is None:
                finish(self.world)
        finally:
            self.world.close()


def _rule_of(action: Action) -> Callable[..., None]:
    def step(self: History, number: int) -> None:
        assert self.world is not None
        action.act(self.world, random.Random(number))

    step.__name__ = action.name
    made: Callable[..., None] = rule(number=st.integers(0, 999_999))(step)
    return made


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_any_history_keeps_the_promises(site: Site) -> None:
    rules = {name: _rule_of(action) for name, action in ACTIONS.items()}
    machine = type("AnyHistory", (History,), {"site": replace(site, judged_every=JUDGED_EVERY), **rules})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=15,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
@pytest.mark.parametrize("base", [None, "https://cris.example.org"], ids=["without links", "with links"])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_history_that_once_broke_a_promise_keeps_it(site: Site, name: str, base: str | None) -> None:
    world = site.fresh(item_uri_base=base)
    begin(world)
    REGRESSIONS[name](world)
    finish(world)
    world.close()
