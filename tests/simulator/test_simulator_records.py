from __future__ import annotations

import time

import pytest
import requests
from orcid_simulator.testing import RunningSimulator

from tests.simulator.support import SAMPLES, Member, employment, refused, work

METHODS = [
    ("GET", "/works"),
    ("POST", "/work"),
    ("PUT", "/work/1"),
    ("DELETE", "/work/1"),
    ("POST", "/works"),
]


def call(member: Member, method: str, path: str) -> requests.Response:
    bodies = {"/work": work(), "/works": {"bulk": [{"work": work()}]}, "/work/1": work(**{"put-code": 1})}
    return member.call(method, path, bodies.get(path) if method in ("POST", "PUT") else None)


@pytest.mark.parametrize(("method", "path"), METHODS)
def test_an_unknown_id_is_not_found(member: Member, method: str, path: str) -> None:
    reader = member.with_scope("/read-public", for_client=True)
    reader.orcid = "0000-0000-0000-0000"
    assert refused(call(reader, method, path), 404, 9016)


@pytest.mark.parametrize(("method", "path"), METHODS)
@pytest.mark.parametrize(("status", "code"), [("locked", 9018), ("deactivated", 9044), ("unclaimed", 9036)])
def test_no_call_gets_through_to_a_record_that_is(
    member: Member, method: str, path: str, status: str, code: int
) -> None:
    member.registry.control.patch_record(member.orcid, status=status)
    assert refused(call(member, method, path), 409, code)


@pytest.mark.parametrize(("method", "path"), METHODS)
def test_a_merged_record_redirects_reads_and_refuses_writes(member: Member, method: str, path: str) -> None:
    primary = member.registry.control.record("New", "Self")
    old = member.orcid
    member.registry.control.patch_record(old, status="deprecated", primary=primary)
    caller = member.with_scope("/read-public", for_client=True)
    answer = call(caller, method, path)
    status = 301 if method == "GET" else 409
    assert answer.status_code == status
    assert answer.json()["error-code"] == 9007
    assert primary in answer.json()["developer-message"]
    assert answer.headers["location"] == caller.url(path).replace(old, primary)


def test_a_merge_empties_the_record_and_kills_its_tokens(member: Member) -> None:
    put_code = member.add("work")
    primary = member.registry.control.record("New", "Self")
    member.registry.control.patch_record(member.orcid, status="deprecated", primary=primary)
    assert member.get(f"/work/{put_code}").status_code == 401
    assert member.delete(f"/work/{put_code}").status_code == 401
    assert member.registry.control.get_record(member.orcid)["items"] == []
    assert member.registry.control.get_record(primary)["items"] == []


def test_a_locked_record_works_again_when_it_is_active(member: Member) -> None:
    put_code = member.add("work")
    member.registry.control.patch_record(member.orcid, status="locked")
    member.registry.control.patch_record(member.orcid, status="active")
    assert member.get(f"/work/{put_code}").status_code == 200


class TestUnclaimed:
    def test_its_creator_writes_with_the_visibility_it_sends_private_by_default(
        self, registry: RunningSimulator
    ) -> None:
        orcid = registry.control.record(status="unclaimed")
        member = Member.join(registry, orcid)
        registry.control.patch_record(orcid, creator=member.client.client_id)
        first = member.add("work", work("10.1/1", visibility="limited"))
        second = member.add("work", work("10.1/2"))
        assert member.get(f"/work/{first}").json()["visibility"] == "limited"
        assert member.get(f"/work/{second}").json()["visibility"] == "private"

    def test_others_get_in_after_ten_days(self, registry: RunningSimulator) -> None:
        orcid = registry.control.record(status="unclaimed")
        member = Member.join(registry, orcid)
        nine_days, eleven_days = ((time.time() - days * 86_400) * 1000 for days in (9, 11))
        registry.control.patch_record(orcid, created=int(nine_days))
        assert refused(member.get("/works"), 409, 9036)
        registry.control.patch_record(orcid, created=int(eleven_days))
        assert member.get("/works").status_code == 200


