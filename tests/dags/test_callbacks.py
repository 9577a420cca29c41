"""What follows a failed task: an alert that is remembered, sent once, and over when the task goes well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from orcid_sync.cris.contract import create_tables_sql
from orcid_sync.report.alerts import open_alerts

from tests.dags.support import airflow_uri
from tests.fixtures.house import House
from tests.fixtures.mailbox import Mailbox
from tests.fixtures.webhook import Receiver

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

    from tests.conftest import DatabaseFactory

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900, method="thread"),
    pytest.mark.usefixtures("airflow_database", "ledger_connection"),
]

TOLD_WITHOUT_LEDGER = "orcid_sync_told_without_ledger"


def causes(house: House) -> list[str]:
    with house.ledger.transaction() as connection:
        return [alert["cause"] for alert in open_alerts(connection)]


def test_a_task_that_fails_for_good_is_told_once_and_over_when_it_goes_well(
    dag_bag: DagBag,
    house: House,
    database: DatabaseFactory,
    webhook: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORCID_SYNC_ALERT_WEBHOOK_URL", webhook.url)
    cris = database()
    monkeypatch.setenv("AIRFLOW_CONN_CRIS", airflow_uri(cris))
    dag = dag_bag.dags["extract_cris"]
    for _ in range(2):
        assert str(dag.test().state) == "failed"
    # The CRIS has none of the views: nothing works until a person acts.
    [cause] = causes(house)
    assert cause.startswith("failed:extract_cris:extract:")
    [told] = [each for each in webhook.received if each["cause"] == cause]
    assert told["remedy"]
    assert told["unit"] is None

    with psycopg.connect(cris) as connection:
        connection.execute(create_tables_sql())
    dag.test()
    assert cause not in causes(house)


def test_nothing_that_goes_wrong_while_telling_changes_the_run(
    dag_bag: DagBag, house: House, database: DatabaseFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCID_SYNC_ALERT_WEBHOOK_URL", "http://127.0.0.1:9/nobody")
    monkeypatch.setenv("AIRFLOW_CONN_AIRFLOW_API", "http://robot:hush@127.0.0.1:9")
    cris = database()
    with psycopg.connect(cris) as connection:
        connection.execute(create_tables_sql())
    monkeypatch.setenv("AIRFLOW_CONN_CRIS", airflow_uri(cris))
    run = dag_bag.dags["extract_cris"].test()
    states = {task.task_id: str(task.state) for task in run.get_task_instances()}
    assert states["extract"] == "success"


@pytest.fixture
def stored_mail_server(airflow_database: None, mailbox: Mailbox) -> Iterator[None]:
    """The connection `smtp_default`, kept in Airflow's own database as its form keeps it."""
    from airflow.models.connection import Connection
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session

    extra = json.dumps({"disable_ssl": True, "disable_tls": True})
    host, port = mailbox.server_address
    with create_session() as session:
        session.add(Connection("smtp_default", "smtp", host=str(host), port=port, extra=extra))
    yield
    with create_session() as session:
        session.query(Connection).filter(Connection.conn_id == "smtp_default").delete()
        session.query(Variable).filter(Variable.key == TOLD_WITHOUT_LEDGER).delete()


@pytest.mark.usefixtures("stored_mail_server")
def test_while_the_ledger_is_away_operators_are_told_once_by_every_way(
    dag_bag: DagBag, mailbox: Mailbox, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCID_SYNC_ALERT_WEBHOOK_URL", webhook.url)
    monkeypatch.setenv("ORCID_SYNC_MAIL_FROM", "orcid@university.example")
    monkeypatch.setenv("ORCID_SYNC_ALERT_MAIL_TO", "ops@university.example")
    for name in ("LEDGER", "CRIS"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", "postgres://nobody:hush@127.0.0.1:9/nowhere")
    dag = dag_bag.dags["extract_cris"]
    # A database that does not answer is tried again for an hour; here at once is for good.
    monkeypatch.setattr(dag.get_task("extract"), "retries", 0)
    for _ in range(2):
        assert str(dag.test().state) == "failed"
    assert [each["cause"] for each in webhook.received] == ["ledger:away"]
    [mail] = mailbox.received
    assert mail["To"] == "ops@university.example"
    assert "The ledger database does not answer" in mail["Subject"]
