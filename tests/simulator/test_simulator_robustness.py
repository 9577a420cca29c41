"""No input makes the registry fail: nothing that is sent is answered with a 500."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from orcid_simulator.errors import KINDS
from orcid_simulator.parsing import bulk, single
from orcid_simulator.search_query import compile_query
from orcid_simulator.sections import SECTIONS
from orcid_simulator.testing import RunningSimulator, running_simulator

from tests.simulator.support import ONLY_PLANNED, SAMPLES, Member, refusal_of

SOURCE = Path(__file__).parents[2] / "include/orcid_simulator"
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, width=16)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn, message: dict[str, Any]) -> dict[str, Any]:
    """A good message with a few of its parts replaced or removed."""
    damaged_message = orjson.loads(orjson.dumps(message))
    for _ in range(draw(st.integers(1, 3))):
        part: Any = damaged_message
        while True:
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(part[key], (dict, list)) and draw(st.booleans()):
                part = part[key]
                continue
            if draw(st.booleans()):
                part[key] = draw(JSON_VALUES)
            else:
                del part[key]
            break
    return dict(damaged_message)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.singular)
@given(data=st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_damaged_message_is_read_or_refused(section: Any, data: st.DataObject) -> None:
    good = SAMPLES.get(
        section.singular, lambda: {"content": "x", "url": {"value": "x"}, "country": {"value": "GB"}}
    )()
    body = orjson.dumps(data.draw(damaged(good)))

    def take() -> None:
        section.settle(single(body, "json", section.message, section.singular, section.ns).content)

    assert refusal_of(take) in (None, 9001, 9047)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from(["json", "xml"]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_bytes_are_read_or_refused(body: bytes, media: str) -> None:
    for read in (lambda: bulk(body, media), lambda: single(body, media, SECTIONS[0].message, "x", "y")):
        assert refusal_of(read) in (None, 9001, 9012, 9047)


@given(st.text(max_size=60) | st.text(alphabet='ab:()[]{}"*?\\+-ANDORTNOW ^~/', max_size=40))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_query_is_compiled_or_refused(query: str) -> None:
    assert refusal_of(lambda: compile_query(query, (), int(time.time() * 1000))) in (None, 9012)


@given(data=st.data())
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_damaged_messages_never_break_the_registry(lasting: Member, data: st.DataObject) -> None:
    section = data.draw(st.sampled_from(sorted(SAMPLES)))
    answer = lasting.post(f"/{section}", data.draw(damaged(SAMPLES[section]())))
    assert answer.status_code < 500, answer.text
    works = [data.draw(damaged(SAMPLES["work"]())) for _ in range(2)]
    answer = lasting.post("/works", {"bulk": [{"work": entry} for entry in works]})
    assert answer.status_code < 500, answer.text
    for slot in answer.json().get("bulk", []) if answer.ok else []:
        error = slot.get("error", {})
        assert error.get("error-code") != 9008 or "longer than" in error["developer-message"]


@pytest.fixture(scope="module")
def lasting() -> Iterator[Member]:
    with running_simulator() as registry:
        yield Member.join(registry)


@pytest.mark.slow
def test_nothing_that_schemathesis_sends_is_answered_with_a_500(registry: RunningSimulator) -> None:
    """Generated requests for every operation of the OpenAPI description, with a token that may do everything."""
    member = Member.join(registry)
    for section, build in SAMPLES.items():
        member.add(section, build())
    description = requests.get(f"{registry.base_url}/openapi.json", timeout=10).json()
    schema = schemathesis.openapi.from_dict(description)
    broken: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=4,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def send(case: Any) -> None:
            if "orcid" in case.path_parameters:
                case.path_parameters["orcid"] = member.orcid
            headers = {"Authorization": f"Bearer {member.token}", "Accept": "application/json"}
            answer = case.call(base_url=registry.base_url, headers=headers)
            if answer.status_code >= 500:
                broken.append(f"{case.method} {case.formatted_path}: {answer.text[:300]}")

        send()
    assert broken == []


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_code_can_be_planned_with_its_usual_status(member: Member, code: int) -> None:
    member.registry.control.fault("status", error_code=code)
    answer = requests.get(
        member.url("/works"),
        headers={"Authorization": f"Bearer {member.token}", "Accept": "application/json"},
        allow_redirects=False,
        timeout=5,
    )
    body = answer.json()
    assert answer.status_code == KINDS[code].status
    assert list(body) == ["response-code", "developer-message", "user-message", "error-code", "more-info"]
    assert (body["response-code"], body["error-code"]) == (KINDS[code].status, code)


def test_every_code_that_the_registry_sends_is_named_by_a_test() -> None:
    source = "".join(path.read_text() for path in SOURCE.glob("*.py") if path.name != "errors.py")
    sent = {code for code in KINDS if re.search(rf"\b{code}\b", source)}
    tests = "".join(
        path.read_text()
        for path in Path(__file__).parent.glob("test_simulator_*.py")
        if path.name != Path(__file__).name
    )
    assert set(KINDS) - sent == ONLY_PLANNED
    assert {code for code in sent if str(code) not in tests} - {9008} == set()
