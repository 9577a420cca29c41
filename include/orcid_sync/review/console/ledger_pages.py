"""Looking things up in the ledger: items with their story, rows that need correction, what is held back or removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from orcid_sync.ledger.session import Connection
from orcid_sync.review.console.visitor import Desk, NotFound, SeenUnit

LIMIT: Final = 200

_BATCHES: Final = """
SELECT batch.id, batch.kind, batch.undoes, batch.state, batch.created_at, batch.asked_at, batch.lapsed_at,
       batch.closed_at, count(change.id) AS changes,
       count(change.id) FILTER (WHERE change.action = 'add') AS add,
       count(change.id) FILTER (WHERE change.action = 'update') AS update,
       count(change.id) FILTER (WHERE change.action = 'remove') AS remove,
       count(change.id) FILTER (WHERE cardinality(change.warnings) > 0) AS warned,
       count(DISTINCT item.researcher_id) AS researchers,
       count(change.id) FILTER (WHERE change.state = 'open' AND change.verdict IS NULL) AS undecided,
       count(change.id) FILTER (WHERE change.state IN ('open', 'writing') AND change.verdict = 'approve') AS approved,
       count(change.id) FILTER (WHERE change.state IN ('open', 'writing') AND change.verdict = 'reject') AS rejected,
       count(change.id) FILTER (WHERE change.state = 'written') AS written,
       count(change.id) FILTER (WHERE change.state IN ('superseded', 'withdrawn', 'refused')) AS closed{more}
FROM batch LEFT JOIN batch_change ON batch_change.batch_id = batch.id
LEFT JOIN change ON change.id = batch_change.change_id LEFT JOIN item ON item.id = change.item_id
WHERE {condition} GROUP BY batch.id ORDER BY batch.id DESC LIMIT {limit}
"""
_DECIDED_BY: Final = """,
       ARRAY(SELECT DISTINCT actor.name FROM batch_change inside JOIN decision ON decision.change_id = inside.change_id
             JOIN actor ON actor.id = decision.actor_id
             WHERE inside.batch_id = batch.id AND decision.role = 'librarian' ORDER BY 1) AS people
"""


def batches(
    desk: Desk, units: tuple[SeenUnit, ...], *, open_only: bool = False
) -> list[tuple[SeenUnit, Any]]:
    """The batches of these units, the newest first."""
    condition = "batch.state = 'open'" if open_only else "true"
    found: list[tuple[SeenUnit, Any]] = []
    with desk.each(units) as turns:
        for unit, connection in turns:
            rows = connection.execute(
                _BATCHES.format(more=_DECIDED_BY, condition=condition, limit=60)
            ).fetchall()
            found += [(unit, row) for row in rows]
    return sorted(found, key=lambda pair: -pair[1].id)


def batch(connection: Connection, key: int) -> Any:
    """One batch with its counts, read as its unit. Raises NotFound."""
    statement = _BATCHES.format(more="", condition="batch.id = %s", limit=1)
    found = connection.execute(statement, (key,)).fetchone()
    if found is None:
        raise NotFound(f"There is no batch {key}", why="either it does not exist or it is not your unit's")
    return found


_PERSON: Final = (
    "coalesce(nullif(coalesce(staff.credit_name, concat_ws(' ', staff.given_names, staff.family_names)), ''), "
    "researcher.person_id)"
)
_ITEMS: Final = """
SELECT item.id, item.section, item.cris_id, item.created_at, item.held_since, item.suppressed_at, item.declined_at,
       item.tombstone_at, item.removed_at, item.asserted_at, state.state, state.reason, state.detail, state.held,
       state.put_code, state.orcid, state.change_id, state.verdict, researcher.person_id, {person} AS person,
       coalesce(made.title, wrote.title, content.data ->> 'title', content.data ->> 'role_title', '') AS title,
       coalesce(made.type, wrote.type, '') AS type, coalesce(made.year, wrote.year) AS year
