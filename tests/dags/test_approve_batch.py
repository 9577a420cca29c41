"""`approve_batch` for real: the DAG's run, Airflow's API, a real ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.dags.support import Desk, answer, task_states

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG
    from fastapi.testclient import TestClient

    from tests.fixtures.house import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900, method="thread"),
    pytest.mark.usefixtures("airflow_database", "ledger_connection"),
]

SignedIn = Callable[..., "TestClient"]


@pytest.fixture
def approve_batch(dag_bag: DagBag) -> DAG:
    return dag_bag.dags["approve_batch"]


@pytest.fixture
def batch(house: House) -> int:
    """A batch of the unit library, whose librarian is ann: an addition and a removal."""
    unit, researcher = house.unit(), house.researcher()
    changes = [
        house.change(house.item(unit, researcher), title="On swans"),
        house.change(house.item(unit, researcher), "remove", put_code=77),
    ]
    return house.batch(unit, changes)


def verdicts(house: House) -> dict[str, str | None]:
    return {row.action: row.verdict for row in house.all("SELECT action, verdict FROM change ORDER BY id")}


def test_a_librarians_answer_becomes_decisions_and_nobody_else_may_give_it(
    approve_batch: DAG, batch: int, house: House, signed_in: SignedIn
) -> None:
    ann, others = signed_in("ann"), {"ben": "user", "vera": "viewer"}
    statuses: dict[str, int] = {}

    def respond(question: dict[str, Any]) -> bool:
        for name, role in others.items():
            statuses[name] = answer(signed_in(name, role), question, "Reject all")
        statuses["ann, not offered"] = answer(ann, question, "Perhaps")
        statuses["ann"] = answer(ann, question, "Approve additions and updates")
        statuses["ann again"] = answer(ann, question, "Reject all")
        return True

    with Desk(ann, respond).open() as desk:
        run = approve_batch.test(run_conf={"batch": batch})
    assert statuses == {"ben": 403, "vera": 403, "ann, not offered": 400, "ann": 200, "ann again": 409}
    assert task_states(run) == {"ask": "success", "record": "success"}
    assert verdicts(house) == {"add": "approve", "remove": None}
    assert house.one("SELECT via FROM decision") == "required_actions"
    question = desk.questions[0]
    assert question["subject"] == f"Batch {batch}: 2 changes of The library to decide"
    assert "On swans" in question["body"]
    assert [user["id"] for user in question["assigned_users"]] == ["ann"]
    assert question["options"][-1] == "Leave open"


def test_all_removals_included_and_reject_all_reach_the_removals(
    approve_batch: DAG, batch: int, house: House, signed_in: SignedIn
) -> None:
    ann = signed_in("ann")
    with Desk(ann, lambda question: answer(ann, question, "Reject all") == 200).open():
        run = approve_batch.test(run_conf={"batch": batch})
    assert task_states(run)["record"] == "success"
    assert verdicts(house) == {"add": "reject", "remove": "reject"}


def test_a_timeout_ends_green_and_decides_nothing(
    approve_batch: DAG, batch: int, house: House, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    scheduler = SchedulerJobRunner(job=Job())
    monkeypatch.setattr(approve_batch.get_task("ask"), "response_timeout", dt.timedelta(seconds=0))

    def the_scheduler_looks(question: dict[str, Any]) -> bool:
        scheduler.check_awaiting_input_timeouts()
        return True

    with Desk(signed_in("ann"), the_scheduler_looks).open():
        run = approve_batch.test(run_conf={"batch": batch})
    assert str(run.state) == "success"
    assert task_states(run) == {"ask": "success", "record": "success"}
    assert verdicts(house) == {"add": None, "remove": None}
    assert house.one("SELECT lapsed_at IS NOT NULL FROM batch") is True


def test_a_batch_that_was_decided_elsewhere_is_not_asked_about(
    approve_batch: DAG, batch: int, house: House
) -> None:
    house.one("UPDATE batch SET state = 'decided' WHERE id = %s RETURNING 1", batch)
    run = approve_batch.test(run_conf={"batch": batch})
    assert str(run.state) == "success"
    assert task_states(run) == {"ask": "skipped", "record": "skipped"}
