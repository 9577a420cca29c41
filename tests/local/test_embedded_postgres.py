"""The embedded PostgreSQL server."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from orcid_sync.local import postgres as module
from orcid_sync.local.postgres import (
    EmbeddedPostgres,
    ExternalPostgres,
    PostgresUnavailable,
    local_postgres,
)


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="orcid-sync-tests-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "postgres"


@pytest.mark.slow
def test_data_and_port_survive_a_restart(home: Path) -> None:
    server = EmbeddedPostgres(home, durable=False).start()
    try:
        server.ensure_database("cris")
        server.ensure_database("cris")
        first = server.url("cris")
        with psycopg.connect(first) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        server.stop()
        assert not server.running()
        again = EmbeddedPostgres(home, durable=False).start()
        assert again.running()
        assert again.url("cris") == first
        with psycopg.connect(first) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
    finally:
        server.destroy()
    assert not home.exists()


@pytest.mark.slow
def test_a_port_taken_meanwhile_is_replaced_by_another(home: Path) -> None:
    server = EmbeddedPostgres(home, durable=False).start()
    try:
        server.stop()
        taken = int((home / "port").read_text())
        with socket.socket() as other:
            # Connections just closed keep the port busy for a plain bind.
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", taken))
            other.listen()
            server.start()
            assert f":{taken}/" not in server.url("postgres")
    finally:
        server.destroy()


@pytest.mark.slow
def test_a_fixed_port_that_is_taken_is_named_in_one_line(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = EmbeddedPostgres(home, port=other.getsockname()[1], durable=False)
        with pytest.raises(PostgresUnavailable, match="Address already in use") as caught:
            server.start()
        server.destroy()
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_killed_server_starts_again_with_its_data(home: Path) -> None:
    server = EmbeddedPostgres(home).start()
    try:
        with psycopg.connect(server.url("postgres")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        lock = next(home.glob("cluster/data*/postmaster.pid"))
        os.kill(int(lock.read_text().split()[0]), signal.SIGKILL)
        server.start()
        with psycopg.connect(server.url("postgres")) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
    finally:
        server.destroy()


@pytest.mark.slow
def test_a_lock_file_whose_process_id_is_another_programs_by_now_does_not_hinder(home: Path) -> None:
    server = EmbeddedPostgres(home, durable=False).start()
    try:
        lock = next(home.glob("cluster/data*/postmaster.pid"))
        lines = lock.read_text().splitlines()
        server.stop()
        # Whoever started the test runner lives, and is no server.
        lock.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
        os.chown(lock, lock.parent.stat().st_uid, lock.parent.stat().st_gid)
        lock.chmod(0o600)
        assert not server.running()
        assert server.start().running()
    finally:
        server.destroy()


@pytest.mark.slow
def test_a_wrong_password_is_refused_and_no_password_is_written_to_the_log(home: Path) -> None:
    server = EmbeddedPostgres(home, durable=False).start()
    try:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url("postgres", "postgres", "wrong"))
        with psycopg.connect(server.url("postgres")) as connection, pytest.raises(psycopg.Error):
            connection.execute("CREATE ROLE postgres LOGIN PASSWORD 'very-secret'")
        log = next(home.glob("cluster/postgres.log")).read_text()
        assert "very-secret" not in log
        assert (home / "password").read_text() not in log
        assert stat.S_IMODE((home / "password").stat().st_mode) == 0o600
    finally:
        server.destroy()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as somebody else")
def test_root_gets_a_server_even_where_nobody_else_may_look(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(mode=0o700)
    monkeypatch.setattr(module, "_reachable", lambda path: False)
    server = EmbeddedPostgres(home, durable=False).start()
    try:
        relocated = Path((home / "relocated").read_text())
        assert server.running()
        assert (relocated / "wheel").exists()
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    finally:
        server.destroy()
    assert not relocated.exists()


def test_a_user_without_a_passwd_entry_is_told_what_to_set(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)

    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(PostgresUnavailable, match=r"54321 has no entry.*ORCID_SYNC_POSTGRES_DSN"):
        EmbeddedPostgres(home)


def test_an_unknown_version_is_refused(home: Path) -> None:
    with pytest.raises(PostgresUnavailable, match="no embedded PostgreSQL 9"):
        EmbeddedPostgres(home, version="9").start()


def test_a_named_external_server_is_used_instead(home: Path) -> None:
    dsn = "postgresql://boss:s3cret@db.example:6543/postgres"
    server = local_postgres(home, {"ORCID_SYNC_POSTGRES_DSN": dsn})
    assert isinstance(server, ExternalPostgres)
    assert server.url("cris") == "postgresql://boss:s3cret@db.example:6543/cris"
    assert server.url("cris", "reader", "a/b") == "postgresql://reader:a%2Fb@db.example:6543/cris"
    assert not home.exists()


def test_an_external_server_that_does_not_answer_is_one_line_without_the_password() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = ExternalPostgres(f"postgresql://boss:s3cret@127.0.0.1:{closed.getsockname()[1]}/postgres")
        with pytest.raises(PostgresUnavailable, match="does not answer") as caught:
            server.start()
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_an_external_server_is_used_through_the_same_methods(
    postgres: EmbeddedPostgres | ExternalPostgres,
) -> None:
    server = ExternalPostgres(postgres.url("postgres")).start()
    server.ensure_database("postgres")
    assert server.running()
    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
