"""Units in the ledger: brought in line with units.yaml, and items moved from one unit to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from orcid_sync.connections import connection as airflow_connection
from orcid_sync.connections import orcid_connection_name
from orcid_sync.errors import Misconfigured, Transient
from orcid_sync.ledger.session import UNIT_LOCK, Connect, Connection, Ledger, actor_id, audit
from orcid_sync.ledger.units_file import Unit, UnitsFile, UnitsFileInvalid, load_units

__all__ = ["Unit", "UnitsFile", "UnitsFileInvalid", "apply_units", "load_units", "move_items"]

_PLAIN: Final = ("name", "client", "approval", "duplicates", "posts")
_LISTS: Final = ("sections", "default_for", "subtree")
# Shown as counts: they name persons, and a diff is copied into mails.
_PERSONAL_LISTS: Final = ("librarians", "pilot")


def apply_units(
    connect_owner: Connect,
    ledger: Ledger,
    units_file: UnitsFile,
    *,
    actor: str,
    dry_run: bool = False,
    client_ids: Mapping[str, str] | None = None,
) -> list[str]:
    """Bring units, their roles, librarians and API clients in line with the file; returns the diff, a line each.

    Idempotent: an empty list says that nothing was to do. All or nothing; with `dry_run` it is nothing. A unit that
    the file no longer names becomes inactive and keeps what it owns. `client_ids` gives the client id of each code
    of an API client; by default they are the logins of the connections `orcid` and `orcid_<code>`.

    Raises Misconfigured if a connection is missing or `connect_owner` may not create roles.
    """
    if client_ids is None:
        client_ids = {
            code: airflow_connection(orcid_connection_name(code)).login
            for code in sorted({unit.client for unit in units_file.units})
        }
    connection = connect_owner()
    try:
        connection.row_factory = namedtuple_row
        connection.rollback()
        connection.execute("SELECT set_config('search_path', 'ledger', false)")
        diff = _apply(connection, units_file, client_ids)
        if diff and not dry_run:
            audit(connection, "units_applied", actor=actor_id(connection, actor), changes=len(diff))
            connection.commit()
        else:
            connection.rollback()
    except psycopg.errors.InsufficientPrivilege as error:
        raise Misconfigured(
            "The units can't be applied",
            why=str(error).strip().splitlines()[0],
            remedy="Set AIRFLOW_CONN_LEDGER_OWNER to the role that ran `orcid-sync migrate`, or to a superuser",
        ) from None
    finally:
        connection.close()
    return diff


def _apply(connection: Connection, units_file: UnitsFile, client_ids: Mapping[str, str]) -> list[str]:
    diff = _apply_clients(connection, units_file, client_ids)
    for unit in units_file.units:
        diff += _apply_role(connection, unit.code)
        diff += _apply_unit(connection, unit)
    kept = [unit.code for unit in units_file.units]
    closed = connection.execute(
        "UPDATE unit SET active = false, applied_at = now() WHERE active AND code <> ALL (%s) RETURNING id, code",
        (kept,),
    ).fetchall()
    for row in closed:
        diff.append(
            f"unit {row.code}: inactive, the file doesn't name it any more{_left_behind(connection, row.id)}"
        )
    return diff


def _left_behind(connection: Connection, unit_id: int) -> str:
    row = connection.execute(
        "SELECT count(*) AS items FROM put_code WHERE unit_id = %s AND closed_at IS NULL", (unit_id,)
    ).fetchone()
    count = row.items if row else 0
    return (
        f"; {count} items of it stand on records (`orcid-sync units move` gives them to another unit)"
        if count
        else ""
    )


# --- API clients -------------------------------------------------------------------------------------------------


def _apply_clients(connection: Connection, units_file: UnitsFile, client_ids: Mapping[str, str]) -> list[str]:
    known = {row.client_id: row.code for row in connection.execute("SELECT client_id, code FROM api_client")}
    wanted: dict[str, str | None] = dict.fromkeys(units_file.our_clients)
    wanted |= {client_id: code for code, client_id in client_ids.items()}
    if len(set(client_ids.values())) < len(client_ids):
        raise Misconfigured(
            f"The units file {units_file.path} can't be used",
            why=f"the API clients {', '.join(sorted(client_ids))} have one client id between them",
            remedy="Give units that share an API client the same `client`",
        )
    diff = [
        f"API client {client_id}: {_client_label(code)}"
        for client_id, code in sorted(wanted.items())
        if client_id not in known or known[client_id] != code
    ]
    # In two steps, so that a code can pass from one client id to another.
    connection.execute(
        "UPDATE api_client SET code = NULL WHERE code IS NOT NULL AND code <> ALL (%s) OR client_id = ANY (%s)",
        (list(client_ids), [c for c, code in wanted.items() if known.get(c, code) != code]),
    )
    connection.execute(
        "UPDATE api_client SET code = NULL WHERE code = ANY (%s) AND client_id <> ALL (%s)",
        (list(client_ids), list(client_ids.values())),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO api_client (client_id, code) VALUES (%s, %s) "
            "ON CONFLICT (client_id) DO UPDATE SET code = excluded.code",
            sorted(wanted.items()),
        )
    # A client that wrote or was permitted anything stays ours for ever: else its items would look like somebody else's.
    gone = connection.execute(
        "DELETE FROM api_client WHERE client_id <> ALL (%s) "
        "AND NOT EXISTS (SELECT FROM permission WHERE permission.client_id = api_client.client_id) "
        "AND NOT EXISTS (SELECT FROM put_code WHERE put_code.client_id = api_client.client_id) RETURNING client_id",
        (list(wanted),),
    ).fetchall()
    return diff + [f"API client {row.client_id}: removed" for row in gone]


def _client_label(code: str | None) -> str:
    return f"client `{code}`" if code else "ours, written with by something else"


# --- one unit ----------------------------------------------------------------------------------------------------


def _apply_unit(connection: Connection, unit: Unit) -> list[str]:
    found = connection.execute("SELECT * FROM unit WHERE code = %s", (unit.code,)).fetchone()
    librarians = _librarians(connection, found.id) if found else []
    diff = _unit_diff(unit, found, librarians)
    if not diff:
        return []
    row = connection.execute(
        "INSERT INTO unit (code, name, role_name, sections, default_for, subtree, client, approval, duplicates, "
        "contacts, pilot, broker, posts) VALUES (%(code)s, %(name)s, current_database() || '_' || %(code)s, %(sections)s, "
        "%(default_for)s, %(subtree)s, %(client)s, %(approval)s, %(duplicates)s, %(contacts)s, %(pilot)s, %(broker)s, "
        "%(posts)s) "
        "ON CONFLICT (code) DO UPDATE SET name = excluded.name, sections = excluded.sections, "
        "default_for = excluded.default_for, subtree = excluded.subtree, client = excluded.client, "
        "approval = excluded.approval, duplicates = excluded.duplicates, contacts = excluded.contacts, "
        "pilot = excluded.pilot, broker = excluded.broker, posts = excluded.posts, active = true, "
        "applied_at = now() RETURNING id",
        unit.model_dump()
        | {"contacts": Jsonb(_contacts(unit)), "broker": _broker(unit) and Jsonb(_broker(unit))},
    ).fetchone()
    assert row is not None
    connection.execute(
        "DELETE FROM unit_librarian WHERE unit_id = %s AND user_name <> ALL (%s)", (row.id, unit.librarians)
    )
    connection.execute(
        "INSERT INTO unit_librarian (unit_id, user_name) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
        (row.id, unit.librarians),
    )
    return [f"unit {unit.code}: {line}" for line in diff]


def _librarians(connection: Connection, unit_id: int) -> list[str]:
    rows = connection.execute("SELECT user_name FROM unit_librarian WHERE unit_id = %s", (unit_id,))
    return [row.user_name for row in rows]


def _contacts(unit: Unit) -> dict[str, Any]:
    contacts: dict[str, Any] = unit.contacts.model_dump(mode="json", exclude_defaults=True)
    return contacts


def _broker(unit: Unit) -> dict[str, Any] | None:
    return unit.broker.model_dump() if unit.broker else None


def _unit_diff(unit: Unit, found: Any, librarians: list[str]) -> list[str]:
    if found is None:
        owns = ", ".join(unit.sections)
        return [
            f"created ({owns}; approval {unit.approval}, {len(unit.librarians)} librarians; client {unit.client})"
        ]
    diff = [] if found.active else ["active again"]
    for field in _PLAIN:
        before, after = getattr(found, field), getattr(unit, field)
        if before != after:
            diff.append(f"{field} {before} -> {after}")
    for field in _LISTS:
        before, after = getattr(found, field), getattr(unit, field)
        if set(before) != set(after):
            diff.append(f"{field} {', '.join(before) or 'none'} -> {', '.join(after) or 'none'}")
    for field in _PERSONAL_LISTS:
        old, new = set(librarians if field == "librarians" else found.pilot), set(getattr(unit, field))
        if old != new:
            diff.append(f"{field} {len(new - old)} added, {len(old - new)} removed")
    if found.contacts != _contacts(unit):
        diff.append("contacts changed")
    if found.broker != _broker(unit):
        diff.append(f"broker {_broker_label(found.broker)} -> {_broker_label(_broker(unit))}")
    return diff


def _broker_label(broker: dict[str, Any] | None) -> str:
    return f"{broker['mode']} ({', '.join(broker['calls']) or 'the iD alone'})" if broker else "none"


def _apply_role(connection: Connection, code: str) -> list[str]:
    """The unit's NOLOGIN role: a member of the units' group, and one that the application may step into."""
    row = connection.execute(
        "SELECT current_database() AS database, current_database() || '_' || %s AS role", (code,)
    ).fetchone()
    assert row is not None
    if len(row.role.encode()) > 63:
        raise Misconfigured(
            f"Unit {code} can't have a role",
            why=f"{row.role} is longer than 63 bytes",
            remedy="Choose a shorter code",
        )
    found = connection.execute(
        "SELECT rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole AS too_much FROM pg_roles WHERE rolname = %s",
        (row.role,),
    ).fetchone()
    if found is not None and found.too_much:
        raise Misconfigured(
            f"Unit {code} can't use the role {row.role}",
            why="it exists and may log in or do more than a unit's role should",
            remedy=f"ALTER ROLE {row.role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE, or choose another code",
        )
    role, group, app = (
        sql.Identifier(name) for name in (row.role, f"{row.database}_unit", f"{row.database}_app")
    )
    member = found is not None and _is_set_up(connection, row.role, row.database)
    if member:
        return []
    if found is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOSUPERUSER NOBYPASSRLS").format(role))
    connection.execute(sql.SQL("GRANT {} TO {}").format(group, role))
    # The application may become the unit, but never has the unit's rights beside its own.
    connection.execute(sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(role, app))
    return [f"unit {code}: role {row.role} {'created' if found is None else 'given its memberships'}"]


def _is_set_up(connection: Connection, role: str, database: str) -> bool:
    row = connection.execute(
        "SELECT pg_has_role(%(role)s, %(database)s || '_unit', 'usage') "
        "AND EXISTS (SELECT FROM pg_auth_members WHERE roleid = %(role)s::regrole "
        "AND member = (%(database)s || '_app')::regrole AND set_option AND NOT inherit_option) AS done",
        {"role": role, "database": database},
    ).fetchone()
    return bool(row and row.done)


# --- moving items ------------------------------------------------------------------------------------------------


def move_items(
    ledger: Ledger,
    from_unit: str,
    to_unit: str,
    *,
    actor: str,
    section: str | None = None,
    items: Sequence[int] | None = None,
    subtree: Sequence[str] | None = None,
    note: str | None = None,
) -> int:
    """Give items of one unit to another, put codes and API client kept; returns how many.

    Filters narrow it down together: a section, the ledger's item ids, CRIS units with everything below them. Open
    changes are superseded, so that the new owner is asked; what is being written just now moves along. Where the new
    owner holds the same thing itself, it takes over the put code unless it has one: then nothing moves.

    Raises Misconfigured for units that don't exist or may not own the section, Transient while a stage works on one.
    """
    with ledger.transaction() as connection:
        source, target = _unit_row(connection, from_unit), _unit_row(connection, to_unit)
        if source.id == target.id or not target.active:
            raise Misconfigured(
                f"Items can't be moved from unit {from_unit} to unit {to_unit}",
                why="it is the same unit" if source.id == target.id else f"unit {to_unit} is inactive",
                remedy="Name another unit, or put it into the units file and run `orcid-sync units apply`",
            )
        _lock_units(connection, source, target)
        _choose(connection, source.id, target.id, section, items, subtree)
        _refuse_foreign_sections(connection, target)
        moved = _move(connection, target.id)
        if moved:
            _record_move(connection, source.id, target.id, actor, note, moved)
        return moved


def _unit_row(connection: Connection, code: str) -> Any:
    row = connection.execute(
        "SELECT id, code, sections, active FROM unit WHERE code = %s", (code,)
    ).fetchone()
    if row is None:
        known = ", ".join(unit.code for unit in connection.execute("SELECT code FROM unit ORDER BY code"))
        raise Misconfigured(
            f"There is no unit {code}", why=f"known are {known or 'none'}", remedy="Name a known unit"
        )
    return row


def _lock_units(connection: Connection, *units: Any) -> None:
    for unit in sorted(units, key=lambda unit: int(unit.id)):
        row = connection.execute(
            "SELECT pg_try_advisory_xact_lock(%s, %s) AS taken", (UNIT_LOCK, unit.id)
        ).fetchone()
        if row is None or not row.taken:
            raise Transient(
                f"Unit {unit.code} is being proposed or written just now",
                doubt=False,
                remedy="Run the command again when that has ended",
            )


def _choose(
    connection: Connection,
    source_id: int,
    target_id: int,
    section: str | None,
    items: Sequence[int] | None,
    subtree: Sequence[str] | None,
) -> None:
    """Fill `moving` with the items that fit the filters, each with the same thing's item of the target, if any."""
    connection.execute(
        "CREATE TEMP TABLE moving ON COMMIT DROP AS "
        "SELECT item.id, item.section, twin.id AS twin_id FROM item "
        "LEFT JOIN item twin ON twin.unit_id = %(target)s AND twin.researcher_id = item.researcher_id "
        "AND twin.section = item.section AND twin.cris_id = item.cris_id "
        "WHERE item.unit_id = %(source)s "
        "AND (%(section)s::text IS NULL OR item.section = %(section)s) "
        "AND (%(items)s::bigint[] IS NULL OR item.id = ANY (%(items)s)) "
        "AND (%(subtree)s::text[] IS NULL OR EXISTS (SELECT FROM cris_row JOIN cris_unit "
        "ON cris_unit.unit_id = coalesce(cris_row.owning_unit_id, cris_row.unit_id) "
        "WHERE cris_row.section = item.section AND cris_row.cris_id = item.cris_id AND cris_unit.path && %(subtree)s))",
        {
            "source": source_id,
            "target": target_id,
            "section": section,
            "items": None if items is None else list(items),
            "subtree": None if subtree is None else list(subtree),
        },
    )


