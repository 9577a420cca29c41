"""The schema: equal to its declaration, made once, with a clear word where it can't be made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.migrate import HERE, migrate
from orcid_sync.ledger.session import Ledger
from orcid_sync.ledger.tables import metadata
from orcid_sync.ledger.units import apply_units
from orcid_sync.ledger.units_file import Unit, UnitsFile
from orcid_sync.local.postgres import EmbeddedPostgres
from psycopg import sql
from sqlalchemy import create_engine

from tests.fixtures.ledger import LedgerDatabase, drop_ledger_database, make_ledger_database
from tests.fixtures.ledger_rows import LedgerRows

if TYPE_CHECKING:
    from tests.conftest import DatabaseFactory


@pytest.fixture
def empty_database(database: DatabaseFactory) -> Iterator[str]:
    """The superuser's DSN of a database that was never migrated."""
    dsn = database()
    yield dsn
    drop_ledger_database(LedgerDatabase(dsn, dsn, login=""))


def test_tables_are_what_their_declaration_says(ledger_database: LedgerDatabase) -> None:
    def only_ours(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
        return kind != "table" or (thing.schema == "ledger" and name != "alembic_version")

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(ledger_database.owner_dsn)
    )
    options = {
        "include_schemas": True,
        "include_object": only_ours,
        "compare_type": True,
        "compare_server_default": True,
    }
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    engine.dispose()
    assert difference == []


def test_migrating_again_does_nothing(ledger_database: LedgerDatabase) -> None:
    assert migrate(lambda: psycopg.connect(ledger_database.owner_dsn), ledger_database.login) == []


def test_the_first_migration_says_what_it_did(empty_database: str) -> None:
    dsn = empty_database
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    newest = ScriptDirectory(str(HERE)).get_current_head()
    assert migrate(lambda: psycopg.connect(dsn)) == [
        f"created the roles {name}_owner, {name}_app, {name}_unit",
        f"schema ledger: version none -> {newest}",
    ]


def test_a_role_without_rights_gets_a_clear_word(empty_database: str) -> None:
    dsn = empty_database
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(f"{name}_poor"))
        )
    poor = psycopg.conninfo.make_conninfo(dsn, user=f"{name}_poor", password="x")

    with pytest.raises(Misconfigured, match="may not create roles") as caught:
        migrate(lambda: psycopg.connect(poor))
    assert "AIRFLOW_CONN_LEDGER_OWNER" in caught.value.remedy


def test_an_ordinary_database_administrator_can_migrate(empty_database: str) -> None:
    """CREATEROLE and the database are enough, also where one login does everything: nobody needs to be superuser."""
    dsn = empty_database
    name = str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
    admin = sql.Identifier(f"{name}_admin")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x' CREATEROLE").format(admin))
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), admin))
    administrator = psycopg.conninfo.make_conninfo(dsn, user=f"{name}_admin", password="x")

    assert len(migrate(lambda: psycopg.connect(administrator))) == 2
    assert migrate(lambda: psycopg.connect(administrator)) == []

    unit = Unit(code="library", name="Library", sections=["work"], librarians=["ann"])
    units = UnitsFile(Path("units.yaml"), (), (unit,))
    arguments = (
        lambda: psycopg.connect(administrator),
        Ledger(lambda: psycopg.connect(administrator)),
        units,
    )
    assert len(apply_units(*arguments, actor="admin", client_ids={"default": "APP-0000000000000001"})) == 3
    assert apply_units(*arguments, actor="admin", client_ids={"default": "APP-0000000000000001"}) == []
    for role in (f"{name}_app", f"{name}_library"):
        with Ledger(lambda: psycopg.connect(administrator)).connection(role) as session:
            assert session.execute("SELECT current_user AS name").fetchone() == (role,)


def test_a_ledger_that_was_never_migrated_says_so(empty_database: str) -> None:
    dsn = empty_database
    with (
        pytest.raises(Misconfigured, match="orcid-sync migrate"),
        Ledger(lambda: psycopg.connect(dsn)).connection(),
    ):
        pass


@pytest.fixture(scope="module")
def oldest_postgres() -> Iterator[EmbeddedPostgres]:
    """The oldest PostgreSQL that we promise to work with."""
    with tempfile.TemporaryDirectory(prefix="orcid-sync-postgres16-") as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder) / "postgres", version="16", durable=False).start()
        try:
            yield server
        finally:
            server.destroy()


@pytest.mark.slow
def test_the_oldest_supported_postgresql_keeps_the_rules(oldest_postgres: EmbeddedPostgres) -> None:
    oldest_postgres.ensure_database("ledger")
    made = make_ledger_database(oldest_postgres.url("ledger"))
    ledger = Ledger(made.connect_application)
    rows = LedgerRows(ledger, made.connect_owner)
    unit = rows.unit("library")
    change = rows.change(rows.item(unit, rows.researcher()))

    with ledger.connection() as connection:
        assert connection.info.server_version // 10000 == 16
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            connection.execute("UPDATE change SET state = 'writing' WHERE id = %s", (change,))
        rows.decision(change)
        connection.execute("UPDATE change SET state = 'writing' WHERE id = %s", (change,))
    with ledger.connection(unit_role="ledger_library") as connection:
        assert connection.execute("SELECT count(*) AS n FROM change").fetchone().n == 1  # type: ignore[union-attr]
