"""The connection type "ORCID Member API" as Airflow's API offers and tests it, against a registry on a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from orcid_simulator.testing import RunningSimulator, running_simulator

CLIENT = "APP-0000000000000001"
PHRASE = "a-secret-that-nobody-may-see"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        running.control.client(client_id=CLIENT, client_secret=PHRASE)
        yield running


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Airflow's API as its administrator, with the Test button switched on."""
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.utils.db import initdb

    initdb()
    monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")
    app = create_app(apps="core")
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="root", role="admin"))
    with TestClient(
        app, base_url="http://localhost:8080", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        yield client


def tested(admin: TestClient, simulator: RunningSimulator, **changed: Any) -> dict[str, Any]:
    base = simulator.base_url
    form = {
        "connection_id": "orcid",
        "conn_type": "orcid",
        "host": base,
        "login": CLIENT,
        "password": PHRASE,
        "extra": f'{{"web_base": "{base}", "public_base": "{base}/pub"}}',
    }
    answer = admin.post("/api/v2/connections/test", json=form | changed)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert PHRASE not in answer.text
    return found


def test_airflow_knows_the_type_and_its_form(admin: TestClient) -> None:
    known = admin.get("/ui/connections/hook_meta").json()
    [ours] = [hook for hook in known if hook["connection_type"] == "orcid"]
    assert ours["hook_name"] == "ORCID Member API"
    standard = ours["standard_fields"]
    assert {name: standard[name]["title"] for name in ("login", "password", "host")} == {
        "login": "Client ID",
        "password": "Client secret",
        "host": "API base",
    }
    assert standard["port"]["hidden"]
    assert set(ours["extra_fields"]) == {"web_base", "public_base"}


def test_the_test_button_gets_a_token_and_asks_for_the_status(
    admin: TestClient, simulator: RunningSimulator
) -> None:
    found = tested(admin, simulator)
    assert found["status"], found
    assert found["message"] == (
        f"The simulator registry accepts id and secret of {CLIENT}, and its API says that it is well."
    )
    asked = [(call["method"], call["path"]) for call in simulator.control.calls()]
    assert ("POST", "/oauth/token") in asked
    assert ("GET", "/v3.0/status") in asked


def test_a_stored_connection_is_tested_with_its_secret_as_the_list_of_connections_asks_for_it(
    admin: TestClient, simulator: RunningSimulator
) -> None:
    base = simulator.base_url
    stored = {
        "connection_id": "orcid_stored",
        "conn_type": "orcid",
        "host": base,
        "login": CLIENT,
        "extra": f'{{"web_base": "{base}", "public_base": "{base}/pub"}}',
    }
    assert admin.post("/api/v2/connections", json=stored | {"password": PHRASE}).status_code == 201
    # What the page sends for a port that was never set, and for a secret that it doesn't know.
    asked = stored | {"password": "***", "port": 0, "schema": "", "description": ""}
    try:
        found = tested(admin, simulator, **asked)
        assert found["status"], found
        elsewhere = admin.post("/api/v2/connections/test", json=asked | {"port": 9})
        assert elsewhere.status_code == 400
    finally:
        admin.delete("/api/v2/connections/orcid_stored")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "wrong-" + PHRASE[:4]}, "refuse"),
        ({"login": ""}, "client id or secret is missing"),
        ({"host": "registry"}, "is no web address"),
        ({"host": "http://127.0.0.1:9"}, "can't be reached"),
        ({"extra": "{}"}, "web_base is no web address"),
    ],
    ids=["wrong secret", "no id", "no address", "nobody there", "no web base"],
)
def test_what_is_wrong_is_said_with_a_remedy(
    admin: TestClient, simulator: RunningSimulator, changed: dict[str, str], said: str
) -> None:
    found = tested(admin, simulator, **changed)
    assert not found["status"]
    assert said in found["message"].lower() + found["message"], found["message"]
    assert "[us]" in found["message"]


def test_a_registry_that_is_not_well_is_told_from_a_wrong_secret(
    admin: TestClient, simulator: RunningSimulator
) -> None:
    simulator.control.fault(kind="status", path="/v3.0/status", status=503, times=1)
    found = tested(admin, simulator)
    assert not found["status"]


def test_a_client_written_by_hand_as_http_is_still_understood() -> None:
    from orcid_sync.connections import parse_connection
    from orcid_sync.orcid.client import Credentials
    from orcid_sync.secret import Secret

    for conn_type in ("http", "orcid"):
        text = f'{{"conn_type": "{conn_type}", "host": "https://api.orcid.org", "login": "{CLIENT}", "password": "x"}}'
        credentials = Credentials.from_connection(parse_connection("orcid", Secret(text)))
        assert credentials.web_base == "https://orcid.org"
