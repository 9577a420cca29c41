"""Airflow's settings come before the first import of airflow; then its database, its API and one DagBag for all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.dags.support import VAULT_KEY, airflow_uri
from tests.fixtures.airflow_home import prepare_airflow

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from tests.fixtures.ledger import LedgerDatabase

prepare_airflow()


@pytest.fixture(scope="session")
def dag_bag(tmp_path_factory: pytest.TempPathFactory) -> DagBag:
    """All DAG files, parsed as Airflow parses them, with settings of their own: the DAGs read them when imported."""
    from airflow.dag_processing.dagbag import DagBag

    with pytest.MonkeyPatch.context() as patch:
        # If something imported it before, it has other settings.
        sys.modules.pop("orcid_sync_airflow", None)
        patch.setenv("ORCID_SYNC_KEYS", VAULT_KEY)
        patch.setenv("ORCID_SYNC_SHARDS", "2")
        patch.setenv("ORCID_SYNC_DATA_DOCS_DIR", str(tmp_path_factory.mktemp("data_docs")))
        return DagBag(dag_folder=os.environ["AIRFLOW__CORE__DAGS_FOLDER"])


@pytest.fixture(scope="session")
def dag_files() -> list[Path]:
    return sorted(Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).glob("*.py"))


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's own tables."""
    from airflow.models import import_all_models
    from airflow.utils.db import initdb
    from sqlalchemy.orm import configure_mappers

    initdb()
    # Before any thread: two that do this at the same time wait for each other for ever.
    import_all_models()
    configure_mappers()


@pytest.fixture(scope="session")
def airflow_app(airflow_database: None) -> FastAPI:
    """Airflow's API server, to be called in this process."""
    from airflow.api_fastapi.app import create_app

    return create_app(apps="core")


@pytest.fixture
def signed_in(airflow_app: FastAPI) -> Callable[..., TestClient]:
    """`signed_in("ann")` is the API as that user."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    def client(name: str, role: str = "user") -> TestClient:
        token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role))
        return TestClient(
            airflow_app, base_url="http://localhost:8080", headers={"Authorization": f"Bearer {token}"}
        )

    return client


@pytest.fixture
def ledger_connection(ledger_database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's connection `ledger` is the test's ledger."""
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", airflow_uri(ledger_database.application_dsn))
