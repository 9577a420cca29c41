"""Doctor: a healthy installation, and each thing that can be wrong with one, named with its remedy."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from orcid_simulator.testing import RunningSimulator, running_simulator
from orcid_sync.cris.contract import create_tables_sql
from orcid_sync.ledger.organizations import load_organizations
from orcid_sync.report.alerts import Alert, Channels, deliver, raise_alerts
from orcid_sync.report.doctor import Finding, examine
from orcid_sync.secret import Secret
from orcid_sync.vault.crypto import KeyRing, token_context
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.fixtures.house import CLIENT, House, some_orcid
from tests.fixtures.ledger import LedgerDatabase
from tests.fixtures.ror import EXAMPLES, SUCCESSOR, TWINS, WITHDRAWN, write_dump

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        running.control.client(client_id=CLIENT, client_secret="right")
        yield running


def postgres(dsn: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    fields = {"host": "host", "port": "port", "user": "login", "password": "password", "dbname": "schema"}
    return json.dumps(
        {"conn_type": "postgres"}
        | {ours: parts[theirs] for theirs, ours in fields.items() if theirs in parts}
    )


def registry(simulator: RunningSimulator, phrase: str = "right", login: str = CLIENT) -> str:
    base = simulator.base_url
    extra = {"web_base": base, "public_base": f"{base}/pub"}
    return json.dumps({"conn_type": "http", "host": base, "login": login, "password": phrase, "extra": extra})


@pytest.fixture
def cris_dsn(database: Callable[[], str]) -> str:
    """A CRIS with the whole contract, as its superuser."""
    dsn = database()
    with psycopg.connect(dsn) as connection:
        connection.execute(create_tables_sql())
    return dsn


@pytest.fixture
def cris_reader(cris_dsn: str) -> Iterator[str]:
    """The same as a login that may only read the views."""
    role = f"{psycopg.conninfo.conninfo_to_dict(cris_dsn)['dbname']}_reader"
    name = sql.Identifier(role)
    with psycopg.connect(cris_dsn) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'r'").format(name))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA orcid_feed TO {}").format(name))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA orcid_feed TO {}").format(name))
    yield psycopg.conninfo.make_conninfo(cris_dsn, user=role, password="r")
    with psycopg.connect(cris_dsn) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(name))


@pytest.fixture
def healthy(
    house: House,
    ledger_database: LedgerDatabase,
    cris_reader: str,
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> pytest.MonkeyPatch:
    """An installation in which everything is in place; returns the environment, to break it."""
    for name in os.environ:
        if name.startswith(("AIRFLOW_CONN_", "ORCID_SYNC_")):
            monkeypatch.delenv(name)
    technical = {"technical": {"name": "Tech", "email": "tech@example.org"}}
    house.unit("library", default_for=["work", "employment"], contacts=technical)
    monkeypatch.setenv("AIRFLOW_CONN_CRIS", postgres(cris_reader))
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", postgres(ledger_database.application_dsn))
    monkeypatch.setenv("AIRFLOW_CONN_ORCID", registry(simulator))
    monkeypatch.setenv("ORCID_SYNC_KEYS", f"k1:{KeyRing.generate_key().reveal()}")
    monkeypatch.setenv("ORCID_SYNC_ALERT_WEBHOOK_URL", "https://chat.example.org/hooks/x")
    return monkeypatch


def wrong(findings: list[Finding]) -> list[str]:
    return [finding.line for finding in findings if finding.verdict != "ok"]


def test_a_healthy_installation_passes(healthy: pytest.MonkeyPatch) -> None:
    findings = examine()
    assert wrong(findings) == []
    things = {finding.thing for finding in findings}
    assert things >= {
        "versions",
        "source",
        "settings",
        "CRIS",
        "CRIS login",
        "CRIS views",
        "ledger",
        "ledger login",
        "ledger version",
        "application role",
        "units",
        "token vault",
        "API client default",
        "clock",
    }
    assert any("environment simulator" in finding.found for finding in findings)
    assert [finding.found for finding in findings if finding.thing == "clock"] == [
        finding.found for finding in findings if "away from the registry's" in finding.found
    ]


def one_wrong(part: str) -> Finding:
    found = [finding for finding in examine() if finding.verdict != "ok"]
    assert [finding.thing for finding in found if part in finding.line], [finding.line for finding in found]
    return next(finding for finding in found if part in finding.line)


def test_nothing_set_names_every_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("AIRFLOW_CONN_", "ORCID_SYNC_")):
            monkeypatch.delenv(name)
    lines = "\n".join(wrong(examine()))
    for name in ("AIRFLOW_CONN_CRIS", "AIRFLOW_CONN_LEDGER", "AIRFLOW_CONN_ORCID", "ORCID_SYNC_KEYS"):
        assert name in lines


def test_a_missing_column_is_named_with_its_view(healthy: pytest.MonkeyPatch, cris_dsn: str) -> None:
    with psycopg.connect(cris_dsn) as connection:
        connection.execute("ALTER TABLE orcid_feed.staff DROP COLUMN family_names")
    finding = one_wrong("family_names")
    assert (finding.verdict, finding.thing) == ("fail", "orcid_feed.staff.family_names")
    assert "Add family_names" in finding.remedy


def test_a_cris_login_that_could_write_is_noted(healthy: pytest.MonkeyPatch, cris_dsn: str) -> None:
    healthy.setenv("AIRFLOW_CONN_CRIS", postgres(cris_dsn))
    assert one_wrong("it could write").verdict == "warn"


def test_an_unreachable_database_is_named_without_its_password(healthy: pytest.MonkeyPatch) -> None:
    healthy.setenv("AIRFLOW_CONN_CRIS", "postgres://reader:hidden-word@127.0.0.1:9/cris")
    finding = one_wrong("AIRFLOW_CONN_CRIS")
    assert finding.verdict == "fail"
    assert "hidden-word" not in "\n".join(each.line for each in examine())


def test_a_ledger_login_with_more_than_it_needs_is_noted(
    healthy: pytest.MonkeyPatch, ledger_database: LedgerDatabase
) -> None:
    healthy.setenv("AIRFLOW_CONN_LEDGER", postgres(ledger_database.owner_dsn))
    finding = one_wrong("superuser")
    assert (finding.verdict, finding.thing) == ("warn", "ledger login")


def test_an_application_role_that_gets_around_the_rules_fails(
    healthy: pytest.MonkeyPatch, ledger_database: LedgerDatabase
) -> None:
    with psycopg.connect(ledger_database.owner_dsn) as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} BYPASSRLS").format(sql.Identifier(f"{ledger_database.name}_app"))
        )
    assert one_wrong("gets around row-level security").verdict == "fail"


def test_an_old_schema_is_told(healthy: pytest.MonkeyPatch, ledger_database: LedgerDatabase) -> None:
    with ledger_database.connect_owner() as connection:
        newest = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    finding = one_wrong("0000, newest is")
    # The ledger serves another test after this one.
    with ledger_database.connect_owner() as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", newest)
    assert (finding.verdict, finding.remedy) == ("fail", "Run `orcid-sync migrate`")


def test_an_empty_database_is_told(healthy: pytest.MonkeyPatch, database: Callable[[], str]) -> None:
    healthy.setenv("AIRFLOW_CONN_LEDGER", postgres(database()))
    assert "orcid-sync migrate" in one_wrong("migrate").remedy


def test_a_unit_that_nobody_can_approve_for_fails(
    healthy: pytest.MonkeyPatch, ledger_database: LedgerDatabase
) -> None:
    with ledger_database.connect_owner() as connection:
        connection.execute("DELETE FROM unit_librarian")
    assert one_wrong("nobody can approve").verdict == "fail"


def test_a_unit_without_its_database_role_fails(
    healthy: pytest.MonkeyPatch, ledger_database: LedgerDatabase
) -> None:
    role = sql.Identifier(f"{ledger_database.name}_library")
    with ledger_database.connect_owner() as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(role))
    finding = one_wrong("its database role is missing")
    assert (finding.verdict, finding.thing) == ("fail", "unit library")


def test_a_wrong_client_secret_fails(healthy: pytest.MonkeyPatch, simulator: RunningSimulator) -> None:
    healthy.setenv("AIRFLOW_CONN_ORCID", registry(simulator, phrase="hidden-word"))
    finding = one_wrong("API client default")
    assert finding.verdict == "fail"
    assert "hidden-word" not in finding.line


def test_another_client_than_the_units_were_applied_with_fails(
    healthy: pytest.MonkeyPatch, simulator: RunningSimulator
) -> None:
    healthy.setenv("AIRFLOW_CONN_ORCID", registry(simulator, login="APP-AAAAAAAAAAAAAAAA"))
    assert one_wrong("the units were applied with").verdict == "fail"


def test_tokens_without_their_key_fail_and_old_keys_are_noted(
    healthy: pytest.MonkeyPatch, house: House
) -> None:
    house.researcher(orcid=some_orcid(1))
    old = f"old:{KeyRing.generate_key().reveal()}"
    sealed = KeyRing.parse(old).encrypt(Secret("token"), token_context(CLIENT, some_orcid(1), "access"))
    with house.ledger.transaction() as connection:
        connection.execute(
            "INSERT INTO token (permission_id, access_key_id, access_sealed, provenance) "
            "SELECT id, %s, %s, 'test' FROM permission",
            (sealed.key_id, sealed.data),
        )
    assert one_wrong("1 tokens need the key old").verdict == "fail"
    healthy.setenv("ORCID_SYNC_KEYS", f"{os.environ['ORCID_SYNC_KEYS']},{old}")
    assert one_wrong("still use the key old").verdict == "warn"


def test_a_secrets_file_is_named_and_has_to_be_private(healthy: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("ORCID_SYNC_TIMEZONE=Europe/Berlin\n")
    healthy.setenv("ORCID_SYNC_SECRETS_FILE", str(file))
    file.chmod(0o640)
    findings = examine()
    assert wrong(findings) == []
    assert any(str(file) in finding.found for finding in findings)
    assert any("Europe/Berlin" in finding.found for finding in findings)
    file.chmod(0o644)
    assert one_wrong("can be read by everybody").verdict == "warn"
    file.unlink()
    assert one_wrong("does not exist").verdict == "fail"


def test_a_misspelt_setting_is_noted_and_a_wrong_one_fails(healthy: pytest.MonkeyPatch) -> None:
    healthy.setenv("ORCID_SYNC_TIMEZON", "UTC")
    assert "ORCID_SYNC_TIMEZONE" in one_wrong("ORCID_SYNC_TIMEZON").remedy
    healthy.setenv("ORCID_SYNC_TIMEZONE", "Middle/Earth")
    assert one_wrong("no time zone").verdict == "fail"


def test_it_warns_where_nobody_is_told_of_failures(healthy: pytest.MonkeyPatch) -> None:
    healthy.delenv("ORCID_SYNC_ALERT_WEBHOOK_URL")
    found = one_wrong("alerts")
    assert "ORCID_SYNC_MAIL_FROM" in found.remedy


def test_it_shows_lasting_alerts_and_what_could_not_be_delivered(
    healthy: pytest.MonkeyPatch, house: House
) -> None:
    with house.ledger.transaction() as connection:
        raise_alerts(
            connection, [Alert("blocked:library:gave_up", "2 items are stopped", "Look at them", "us")]
        )
    away = Channels(webhook=Secret("http://127.0.0.1:9/hooks/secret"))
    assert deliver(house.ledger, away)["failed"] == 1
    lines = wrong(examine())
    assert [line for line in lines if "did not reach the webhook" in line and "secret" not in line]
    assert [line for line in lines if "2 items are stopped [us] -> Look at them" in line]


def test_a_section_of_the_person_needs_a_scope_that_researchers_are_asked_for(
    healthy: pytest.MonkeyPatch, house: House
) -> None:
    technical = {"technical": {"name": "Tech", "email": "tech@example.org"}}
    house.unit("people", sections=["researcher-url"], default_for=["researcher-url"], contacts=technical)
    assert "ORCID_SYNC_PORTAL_SCOPES" in one_wrong("/person/update").remedy
    healthy.setenv("ORCID_SYNC_PORTAL_SCOPES", "/read-limited,/activities/update,/person/update")
    assert wrong(examine()) == []


def unit(house: House, unit_id: str, *above: str, **data: object) -> None:
    """A unit of the CRIS, below these."""
    parent = above[0] if above else None
    row = {"unit_id": unit_id, "parent_unit_id": parent, "name": f"Unit {unit_id}", "country": "SE", **data}
    house.all(
        "INSERT INTO cris_unit (unit_id, path, data, row_hash) VALUES (%s, %s, %s, gen_random_uuid()) RETURNING 1",
        unit_id,
        [unit_id, *above],
        Jsonb(row),
    )


def test_units_without_an_identifier_are_named(
    healthy: pytest.MonkeyPatch, house: House, tmp_path: Path
) -> None:
    unit(house, "TOP", name="University of Examples")
    unit(house, "DEP", "TOP")
    unit(house, "HOSPITAL", ror_id=TWINS[0])
    finding = one_wrong("have no identifier")
    assert "DEP, TOP" in finding.found
    assert "HOSPITAL" not in finding.found
    assert "organisations load" in finding.remedy
    load_organizations(house.ledger, write_dump(tmp_path), actor="ann")
    findings = examine()
    assert wrong(findings) == []
    assert any(f"recognised by their names alone: TOP ({EXAMPLES})" in one.found for one in findings)


def test_a_withdrawn_identifier_and_one_nobody_knows_are_named(
    healthy: pytest.MonkeyPatch, house: House, tmp_path: Path
) -> None:
    load_organizations(house.ledger, write_dump(tmp_path), actor="ann")
    unit(house, "OLD", ror_id=WITHDRAWN)
    unit(house, "NEW", ror_id="https://ror.org/05qwgg493")
    assert f"OLD ({SUCCESSOR})" in one_wrong("is withdrawn").found
    assert "NEW" in one_wrong("not in the loaded copy").found
