"""Affiliations that a unit uploads as a file: rows of the CRIS that the unit itself owns.

They go the way of every other row from here: proposed, approved, written. A row is known by the unit and its key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.imports import Row, RowError
from orcid_sync.ledger.session import Connection, Ledger, actor_id, audit
from orcid_sync.model.upload_rows import COLUMNS, FIELDS, UploadedRow, read_row

STATUS_COLUMNS: Final = (*COLUMNS, "status", "reason", "put-code")
"""Of the download: the upload's columns, so that it can be edited and uploaded again, and what became of each row."""

_PERSONS: Final = """
UPDATE upload SET person_id = found.person_id, found = found.n FROM (
    SELECT upload.line, min(person.person_id) AS person_id, count(DISTINCT person.person_id) AS n
    FROM upload JOIN (
        SELECT 'person-id' AS kind, person_id AS value, person_id FROM cris_staff WHERE gone IS NULL
        UNION SELECT 'person-id', person_id, person_id FROM researcher
        UNION ALL SELECT 'email', lower(email), person_id FROM cris_staff WHERE gone IS NULL AND email IS NOT NULL
        UNION ALL SELECT 'orcid', permission.orcid, researcher.person_id
        FROM permission JOIN researcher ON researcher.id = permission.researcher_id WHERE permission.client_id = %s
    ) person ON person.kind = upload.person_kind AND person.value = upload.person_value
    GROUP BY upload.line
) found WHERE found.line = upload.line
"""
_NOT_CONNECTED: Final = """
SELECT DISTINCT upload.person_id FROM upload WHERE NOT upload.removal AND upload.person_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM permission JOIN researcher ON researcher.id = permission.researcher_id
    WHERE researcher.person_id = upload.person_id AND permission.client_id = %s AND permission.state = 'granted')
ORDER BY 1
"""
_KNOWN: Final = "known.section = upload.section AND known.cris_id = upload.cris_id"
_APPLY: Final = f"""
CREATE TEMP TABLE applied ON COMMIT DROP AS
SELECT upload.*, known.id AS row_id,
       known.id IS NULL AS new,
       known.id IS NOT NULL AND (known.gone IS NOT NULL OR content.data IS DISTINCT FROM upload.data
           OR NOT EXISTS (SELECT FROM cris_claim WHERE row_id = known.id AND person_id = upload.person_id)) AS changed
FROM upload LEFT JOIN cris_row known ON {_KNOWN} LEFT JOIN cris_content content ON content.row_id = known.id
WHERE NOT upload.removal;
INSERT INTO cris_row (section, cris_id, row_hash, answer, uploaded_by, after_leaving)
SELECT section, cris_id, md5(data::text)::uuid, 'yes', unit_id, true FROM applied WHERE new ORDER BY line;
UPDATE cris_row known SET row_hash = md5(upload.data::text)::uuid, answer = 'yes', reason = NULL, gone = NULL,
       changed_at = now()
FROM applied upload WHERE upload.changed AND known.id = upload.row_id;
UPDATE applied SET row_id = known.id FROM cris_row known
WHERE applied.new AND known.section = applied.section AND known.cris_id = applied.cris_id;
INSERT INTO cris_content (row_id, data) SELECT row_id, data FROM applied WHERE new OR changed
ON CONFLICT (row_id) DO UPDATE SET data = excluded.data;
DELETE FROM cris_claim USING applied
WHERE cris_claim.row_id = applied.row_id AND applied.changed AND cris_claim.person_id <> applied.person_id;
INSERT INTO cris_claim (row_id, person_id, answer) SELECT row_id, person_id, 'yes' FROM applied WHERE new OR changed
ON CONFLICT DO NOTHING;
"""
# A row that was uploaded with another section stood for something else: that goes.
_REMOVE: Final = """
UPDATE cris_row known SET gone = 'deleted', changed_at = now() FROM upload
WHERE known.uploaded_by = upload.unit_id AND known.cris_id = upload.cris_id AND known.gone IS NULL
  AND (upload.removal OR known.section <> upload.section)
"""
_DOWNLOAD: Final = """
SELECT known.cris_id, known.section, content.data, cris_claim.person_id, item_state.state, item_state.reason, live.put_code
FROM cris_row known
JOIN cris_content content ON content.row_id = known.id
JOIN cris_claim ON cris_claim.row_id = known.id
LEFT JOIN researcher ON researcher.person_id = cris_claim.person_id
LEFT JOIN item_state ON item_state.researcher_id = researcher.id AND item_state.section = known.section
    AND item_state.cris_id = known.cris_id
LEFT JOIN put_code live ON live.item_id = item_state.item_id AND live.closed_at IS NULL
WHERE known.uploaded_by = %s AND known.gone IS NULL ORDER BY known.id
"""


