"""Every route of the console for every kind of person, under both of Airflow's user managements."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from orcid_sync.ledger.session import Ledger

from tests.fixtures.airflow_home import ROOT, airflow_settings
from tests.fixtures.console import PREFIX, Story, tell_story
from tests.fixtures.house import House
from tests.fixtures.ledger import LedgerDatabase, LedgerPool
from tests.plugins.matrix import EXPECTED, KINDS, differences
from tests.plugins.support import as_script, connection_json, plugin_client
from tests.review.console.test_console_rights import routes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# Who is who: users of the simple user management as (name, role), of FAB by their names in `fab_airflow.USERS`.
SIMPLE = {
    "librarian": ("ann", "USER"),
    "elsewhere": ("zoe", "USER"),
    "reader": ("vera", "VIEWER"),
    "auditor": ("audrey", "VIEWER"),
    "operator": ("olga", "OP"),
}
FAB = {
    "librarian": "ann",
    "elsewhere": "zoe",
    "reader": "vera",
    "auditor": "audrey",
    "operator": "olga",
    "guest": "paul",
}


@pytest.fixture(scope="module")
def told(ledger_pool: LedgerPool) -> Iterator[tuple[Story, LedgerDatabase]]:
    """One story for all: what the routes answer changes nothing that another route's answer depends on."""
    database, fingerprint = ledger_pool.take()
    house = House(Ledger(database.connect_application), database.connect_owner)
    yield tell_story(house, publications=12), database
    ledger_pool.give_back(database, fingerprint)


def test_every_route_is_in_the_table() -> None:
    assert set(routes()) == set(EXPECTED)


def test_every_route_under_the_simple_user_management(
    airflow_database: None, told: tuple[Story, LedgerDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    story, database = told
    with plugin_client(Ledger(database.connect_application), monkeypatch) as client:

        def send(kind: str, method: str, address: str, body: Any) -> int:
            headers = as_script(*SIMPLE[kind]) if kind != "stranger" else {}
            return client.request(method, address, json=body, headers=headers).status_code

        # Each of its roles may read; a guest there is none.
        kinds = tuple(kind for kind in KINDS if kind != "guest")
        assert differences(story, send, kinds) == []


@dataclass
class FabServer:
    """Airflow with FAB, and a session for each of its users."""

    address: str
    tokens: dict[str, str]

    def get(self, path: str, user: str, **headers: str) -> requests.Response:
        return self.send(user, "GET", PREFIX + path, None, **headers)

    def send(self, user: str, method: str, path: str, body: Any, **headers: str) -> requests.Response:
        sent = {"authorization": f"Bearer {self.token(user)}"} if user else {}
        return requests.request(
            method,
            self.address + path,
            json=body,
            headers={**sent, **headers},
            timeout=120,
            allow_redirects=False,
        )

    def token(self, user: str) -> str:
        """As somebody gets one who signs in; the password is the name."""
        if user not in self.tokens:
            answer = requests.post(
                f"{self.address}/auth/token", json={"username": user, "password": user}, timeout=120
            )
            assert answer.status_code == 201, answer.text
            self.tokens[user] = answer.json()["access_token"]
        return self.tokens[user]


@pytest.fixture(scope="module")
def fab(told: tuple[Story, LedgerDatabase], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FabServer]:
    """Airflow's API server with the FAB user management and our plugins, in a process of its own."""
    home = tmp_path_factory.mktemp("fab")
    settings = airflow_settings(home) | {
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW_CONN_LEDGER": connection_json(Ledger(told[1].connect_application)),
        "AIRFLOW_CONN_ORCID": json.dumps({"conn_type": "http", "host": "https://api.sandbox.orcid.org"}),
        "ORCID_SYNC_DATA_DOCS_DIR": str(home / "docs"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "include"), str(ROOT / "plugins")]),
    }
    log = home / "server.log"
    with log.open("wb") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.fixtures.fab_airflow"],
            env={**os.environ, **settings},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            text=True,
        )
    try:
        assert server.stdout is not None
        # Airflow's own log may say something before; the line is ours, and an early end closes the pipe.
        line = next((line for line in server.stdout if line.startswith('{"address"')), None)
        assert line is not None, f"the server ended: {log.read_text()[-3000:]}"
        yield FabServer(json.loads(line)["address"], {})
    finally:
        server.kill()
        server.wait()


def test_every_route_under_fab(told: tuple[Story, LedgerDatabase], fab: FabServer) -> None:
    def send(kind: str, method: str, address: str, body: Any) -> int:
        return fab.send(FAB.get(kind, ""), method, address, body).status_code

    assert differences(told[0], send) == []


def test_roles_of_fab_itself_see_what_the_units_file_and_their_rights_give_them(fab: FabServer) -> None:
    """The role User may edit DAGs, hence decide; no unit names `uma`, so there is nothing to see. Admins see all."""
    assert fab.get("/", "uma").status_code == 403
    assert fab.get("/", "root").status_code == 200


def test_the_librarians_role_of_fab_edits_no_other_dag(fab: FabServer) -> None:
    paths = {dag: f"/api/v2/dags/{dag}/dagRuns/~/hitlDetails" for dag in ("approve_batch", "write_approved")}
    assert fab.send("ann", "GET", paths["approve_batch"], None).status_code == 200
    answer = fab.send("ann", "POST", "/api/v2/dags/write_approved/dagRuns", {"logical_date": None})
    assert answer.status_code == 403
    assert fab.send("ann", "GET", "/api/v2/connections", None).status_code == 403


def test_a_browsers_session_of_fab_opens_the_pages(fab: FabServer) -> None:
    page = requests.get(
        f"{fab.address}{PREFIX}/",
        headers={"accept": "text/html"},
        cookies={"_token": fab.token("ann")},
        timeout=120,
    )
    assert page.status_code == 200
    assert "University Library" in page.text
    assert "Medical Faculty" not in page.text


def test_a_page_sends_strangers_to_the_sign_in_of_fab(fab: FabServer) -> None:
    answer = fab.get("/batches/1", "", accept="text/html")
    assert answer.status_code == 303
    assert "/auth/login" in answer.headers["location"]


def test_there_is_no_documentation_of_the_console_for_strangers(fab: FabServer) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert fab.get(path, "").status_code == 404
