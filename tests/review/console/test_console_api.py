"""The JSON API keeps to its own description, whatever is sent to it."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from orcid_sync.ledger.session import Ledger
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fixtures.console import PREFIX, Browser, FakeHost, Story, console_app
from tests.fixtures.fuzz import try_cases

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
TOKEN = {"authorization": "Bearer ann"}


@pytest.fixture
def described(ledger: Ledger, story: Story) -> Any:
    """The description as a signed-in script gets it, with the application behind it."""
    return schemathesis.openapi.from_asgi(
        f"{PREFIX}/api/openapi.json", console_app(ledger, FakeHost()), headers=TOKEN
    )


@pytest.mark.slow
def test_every_operation_answers_as_described(described: Any, story: Story) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) >= 12
    for operation in operations:
        _try(operation)


def _try(operation: Any) -> None:
    def check(case: Any) -> None:
        case.call_and_validate(headers=TOKEN, checks=CHECKS)

    try_cases(operation, check, examples=25)


def test_the_description_names_no_page(described: Any) -> None:
    assert all(found.ok().path.startswith("/api/") for found in described.get_all_operations())


@pytest.mark.parametrize("number", [0, 2**63, 10**30, -1])
def test_impossible_numbers_are_refused_in_words(described: Any, number: int, browser: Browser) -> None:
    answer = browser.get(f"/api/batches/{number}", accept="application/json")
    assert answer.status_code == 422
    assert "batch" in answer.json()["why"]
