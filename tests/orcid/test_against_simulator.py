"""The client against the simulated registry, over a real socket: each call's way there and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from orcid_simulator.testing import RunningSimulator, running_simulator
from orcid_sync import errors
from orcid_sync.orcid.oauth import OAuth
from orcid_sync.secret import Secret

from tests.orcid.scripted import Client, client_for

pytestmark = pytest.mark.slow

EMPLOYMENT = {
    "department-name": "Physics",
    "role-title": "Lecturer",
    "start-date": {"year": {"value": "2020"}, "month": {"value": "01"}, "day": None},
    "organization": {
        "name": "Example University",
        "address": {"city": "Lund", "country": "SE"},
        "disambiguated-organization": {
            "disambiguated-organization-identifier": "https://ror.org/012a77v79",
            "disambiguation-source": "ROR",
        },
    },
}


def work(doi: str, title: str = "On Cracks", relationship: str = "self") -> dict[str, Any]:
    return {
        "title": {"title": {"value": title}},
        "type": "journal-article",
        "publication-date": {"year": {"value": "2012"}},
        "external-ids": {
            "external-id": [
                {
                    "external-id-type": "doi",
                    "external-id-value": doi,
                    "external-id-relationship": relationship,
                }
            ]
        },
    }


@dataclass
class Scene:
    """One API client with one researcher's permission."""

    registry: RunningSimulator
    client: Client
    orcid: str
    token: Secret


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def scene(simulator: RunningSimulator) -> Iterator[Scene]:
    simulator.control.reset()
    registered = simulator.control.client("Example University")
    client = client_for(simulator.api_base, registered.client_id, registered.client_secret)
    orcid = simulator.control.record()
    token = Secret(simulator.control.token(registered.client_id, orcid)["access_token"])
    yield Scene(simulator, client, orcid, token)
    client.api.close()


def test_a_work_lives_its_whole_life(scene: Scene) -> None:
    api, orcid, token = scene.client.api, scene.orcid, scene.token
    put_code = api.add_item(orcid, "work", work("10.1000/Abc"), token)
    (item,) = api.read_activities(orcid, token).items
    assert (item.section, item.put_code, item.title) == ("work", put_code, "On Cracks")
    assert item.written_by(api.client_id)
    assert item.identifiers[0].normalized == "10.1000/abc"
    api.update_item(orcid, "work", put_code, work("10.1000/Abc", "On More Cracks"), token)
    assert api.read_item(orcid, "work", put_code, token)["title"]["title"]["value"] == "On More Cracks"
    api.delete_item(orcid, "work", put_code, token)
    assert api.read_activities(orcid, token).items == ()
    with pytest.raises(errors.Gone):
        api.delete_item(orcid, "work", put_code, token)
    with pytest.raises(errors.Gone):
        api.update_item(orcid, "work", put_code, work("10.1000/Abc"), token)
    with pytest.raises(errors.Gone):
        api.read_item(orcid, "work", put_code, token)


def test_an_employment_is_added_and_read_back(scene: Scene) -> None:
    api, orcid, token = scene.client.api, scene.orcid, scene.token
    put_code = api.add_item(orcid, "employment", EMPLOYMENT, token)
    (item,) = api.read_activities(orcid, token).section("employment")
    assert (item.put_code, item.role_title, item.department, item.date) == (
        put_code,
        "Lecturer",
        "Physics",
        "2020-01",
    )
    assert item.organisation is not None
    assert item.organisation.disambiguated_id == "https://ror.org/012a77v79"


def test_a_bulk_answers_each_work_in_its_place(scene: Scene) -> None:
    api, orcid, token = scene.client.api, scene.orcid, scene.token
    first = api.add_item(orcid, "work", work("10.1000/1"), token)
    contents = [
        work("10.1000/2"),
        work("https://doi.org/10.1000/1"),
        work("10.1000/3", title=" "),
        work("10.1000/4", relationship="part-of"),
        work("10.1000/2"),
        work("10.1000/5"),
    ]
    answers = api.add_works_bulk(orcid, contents, token)
    assert [type(answer.error) for answer in answers] == [
        type(None),
        errors.Duplicate,
        errors.Invalid,
        errors.Invalid,
        errors.Duplicate,
        type(None),
    ]
    duplicate = answers[1].error
    assert isinstance(duplicate, errors.Duplicate)
    assert duplicate.put_code == first
    again = answers[4].error
    assert isinstance(again, errors.Duplicate)
    assert again.put_code == answers[0].put_code
    assert [answer.error.field for answer in answers[2:4] if isinstance(answer.error, errors.Invalid)] == [
        "title",
        "external-ids",
    ]
    put_codes = [first, *(answer.put_code for answer in answers if answer.put_code)]
    read = api.read_works(orcid, [*put_codes, 999_999], token)
    assert set(read.found) == set(put_codes)
    assert isinstance(read.errors[999_999], errors.Gone)


