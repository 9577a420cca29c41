"""Settings and connections: read from environment or secrets file, wrong ones named without their value."""

from __future__ import annotations

import datetime as dt
import os
import traceback
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg.conninfo
import pytest
from orcid_sync.connections import is_loopback, parse_connection
from orcid_sync.environment import secrets_file_is_private, variable
from orcid_sync.errors import SettingInvalid
from orcid_sync.secret import Secret
from orcid_sync.settings import (
    PREFIX,
    Settings,
    connection,
    connection_from_parts,
    environment_name,
    load_settings,
    orcid_connection_name,
    settings_table,
    unknown_variables,
)

PASSWORD = "pa:ss/w@rd%?&"
JSON_FORM = (
    '{"conn_type": "postgres", "host": "db.example.edu", "login": "sync", "password": "pa:ss/w@rd%?&",'
    ' "port": 5433, "schema": "ledger", "extra": {"sslmode": "require"}}'
)
URI_FORM = "postgresql://sync:pa%3Ass%2Fw%40rd%25%3F%26@db.example.edu:5433/ledger?sslmode=require"
JSON_WITH_TEXT_EXTRA = JSON_FORM.replace('{"sslmode": "require"}', '"{\\"sslmode\\": \\"require\\"}"')
URI_WITH_TEXT_EXTRA = URI_FORM.replace("?sslmode=require", "?__extra__=%7B%22sslmode%22%3A%22require%22%7D")


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith((PREFIX, "AIRFLOW_CONN_")):
            monkeypatch.delenv(name)


def test_defaults_need_no_variable_at_all() -> None:
    settings = load_settings()
    assert settings.every_days == 2
    assert settings.rate == 23
    assert settings.mirror_max_age == 4
    assert settings.cris_schema == "orcid_feed"
    assert settings.approval_timeout == dt.timedelta(hours=46)
    assert settings.vault_keys is None


def test_a_settle_time_that_proves_nothing_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORCID_SYNC_SETTLE_SECONDS", "1.9")
    with pytest.raises(SettingInvalid, match="could land after it was looked for") as caught:
        load_settings()
    assert caught.value.variable == "ORCID_SYNC_SETTLE_SECONDS"
    monkeypatch.setenv("ORCID_SYNC_SETTLE_SECONDS", "2")
    settings = load_settings()
    assert settings.send_within <= settings.settle_seconds - 1, "a second is left for the way"


def test_variables_are_read_in_the_shapes_people_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCID_SYNC_TIMEZONE", "Europe/Berlin")
    monkeypatch.setenv("ORCID_SYNC_EXTRACT_AT", "03:30")
    monkeypatch.setenv("ORCID_SYNC_UNKNOWN_DATES", "2015-11-16, 1900-01-01")
    monkeypatch.setenv("ORCID_SYNC_ITEM_URI_BASE", "https://cris.example.edu/items/")
    monkeypatch.setenv("ORCID_SYNC_EVERY_DAYS", "")
    settings = load_settings()
    assert settings.zone.key == "Europe/Berlin"
    assert settings.extract_time == dt.time(3, 30)
    assert settings.unknown_dates == (dt.date(2015, 11, 16), dt.date(1900, 1, 1))
    assert settings.item_uri_base == "https://cris.example.edu/items"
    assert settings.every_days == 2


def test_the_secrets_file_fills_in_what_the_environment_leaves_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "secrets.env"
    path.write_text(
        "# our secrets\n\nexport ORCID_SYNC_KEYS='k1:abc='\nORCID_SYNC_RATE=12\nORCID_SYNC_EVERY_DAYS=3\n"
        f"AIRFLOW_CONN_LEDGER={URI_FORM}\n"
    )
    monkeypatch.setenv("ORCID_SYNC_SECRETS_FILE", str(path))
    monkeypatch.setenv("ORCID_SYNC_EVERY_DAYS", "5")
    settings = load_settings()
    assert settings.vault_keys == Secret("k1:abc=")
    assert settings.rate == 12
    assert settings.every_days == 5
    assert connection("ledger").origin == f"secrets file {path}"
    found = variable("ORCID_SYNC_EVERY_DAYS")
    assert found is not None
    assert found.origin == "environment"


def test_a_secrets_file_that_everybody_can_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    assert not secrets_file_is_private(path)
    path.chmod(0o640)
    assert secrets_file_is_private(path)