FROM item JOIN item_state state ON state.item_id = item.id JOIN researcher ON researcher.id = item.researcher_id
LEFT JOIN cris_staff staff ON staff.person_id = researcher.person_id
LEFT JOIN cris_row ON cris_row.section = item.section AND cris_row.cris_id = item.cris_id
LEFT JOIN cris_content content ON content.row_id = cris_row.id
LEFT JOIN payload made ON made.digest = cris_row.payload_digest
LEFT JOIN payload wrote ON wrote.digest = state.written_digest
WHERE {condition}
ORDER BY {order} LIMIT %(limit)s
"""


@dataclass(frozen=True)
class ItemQuery:
    """Which items; every field that is set narrows down. `text` looks in names, titles, ids and put codes."""

    text: str = ""
    person: str = ""
    section: str = ""
    cris_id: str = ""
    state: str = ""
    reason: str = ""
    limit: int = LIMIT


def items(desk: Desk, units: tuple[SeenUnit, ...], query: ItemQuery) -> list[tuple[SeenUnit, Any]]:
    """Items with their state, by person and title."""
    conditions = ["true"]
    values: dict[str, Any] = {"limit": query.limit, **query.__dict__}
    if query.text:
        values["like"] = "%" + query.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        conditions.append(
            f"({_PERSON} ILIKE %(like)s OR researcher.person_id = %(text)s OR item.cris_id = %(text)s OR state.orcid = "
            "%(text)s OR state.put_code::text = %(text)s OR made.title ILIKE %(like)s OR wrote.title ILIKE %(like)s "
            "OR %(text)s = ANY (made.self_keys) OR array_to_string(made.self_keys, ' ') ILIKE %(like)s)"
        )
    for name, column in (
        ("person", "researcher.person_id"),
        ("section", "item.section"),
        ("cris_id", "item.cris_id"),
        ("state", "state.state"),
        ("reason", "state.reason"),
    ):
        if values[name]:
            conditions.append(f"{column} = %({name})s")
    statement = _ITEMS.format(
        person=_PERSON, condition=" AND ".join(conditions), order="person, title, item.id"
    )
    found: list[tuple[SeenUnit, Any]] = []
    with desk.each(units) as turns:
        for unit, connection in turns:
            found += [(unit, row) for row in connection.execute(statement, values)]
    return found[: query.limit]


def state_counts(desk: Desk, units: tuple[SeenUnit, ...]) -> list[tuple[str, str | None, int]]:
    """How many items are in which state, and for which reason: (state, reason, n)."""
    counted: dict[tuple[str, str | None], int] = {}
    with desk.each(units) as turns:
        for _unit, connection in turns:
            for row in connection.execute(
                "SELECT state, reason, count(*) AS n FROM item_state GROUP BY 1, 2"
            ):
                counted[row.state, row.reason] = counted.get((row.state, row.reason), 0) + row.n
    return sorted(((*key, n) for key, n in counted.items()), key=lambda one: (-one[2], one[0], one[1] or ""))


@dataclass(frozen=True)
class Event:
    """Something that happened to an item: when, what in words, by whom."""

    at: Any
    what: str
    by: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class ItemPage:
    item: Any
    events: list[Event]
    put_codes: list[Any]
    orcid: str | None


def fix_address(template: str | None, section: str, cris_id: str) -> str | None:
    """Where an entry is corrected in the CRIS; None where nobody said how its addresses are made."""
    if template is None:
        return None
    return template.replace("{section}", quote(section, safe="")).replace(
        "{cris_id}", quote(cris_id, safe="")
    )


_CHANGES: Final = """
SELECT change.id, change.action, change.why, change.state, change.created_at, change.closed_at, change.last_error,
       change.warnings FROM change WHERE change.item_id = %s ORDER BY change.id
