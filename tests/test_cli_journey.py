"""A publication's whole way by commands alone, as somebody without Airflow would go it: from an empty database to the
record, and back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from orcid_simulator.testing import RunningSimulator, running_simulator
from orcid_sync.cli import main
from orcid_sync.cris.contract import create_tables_sql

from tests.fixtures.ledger import drop_ledger_database, make_ledger_database

pytestmark = pytest.mark.slow

CRIS = """
INSERT INTO orcid_feed.staff (person_id, family_names, given_names, is_current, visibility, updated_at)
VALUES ('p-1', 'Carberry', 'Josiah', true, 'public', now()), ('p-2', 'Doe', 'Jo', true, 'public', now());
INSERT INTO orcid_feed.units (unit_id, name, city, country, ror_id, updated_at)
VALUES ('U-0001', 'Example University', 'Exampleton', 'GB', 'https://ror.org/0524sp257', now());
INSERT INTO orcid_feed.employments (employment_id, person_id, unit_id, role_title, start_year, visibility, updated_at)
VALUES ('e-1', 'p-1', 'U-0001', 'Lecturer', 2019, 'public', now());
INSERT INTO orcid_feed.publications (publication_id, title, source_type, source_type_scheme, journal_title,
    publication_year, publication_status, visibility, curation_status, updated_at)
VALUES ('w-1', 'On Psychoceramics', 'journal-article', 'crossref', 'Cracked Pots', 2024, 'published', 'public',
    'approved', now());
INSERT INTO orcid_feed.publication_contributors (publication_id, contributor_seq, contributor_role, person_id,
    credit_name, claim_status, visibility, updated_at)
VALUES ('w-1', 1, 'author', 'p-1', 'J. Carberry', 'approved', 'public', now()),
    ('w-1', 2, 'author', 'p-2', 'J. Doe', 'approved', 'public', now());
INSERT INTO orcid_feed.publication_identifiers (publication_id, identifier_seq, external_id_type, external_id_value,
    external_id_relationship, updated_at)
VALUES ('w-1', 1, 'doi', 'https://doi.org/10.5555/12345678', 'self', now());
"""
UNITS = """
units:
  - code: library
    name: University Library
    sections: [work]
    default_for: [work]
    librarians: [ann]
  - code: personnel
    name: Human Resources
    sections: [employment]
    default_for: [employment]
    approval: automatic
"""


def airflow_connection(dsn: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    fields = {"host": "host", "port": "port", "user": "login", "password": "password", "dbname": "schema"}
    return json.dumps(
        {"conn_type": "postgres"}
        | {ours: parts[theirs] for theirs, ours in fields.items() if theirs in parts}
    )


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def owner_dsn(
    database: Callable[[], str], simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """CRIS, ledger and registry in the environment; the ledger as its owner sees it."""
    for name in os.environ:
        if name.startswith(("AIRFLOW_CONN_", "ORCID_SYNC_")):
            monkeypatch.delenv(name)
    cris = database()
    with psycopg.connect(cris) as connection:
        connection.execute(create_tables_sql())
        connection.execute(CRIS)
    ledger = make_ledger_database(database())
    client = simulator.control.client()
    base = simulator.base_url
    orcid = {
        "conn_type": "http",
        "host": base,
        "login": client.client_id,
        "password": client.client_secret,
        "extra": {"web_base": base, "public_base": simulator.public_base},
    }
    monkeypatch.setenv("AIRFLOW_CONN_CRIS", airflow_connection(cris))
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", airflow_connection(ledger.application_dsn))
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_OWNER", airflow_connection(ledger.owner_dsn))
    monkeypatch.setenv("AIRFLOW_CONN_ORCID", json.dumps(orcid))
    monkeypatch.setenv("ORCID_SYNC_DATA_DOCS_DIR", str(tmp_path / "data_docs"))
    yield ledger.owner_dsn
    drop_ledger_database(ledger)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs a command; its one JSON object, or its text."""

    def command(*arguments: str) -> Any:
        capfd.readouterr()
        code: Any = 0
        try:
            main(list(arguments))
        except SystemExit as end:
            code = end.code or 0
        out, err = capfd.readouterr()
        assert code == 0, err
        return json.loads(out) if "--json" in arguments else out

    return command