SEEN = [
    # scope of the token, visibility, own item, (single read, seen in the section)
    ("/read-public", "public", False, (200, True)),
    ("/read-public", "limited", False, (9038, False)),
    ("/read-public", "private", False, (9038, False)),
    ("/activities/update", "public", False, (200, True)),
    ("/activities/update", "limited", False, (9038, False)),
    ("/activities/update", "limited", True, (200, True)),
    ("/activities/update", "private", True, (200, True)),
    ("/read-limited", "limited", False, (200, True)),
    ("/read-limited", "private", False, (9013, False)),
    ("/read-limited", "private", True, (200, True)),
    ("/activities/read-limited", "limited", False, (200, True)),
    ("/person/read-limited", "limited", False, (9038, False)),
]


@pytest.mark.parametrize("section", ["work", "employment", "funding", "peer-review", "research-resource"])
@pytest.mark.parametrize(
    ("scope", "visibility", "own", "expected"),
    SEEN,
    ids=[f"{row[0]} {'own' if row[2] else 'foreign'} {row[1]}" for row in SEEN],
)
def test_what_a_token_sees(
    member: Member, section: str, scope: str, visibility: str, own: bool, expected: tuple[int, bool]
) -> None:
    source = member.client.client_id if own else "user"
    put_code = member.registry.control.add_item(
        member.orcid, section, SAMPLES[section](), source=source, visibility=visibility
    )
    reader = member.with_scope(scope)
    single, listed = expected
    answer = reader.get(f"/{section}/{put_code}")
    assert answer.status_code == 200 if single == 200 else refused(answer, 403, single)
    whole = reader.get("/activities")
    assert whole.status_code == 200
    assert (f'"put-code":{put_code}' in whole.text) is listed
    assert (f'"put-code":{put_code}' in reader.get(f"/{section}s").text) is listed


def test_a_token_that_reads_nothing_gets_no_section(member: Member) -> None:
    reader = member.with_scope("/webhook", for_client=True)
    assert refused(reader.get("/works"), 403, 9038)


def test_activities_holds_every_section_in_alphabetical_order(member: Member) -> None:
    member.add("work")
    member.add("employment")
    activities = member.get("/activities").json()
    assert list(activities) == [
        "last-modified-date", "distinctions", "educations", "employments", "fundings", "invited-positions",
        "memberships", "peer-reviews", "qualifications", "research-resources", "services", "works", "path",
    ]  # fmt: skip
    assert activities["works"] == member.get("/works").json()
    assert activities["employments"] == member.get("/employments").json()
    assert activities["path"] == f"/{member.orcid}/activities"


def test_the_record_is_read_at_both_of_its_paths(member: Member) -> None:
    member.add("employment")
    record = member.get("/record").json()
    assert member.get("").json() == record
    assert list(record) == [
        "orcid-identifier", "preferences", "history", "person", "activities-summary", "path",
    ]  # fmt: skip
    assert record["orcid-identifier"] == {
        "uri": f"https://orcid.org/{member.orcid}",
        "path": member.orcid,
        "host": "orcid.org",
    }
    assert record["activities-summary"] == member.get("/activities").json()
    assert record["person"]["name"]["given-names"] == {"value": "Josiah"}
    assert record["path"] == f"/{member.orcid}"


@pytest.mark.parametrize(
    "change",
    [
        lambda member: member.add("work"),
        lambda member: member.delete(f"/employment/{member.add('employment')}"),
        lambda member: member.registry.control.add_item(member.orcid, "work", work("10.1/x")),
        lambda member: member.registry.control.patch_record(member.orcid, given_names="Jo"),
    ],
    ids=["a client adds", "a client deletes", "the researcher adds", "the researcher's names change"],
)
def test_every_change_moves_the_records_last_modified_date(member: Member, change: object) -> None:
    before = member.get("/record").json()["history"]["last-modified-date"]["value"]
    change(member)  # type: ignore[operator]
    assert member.get("/record").json()["history"]["last-modified-date"]["value"] > before


def test_the_source_of_an_item_shows_who_added_it(member: Member) -> None:
    put_code = member.registry.control.add_item(member.orcid, "employment", employment())
    source = member.get(f"/employment/{put_code}").json()["source"]
    assert source["source-orcid"]["path"] == member.orcid
    assert source["source-client-id"] is None
    assert source["source-name"] == {"value": "Josiah Carberry"}


def test_status_needs_no_token(registry: RunningSimulator) -> None:
    for name in ("status", "apiStatus"):
        answer = requests.get(f"{registry.base_url}/v3.0/{name}", timeout=5)
        assert answer.json()["overallOk"] is True