"""
_ITEM_DECISIONS: Final = """
SELECT decision.verdict, decision.at, decision.role, decision.via, actor.name AS by, decision_note.note
FROM decision LEFT JOIN actor ON actor.id = decision.actor_id
LEFT JOIN decision_note ON decision_note.decision_id = decision.id
WHERE decision.item_id = %s ORDER BY decision.id
"""
_PUT_CODES: Final = """
SELECT put_code, orcid, origin, written_at, closed_at, closed_because FROM put_code WHERE item_id = %s ORDER BY id
"""
# A live put code that stands in the mirror was seen when the record was last read.
_SEEN: Final = """
SELECT record.read_at FROM put_code JOIN record ON record.orcid = put_code.orcid AND record.client_id = put_code.client_id
JOIN record_item found ON found.orcid = put_code.orcid AND found.client_id = put_code.client_id
    AND found.section = put_code.section AND found.put_code = put_code.put_code
WHERE put_code.item_id = %s AND put_code.closed_at IS NULL AND record.read_at > put_code.written_at
"""
# The journal is closed to units; it is asked about one item that the unit's role showed.
_AUDIT: Final = """
SELECT audit_event.what, audit_event.at, actor.name AS by, audit_note.note FROM audit_event
LEFT JOIN actor ON actor.id = audit_event.actor_id LEFT JOIN audit_note ON audit_note.audit_event_id = audit_event.id
WHERE audit_event.item_id = %s ORDER BY audit_event.id
"""
_VERDICTS: Final = {"approve": "Approved", "reject": "Rejected", "withdraw": "Decision taken back"}
_ACTIONS: Final = {"add": "addition", "update": "correction", "remove": "removal"}
_ENDS: Final = {
    "written": "Written",
    "superseded": "Replaced by a newer version",
    "withdrawn": "Withdrawn: the CRIS no longer asks for it",
    "refused": "Refused by ORCID",
}
_WISHED: Final = {
    "suppress": "Never send",
    "unsuppress": "“Never send” taken back",
    "assert": "Add our version too",
    "unassert": "“Add our version too” taken back",
    "restore": "Restored",
    "unrestore": "Restore taken back",
}
_CLOSED: Final = {
    "removed": "Removed from the record by us",
    "removed_by_researcher": "Removed by the researcher",
    "record_merged": "The record was merged into another one",
    "record_emptied": "Vanished with most of our entries at once",
    "moved": "Moved to another item",
    "not_found": "No longer found on the record",
}
_ORIGINS: Final = {
    "written": "Put on the record",
    "adopted": "Linked to our existing entry",
    "imported": "Put code imported",
    "rebuilt": "Put code rebuilt from the record",
    "moved": "Put code moved here",
}


def item_page(desk: Desk, unit: SeenUnit, key: int) -> ItemPage:
    """One item and all that happened to it, the newest first. Raises NotFound."""
    statement = _ITEMS.format(person=_PERSON, condition="item.id = %(item)s", order="item.id")
    with desk.open(unit) as connection:
        item = connection.execute(statement, {"item": key, "limit": 1}).fetchone()
        if item is None:
            raise NotFound(f"There is no item {key}", why="either it does not exist or it is not your unit's")
        changes = connection.execute(_CHANGES, (key,)).fetchall()
        decisions = connection.execute(_ITEM_DECISIONS, (key,)).fetchall()
        put_codes = connection.execute(_PUT_CODES, (key,)).fetchall()
        seen = connection.execute(_SEEN, (key,)).fetchone()
    with desk.ledger.transaction() as connection:
        wishes = connection.execute(_AUDIT, (key,)).fetchall()
        permission = connection.execute(
            "SELECT permission.orcid FROM item JOIN permission ON permission.researcher_id = item.researcher_id "
            "AND permission.client_id = item.client_id WHERE item.id = %s",
            (key,),
        ).fetchone()
    events = list(_events(item, changes, decisions, put_codes, wishes))
    if seen is not None:
        events.append(Event(seen.read_at, "Seen on the record, when it was last read"))
    # Of what happened in one transaction, the last stands on top as well.
    events.reverse()
    events.sort(key=lambda event: event.at, reverse=True)
    return ItemPage(item, events, put_codes, permission.orcid if permission else None)


def _events(
    item: Any, changes: list[Any], decisions: list[Any], put_codes: list[Any], wishes: list[Any]
) -> Iterator[Event]:
    yield Event(item.created_at, "First seen in the CRIS for this researcher")
    for row in changes:
        yield Event(row.created_at, f"Proposed: {_ACTIONS[row.action]} ({row.why})")
        if row.closed_at and row.state in _ENDS:
            yield Event(row.closed_at, f"{_ENDS[row.state]} ({_ACTIONS[row.action]})", note=row.last_error)
    for row in decisions:
        by = "an earlier rejection of the same content" if row.role == "standing" else row.by
        yield Event(row.at, _VERDICTS[row.verdict], by, row.note)
    for row in put_codes:
        yield Event(row.written_at, f"{_ORIGINS.get(row.origin, row.origin)}: put code {row.put_code}")
        if row.closed_at:
            yield Event(
                row.closed_at, f"{_CLOSED.get(row.closed_because, 'Closed')}: put code {row.put_code}"
            )
    for row in wishes:
        if row.what in _WISHED:
            yield Event(row.at, _WISHED[row.what], row.by, row.note)


# A row that became no item is seen by the units that own its section by default, one about staff or units by everybody.
_QUARANTINE: Final = """
FROM quarantine WHERE resolved_at IS NULL AND (%(all)s OR section IS NULL OR CASE
    WHEN EXISTS (SELECT FROM item WHERE item.section = quarantine.section AND item.cris_id = quarantine.cris_id)
    THEN EXISTS (SELECT FROM item WHERE item.section = quarantine.section AND item.cris_id = quarantine.cris_id
                 AND item.unit_id = ANY (%(units)s))
    ELSE section = ANY (%(sections)s) END)
