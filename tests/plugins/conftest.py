"""Airflow's settings come before the first import of airflow."""

from tests.fixtures.airflow_home import prepare_airflow

prepare_airflow()