_STATES: Final = """
SELECT known.uploaded_by AS unit_id, coalesce(item_state.state, 'not_proposed_yet') AS state, count(*) AS n
FROM cris_row known
JOIN cris_claim ON cris_claim.row_id = known.id
LEFT JOIN researcher ON researcher.person_id = cris_claim.person_id
LEFT JOIN item_state ON item_state.researcher_id = researcher.id AND item_state.section = known.section
    AND item_state.cris_id = known.cris_id
WHERE known.uploaded_by IS NOT NULL AND known.gone IS NULL GROUP BY 1, 2
"""


@dataclass(frozen=True)
class UploadReport:
    """What an upload came to. `not_connected` are persons whose rows wait for their permission."""

    rows: int
    applied: bool
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    not_connected: tuple[str, ...] = ()
    errors: tuple[RowError, ...] = field(default=())


def upload_affiliations(
    ledger: Ledger,
    rows: Iterable[tuple[int, Row]],
    *,
    unit: str,
    actor: str,
    today: dt.date,
    good_rows_only: bool = False,
    check_only: bool = False,
) -> UploadReport:
    """Take over a file's rows for a unit, in one transaction; nothing of it where any row is wrong.

    With `good_rows_only` the rows that are right go in all the same, with `check_only` none does. The same row again
    changes nothing. Raises Misconfigured where there is no such unit.
    """
    with ledger.transaction() as connection:
        owner = _unit(connection, unit)
        errors: list[RowError] = []
        count = _stage(connection, owner, rows, today, errors)
        connection.execute(_PERSONS, (owner.client_id,))
        errors += _unknown_persons(connection)
        connection.execute("DELETE FROM upload WHERE NOT removal AND person_id IS NULL")
        errors.sort(key=lambda error: error.line)
        waiting = tuple(row.person_id for row in connection.execute(_NOT_CONNECTED, (owner.client_id,)))
        if check_only or (errors and not good_rows_only):
            return UploadReport(count, applied=False, not_connected=waiting, errors=tuple(errors))
        removed = connection.execute(_REMOVE).rowcount
        connection.execute(_APPLY)
        tally = connection.execute(
            "SELECT count(*) FILTER (WHERE new) AS new, count(*) FILTER (WHERE changed) AS changed, count(*) AS rows "
            "FROM applied"
        ).fetchone()
        assert tally is not None
        report = UploadReport(
            count,
            applied=True,
            new=tally.new,
            changed=tally.changed,
            unchanged=tally.rows - tally.new - tally.changed,
            removed=removed,
            not_connected=waiting,
            errors=tuple(errors),
        )
        audit(
            connection,
            "affiliations_uploaded",
            actor=actor_id(connection, actor),
            unit_id=owner.id,
            new=report.new,
            changed=report.changed,
            removed=report.removed,
        )
        return report


def download_affiliations(ledger: Ledger, *, unit: str) -> Iterator[dict[str, str]]:
    """The unit's uploaded rows in the upload's columns, each with what became of it."""
    with ledger.transaction() as connection:
        owner = _unit(connection, unit)
        rows = connection.execute(_DOWNLOAD, (owner.id,)).fetchall()
    for row in rows:
        data: Mapping[str, Any] = row.data
        yield {
            **dict.fromkeys(STATUS_COLUMNS, ""),
            "person-id": row.person_id,
            "affiliation-section": row.section,
            **{column: str(data.get(name) or "") for column, name in FIELDS.items()},
            "start-date": _shown_date(data, "start"),
            "end-date": _shown_date(data, "end"),
            "id": row.cris_id.rpartition(":")[2],
            "status": row.state or "not_proposed_yet",
            "reason": row.reason or "",
            "put-code": str(row.put_code or ""),
        }