def test_items_of_others_are_seen_and_not_touched(scene: Scene) -> None:
    api, orcid, token = scene.client.api, scene.orcid, scene.token
    control = scene.registry.control
    other = control.client("Publisher").client_id
    theirs = control.add_item(orcid, "work", work("10.1000/1"), source=other)
    own = control.add_item(orcid, "work", work("10.1000/2"))
    items = {item.put_code: item for item in api.read_activities(orcid, token).items}
    assert items[theirs].source_client_id == other
    assert items[own].source_orcid == orcid
    assert not items[theirs].written_by(api.client_id)
    with pytest.raises(errors.NotSource):
        api.update_item(orcid, "work", theirs, work("10.1000/1", "Mine now"), token)
    with pytest.raises(errors.NotSource):
        api.delete_item(orcid, "work", own, token)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("locked", errors.RecordLocked),
        ("deactivated", errors.RecordDeactivated),
        ("unclaimed", errors.RecordUnclaimed),
    ],
)
def test_a_record_that_can_not_be_used_says_why(
    scene: Scene, status: str, expected: type[errors.SyncError]
) -> None:
    scene.registry.control.patch_record(scene.orcid, status=status)
    with pytest.raises(expected):
        scene.client.api.read_activities(scene.orcid, scene.token)
    with pytest.raises(expected):
        scene.client.api.add_works_bulk(scene.orcid, [work("10.1000/1")], scene.token)


def test_a_merged_record_kills_its_tokens(scene: Scene) -> None:
    primary = scene.registry.control.record()
    scene.registry.control.patch_record(scene.orcid, status="deprecated", primary=primary)
    with pytest.raises((errors.TokenRefused, errors.RecordMerged)):
        scene.client.api.read_activities(scene.orcid, scene.token)


def test_a_merged_record_names_the_new_one_to_a_client_token(scene: Scene) -> None:
    primary = scene.registry.control.record()
    scene.registry.control.patch_record(scene.orcid, status="deprecated", primary=primary)
    own = scene.client.api.client_token("/read-public")
    with pytest.raises(errors.RecordMerged) as caught:
        scene.client.api.read_activities(scene.orcid, own)
    assert caught.value.new_orcid == primary


def test_a_token_proves_its_own_record_only(scene: Scene) -> None:
    api = scene.client.api
    api.verify_token(scene.orcid, scene.token)
    another = scene.registry.control.record()
    with pytest.raises(errors.TokenOfAnotherRecord):
        api.verify_token(another, scene.token)
    with pytest.raises(errors.TokenRefused):
        api.verify_token(scene.orcid, Secret("4bed1e13-7792-4129-9f07-aaf7b88ba88f"))
    unknown = "0000-0001-5109-3700"
    with pytest.raises(errors.RecordUnknown):
        api.read_activities(unknown, api.client_token("/read-public"))


def test_a_permission_revoked_by_its_researcher_can_still_remove(scene: Scene) -> None:
    api, orcid, token = scene.client.api, scene.orcid, scene.token
    put_code = api.add_item(orcid, "work", work("10.1000/1"), token)
    scene.registry.control.revoke(token.reveal(), by="user")
    with pytest.raises(errors.TokenRefused):
        api.read_activities(orcid, token)
    with pytest.raises(errors.TokenRefused):
        api.add_item(orcid, "work", work("10.1000/2"), token)
    api.delete_item(orcid, "work", put_code, token)


def test_a_permission_we_gave_back_can_do_nothing(scene: Scene) -> None:
    api, orcid, token = scene.client.api, scene.orcid, scene.token
    put_code = api.add_item(orcid, "work", work("10.1000/1"), token)
    OAuth(api).revoke(token)
    with pytest.raises(errors.TokenRefused):
        api.delete_item(orcid, "work", put_code, token)


