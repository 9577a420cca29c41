"""Any history keeps the promises: found by Hypothesis, and those that once did not."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

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
from tests.simulation.actions import ACTIONS, Action, Steps, begin, finish
from tests.simulation.regressions import REGRESSIONS
from tests.simulation.run import broken_by


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
@pytest.mark.timeout(600)
def test_any_history_keeps_the_promises(site: Site) -> None:
    rules = {name: _rule_of(action) for name, action in ACTIONS.items()}
    machine = type("AnyHistory", (History,), {"site": site, **rules})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=20,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "steps"), REGRESSIONS, ids=[f"seed {seed}, {len(steps)} steps" for seed, steps in REGRESSIONS]
)
def test_a_history_that_once_broke_a_promise_keeps_it(site: Site, seed: int, steps: Steps) -> None:
    assert broken_by(site, seed, steps) is None
