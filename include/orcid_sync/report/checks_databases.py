"""Doctor: the CRIS's contract views, the ledger's version and roles, the units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from alembic.script import ScriptDirectory

from orcid_sync.connections import ConnectionInfo, connection
from orcid_sync.cris.contract import CONTRACT
from orcid_sync.cris.inspection import inspect_contract
from orcid_sync.environment import variable
from orcid_sync.errors import SettingInvalid
from orcid_sync.ledger.migrate import HERE as MIGRATIONS
from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.model.sections import SECTIONS
from orcid_sync.report.checks_organizations import check_organizations
from orcid_sync.report.doctor import Finding, fail, ok, warn
from orcid_sync.settings import load_settings

_TIMEOUT = 5
# Since 16 a role can be taken without having its rights all the time, which the units' roles rely on.
_OLDEST = 16


def check_cris() -> Iterator[Finding]:
    """Reachable, read only, and which views and columns of the contract are there."""
    info = _known("cris")
    if info is None:
        return
    try:
        opened = psycopg.connect(info.dsn(), connect_timeout=_TIMEOUT)
    except psycopg.Error as error:
        yield _unreachable("CRIS", info, error)
        return
    with opened as session:
        yield ok(
            "CRIS",
            f"{info.schema} on {info.host or 'the local socket'}, PostgreSQL {session.info.server_version // 10000}",
        )
        yield _read_only(session)
        yield from _contract(session)


def _contract(session: psycopg.Connection[Any]) -> Iterator[Finding]:
    report = inspect_contract(session, load_settings().cris_schema)
    for problem in report.problems:
        thing = ".".join(filter(None, (report.schema, problem.relation, problem.column)))
        yield fail(thing, problem.message, problem.remedy)
    if report.ok:
        yield ok(
            "CRIS views",
            f"{len(report.present)} of {len(CONTRACT)} relations of the contract in {report.schema}",
        )
    if report.missing_optional:
        missing = ", ".join(report.missing_optional)
        yield ok("CRIS views", f"without these optional ones: {missing}")


def _read_only(session: psycopg.Connection[Any]) -> Finding:
    row = session.execute(
        "SELECT current_setting('is_superuser') = 'on' OR EXISTS (SELECT FROM pg_class "
        "JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = %s AND relkind IN ('r', 'v', 'm', 'p') "
        "AND (has_table_privilege(pg_class.oid, 'INSERT') OR has_table_privilege(pg_class.oid, 'UPDATE') "
        "OR has_table_privilege(pg_class.oid, 'DELETE')))",
        (load_settings().cris_schema,),
    ).fetchone()
    if row and row[0]:
        return warn(
            "CRIS login",
            "it could write; the sync never does",
            "Give it a role that may only SELECT the views",
        )
    return ok("CRIS login", "it may only read")


def check_ledger() -> Iterator[Finding]:
    """Reachable, at the newest version, and used by a role that can't get around the rules."""
    info = _known("ledger")
    if info is None:
        return
    try:
        opened = psycopg.connect(info.dsn(), connect_timeout=_TIMEOUT)
    except psycopg.Error as error:
        yield _unreachable("ledger", info, error)
        return
    with opened as session:
        major = session.info.server_version // 10000
        place = f"{info.schema} on {info.host or 'the local socket'}, PostgreSQL {major}"
        if major < _OLDEST:
            yield fail("ledger", place, f"Use PostgreSQL {_OLDEST} or newer for the ledger")
            return
        yield ok("ledger", place)
        yield from _login(session)
    with Ledger(lambda: psycopg.connect(info.dsn(), connect_timeout=_TIMEOUT)).transaction() as taken:
        yield _migrated(taken)
        yield from _role(taken)
        if taken.execute("SELECT to_regclass('unit') IS NOT NULL AS there").fetchone()[0]:  # type: ignore[index]
            yield from _units(taken)
        if taken.execute("SELECT to_regclass('organization_load') IS NOT NULL AS there").fetchone()[0]:  # type: ignore[index]
            yield from check_organizations(taken)