def test_a_permission_that_only_reads_is_told_from_a_lost_one(scene: Scene) -> None:
    granted = scene.registry.control.token(scene.client.api.client_id, scene.orcid, "/read-limited")
    with pytest.raises(errors.ScopeMissing):
        scene.client.api.add_item(scene.orcid, "work", work("10.1000/1"), Secret(granted["access_token"]))


def test_a_public_client_and_a_wrong_secret_are_misconfigurations(scene: Scene) -> None:
    control = scene.registry.control
    public = control.client("Public", kind="public")
    read = Secret(control.token(public.client_id, None, "/read-public")["access_token"])
    with pytest.raises(errors.Misconfigured):
        scene.client.api.read_activities(scene.orcid, read)
    wrong = client_for(scene.registry.api_base, scene.client.api.client_id, "wrong")
    with pytest.raises(errors.Misconfigured, match="secret"):
        OAuth(wrong.api).client_credentials("/read-public")


def test_tokens_are_renewed(scene: Scene) -> None:
    granted = scene.registry.control.token(scene.client.api.client_id, scene.orcid)
    oauth = OAuth(scene.client.api)
    renewed = oauth.refresh(Secret(granted["refresh_token"]))
    assert renewed.orcid == scene.orcid
    assert "/activities/update" in renewed.scopes
    scene.client.api.verify_token(scene.orcid, renewed.access_token)
    with pytest.raises(errors.TokenRefused):
        oauth.refresh(Secret("4bed1e13-7792-4129-9f07-aaf7b88ba88f"))


def test_a_lost_answer_leaves_the_works_on_the_record_and_a_doubt(scene: Scene) -> None:
    scene.registry.control.fault("drop_after", method="POST", path="/works$")
    with pytest.raises(errors.NoAnswer) as caught:
        scene.client.api.add_works_bulk(scene.orcid, [work("10.1000/1"), work("10.1000/2")], scene.token)
    assert caught.value.doubt
    assert len(scene.client.api.read_activities(scene.orcid, scene.token).items) == 2


def test_a_lost_request_leaves_a_doubt_too(scene: Scene) -> None:
    scene.registry.control.fault("drop_before", method="POST", path="/works$")
    with pytest.raises(errors.NoAnswer) as caught:
        scene.client.api.add_works_bulk(scene.orcid, [work("10.1000/1")], scene.token)
    assert caught.value.doubt
    assert scene.client.api.read_activities(scene.orcid, scene.token).items == ()


def test_a_closed_door_and_a_broken_server_are_told_apart(scene: Scene) -> None:
    control, api = scene.registry.control, scene.client.api
    control.fault("status", method="POST", status=503, retry_after=3)
    with pytest.raises(errors.RateLimited) as refused:
        api.add_item(scene.orcid, "work", work("10.1000/1"), scene.token)
    assert (refused.value.retry_after, refused.value.doubt) == (3, False)
    control.fault("status", method="POST", status=500, error_code=9008)
    with pytest.raises(errors.ServerError) as failed:
        api.add_item(scene.orcid, "work", work("10.1000/1"), scene.token)
    assert failed.value.doubt


def test_a_read_gets_through_a_storm(scene: Scene) -> None:
    scene.registry.control.fault("status", method="GET", status=503, times=3)
    assert scene.client.api.read_activities(scene.orcid, scene.token).items == ()
    assert [call.status for call in scene.client.calls] == [503, 503, 503, 200]


def test_the_registry_counts_the_calls_that_the_observer_saw(scene: Scene) -> None:
    api, orcid, token = scene.client.api, scene.orcid, scene.token
    api.add_works_bulk(orcid, [work(f"10.1000/{n}") for n in range(100)], token)
    put_codes = [item.put_code for item in api.read_activities(orcid, token).items]
    api.read_works(orcid, put_codes, token)
    theirs = scene.registry.control.calls()
    ours = scene.client.calls
    assert len(put_codes) == 100
    assert [(c["method"], c["status"]) for c in theirs] == [(c.method, c.status) for c in ours]
    assert [c.items for c in ours] == [100, 0, 100]