def _refuse_foreign_sections(connection: Connection, target: Any) -> None:
    rows = connection.execute(
        "SELECT DISTINCT section FROM moving WHERE section <> ALL (%s)", (target.sections,)
    )
    foreign = sorted(row.section for row in rows)
    if foreign:
        raise Misconfigured(
            f"Items can't be moved to unit {target.code}",
            why=f"it may not own the section {', '.join(foreign)}",
            remedy="Add the section to the unit in the units file, or move other sections alone",
        )


def _move(connection: Connection, target_id: int) -> int:
    """Returns how many items have a new owner; `moving` keeps those alone."""
    # With an item of its own the target takes over a put code alone: not without one, not beside one, and not while a
    # call is under way whose outcome belongs to the other item.
    connection.execute(
        "DELETE FROM moving WHERE twin_id IS NOT NULL AND ("
        "EXISTS (SELECT FROM put_code WHERE item_id = twin_id AND closed_at IS NULL) "
        "OR NOT EXISTS (SELECT FROM put_code WHERE item_id = moving.id AND closed_at IS NULL) "
        "OR EXISTS (SELECT FROM change WHERE item_id IN (moving.id, twin_id) AND state = 'writing'))"
    )
    connection.execute(
        "UPDATE change SET state = 'superseded' FROM moving "
        "WHERE change.item_id IN (moving.id, moving.twin_id) AND change.state = 'open'"
    )
    connection.execute(
        "WITH closed AS (UPDATE put_code SET closed_at = now(), closed_because = 'moved' FROM moving "
        "WHERE put_code.item_id = moving.id AND put_code.closed_at IS NULL AND moving.twin_id IS NOT NULL "
        "RETURNING moving.twin_id, client_id, orcid, put_code.section, put_code, digest, written_at) "
        "INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, digest, origin, written_at) "
        "SELECT twin_id, %s, client_id, orcid, section, put_code, digest, 'moved', written_at FROM closed",
        (target_id,),
    )
    # Put codes and changes follow by their foreign keys.
    connection.execute(
        "UPDATE item SET unit_id = %s FROM moving WHERE item.id = moving.id AND moving.twin_id IS NULL",
        (target_id,),
    )
    row = connection.execute("SELECT count(*) AS moved FROM moving").fetchone()
    return int(row.moved) if row else 0


def _record_move(
    connection: Connection, source_id: int, target_id: int, actor: str, note: str | None, moved: int
) -> None:
    who = actor_id(connection, actor)
    event = connection.execute(
        "INSERT INTO audit_event (what, actor_id, unit_id, detail) VALUES ('items_moved', %s, %s, %s) RETURNING id",
        (who, target_id, Jsonb({"from_unit": source_id, "items": moved})),
    ).fetchone()
    assert event is not None
    connection.execute(
        "INSERT INTO audit_event (what, actor_id, unit_id, item_id, detail) "
        "SELECT 'item_moved', %s, %s, coalesce(twin_id, id), %s FROM moving",
        (who, target_id, Jsonb({"from_unit": source_id})),
    )
    if note:
        connection.execute("INSERT INTO audit_note (audit_event_id, note) VALUES (%s, %s)", (event.id, note))
