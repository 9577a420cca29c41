"""Public API, notifications, webhooks, search, identifiers and clients."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest
import requests
from orcid_simulator.testing import RunningSimulator, running_simulator

from tests.simulator.support import (
    Json,
    Member,
    date,
    employment,
    external_id,
    funding,
    ids,
    organization,
    refused,
    work,
)


def public_get(registry: RunningSimulator, path: str, **headers: str) -> requests.Response:
    sent = {"Accept": "application/json", **headers}
    return requests.get(f"{registry.base_url}/pub/v3.0{path}", headers=sent, timeout=5, allow_redirects=False)


class TestPublicApi:
    def test_sections_show_public_items_and_a_single_other_one_is_9039(self, member: Member) -> None:
        control = member.registry.control
        public = control.add_item(member.orcid, "work", work("10.1/1"))
        limited = control.add_item(member.orcid, "work", work("10.1/2"), visibility="limited")
        section = public_get(member.registry, f"/{member.orcid}/works").json()
        assert [group["work-summary"][0]["put-code"] for group in section["group"]] == [public]
        assert public_get(member.registry, f"/{member.orcid}/work/{public}").status_code == 200
        assert refused(public_get(member.registry, f"/{member.orcid}/work/{limited}"), 403, 9039)

    @pytest.mark.parametrize("path", ["", "/record", "/activities", "/person", "/employments", "/email"])
    def test_everything_that_is_read_needs_no_token(self, member: Member, path: str) -> None:
        assert public_get(member.registry, f"/{member.orcid}{path}").status_code == 200

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_nothing_is_written(self, member: Member, method: str) -> None:
        path = "/work" if method == "POST" else "/work/1"
        url = f"{member.registry.base_url}/pub/v3.0/{member.orcid}{path}"
        answer = requests.request(method, url, json={}, headers={"Accept": "application/json"}, timeout=5)
        assert answer.status_code in (404, 405)

    def test_a_wrong_token_is_401(self, member: Member) -> None:
        answer = public_get(member.registry, f"/{member.orcid}/works", Authorization="Bearer x")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")

    def test_the_state_of_a_record_counts_here_too(self, member: Member) -> None:
        primary = member.registry.control.record()
        member.registry.control.patch_record(member.orcid, status="deprecated", primary=primary)
        answer = public_get(member.registry, f"/{member.orcid}/works")
        assert answer.status_code == 301
        assert answer.headers["location"].endswith(f"/pub/v3.0/{primary}/works")

    def test_the_summary_is_for_members(self, member: Member) -> None:
        assert public_get(member.registry, f"/{member.orcid}/summary").status_code == 404

    def test_beyond_the_daily_quota_is_429_in_plain_text(self) -> None:
        with running_simulator(public_daily_quota=2) as registry:
            orcid = registry.control.record()
            statuses = [public_get(registry, f"/{orcid}/works").status_code for _ in range(3)]
            assert statuses == [200, 200, 429]
            assert public_get(registry, f"/{orcid}/works").headers["content-type"] == "text/plain"

    def test_identifier_types_are_listed(self, registry: RunningSimulator) -> None:
        listed = public_get(registry, "/identifiers?locale=en").json()
        assert len(listed) == 52
        doi = next(entry for entry in listed if entry["name"] == "doi")
        assert (doi["resolution-prefix"], doi["case-sensitive"]) == ("https://doi.org/", False)


def test_a_client_is_described_by_name(member: Member) -> None:
    answer = member.call("GET", f"/client/{member.client.client_id}", absolute=True)
    assert answer.json() == {"name": "Test University", "description": ""}
    assert refused(member.call("GET", "/client/APP-0000000000000000", absolute=True), 404, 9027)


NOTIFICATION: Json = {
    "notification-type": "permission",
    "authorization-url": {"uri": "https://app.example.org/connect"},
    "notification-subject": "Connect",
    "notification-intro": "Please connect.",
    "items": {"item": [{"item-type": "work", "item-name": "A paper", "external-id": external_id()}]},
}


class TestNotifications:
    @pytest.fixture
    def sender(self, registry: RunningSimulator) -> Member:
        client = registry.control.client("Premium", "premium")
        member = Member(registry, client, registry.control.record(), "")
        return member.with_scope("/premium-notification", for_client=True)

    def send(self, sender: Member) -> str:
        answer = sender.post("/notification-permission", NOTIFICATION)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"].removeprefix(sender.url(""))

    def test_a_notification_is_sent_read_listed_and_archived(self, sender: Member) -> None:
        path = self.send(sender)
        read = sender.get(path).json()
        assert read["notification-subject"] == "Connect"
        assert read["items"]["item"][0]["item-name"] == "A paper"
        assert sender.get("/notification-permission").json() == {"notifications": [read]}
        archived = sender.delete(path)
        assert archived.status_code == 200
        assert archived.json()["archived-date"] is not None
        assert sender.get("/notification-permission").json() == {"notifications": []}

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"authorization-url": {"path": "/only"}}, 9020),
            ({"notification-intro": "x" * 1001}, 9047),
            ({"items": {"item": []}}, 9047),
            ({"items": {"item": [{"item-type": "poem", "item-name": "x"}]}}, 9047),
            ({"notification-type": "other"}, 9047),
        ],
    )
    def test_a_notification_is_refused_for(self, sender: Member, change: Json, code: int) -> None:
        assert refused(sender.post("/notification-permission", {**NOTIFICATION, **change}), 400, code)

    def test_path_and_host_do_for_a_uri(self, sender: Member) -> None:
        sent = {**NOTIFICATION, "authorization-url": {"path": "/oauth/authorize", "host": "orcid.org"}}
        assert sender.post("/notification-permission", sent).status_code == 201

    def test_a_researcher_who_wants_none_is_9032(self, sender: Member) -> None:
        sender.registry.control.patch_record(sender.orcid, accepts_notifications=False)
        assert refused(sender.post("/notification-permission", NOTIFICATION), 409, 9032)

    def test_an_unknown_or_foreign_notification_is_9029(self, sender: Member) -> None:
        assert refused(sender.get("/notification-permission/12345"), 404, 9029)
        path = self.send(sender)
        client = sender.registry.control.client("Other", "premium")
        other = Member(sender.registry, client, sender.orcid, "").with_scope(
            "/premium-notification", for_client=True
        )
        assert refused(other.get(path), 404, 9029)

    def test_the_scope_is_needed(self, member: Member) -> None:
        assert refused(member.post("/notification-permission", NOTIFICATION), 403, 9038)

    def test_reading_tolerates_a_deactivated_record_and_sending_does_not(self, sender: Member) -> None:
        path = self.send(sender)
        sender.registry.control.patch_record(sender.orcid, status="deactivated")
        assert sender.get(path).status_code == 200
        assert refused(sender.post("/notification-permission", NOTIFICATION), 409, 9044)


class Receiver:
    """A webhook receiver that answers what it is told to and notes what it got."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[str, int]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                receiver.received.append((self.path, len(body)))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