@pytest.mark.parametrize(
    ("content", "named"),
    [(None, "No such file"), ("ORCID_SYNC_RATE=1\ntop-secret-line\n", "Line 2")],
    ids=["missing", "broken line"],
)
def test_a_bad_secrets_file_is_named_without_its_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, named: str
) -> None:
    path = tmp_path / "secrets.env"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("ORCID_SYNC_SECRETS_FILE", str(path))
    with pytest.raises(SettingInvalid, match=named) as caught:
        load_settings()
    assert str(path) in str(caught.value)
    assert "top-secret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEZONE", "Europe/Nowhere"),
        ("TIMEZONE", "../etc/passwd"),
        ("EXTRACT_AT", "25:00"),
        ("EVERY_DAYS", "0"),
        ("EVERY_DAYS", "two-days-please"),
        ("RATE", "100"),
        ("CRIS_SCHEMA", "feed; drop schema x"),
        ("ITEM_URI_BASE", "cris.mine.edu"),
        ("UNKNOWN_DATES", "16.11.2015"),
        ("GUARD_UPDATES_PERCENT", "120"),
    ],
)
def test_a_wrong_variable_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingInvalid) as caught:
        load_settings()
    assert caught.value.variable == PREFIX + name
    assert PREFIX + name in str(caught.value)
    if len(value) > 3:
        assert value not in "".join(traceback.format_exception(caught.value))


def test_a_misspelt_variable_is_found_with_the_name_that_was_meant() -> None:
    environ = {"ORCID_SYNC_EVERY_DAY": "2", "ORCID_SYNC_RATE": "1", "ORCID_SYNC_XQZ": "", "PATH": "/bin"}
    assert unknown_variables(environ) == {
        "ORCID_SYNC_EVERY_DAY": "ORCID_SYNC_EVERY_DAYS",
        "ORCID_SYNC_XQZ": None,
    }


def test_settings_never_show_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCID_SYNC_KEYS", "k1:verysecretkey")
    monkeypatch.setenv("ORCID_SYNC_POSTGRES_DSN", "postgresql://someone:verysecretkey@db/x")
    settings = load_settings()
    assert "verysecretkey" not in f"{settings} {settings!r} {settings.vault_keys}"


def test_the_table_has_one_described_row_for_each_variable() -> None:
    rows = settings_table().splitlines()[2:]
    assert len(rows) == len(Settings.model_fields)
    for row, name in zip(rows, Settings.model_fields, strict=True):
        _, variable_cell, _default, meaning, _ = row.split("|")
        assert variable_cell.strip() == f"`{PREFIX}{name.upper()}`"
        assert meaning.strip().endswith(".")


@pytest.mark.parametrize(
    "text",
    [JSON_FORM, URI_FORM, JSON_WITH_TEXT_EXTRA, URI_WITH_TEXT_EXTRA],
    ids=["json", "uri", "json with text extra", "uri with text extra"],
)
def test_a_connection_reads_the_same_in_every_form(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", text)
    info = connection("ledger")
    assert (info.conn_type, info.host, info.login, info.port, info.schema) == (
        "postgres",
        "db.example.edu",
        "sync",
        5433,
        "ledger",
    )
    assert info.password == Secret(PASSWORD)
    assert info.extra == {"sslmode": "require"}
    assert PASSWORD not in repr(info)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        JSON_FORM,
        URI_FORM,
        JSON_WITH_TEXT_EXTRA,
        URI_WITH_TEXT_EXTRA,
        "postgres://u:p@%2Frun%2Fpostgresql/db",
        "orcid://APP-1:s3cret@https%3A%2F%2Fapi.orcid.org",
        "orcid://https://APP-1:s3cret@api.orcid.org/?web_base=https%3A%2F%2Forcid.org",
        "postgres://u@[::1]:5432/db?options=-c%20search_path%3Dx",
        "my-type://h",
        "postgres://",
    ],
)
def test_a_connection_reads_as_airflow_reads_it(text: str) -> None:
    from airflow.models.connection import Connection

    is_json = text.startswith("{")
    theirs = Connection.from_json(text, conn_id="x") if is_json else Connection(conn_id="x", uri=text)
    ours = parse_connection("x", Secret(text))
    assert ours.conn_type == theirs.conn_type
    assert ours.host == (theirs.host or "")
    assert ours.login == (theirs.login or "")
    assert ours.password.reveal() == (theirs.password or "")
    assert ours.schema == (theirs.schema or "")
    assert ours.port == theirs.port
    assert ours.extra == theirs.extra_dejson


