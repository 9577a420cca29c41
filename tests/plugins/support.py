"""The console's plugin in this process, with Airflow's simple user management."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from orcid_sync.ledger.session import Ledger
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from tests.fixtures.console import PREFIX


def connection_json(ledger: Ledger) -> str:
    """The connection `ledger` as Airflow takes it from the environment."""
    with ledger.connect() as connection:
        parts = connection.info
        given = {"conn_type": "postgres", "host": parts.host, "port": parts.port, "schema": parts.dbname}
        return json.dumps(given | {"login": parts.user, "password": parts.password})


@contextmanager
def plugin_client(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The plugin's application as Airflow mounts it, on this ledger."""
    import orcid_review_console
    from airflow.api_fastapi.app import create_auth_manager

    create_auth_manager().init()
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", connection_json(ledger))
    sandbox = {"conn_type": "http", "host": "https://api.sandbox.orcid.org"}
    monkeypatch.setenv("AIRFLOW_CONN_ORCID", json.dumps(sandbox))
    orcid_review_console._connection.cache_clear()
    app = Starlette(routes=[Mount(PREFIX, orcid_review_console.app)])
    with TestClient(app, follow_redirects=False) as made:
        yield made
    orcid_review_console._connection.cache_clear()


def token(name: str, role: str) -> str:
    """A session as Airflow gives it to somebody who signed in."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    return get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role))


def as_browser(name: str, role: str) -> dict[str, str]:
    return {"cookie": f"_token={token(name, role)}", "accept": "text/html"}


def as_script(name: str, role: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token(name, role)}"}