class TestWebhooks:
    @pytest.fixture
    def hooker(self, registry: RunningSimulator) -> Member:
        client = registry.control.client("Premium", "premium")
        return Member(registry, client, registry.control.record(), "").with_scope("/webhook", for_client=True)

    def call(self, member: Member, method: str, uri: str) -> requests.Response:
        url = f"{member.registry.base_url}/{member.orcid}/webhook/{quote(uri, safe='')}"
        headers = {"Authorization": f"Bearer {member.token}", "Accept": "application/json"}
        return requests.request(method, url, headers=headers, timeout=5)

    def flush(self, member: Member) -> dict[str, int]:
        return dict(member.registry.control.call("POST", "/webhooks/flush"))

    def test_a_webhook_is_201_when_new_204_when_known_and_gone_after_delete(self, hooker: Member) -> None:
        uri = "https://app.example.org/hook/1?a=b"
        assert [self.call(hooker, "PUT", uri).status_code for _ in range(2)] == [201, 204]
        assert self.call(hooker, "DELETE", uri).status_code == 204
        assert refused(self.call(hooker, "DELETE", uri), 404, 9028)

    @pytest.mark.parametrize("uri", ["not a uri", "/relative", "ftp://a.org/x", "http://"])
    def test_a_bad_uri_is_9012(self, hooker: Member, uri: str) -> None:
        assert refused(self.call(hooker, "PUT", uri), 400, 9012)

    def test_an_unknown_record_is_9011(self, hooker: Member) -> None:
        hooker.orcid = "0000-0000-0000-0000"
        assert refused(self.call(hooker, "PUT", "https://a.org/"), 404, 9011)

    def test_another_clients_webhook_is_9014(self, hooker: Member) -> None:
        self.call(hooker, "PUT", "https://a.org/")
        client = hooker.registry.control.client("Other", "premium")
        other = Member(hooker.registry, client, hooker.orcid, "").with_scope("/webhook", for_client=True)
        assert refused(self.call(other, "DELETE", "https://a.org/"), 403, 9014)

    def test_without_the_scope_it_is_9004(self, member: Member) -> None:
        assert refused(self.call(member, "PUT", "https://a.org/"), 403, 9004)

    def test_changes_are_collected_into_one_empty_post(self, hooker: Member, receiver: Receiver) -> None:
        self.call(hooker, "PUT", f"{receiver.url}/hook")
        assert self.flush(hooker) == {"delivered": 0, "failed": 0}
        for number in range(3):
            hooker.registry.control.add_item(hooker.orcid, "work", work(f"10.1/{number}"))
        assert self.flush(hooker) == {"delivered": 1, "failed": 0}
        assert receiver.received == [("/hook", 0)]
        assert self.flush(hooker) == {"delivered": 0, "failed": 0}

    def test_a_failed_call_is_repeated_until_it_is_delivered(
        self, hooker: Member, receiver: Receiver
    ) -> None:
        receiver.answers = [500, 302, 200]
        self.call(hooker, "PUT", f"{receiver.url}/hook")
        hooker.registry.control.add_item(hooker.orcid, "work", work())
        outcomes = [self.flush(hooker) for _ in range(4)]
        assert [outcome["failed"] for outcome in outcomes] == [1, 1, 0, 0]
        assert [outcome["delivered"] for outcome in outcomes] == [0, 0, 1, 0]

    def test_a_429_leaves_the_clients_other_webhooks_for_the_next_run(
        self, hooker: Member, receiver: Receiver
    ) -> None:
        receiver.answers = [429]
        for number in range(3):
            self.call(hooker, "PUT", f"{receiver.url}/{number}")
        hooker.registry.control.add_item(hooker.orcid, "work", work())
        assert self.flush(hooker) == {"delivered": 0, "failed": 1}
        assert self.flush(hooker) == {"delivered": 3, "failed": 0}

    def test_deliveries_come_by_themselves(self, receiver: Receiver) -> None:
        with running_simulator(webhook_interval_seconds=0.01) as registry:
            client = registry.control.client("Premium", "premium")
            hooker = Member(registry, client, registry.control.record(), "")
            hooker = hooker.with_scope("/webhook", for_client=True)
            self.call(hooker, "PUT", f"{receiver.url}/hook")
            registry.control.add_item(hooker.orcid, "work", work())
            while not receiver.received:
                pass
            assert receiver.received == [("/hook", 0)]


