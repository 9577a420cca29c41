"""The DAGs one after the other on a small university: a real CRIS database, ledger and registry."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml
from orcid_simulator.testing import running_simulator
from orcid_sync.cris import demo
from orcid_sync.local.registry_people import Control, Population, happen, people, populate
from orcid_sync.local.university import LIBRARIAN, units_file

from tests.dags.support import VAULT_KEY, Desk, airflow_uri, answer, task_states

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.dagrun import DagRun
    from fastapi.testclient import TestClient
    from orcid_sync.ledger.session import Ledger

    from tests.conftest import DatabaseFactory
    from tests.fixtures.ledger import LedgerDatabase

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900, method="thread"),
    pytest.mark.usefixtures("airflow_database"),
]


@dataclass
class University:
    """Everything around the DAGs."""

    cris_dsn: str
    ledger: Ledger
    control: Control
    client_id: str
    old_client_id: str
    folder: Path

    def command(self, *arguments: str) -> None:
        """An `orcid-sync` command, as an engineer gives it."""
        environment = {**os.environ, "ORCID_SYNC_KEYS": VAULT_KEY}
        done = subprocess.run(
            [sys.executable, "-m", "orcid_sync", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def join(self) -> Population:
        """Its people get records and give their permission, before some of them have accidents."""
        everybody = people(self.cris_dsn, demo.demo_researchers(self.cris_dsn))
        population = populate(
            self.control, everybody, client_id=self.client_id, old_client_id=self.old_client_id
        )
        permissions = self.folder / "tokens.csv"
        permissions.write_text(population.csv("default"))
        self.command("tokens", "import", str(permissions))
        happen(self.control, population)
        return population

    def one(self, query: str, *values: Any) -> Any:
        with self.ledger.transaction() as connection:
            row = connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def own_items(self) -> set[tuple[str, str, int]]:
        """What the ledger says is ours on the records."""
        with self.ledger.transaction() as connection:
            rows = connection.execute("SELECT orcid, section, put_code FROM put_code WHERE closed_at IS NULL")
            return {(row.orcid, row.section, row.put_code) for row in rows}

    def standing_items(self) -> set[tuple[str, str, int]]:
        """What stands on the records of everybody whose iD is known, by our client's doing."""
        with self.ledger.transaction() as connection:
            known = connection.execute("SELECT orcid FROM permission WHERE orcid IS NOT NULL").fetchall()
        return {
            (row.orcid, item["section"], item["put_code"])
            for row in known
            for item in self.control.call("GET", f"/records/{row.orcid}")["items"]
            if item["source"] == self.client_id
        }


@pytest.fixture
def university(
    database: DatabaseFactory,
    ledger: Ledger,
    ledger_database: LedgerDatabase,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[University]:
    cris_dsn = database()
    demo.generate(cris_dsn, seed=3, staff=40, publications=120)
    with running_simulator(rate=0) as simulator:
        control = Control(simulator.base_url)
        client_id, secret = control.client("Demo University")
        old_client_id, _ = control.client("Demo University (former repository)")
        monkeypatch.setenv("AIRFLOW_CONN_CRIS", airflow_uri(cris_dsn))
        monkeypatch.setenv("AIRFLOW_CONN_LEDGER", airflow_uri(ledger_database.application_dsn))
        monkeypatch.setenv("AIRFLOW_CONN_LEDGER_OWNER", airflow_uri(ledger_database.owner_dsn))
        monkeypatch.setenv(
            "AIRFLOW_CONN_ORCID",
            f'{{"conn_type": "http", "host": "{simulator.api_base}", "login": "{client_id}", "password": "{secret}", '
            f'"extra": {{"web_base": "{simulator.web_base}", "public_base": "{simulator.public_base}"}}}}',
        )
        made = University(cris_dsn, ledger, control, client_id, old_client_id, tmp_path)
        units = tmp_path / "units.yaml"
        units.write_text(yaml.safe_dump(units_file(old_client_id)))
        made.command("units", "apply", str(units))
        yield made


@pytest.fixture
def run(dag_bag: DagBag) -> Callable[..., DagRun]:
    def start(dag_id: str, **conf: Any) -> DagRun:
        made = dag_bag.dags[dag_id].test(run_conf=conf or None)
        assert str(made.state) == "success", (dag_id, task_states(made))
        return made

    return start


def test_from_the_cris_to_the_records_and_then_nothing_more(
    university: University, run: Callable[..., DagRun], signed_in: Callable[..., TestClient]
) -> None:
    run("extract_cris")
    university.join()
    proposed = run("propose_changes")
    batch = university.one("SELECT batch.id FROM batch JOIN unit ON unit.id = unit_id WHERE code = 'library'")
    assert task_states(proposed)["ask"] == "success"

    librarian = signed_in(LIBRARIAN)
    option = "Approve additions and updates"
    with Desk(librarian, lambda question: answer(librarian, question, option) == 200).open():
        run("approve_batch", batch=batch)
    # What was linked stood there before; approving by itself writes nothing.
    assert university.one("SELECT count(*) FROM put_code WHERE origin <> 'adopted'") == 0

    written = run("write_approved")
    assert set(task_states(written).values()) == {"success"}
    ours = university.own_items()
    assert len(ours) > 50
    assert ours <= university.standing_items()
    assert university.one("SELECT count(*) FROM item_state WHERE state IN ('approved', 'retrying')") == 0
    assert university.one("SELECT count(*) FROM daily_snapshot") > 0
    assert university.one("SELECT count(DISTINCT stage) FROM stage_run WHERE error IS NULL") == 7

    calls = university.control.call("GET", "/summary")["by_endpoint"]
    for dag_id in ("extract_cris", "propose_changes", "write_approved", "watch_records"):
        run(dag_id)
    assert university.own_items() == ours
    later = university.control.call("GET", "/summary")["by_endpoint"]
    writes = {name for name in later if name.split()[0] != "GET" and later[name] != calls.get(name)}
    assert writes <= {"POST /oauth/token"}, "nothing changed, so nothing may be written"


def test_a_cris_that_does_not_keep_the_contract_stops_extraction_and_not_the_writing(
    university: University, dag_bag: DagBag, run: Callable[..., DagRun]
) -> None:
    with psycopg.connect(university.cris_dsn) as connection:
        connection.execute("DROP VIEW orcid_feed.staff CASCADE")
    failed = dag_bag.dags["extract_cris"].test()
    assert str(failed.state) == "failed"
    assert task_states(failed) == {
        "extract": "failed",
        "validate": "upstream_failed",
        "merge": "upstream_failed",
    }
    assert "staff" in university.one("SELECT error FROM stage_run WHERE error IS NOT NULL")
    run("write_approved")


def test_a_shard_that_fails_makes_the_run_red_although_the_snapshot_is_taken(
    university: University, dag_bag: DagBag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_ORCID", '{"conn_type": "http", "host": "http://127.0.0.1:9", "login": "x"}'
    )
    failed = dag_bag.dags["write_approved"].test()
    assert str(failed.state) == "failed"
    assert task_states(failed) == {
        "plan_shards": "success",
        "write_shard": "failed",
        "take_snapshot": "success",
        "finish": "upstream_failed",
    }