"""


@dataclass(frozen=True)
class Check:
    """A check that rows fail, with how many and the first of them."""

    name: str
    relation: str
    rows: int
    first_seen: Any
    samples: list[Any]


def _quarantine_values(desk: Desk, units: tuple[SeenUnit, ...]) -> dict[str, Any]:
    return {
        "all": desk.visitor.sees_all,
        "units": [unit.id for unit in units],
        "sections": sorted({section for unit in units for section in unit.default_for}),
    }


def quarantine(desk: Desk, units: tuple[SeenUnit, ...]) -> list[Check]:
    """The checks that fail, the one with most rows first, each with five rows."""
    values = _quarantine_values(desk, units)
    with desk.ledger.transaction() as connection:
        counted = connection.execute(
            f"SELECT check_name, relation, count(*) AS n, min(first_seen) AS first_seen {_QUARANTINE} "
            "GROUP BY check_name, relation ORDER BY n DESC, check_name",
            values,
        ).fetchall()
        sampled = connection.execute(
            "SELECT * FROM (SELECT relation, key, section, cris_id, check_name, message, row, first_seen, row_number() "
            f"OVER (PARTITION BY check_name, relation ORDER BY first_seen DESC, key) AS place {_QUARANTINE}) ranked "
            "WHERE place <= 5 ORDER BY check_name, place",
            values,
        ).fetchall()
    return [
        Check(
            row.check_name,
            row.relation,
            row.n,
            row.first_seen,
            [one for one in sampled if (one.check_name, one.relation) == (row.check_name, row.relation)],
        )
        for row in counted
    ]


def quarantined_rows(desk: Desk, units: tuple[SeenUnit, ...], check: str | None) -> list[Any]:
    """All rows that fail one check, or any, for the team that keeps the CRIS."""
    with desk.ledger.transaction() as connection:
        return connection.execute(
            f"SELECT check_name, relation, key, message, first_seen, last_seen, row {_QUARANTINE} "
            "AND (%(check)s::text IS NULL OR check_name = %(check)s) ORDER BY check_name, relation, key",
            _quarantine_values(desk, units) | {"check": check},
        ).fetchall()