class TestSearch:
    @pytest.fixture
    def people(self, registry: RunningSimulator) -> dict[str, str]:
        control = registry.control
        ann = control.record("Ann", "Lee", emails=[{"email": "ann@a.org", "visibility": "public"}])
        bob = control.record("Bob", "Lee-Smith", biography="Studies quantum gravity.")
        control.add_item(ann, "work", work("10.5555/ABC", title={"title": {"value": "Gravity of cats"}}))
        control.add_item(ann, "employment", employment(organization=organization(name="University of York")))
        past = employment(organization=organization(name="Old College"), **{"end-date": date("2010")})
        control.add_item(bob, "employment", past)
        control.add_item(bob, "work", work("10.5555/secret"), visibility="limited")
        control.add_item(bob, "funding", funding())
        control.add_item(bob, "keyword", {"content": "physics"})
        control.add_item(
            bob,
            "external-identifier",
            {
                "external-id-type": "Scopus",
                "external-id-value": "77",
                "external-id-url": {"value": "https://a.org"},
                "external-id-relationship": "self",
            },
        )
        gone = control.record("Ann", "Gone")
        control.patch_record(gone, status="locked")
        return {ann: "ann", bob: "bob"}

    def found(self, registry: RunningSimulator, people: dict[str, str], **query: str) -> list[str]:
        answer = requests.get(
            f"{registry.base_url}/pub/v3.0/search",
            params=query,
            headers={"Accept": "application/json"},
            timeout=5,
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        names = [people[entry["orcid-identifier"]["path"]] for entry in body["result"] or []]
        assert body["num-found"] == len(names) or query.keys() & {"start", "rows"}
        return sorted(names)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("given-names:Ann", ["ann"]),
            ("family-name:lee", ["ann", "bob"]),
            ('given-and-family-names:"Ann Lee"', ["ann"]),
            ("given-names:A*", ["ann"]),
            ("email:ann@a.org", ["ann"]),
            ("email:*@a.org", ["ann"]),
            ("biography:quantum", ["bob"]),
            ("keyword:physics", ["bob"]),
            ("work-titles:gravity", ["ann"]),
            ("gravity", ["ann", "bob"]),
            ("gravity AND quantum", ["bob"]),
            ("gravity NOT quantum", ["ann"]),
            ("+gravity -quantum", ["ann"]),
            ("keyword:physics OR work-titles:cats", ["ann", "bob"]),
            ('doi-self:"10.5555/abc"', ["ann"]),
            ('doi-self:"10.5555/ABC"', ["ann"]),
            ('digital-object-ids:"10.5555/ABC"', ["ann"]),
            ('doi-self:"10.5555/secret"', []),
            ('affiliation-org-name:"University of York"', ["ann"]),
            ('current-institution-affiliation-name:"University of York"', ["ann"]),
            ('past-institution-affiliation-name:"Old College"', ["bob"]),
            ('ror-org-id:"https://ror.org/0524sp257"', ["ann", "bob"]),
            ("grant-numbers:G-1", ["bob"]),
            ('external-id-type-and-value:"Scopus=77"', ["bob"]),
            ("external-id-reference:77", ["bob"]),
            ("profile-last-modified-date:[2020-01-01T00:00:00Z TO NOW]", ["ann", "bob"]),
            ("profile-last-modified-date:[* TO 2020-01-01T00:00:00Z]", []),
            ("profile-last-modified-date:[NOW-1DAY TO *]", ["ann", "bob"]),
            ("profile-last-modified-date:[NOW/DAY TO NOW+1DAY/DAY]", ["ann", "bob"]),
            ("orcid:[* TO *]", ["ann", "bob"]),
            ("*:*", ["ann", "bob"]),
            ("nobody", []),
        ],
    )
    def test_a_query_finds(
        self, registry: RunningSimulator, people: dict[str, str], query: str, expected: list[str]
    ) -> None:
        assert self.found(registry, people, q=query) == expected

    def test_edismax_searches_the_named_fields(
        self, registry: RunningSimulator, people: dict[str, str]
    ) -> None:
        assert self.found(registry, people, q="gravity", defType="edismax", qf="biography^5.0 keyword") == [
            "bob"
        ]

    def test_rows_and_start_cut_the_list_and_not_the_count(
        self, registry: RunningSimulator, people: dict[str, str]
    ) -> None:
        first = public_get(registry, "/search?q=*:*&rows=1").json()
        second = public_get(registry, "/search?q=*:*&rows=1&start=1").json()
        assert first["num-found"] == second["num-found"] == 2
        assert first["result"] != second["result"]

    def test_nothing_found_is_null(self, registry: RunningSimulator) -> None:
        assert public_get(registry, "/search?q=nobody").json() == {"num-found": 0, "result": None}

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("rows=1001&q=a", 9012),
            ("rows=-1&q=a", 9012),
            ("start=10001&q=a", 9043),
            ("q=", 9012),
            ("q=(a", 9012),
            ("q=profile-last-modified-date:[yesterday TO NOW]", 9012),
        ],
    )
    def test_a_search_is_refused_for(self, registry: RunningSimulator, query: str, code: int) -> None:
        assert refused(public_get(registry, f"/search?{query}"), 400, code)

    def test_members_may_start_later(self, member: Member) -> None:
        answer = member.call("GET", "/search?q=a&start=10001", absolute=True)
        assert answer.status_code == 200

    def test_members_need_read_public(self, member: Member) -> None:
        caller = member.with_scope("/webhook", for_client=True)
        assert refused(caller.call("GET", "/search?q=a", absolute=True), 403, 9038)

    def test_expanded_search_tells_names_and_institutions(
        self, registry: RunningSimulator, people: dict[str, str]
    ) -> None:
        (result,) = public_get(registry, "/expanded-search?q=given-names:Ann").json()["expanded-result"]
        assert result == {
            "orcid-id": next(orcid for orcid, name in people.items() if name == "ann"),
            "given-names": "Ann",
            "family-names": "Lee",
            "credit-name": None,
            "other-name": [],
            "email": ["ann@a.org"],
            "institution-name": ["University of York"],
        }

    def test_csv_search_has_the_wanted_columns(
        self, registry: RunningSimulator, people: dict[str, str]
    ) -> None:
        answer = public_get(
            registry, "/csv-search?q=given-names:Ann&fl=family-name,email,other-names", Accept="text/csv"
        )
        assert answer.headers["content-type"] == "text/csv;charset=UTF-8"
        assert answer.text == "family-name,email,other-names\nLee,ann@a.org,\n"
        wrong = public_get(
            registry, "/csv-search?q=a&fl=shoe-size", Accept="text/csv, application/json;q=0.5"
        )
        assert refused(wrong, 400, 9012)

    def test_the_index_lags_by_the_set_time(self) -> None:
        with running_simulator(index_lag_seconds=3600) as registry:
            orcid = registry.control.record("Ann", "Late")
            assert public_get(registry, "/search?q=Late").json()["num-found"] == 0
            registry.control.call("POST", "/search/refresh")
            assert public_get(registry, "/search?q=Late").json()["num-found"] == 1
            registry.control.add_item(orcid, "keyword", {"content": "newest"})
            assert public_get(registry, "/search?q=newest").json()["num-found"] == 0

    def test_changes_are_found_at_once_without_lag(self, member: Member) -> None:
        assert public_get(member.registry, "/search?q=Unfindable").json()["num-found"] == 0
        added = work(title={"title": {"value": "Unfindable"}}, **{"external-ids": ids(external_id())})
        put_code = member.add("work", added)
        assert public_get(member.registry, "/search?q=Unfindable").json()["num-found"] == 1
        member.delete(f"/work/{put_code}")
        assert public_get(member.registry, "/search?q=Unfindable").json()["num-found"] == 0
