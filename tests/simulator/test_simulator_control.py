from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from orcid_simulator.limiter import Limiter
from orcid_simulator.testing import ControlError, RunningSimulator, running_simulator

from tests.simulator.support import Member, employment, refused, work


class TestRecords:
    def test_a_record_shows_every_item_with_source_visibility_and_dates(self, member: Member) -> None:
        mine = member.add("work")
        theirs = member.registry.control.add_item(
            member.orcid, "employment", employment(), visibility="private", display_index=7
        )
        record = member.registry.control.get_record(member.orcid)
        by_code = {item["put_code"]: item for item in record["items"]}
        assert by_code[mine]["source"] == member.client.client_id
        assert (by_code[mine]["section"], by_code[mine]["visibility"]) == ("work", "public")
        assert by_code[theirs]["source"] == "user"
        assert (by_code[theirs]["visibility"], by_code[theirs]["display_index"]) == ("private", 7)
        assert by_code[mine]["created"] <= record["last_modified"]
        assert record["notifications"] == 1

    def test_another_organisation_can_be_the_source(self, member: Member) -> None:
        other = member.registry.control.client("Other")
        put_code = member.registry.control.add_item(member.orcid, "work", work(), source=other.client_id)
        read = member.get(f"/work/{put_code}").json()
        assert read["source"]["source-name"] == {"value": "Other"}

    def test_the_researcher_removes_any_item(self, member: Member) -> None:
        put_code = member.add("work")
        member.registry.control.remove_item(member.orcid, "work", put_code)
        assert refused(member.get(f"/work/{put_code}"), 404, 9016)

    @pytest.mark.parametrize(
        "call",
        [
            lambda control: control.record(orcid="not an id"),
            lambda control: control.get_record("0000-0000-0000-0000"),
            lambda control: control.patch_record("0000-0000-0000-0000", status="locked"),
            lambda control: control.patch_record(control.record(), status="gone"),
            lambda control: control.patch_record(control.record(), status="deprecated"),
            lambda control: control.add_item(control.record(), "works", work()),
            lambda control: control.add_item(control.record(), "work", {"titel": "x"}),
            lambda control: control.remove_item(control.record(), "work", 1),
            lambda control: control.token("APP-NOTTHERE0000000", None, "/read-public"),
            lambda control: control.token(control.client().client_id, None, "/unknown"),
            lambda control: control.revoke("unknown"),
            lambda control: control.fault("explode"),
            lambda control: control.fault("status", colour="red"),
            lambda control: control.fault("status", path="("),
            lambda control: control.call("GET", "/nothing"),
        ],
    )
    def test_a_call_that_cannot_be_followed_is_refused_with_a_reason(
        self, registry: RunningSimulator, call: Any
    ) -> None:
        with pytest.raises(ControlError, match="answered 4"):
            call(registry.control)

    def test_an_id_is_given_once(self, registry: RunningSimulator) -> None:
        orcid = registry.control.record(orcid="0000-0002-1825-0097")
        with pytest.raises(ControlError, match="409"):
            registry.control.record(orcid=orcid)

    def test_reset_forgets_everything(self, member: Member) -> None:
        member.registry.control.fault("status", times=5)
        member.registry.control.reset()
        assert member.get("/works").status_code == 401
        assert [call["status"] for call in member.registry.control.calls()] == [401]


class TestNotifications:
    def test_a_bulk_notifies_the_researcher_once_and_single_calls_each(self, member: Member) -> None:
        member.bulk(*(work(f"10.1/{number}") for number in range(30)))
        assert member.registry.control.summary()["notifications"] == {member.orcid: 1}
        member.delete(f"/employment/{member.add('employment')}")
        assert member.registry.control.summary()["notifications"] == {member.orcid: 3}

    def test_refused_writes_and_reads_notify_nobody(self, member: Member) -> None:
        member.bulk({})
        member.get("/works")
        member.post("/employment", {})
        assert member.registry.control.summary()["notifications"] == {}


