"""`orcid-sync migrate`: roles, schema and rights of the ledger, brought to the newest version."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.session import Connect

HERE = Path(__file__).parent / "migrations"


def migrate(connect_owner: Connect, application_login: str | None = None) -> list[str]:
    """Bring the ledger to the newest version; returns what was done, a line each.

    `connect_owner` opens a connection that may create roles and schemas in the ledger's database (what
    AIRFLOW_CONN_LEDGER_OWNER names, else the ledger connection itself). `application_login` is the role that
    AIRFLOW_CONN_LEDGER logs in as: it becomes a member of the application role. Safe to run again at any time.
    """
    done: list[str] = []
    with connect_owner() as connection:
        connection.autocommit = True
        done += _make_roles(connection, application_login)
    done += _upgrade(connect_owner)
    return done


def _make_roles(connection: psycopg.Connection, application_login: str | None) -> list[str]:
    row = connection.execute(
        "SELECT current_database(), current_user, "
        "(SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user), "
        "(SELECT count(*) FROM pg_roles WHERE rolname IN (current_database() || '_owner', "
        "current_database() || '_app', current_database() || '_unit'))"
    ).fetchone()
    assert row is not None
    database, user, may_create, existing = row
    done = []
    if existing < 3:
        if not may_create:
            raise Misconfigured(
                what=f"database {database}: the roles {database}_owner, {database}_app and {database}_unit are missing",
                why=f"the role {user} may not create roles",
                remedy="set AIRFLOW_CONN_LEDGER_OWNER to a role with CREATEROLE for `orcid-sync migrate`, or let the "
                "database administrator create the three NOLOGIN roles",
            )
        done.append(f"created the roles {database}_owner, {database}_app, {database}_unit")
    if may_create:
        connection.execute((HERE / "sql" / "roles.sql").read_text())
    if application_login and application_login != user and may_create:
        member = connection.execute(
            "SELECT pg_has_role(%s, current_database() || '_app', 'member')", (application_login,)
        ).fetchone()
        if member is not None and not member[0]:
            connection.execute(
                sql.SQL("GRANT {} TO {}").format(
                    sql.Identifier(f"{database}_app"), sql.Identifier(application_login)
                )
            )
            done.append(f"made {application_login} a member of {database}_app")
    return done


def _upgrade(connect_owner: Connect) -> list[str]:
    def connect() -> psycopg.Connection:
        connection = connect_owner()
        connection.execute("SELECT set_config('role', current_database() || '_owner', false)")
        connection.execute("CREATE SCHEMA IF NOT EXISTS ledger")
        connection.commit()
        return connection

    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=StaticPool)
    config = Config()
    config.set_main_option("script_location", str(HERE))
    try:
        with engine.begin() as connection:
            before = _version(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            after = _version(connection)
    finally:
        engine.dispose()
    return [] if before == after else [f"schema ledger: version {before or 'none'} -> {after}"]


def _version(connection: object) -> str | None:
    exists = connection.exec_driver_sql("SELECT to_regclass('ledger.alembic_version')").scalar()  # type: ignore[attr-defined]
    if exists is None:
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM ledger.alembic_version").scalar()  # type: ignore[attr-defined]
    return found
