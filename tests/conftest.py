"""Fixtures for everybody: one PostgreSQL server for a test session, fresh databases on it for a test.

The server is an embedded one in a temporary folder, or the one that ORCID_SYNC_POSTGRES_DSN names.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from orcid_sync.local.postgres import EmbeddedPostgres, ExternalPostgres, local_postgres
from psycopg import sql

pytest_plugins = [
    "tests.fixtures.ledger",
    "tests.fixtures.ledger_rows",
    "tests.fixtures.house",
    "tests.fixtures.desk",
    "tests.fixtures.mailbox",
    "tests.fixtures.webhook",
    "tests.fixtures.console",
    "tests.fixtures.connected",
    "tests.fixtures.broker",
    "tests.fixtures.invitations",
    "tests.fixtures.portal",
]


class DatabaseFactory(Protocol):
    """`database()` is the superuser's DSN of a new database, empty or a copy of the database `template`."""

    def __call__(self, *, template: str = "template0") -> str: ...


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres | ExternalPostgres]:
    """The session's server; with pytest-xdist each worker has its own."""
    # Not pytest's own temporary folder: that one is closed to the user whom root's server runs as.
    with tempfile.TemporaryDirectory(prefix="orcid-sync-tests-") as folder:
        Path(folder).chmod(0o711)
        server = local_postgres(Path(folder) / "postgres", durable=False).start()
        try:
            yield server
        finally:
            server.destroy()


@pytest.fixture(scope="session")
def create_database(postgres: EmbeddedPostgres | ExternalPostgres) -> Iterator[DatabaseFactory]:
    """For fixtures of the whole session, templates above all; tests take `database`."""
    yield from _factory(postgres)


@pytest.fixture
def database(postgres: EmbeddedPostgres | ExternalPostgres) -> Iterator[DatabaseFactory]:
    """Fresh databases, dropped after the test."""
    yield from _factory(postgres)


def _factory(server: EmbeddedPostgres | ExternalPostgres) -> Iterator[DatabaseFactory]:
    created: list[str] = []

    def create(*, template: str = "template0") -> str:
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        created.append(name)
        return server.url(name)

    yield create
    with (
        suppress(psycopg.OperationalError),
        psycopg.connect(server.url("postgres"), autocommit=True) as connection,
    ):
        for name in created:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