class TestCalls:
    def test_every_call_is_logged_with_what_it_was_about(self, member: Member) -> None:
        member.bulk(work("10.1/1"), work("10.1/2"))
        member.get("/work/1")
        first, second = member.registry.control.calls()
        assert first | {"time": 0} == {
            "n": first["n"],
            "time": 0,
            "client_id": member.client.client_id,
            "method": "POST",
            "path": f"/v3.0/{member.orcid}/works",
            "status": 200,
            "error_code": None,
            "orcid": member.orcid,
            "items": 2,
        }
        assert (second["status"], second["error_code"]) == (404, 9016)
        assert member.registry.control.calls(since=first["n"]) == [second]

    def test_the_summary_counts_by_endpoint(self, member: Member) -> None:
        member.add("work", work("10.1/1"))
        member.add("work", work("10.1/2"))
        member.get("/activities")
        summary = member.registry.control.summary()
        assert summary["calls"] == 3
        assert summary["by_endpoint"] == {"GET /activities": 1, "POST /work": 2}
        assert summary["refused_for_rate"] == 0
        assert 1 <= summary["busiest_second"] <= 3

    def test_no_token_is_in_the_log(self, member: Member) -> None:
        requests.get(member.url("/works"), params={"access_token": member.token}, timeout=5)
        assert member.token not in str(member.registry.control.calls())


class TestFaults:
    def test_a_status_fault_answers_with_code_body_and_retry_after(self, member: Member) -> None:
        member.registry.control.fault("status", status=503, error_code=9008, retry_after=7, times=2)
        for _ in range(2):
            answer = member.get("/works")
            assert (answer.status_code, answer.json()["error-code"]) == (503, 9008)
            assert answer.headers["retry-after"] == "7"
        assert member.get("/works").status_code == 200

    def test_a_fault_meets_only_the_calls_it_names(self, member: Member) -> None:
        control = member.registry.control
        control.fault("status", status=500, method="POST", path="/works$", client_id=member.client.client_id)
        assert member.get("/works").status_code == 200
        assert member.post("/work", work()).status_code == 201
        other = Member.join(member.registry, member.orcid, name="Other")
        assert other.post("/works", {"bulk": []}).status_code == 200
        assert member.post("/works", {"bulk": []}).status_code == 500

    def test_drop_before_cuts_the_connection_and_nothing_happened(self, member: Member) -> None:
        member.registry.control.fault("drop_before", method="POST")
        with pytest.raises(requests.ConnectionError):
            member.post("/work", work())
        assert member.registry.control.get_record(member.orcid)["items"] == []
        assert member.registry.control.calls()[-1]["status"] is None

    def test_drop_after_commits_and_then_cuts_the_connection(self, member: Member) -> None:
        member.registry.control.fault("drop_after", method="POST")
        with pytest.raises(requests.ConnectionError):
            member.post("/work", work())
        assert len(member.registry.control.get_record(member.orcid)["items"]) == 1

    @pytest.mark.parametrize("after_items", [0, 2])
    def test_drop_after_items_commits_the_first_of_a_bulk(self, member: Member, after_items: int) -> None:
        member.registry.control.fault("drop_after", after_items=after_items)
        with pytest.raises(requests.ConnectionError):
            member.bulk(*(work(f"10.1/{number}") for number in range(5)))
        assert len(member.registry.control.get_record(member.orcid)["items"]) == after_items

    def test_delays_add_up_and_compose_with_an_accident(self, member: Member) -> None:
        control = member.registry.control
        control.fault("delay", seconds=0.06)
        control.fault("delay", seconds=0.06)
        control.fault("status", status=500)
        started = time.monotonic()
        assert member.get("/works").status_code == 500
        assert time.monotonic() - started >= 0.12
        assert member.get("/works").status_code == 200

    def test_chance_is_seeded(self, member: Member) -> None:
        def outcomes() -> list[int]:
            member.registry.control.clear_faults()
            member.registry.control.fault("status", status=500, times=1000, probability=0.5, seed=42)
            return [member.get("/works").status_code for _ in range(20)]

        first = outcomes()
        assert first == outcomes()
        assert set(first) == {200, 500}

    def test_faults_can_be_cleared(self, member: Member) -> None:
        member.registry.control.fault("status", times=100)
        member.registry.control.clear_faults()
        assert member.get("/works").status_code == 200

    def test_the_token_endpoint_can_fail_too(self, member: Member) -> None:
        member.registry.control.fault("status", status=500, path="^/oauth/token")
        assert requests.post(f"{member.registry.base_url}/oauth/token", data={}, timeout=5).status_code == 500