def test_a_publication_goes_from_an_empty_database_to_the_record_and_back(
    owner_dsn: str,
    run: Callable[..., Any],
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    # Set up: schema, units, keys, permissions.
    run("migrate")
    (tmp_path / "units.yaml").write_text(UNITS)
    assert len(run("units", "apply", str(tmp_path / "units.yaml"), "--json")["changes"]) >= 2
    monkeypatch.setenv("ORCID_SYNC_KEYS", run("keys", "generate").strip())
    counts = run("extract", "--json")
    assert (counts["staff"], counts["publications"], counts["employments"]) == (2, 1, 1)
    assert counts["quarantined"] == 0
    client_id = json.loads(os.environ["AIRFLOW_CONN_ORCID"])["login"]
    orcid = simulator.control.record()
    token = simulator.control.token(client_id, orcid)
    (tmp_path / "tokens.csv").write_text(
        "person_id,orcid,client,access_token,refresh_token,scope,expires_at\n"
        f"p-1,{orcid},default,{token['access_token']},,{token['scope']},\n"
    )
    assert run("tokens", "import", str(tmp_path / "tokens.csv"), "--json")["imported"] == 1
    assert "FAIL" not in run("doctor")

    # A sync: what is new is proposed, approved by a person or a policy, written.
    run("mirror", "--json")
    dry = run("propose", "--dry-run", "--json")
    proposed = run("propose", "--json")
    assert {batch["unit"]: batch["add"] for batch in proposed["batches"]} == {"library": 1, "personnel": 1}
    assert {batch["unit"]: batch["add"] for batch in dry["batches"]} == {"library": 1, "personnel": 1}
    batch = str(next(entry["batch"] for entry in proposed["batches"] if entry["unit"] == "library"))
    [change] = run("review", "show", "--batch", batch, "--json")["changes"]
    assert (change["person_id"], change["orcid"], change["cris_id"], change["decision"]) == (
        "p-1",
        orcid,
        "w-1",
        None,
    )
    assert run("review", "approve", "--batch", batch, "--as", "ann", "--json")["add"] == 1
    written = run("write", "--json")
    assert written["written"] == {"add": 2, "update": 0, "remove": 0}
    assert (written["failed"], written["blocked"]) == (0, 0)
    record = simulator.control.get_record(orcid)
    assert [item["item"]["title"]["title"]["value"] for item in items(record, "work")] == [
        "On Psychoceramics"
    ]
    assert len(items(record, "employment")) == 1

    # How it stands.
    status = run("status", "--json")
    assert status["items"] == {"written": 2, "waiting_permission": 1}
    assert status["permissions"]["granted"] == 1
    assert len(run("put-codes", "export").splitlines()) == 3
    assert not any(run("audit", "--json")["drift"].values())

    # Put codes that were lost are found on the records again.
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("DELETE FROM ledger.put_code")
    assert run("put-codes", "rebuild", "--json")["rebuilt"] == 2
    assert len(run("put-codes", "export").splitlines()) == 3

    # And again: nothing is new.
    run("extract", "--json")
    run("mirror", "--json")
    assert run("propose", "--json")["batches"] == []
    assert run("write", "--json")["written"] == {"add": 0, "update": 0, "remove": 0}

    # Taken back by a batch of its own, which a librarian approves like any other.
    undone = run("undo", "--batch", batch, "--as", "ann", "--json")
    assert undone["remove"] == 1
    run("review", "approve", "--batch", str(undone["batch"]), "--removals", "--as", "ann", "--json")
    assert run("write", "--json")["written"]["remove"] == 1
    record = simulator.control.get_record(orcid)
    assert items(record, "work") == []
    assert len(items(record, "employment")) == 1


def items(record: dict[str, Any], section: str) -> list[dict[str, Any]]:
    return [item for item in record["items"] if item["section"] == section]
