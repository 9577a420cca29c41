"""The console in Airflow: its users, its roles, its session cookie, its views; and the question it answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from orcid_sync.ledger.session import Ledger
from starlette.testclient import TestClient

from tests.fixtures.console import PREFIX, Story
from tests.plugins.support import as_browser, as_script, plugin_client

pytestmark = pytest.mark.slow


@pytest.fixture
def client(airflow_database: None, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The plugin's application as Airflow mounts it, on the test's ledger."""
    with plugin_client(ledger, monkeypatch) as made:
        yield made


# What a role of Airflow's simple user management may do, as librarian `ann` of one unit, and as somebody of none.
ROLES = [
    ("ann", "USER", {"university library"}, True),
    ("ann", "VIEWER", {"university library"}, False),
    ("ann", "OP", {"university library", "medical faculty"}, True),
    ("zoe", "USER", set(), False),
    ("zoe", "VIEWER", {"university library", "medical faculty"}, False),
    ("zoe", "ADMIN", {"university library", "medical faculty"}, False),
]


@pytest.mark.parametrize(
    ("name", "role", "seen", "decides"), ROLES, ids=[f"{name}-{role}" for name, role, _, _ in ROLES]
)
def test_roles_of_airflow_and_the_units_file_decide_together(
    client: TestClient, story: Story, name: str, role: str, seen: set[str], decides: bool
) -> None:
    page = client.get(f"{PREFIX}/", headers=as_browser(name, role)).text.lower()
    assert {unit for unit in ("university library", "medical faculty") if unit in page} == seen
    answer = client.post(
        f"{PREFIX}/api/batches/{story.batch}/decisions",
        json={"verdict": "approve"},
        headers=as_script(name, role),
    )
    assert answer.status_code == (200 if decides else 403 if seen else 404), answer.text
    assert bool(story.house.one("SELECT count(*) FROM decision WHERE via = 'console'")) == decides


def test_nobody_gets_in_without_a_session(client: TestClient) -> None:
    assert client.get(f"{PREFIX}/api/batches").status_code == 401
    assert client.get(f"{PREFIX}/api/batches", headers={"authorization": "Bearer made-up"}).status_code == 401
    page = client.get(f"{PREFIX}/batches/3", headers={"accept": "text/html"})
    assert page.status_code == 303
    assert "login" in page.headers["location"]
    assert "orcid-review" in page.headers["location"]


def test_a_cookie_alone_changes_nothing_from_elsewhere(client: TestClient, story: Story) -> None:
    headers = as_browser("ann", "USER") | {"origin": "https://elsewhere.example"}
    url = f"{PREFIX}/api/batches/{story.batch}/decisions"
    assert client.post(url, json={"verdict": "approve"}, headers=headers).status_code == 403
    headers |= {"origin": "http://testserver"}
    assert client.post(url, json={"verdict": "approve"}, headers=headers).status_code == 200


def test_the_banner_names_the_registry_of_the_connection(client: TestClient, story: Story) -> None:
    assert "Sandbox" in client.get(f"{PREFIX}/", headers=as_browser("ann", "USER")).text


def test_a_batch_without_a_question_is_decided_all_the_same(client: TestClient, story: Story) -> None:
    body = {"verdict": "reject", "removals": True, "warnings": True}
    answer = client.post(
        f"{PREFIX}/api/batches/{story.batch}/decisions", json=body, headers=as_script("ann", "USER")
    ).json()
    assert answer["batches"][0]["state"] == "closed", "nothing of it is to be written"
    assert answer["questions"] == {}


def test_airflow_takes_the_plugin_in() -> None:
    from airflow.plugins_manager import get_fastapi_plugins

    apps, _ = get_fastapi_plugins()
    assert PREFIX in {app["url_prefix"] for app in apps}


def test_a_run_that_asks_leads_to_its_batch(client: TestClient, story: Story) -> None:
    answer = client.get(f"{PREFIX}/runs/approve_batch/batch-{story.batch}", headers=as_browser("ann", "USER"))
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"/batches/{story.batch}")