class TestRate:
    def test_the_queue_delays_and_then_refuses(self) -> None:
        now = [0.0]
        limiter = Limiter(24, 40, lambda: now[0])
        answers = [limiter.admit("a") for _ in range(42)]
        assert answers[0] == 0
        assert answers[40] == pytest.approx(40 / 24)
        assert answers[41] is None
        assert limiter.admit("b") == 0
        now[0] = 1.0
        assert [limiter.admit("a") is not None for _ in range(25)] == [True] * 24 + [False]

    def test_steady_calls_below_the_rate_are_never_delayed(self) -> None:
        now = [0.0]
        limiter = Limiter(24, 40, lambda: now[0])
        for _ in range(100):
            assert limiter.admit("a") == pytest.approx(0, abs=1e-6)
            now[0] += 1 / 23.9

    def test_a_flood_is_answered_by_503_without_a_body_of_the_registry(self) -> None:
        with running_simulator(rate=20, burst=2) as registry:
            member = Member.join(registry)
            with ThreadPoolExecutor(8) as pool:
                statuses = list(pool.map(lambda _: member.get("/works").status_code, range(8)))
            refusals = statuses.count(503)
            assert refusals >= 1
            assert registry.control.summary()["refused_for_rate"] == refusals
            assert registry.control.summary()["busiest_second"] == 8

    def test_rate_0_is_unlimited(self) -> None:
        limiter = Limiter(0, 40, time.monotonic)
        assert {limiter.admit("a") for _ in range(1000)} == {0.0}


class TestState:
    def test_a_killed_registry_comes_back_with_everything_it_answered(self, tmp_path: Path) -> None:
        with running_simulator(state=tmp_path, process=True) as registry:
            member = Member.join(registry)
            put_code = member.add("work", work("10.1/0"))
            read = member.get(f"/work/{put_code}").json()
            registry.kill()
            registry.start()
            assert member.get(f"/work/{put_code}").json() == read
            assert refused(member.post("/work", work("10.1/0")), 409, 9021)
            assert member.registry.control.get_record(member.orcid)["notifications"] == 1
            other = registry.control.client()
            assert other.client_id != member.client.client_id

    def test_a_kill_in_the_middle_of_writes_loses_no_answered_one(self, tmp_path: Path) -> None:
        with running_simulator(state=tmp_path, process=True) as registry:
            member = Member.join(registry)
            answered: list[int] = []
            stopped = threading.Event()

            def write_on() -> None:
                number = 0
                while True:
                    number += 1
                    sent = [{"work": work(f"10.{number}/{place}")} for place in range(10)]
                    try:
                        answer = member.post("/works", {"bulk": sent})
                    except requests.ConnectionError:
                        stopped.set()
                        return
                    answered.extend(slot["work"]["put-code"] for slot in answer.json()["bulk"])

            writer = threading.Thread(target=write_on)
            writer.start()
            while len(answered) < 50:
                time.sleep(0.001)
            registry.kill()
            writer.join()
            registry.start()
            kept = {item["put_code"] for item in registry.control.get_record(member.orcid)["items"]}
            assert stopped.is_set()
            assert set(answered) <= kept
            assert len(kept) % 10 == 0, "a bulk is there as a whole or not at all"

    def test_put_codes_are_not_given_again_after_a_restart(self, tmp_path: Path) -> None:
        with running_simulator(state=tmp_path) as registry:
            member = Member.join(registry)
            put_code = member.add("work")
            member.delete(f"/work/{put_code}")
        with running_simulator(state=tmp_path) as registry:
            again = Member(registry, member.client, member.orcid, member.token)
            assert again.add("work") > put_code


class TestAccess:
    def test_from_elsewhere_the_control_api_needs_its_token(self) -> None:
        with running_simulator(control_token="s3cret") as registry:
            url = f"{registry.base_url}/control/summary"
            elsewhere = {"X-Forwarded-For": "192.0.2.1"}
            assert requests.get(url, headers=elsewhere, timeout=5).status_code == 403
            wrong = {**elsewhere, "Authorization": "Bearer wrong"}
            assert requests.get(url, headers=wrong, timeout=5).status_code == 403
            right = {**elsewhere, "Authorization": "Bearer s3cret"}
            assert requests.get(url, headers=right, timeout=5).status_code == 200
            assert requests.get(url, timeout=5).status_code == 200
