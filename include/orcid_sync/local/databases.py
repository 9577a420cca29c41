"""The local stack's three databases and the roles that log in to them."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from orcid_sync.cris.demo import READER
from orcid_sync.local.postgres import EmbeddedPostgres, ExternalPostgres
from orcid_sync.local.state import State

Server = EmbeddedPostgres | ExternalPostgres


def create_databases(server: Server, state: State) -> None:
    """Create databases and login roles, as far as they are missing, and give the roles the state's passwords.

    As long as the demo's university isn't loaded completely, all of them are made anew each time.
    The ledger's owner may create roles, which `orcid-sync migrate` and `units apply` need; its application login may
    do nothing until they let it. The CRIS's reader is made by `grant_reader`, when there is something to read.
    """
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        _login(connection, state.airflow, state.airflow_password)
        _login(connection, migrator(state), state.ledger_owner_password, "CREATEROLE")
        _login(connection, ledger_login(state), state.ledger_password)
        if not state.loaded:
            for name in (state.cris, state.ledger, state.airflow):
                _drop(connection, name)
        _database(connection, state.airflow, owner=state.airflow)
        _database(connection, state.ledger, owner=migrator(state))
        _database(connection, state.cris)


def grant_reader(server: Server, state: State) -> None:
    """Give the sync its login for the CRIS: a member of the contract's read-only role, and nothing else."""
    with psycopg.connect(server.url(state.cris), autocommit=True) as connection:
        _login(connection, cris_login(state), state.cris_password)
        login, reader = sql.Identifier(cris_login(state)), sql.Identifier(READER)
        connection.execute(sql.SQL("GRANT {} TO {}").format(reader, login))
        # A setting of the role it is a member of would not hold for its sessions.
        connection.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(login))


def ledger_login(state: State) -> str:
    """Who AIRFLOW_CONN_LEDGER logs in as."""
    return f"{state.ledger}_login"


def migrator(state: State) -> str:
    """Who AIRFLOW_CONN_LEDGER_OWNER logs in as."""
    return f"{state.ledger}_migrator"


def cris_login(state: State) -> str:
    """Who AIRFLOW_CONN_CRIS logs in as."""
    return f"{state.cris}_login"


def _login(connection: psycopg.Connection, name: str, password: str, *rights: str) -> None:
    role = sql.Identifier(name)
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
    # Only the verifier travels: a clear password could end in the server's log.
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN {} PASSWORD {}").format(
            role, _words(rights), sql.Literal(verifier.decode())
        )
    )


def _words(rights: Sequence[str]) -> sql.Composable:
    return sql.SQL(" ").join(sql.SQL(right) for right in rights)


def _database(connection: psycopg.Connection, name: str, owner: str | None = None) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
            sql.Identifier(name)
        )
        connection.execute(statement)
    if owner is not None:
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(owner))
        )


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