def test_a_dsn_for_the_driver_carries_everything_through() -> None:
    info = parse_connection("ledger", Secret(JSON_FORM))
    parts = psycopg.conninfo.conninfo_to_dict(info.dsn())
    assert parts == {
        "user": "sync",
        "password": PASSWORD,
        "host": "db.example.edu",
        "port": "5433",
        "dbname": "ledger",
        "sslmode": "require",
    }
    url = urlsplit(info.dsn("psycopg"))
    assert url.scheme == "postgresql+psycopg"
    assert unquote(url.password or "") == PASSWORD


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "postgres://u:p@%2Frun%2Fpg/db",
            {"user": "u", "password": "p", "host": "/run/pg", "dbname": "db"},
        ),
        (
            '{"conn_type":"postgres","host":"/run/pg","login":"u","port":5499,"schema":"db"}',
            {"user": "u", "host": "/run/pg", "port": "5499", "dbname": "db"},
        ),
        ("postgres://u@[::1]:5432/db", {"user": "u", "host": "::1", "port": "5432", "dbname": "db"}),
        (
            "postgres://h/db?cursor=realdictcursor&options=-c%20search_path%3Dx",
            {"host": "h", "dbname": "db", "options": "-c search_path=x"},
        ),
    ],
    ids=["socket", "socket with port", "ipv6", "airflow's own extras left out"],
)
def test_a_dsn_is_what_libpq_reads(text: str, expected: dict[str, str]) -> None:
    dsn = parse_connection("cris", Secret(text)).dsn()
    assert psycopg.conninfo.conninfo_to_dict(dsn) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{broken-secret", "broken at character"),
        ('{"host": "x-secret"}', "no conn_type"),
        ('{"conn_type": "postgres", "pasword": "x-secret"}', "unknown keys: pasword"),
        ('{"conn_type": "postgres", "port": "x-secret"}', "port"),
        ('{"conn_type": "postgres", "extra": "x-secret"}', "extra is no JSON object"),
        ("just-a-secret", "neither JSON nor a URI"),
        ("postgres://u:x-secret@h:port/db", "host or port"),
        ("postgres://u:a-secret://x@h", "more than once"),
    ],
)
def test_a_broken_connection_names_variable_and_reason_but_not_its_text(text: str, why: str) -> None:
    with pytest.raises(SettingInvalid, match=why) as caught:
        parse_connection("ledger", Secret(text))
    assert caught.value.variable == "AIRFLOW_CONN_LEDGER"
    assert "secret" not in "".join(traceback.format_exception(caught.value, chain=True))


def test_a_missing_connection_says_which_variable_to_set() -> None:
    with pytest.raises(SettingInvalid, match="AIRFLOW_CONN_ORCID_MED"):
        connection(orcid_connection_name("med"))


def test_a_connection_that_is_no_database_gives_no_dsn() -> None:
    info = connection_from_parts("orcid", conn_type="orcid", host="https://api.orcid.org")
    with pytest.raises(SettingInvalid, match="not postgres"):
        info.dsn()


@pytest.mark.parametrize(
    ("host", "environment"),
    [
        ("https://api.orcid.org", "production"),
        ("api.orcid.org", "production"),
        ("https://api.sandbox.orcid.org", "sandbox"),
        ("https://api.qa.orcid.org", "sandbox"),
        ("http://127.0.0.1:8090", "simulator"),
        ("http://simulator:8090", "simulator"),
        ("https://api.orcid.org.example.com", "simulator"),
        ("https://myorcid.org", "simulator"),
    ],
)
def test_the_environment_is_told_from_the_host(host: str, environment: str) -> None:
    assert environment_name(connection_from_parts("orcid", conn_type="orcid", host=host)) == environment


@pytest.mark.parametrize(
    ("address", "expected"),
    [("http://127.0.0.1:1", True), ("http://[::1]:1", True), ("localhost", True), ("http://10.0.0.1", False)],
)
def test_loopback_is_told_from_an_address(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
