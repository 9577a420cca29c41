"""Airflow's settings come before the first import of airflow."""

import pytest

from tests.fixtures.airflow_home import prepare_airflow

prepare_airflow()


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's own tables, in the test home's database."""
    from airflow.utils.db import initdb

    initdb()