def uploaded_states(ledger: Ledger) -> dict[int, dict[str, int]]:
    """How many uploaded rows of each unit are in which state, by the unit's key."""
    with ledger.transaction() as connection:
        rows = connection.execute(_STATES).fetchall()
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.unit_id, {})[row.state] = row.n
    return found


def _shown_date(data: Mapping[str, Any], name: str) -> str:
    year, month, day = (data.get(f"{name}_{part}") for part in ("year", "month", "day"))
    return "-".join(
        part for part in (f"{year:04}" if year else "", *(f"{n:02}" for n in (month, day) if n)) if part
    )


def _unit(connection: Connection, code: str) -> Any:
    unit = connection.execute(
        "SELECT unit.id, unit.sections, api_client.client_id FROM unit JOIN api_client ON api_client.code = unit.client "
        "WHERE unit.code = %s AND unit.active",
        (code,),
    ).fetchone()
    if unit is None:
        raise Misconfigured(
            f"There is no unit {code}",
            why="no active unit has this code",
            remedy="See `orcid-sync status` for the units",
        )
    return unit


def _stage(
    connection: Connection,
    owner: Any,
    rows: Iterable[tuple[int, Row]],
    today: dt.date,
    errors: list[RowError],
) -> int:
    """Fill the temporary table `upload` with the rows that are right in themselves; returns how many rows there are."""
    connection.execute(
        "CREATE TEMP TABLE upload (line integer, unit_id integer, section text, cris_id text, person_kind text, "
        "person_value text, data jsonb, removal boolean, person_id text, found integer) ON COMMIT DROP"
    )
    seen: dict[str, int] = {}
    count = 0
    code = connection.execute("SELECT code FROM unit WHERE id = %s", (owner.id,)).fetchone()
    assert code is not None
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY upload (line, unit_id, section, cris_id, person_kind, person_value, data, removal) FROM STDIN"
        ) as copy,
    ):
        for line, row in rows:
            if not any(row.values()):
                continue
            count += 1
            read = read_row(row, today)
            if not isinstance(read, UploadedRow):
                errors += [RowError(line, one.field, one.reason, one.remedy) for one in read]
            elif (problem := _misplaced(read, owner, seen)) is not None:
                errors.append(RowError(line, *problem))
            else:
                seen[read.key] = line
                kind, value = read.person or (None, None)
                copy.write_row(
                    (
                        *(line, owner.id, read.section, f"upload:{code.code}:{read.key}", kind),
                        value.strip().lower() if value and kind == "email" else value,
                        *(orjson.dumps(read.data).decode(), read.delete),
                    )
                )
    connection.execute("ANALYZE upload")
    return count


def _misplaced(row: UploadedRow, owner: Any, seen: Mapping[str, int]) -> tuple[str, str, str] | None:
    if row.key in seen:
        return "id", f"the row stands in line {seen[row.key]} already", "Leave one of the two"
    if row.section is not None and row.section not in owner.sections:
        return (
            "affiliation-section",
            "the unit may not own this section",
            f"Add it to the unit's sections in the units file; it owns {', '.join(owner.sections)}",
        )
    return None


def _unknown_persons(connection: Connection) -> list[RowError]:
    found = connection.execute(
        "SELECT line, person_kind, found FROM upload WHERE NOT removal AND found IS DISTINCT FROM 1"
    ).fetchall()
    return [
        RowError(
            row.line,
            row.person_kind,
            "several people have it" if row.found else "nobody with it is known here",
            "Use the person-id" if row.found else "Correct it; an iD is known once its owner has connected",
        )
        for row in found
    ]
