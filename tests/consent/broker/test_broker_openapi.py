"""The broker keeps to its own description, whatever is sent to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from orcid_sync.consent.broker.app import PREFIX, openapi_text
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fixtures.broker import Brokered
from tests.fixtures.fuzz import try_cases

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ROOT = Path(__file__).parents[3]


def test_the_published_description_is_that_of_the_code() -> None:
    assert (ROOT / "docs" / "broker-openapi.json").read_text() == openapi_text(), "run `make docs`"


@pytest.mark.slow
def test_every_operation_answers_as_described(brokered: Brokered) -> None:
    described = schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", brokered.app)
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) == 7
    for operation in operations:
        _try(operation, {"authorization": f"Bearer {brokered.credentials['med']}"})


def _try(operation: Any, headers: dict[str, str]) -> None:
    def check(case: Any) -> None:
        if case.path_parameters:
            # Half of the time somebody who is there, and an endpoint that is allowed.
            case.path_parameters["person_id"] = "P1"
            case.path_parameters.update(endpoint="employment") if "endpoint" in case.path_parameters else None
        case.call_and_validate(headers=headers, checks=CHECKS)

    try_cases(operation, check, examples=12)

    def as_it_comes(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    try_cases(operation, as_it_comes, examples=8, described=False)
