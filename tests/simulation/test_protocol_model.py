"""The journal protocol, proved by trying every history of its model; and each of its rules is needed."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.simulation.protocol import (
    ADD,
    REMOVE,
    UPDATE,
    Action,
    Protocol,
    crash_table,
    explore,
    markdown,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "exactly-once.md"


@pytest.mark.parametrize("changes", [1, 2, 3], ids=["one change", "bulk of two", "bulk of three"])
@pytest.mark.parametrize("action", [ADD, UPDATE, REMOVE], ids=lambda action: action.name)
def test_no_history_of_two_workers_breaks_a_promise(action: Action, changes: int) -> None:
    explored = explore(action=action, changes=changes)
    assert explored.promise is None, "\n".join(explored.history)
    assert explored.states > 300


@pytest.mark.parametrize("rule", [field.name for field in fields(Protocol)])
def test_without_any_one_of_its_rules_the_protocol_breaks(rule: str) -> None:
    explored = explore(replace(Protocol(), **{rule: False}))
    assert explored.promise is not None
    assert explored.history, "the shortest history that breaks it is told"


@pytest.mark.parametrize(
    ("rule", "promise"),
    [
        ("read_before_repeating", "an own duplicate stands on the record"),
        ("wait_until_settled", "an own duplicate stands on the record"),
        ("refuse_to_send_late", "an own duplicate stands on the record"),
        ("outcome_in_one_transaction", "an entry on the record has no put code in the ledger"),
    ],
)
def test_what_each_rule_prevents(rule: str, promise: str) -> None:
    assert explore(replace(Protocol(), **{rule: False})).promise == promise


def test_the_document_shows_every_crash_point_of_the_model() -> None:
    assert markdown(crash_table()) in DOCUMENT.read_text(encoding="utf-8")