def _login(session: psycopg.Connection[Any]) -> Iterator[Finding]:
    row = session.execute(
        "SELECT current_user, rolsuper, rolbypassrls, rolcreaterole, "
        "coalesce((SELECT pg_has_role(current_user, oid, 'member') FROM pg_roles "
        "WHERE rolname = current_database() || '_owner'), false) FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is None:
        return
    name, *powers = row
    labels = (
        "a superuser",
        "allowed to bypass row-level security",
        "allowed to create roles",
        "an owner of the tables",
    )
    more = [label for label, has in zip(labels, powers, strict=True) if has]
    if more:
        yield warn(
            "ledger login",
            f"{name} is {', '.join(more)}; the sync gives that up, but needs none of it",
            "Let AIRFLOW_CONN_LEDGER log in as a plain role; `orcid-sync migrate` with AIRFLOW_CONN_LEDGER_OWNER "
            "makes it a member of the application role",
        )
    else:
        yield ok("ledger login", f"{name} is a plain login")


def _role(taken: Connection) -> Iterator[Finding]:
    row: Any = taken.execute(
        "SELECT current_user AS name, rolsuper OR rolbypassrls OR rolcanlogin AS too_much, "
        "EXISTS (SELECT FROM pg_tables WHERE schemaname = 'ledger' AND tableowner = current_user) AS owns "
        "FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row.too_much or row.owns:
        yield fail(
            "application role",
            f"{row.name} owns tables, may log in, or gets around row-level security",
            f"ALTER ROLE {row.name} NOLOGIN NOSUPERUSER NOBYPASSRLS; its tables belong to the owner role",
        )
    else:
        yield ok(
            "application role",
            f"{row.name} is neither owner nor superuser and can't bypass row-level security",
        )


def _migrated(taken: Connection) -> Finding:
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    there: Any = taken.execute("SELECT to_regclass('ledger.alembic_version') IS NOT NULL AS there").fetchone()
    row = taken.execute("SELECT version_num FROM alembic_version").fetchone() if there.there else None
    if row is None:
        return fail("ledger version", "there is no schema yet", "Run `orcid-sync migrate`")
    if row.version_num != newest:
        return fail("ledger version", f"{row.version_num}, newest is {newest}", "Run `orcid-sync migrate`")
    return ok("ledger version", f"{newest}, the newest")


def _units(taken: Connection) -> Iterator[Finding]:
    units = taken.execute(
        "SELECT code, sections, default_for, subtree, approval, client, contacts, "
        "(SELECT count(*) FROM unit_librarian WHERE unit_id = unit.id) AS librarians, "
        "coalesce(pg_has_role(to_regrole(role_name), 'member'), false) AS usable "
        "FROM unit WHERE active ORDER BY code"
    ).fetchall()
    if not units:
        yield fail("units", "there are none", "Write units.yaml and run `orcid-sync units apply units.yaml`")
        return
    yield ok("units", f"{len(units)}: {', '.join(unit.code for unit in units)}")
    for unit in units:
        yield from _unit(unit)
    owned = {section for unit in units for section in unit.sections}
    without_default = sorted(owned - {section for unit in units for section in unit.default_for})
    if without_default:
        yield warn(
            "units",
            f"no unit is the default for {', '.join(without_default)}: rows outside every subtree are not proposed",
            "Add `default_for` to one unit, if everything is to be sent",
        )
    if ownerless := sorted(set(SECTIONS) - owned):
        yield ok("units", f"no unit owns {', '.join(ownerless)}: nothing of these sections is sent")


def _unit(unit: Any) -> Iterator[Finding]:
    if not unit.usable:
        yield fail(
            f"unit {unit.code}",
            "its database role is missing, or the application may not take it",
            "Run `orcid-sync units apply` with AIRFLOW_CONN_LEDGER_OWNER set",
        )
    if unit.approval == "librarian" and not unit.librarians:
        yield fail(
            f"unit {unit.code}", "nobody can approve", "Name `librarians` in the units file and apply it"
        )
    unknown = sorted(set(unit.sections) - set(SECTIONS))
    if unknown:
        yield fail(
            f"unit {unit.code}",
            f"unknown sections {', '.join(unknown)}",
            "Correct `sections` in the units file",
        )
    needed = {SECTIONS[name].write_scope for name in unit.sections if name in SECTIONS}
    if lacking := sorted(needed - set(load_settings().portal_scopes)):
        yield warn(
            f"unit {unit.code}",
            f"researchers are not asked for {', '.join(lacking)}, which some of its sections need",
            "Add it to ORCID_SYNC_PORTAL_SCOPES; who connected before has to connect once more",
        )
    if not (unit.contacts or {}).get("technical"):
        yield warn(
            f"unit {unit.code}", "it has no technical contact", "Add `contacts.technical` to the units file"
        )


def _known(name: str) -> ConnectionInfo | None:
    """The connection, or None where it is missing or wrong: that was told already."""
    try:
        return connection(name) if variable(f"AIRFLOW_CONN_{name.upper()}") else None
    except SettingInvalid:
        return None


def _unreachable(thing: str, info: ConnectionInfo, error: psycopg.Error) -> Finding:
    why = " ".join(str(error).split())
    return fail(thing, f"it can't be opened: {why}", f"Check {info.variable}, the server and the network")
