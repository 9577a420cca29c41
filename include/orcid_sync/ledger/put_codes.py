"""`orcid-sync put-codes export` and `import`: which entries on which records are whose."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from orcid_sync.ledger.imports import ImportReport, Row, RowError
from orcid_sync.ledger.session import Connection, Ledger, actor_id, audit
from orcid_sync.model.orcid_id import parse_orcid
from orcid_sync.model.sections import SECTIONS

PUT_CODE_COLUMNS: Final = (
    "unit",
    "person_id",
    "orcid",
    "section",
    "cris_id",
    "put_code",
    "client_id",
    "digest",
    "written_at",
)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LARGEST: Final = 2**63 - 1
_PAGE: Final = 5000

_STAGING: Final = """
CREATE TEMP TABLE incoming (line integer, unit text, person_id text, orcid text, section text, cris_id text,
    put_code bigint, client_id text, digest text, written_at timestamptz,
    unit_id integer, researcher_id bigint, item_id bigint, standing boolean NOT NULL DEFAULT false) ON COMMIT DROP
"""


@dataclass(frozen=True)
class _Check:
    """Rows for which `wrong_if` holds stay out."""

    field: str
    wrong_if: LiteralString
    reason: str
    remedy: str


# The first check that a row fails takes it out.
_CHECKS: Final = (
    _Check(
        "unit",
        "unit_id IS NULL",
        "there is no such active unit",
        "Put it into the units file and run `orcid-sync units apply`",
    ),
    _Check(
        "section",
        "NOT EXISTS (SELECT FROM unit WHERE unit.id = incoming.unit_id AND incoming.section = ANY (unit.sections))",
        "the unit may not own this section",
        "Add the section to the unit in the units file, or name another unit",
    ),
    _Check(
        "person_id",
        """NOT EXISTS (SELECT FROM researcher WHERE researcher.person_id = incoming.person_id)
        AND NOT EXISTS (SELECT FROM cris_staff WHERE cris_staff.person_id = incoming.person_id)""",
        "the CRIS has no such person",
        "Correct it, or run `orcid-sync extract` if the person is new",
    ),
    _Check(
        "client_id",
        "NOT EXISTS (SELECT FROM api_client WHERE api_client.client_id = incoming.client_id)",
        "it is no API client of ours",
        "Add it to the units file, as `client` of a unit or under our_clients",
    ),
    _Check(
        "cris_id",
        """EXISTS (SELECT FROM incoming earlier WHERE earlier.line < incoming.line AND earlier.unit = incoming.unit
        AND earlier.person_id = incoming.person_id AND earlier.section = incoming.section
        AND earlier.cris_id = incoming.cris_id)""",
        "this item stands further up in the file",
        "Keep one of the rows",
    ),
    _Check(
        "put_code",
        """EXISTS (SELECT FROM incoming earlier WHERE earlier.line < incoming.line
        AND earlier.client_id = incoming.client_id AND earlier.orcid = incoming.orcid
        AND earlier.section = incoming.section AND earlier.put_code = incoming.put_code)""",
        "this entry of the record stands further up in the file for another item",
        "Keep the row of the item whose entry it is",
    ),
    _Check(
        "put_code",
        """EXISTS (SELECT FROM put_code live WHERE live.item_id = incoming.item_id AND live.closed_at IS NULL
        AND (live.client_id, live.orcid, live.put_code)
            IS DISTINCT FROM (incoming.client_id, incoming.orcid, incoming.put_code))""",
        "the item has another live put code",
        "See `orcid-sync put-codes export`; one of the two is wrong",
    ),
    _Check(
        "put_code",
        """EXISTS (SELECT FROM put_code live WHERE live.client_id = incoming.client_id
        AND live.orcid = incoming.orcid AND live.section = incoming.section
        AND live.put_code = incoming.put_code AND live.closed_at IS NULL
        AND live.item_id IS DISTINCT FROM incoming.item_id)""",
        "this entry of the record is another item's",
        "See `orcid-sync put-codes export`; `orcid-sync units move` changes an owner",
    ),
    # An old file must not bring back what was removed since; were it there again, the mirror would see it.
    _Check(
        "put_code",
        """EXISTS (SELECT FROM put_code closed WHERE closed.client_id = incoming.client_id
        AND closed.orcid = incoming.orcid AND closed.section = incoming.section
        AND closed.put_code = incoming.put_code
        AND closed.closed_because IN ('removed', 'removed_by_researcher', 'record_merged', 'not_found'))""",
        "this entry was removed from the record since",
        "Nothing, unless it stands there again: then the next proposal takes it over",
    ),
)


def export_put_codes(ledger: Ledger) -> Iterator[dict[str, str]]:
    """Every live put code as a row of PUT_CODE_COLUMNS, in pages, so that any number fits in memory.

    The digest and the iD are given as the ledger has them; a put code without a digest was adopted and never written.
    """
    last = 0
    while True:
        with ledger.transaction() as connection:
            rows = connection.execute(
                "SELECT put_code.id, unit.code AS unit, researcher.person_id, put_code.orcid, put_code.section, "
                "item.cris_id, put_code.put_code, put_code.client_id, put_code.digest, put_code.written_at "
                "FROM put_code JOIN item ON item.id = put_code.item_id JOIN unit ON unit.id = put_code.unit_id "
                "JOIN researcher ON researcher.id = item.researcher_id "
                "WHERE put_code.closed_at IS NULL AND put_code.id > %s ORDER BY put_code.id LIMIT %s",
                (last, _PAGE),
            ).fetchall()
        if not rows:
            return
        last = rows[-1].id
        for row in rows:
            yield {
                **{column: str(getattr(row, column) or "") for column in PUT_CODE_COLUMNS[:-1]},
                "written_at": row.written_at.isoformat(),
            }


def import_put_codes(ledger: Ledger, rows: Iterable[tuple[int, Row]], *, actor: str) -> ImportReport:
    """Take over put codes that another system wrote; `rows` come from `read_csv(file, PUT_CODE_COLUMNS, "put codes")`.

    Good rows go in, the others are told by line. Importing the same file again changes nothing. What the record says
    isn't asked: the next mirror compares.
    """
    errors: list[RowError] = []
    with ledger.transaction() as connection:
        connection.execute(_STAGING)
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY incoming (line, {', '.join(PUT_CODE_COLUMNS)}) FROM STDIN") as copy,
        ):
            for line, row in rows:
                wrong = _wrong_field(row)
                if wrong is not None:
                    errors.append(RowError(line, *wrong))
                else:
                    copy.write_row((line, *_values(row)))
        _resolve(connection)
        for check in _CHECKS:
            refused = connection.execute(f"DELETE FROM incoming WHERE {check.wrong_if} RETURNING line")
            errors += [RowError(row.line, check.field, check.reason, check.remedy) for row in refused]
        imported, unchanged = _store(connection)
        audit(
            connection,
            "put_codes_imported",
            actor=actor_id(connection, actor),
            imported=imported,
            refused=len(errors),
        )
    return ImportReport(imported, unchanged, tuple(sorted(errors, key=lambda error: error.line)))


def _wrong_field(row: Row) -> tuple[str, str, str] | None:
    """Field, reason and remedy of the first field that can't be read."""
    for column in ("unit", "person_id", "cris_id", "client_id"):
        if not row[column]:
            return column, "it is empty", "Fill it"
    if parse_orcid(row["orcid"]) is None:
        return "orcid", "it is no valid ORCID iD", "Check for mistyped digits: its check digit does not fit"
    if row["section"] not in SECTIONS:
        return "section", "there is no such section", f"Known are {', '.join(SECTIONS)}"
    if not row["put_code"].isdecimal() or not 0 < int(row["put_code"]) <= _LARGEST:
        return "put_code", "it is no positive whole number", "Give the number that the registry gave"
    if row["digest"] and not _DIGEST.fullmatch(row["digest"]):
        return "digest", "it is no SHA-256 digest", "Give 64 hexadecimal digits, or leave it empty"
    if row["written_at"] and _moment(row["written_at"]) is None:
        return "written_at", "it is no time", "Write it like 2026-03-01T12:00:00Z, or leave it empty"
    return None


def _values(row: Row) -> tuple[Any, ...]:
    return (
        row["unit"],
        row["person_id"],
        parse_orcid(row["orcid"]),
        row["section"],
        row["cris_id"],
        int(row["put_code"]),
        row["client_id"],
        row["digest"] or None,
        _moment(row["written_at"]),
    )


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _resolve(connection: Connection) -> None:
    """Names to keys, where they are known."""
    connection.execute(
        "UPDATE incoming SET unit_id = unit.id FROM unit WHERE unit.code = incoming.unit AND unit.active"
    )
    connection.execute(
        "UPDATE incoming SET item_id = item.id FROM researcher, item "
        "WHERE researcher.person_id = incoming.person_id AND item.unit_id = incoming.unit_id "
        "AND item.researcher_id = researcher.id AND item.section = incoming.section AND item.cris_id = incoming.cris_id"
    )
    connection.execute("CREATE INDEX ON incoming (unit, person_id, section, cris_id)")
    connection.execute("CREATE INDEX ON incoming (client_id, orcid, section, put_code)")
    connection.execute("ANALYZE incoming")


def _store(connection: Connection) -> tuple[int, int]:
    """Returns (imported, unchanged). What is left in `incoming` contradicts nothing."""
    connection.execute(
        "UPDATE incoming SET standing = true FROM put_code live WHERE live.item_id = incoming.item_id "
        "AND live.closed_at IS NULL AND (incoming.digest IS NULL OR live.digest = incoming.digest)"
    )
    # Before a put code is taken over, a newer digest of one that stands already.
    updated = connection.execute(
        "UPDATE put_code SET digest = incoming.digest, written_at = coalesce(incoming.written_at, put_code.written_at) "
        "FROM incoming WHERE NOT incoming.standing AND put_code.item_id = incoming.item_id "
        "AND put_code.closed_at IS NULL"
    ).rowcount
    connection.execute(
        "INSERT INTO researcher (person_id) SELECT DISTINCT person_id FROM incoming WHERE NOT standing "
        "ON CONFLICT (person_id) DO NOTHING"
    )
    connection.execute(
        "INSERT INTO item (unit_id, researcher_id, section, cris_id, client_id) "
        "SELECT incoming.unit_id, researcher.id, section, cris_id, client_id FROM incoming "
        "JOIN researcher ON researcher.person_id = incoming.person_id WHERE NOT standing "
        "ON CONFLICT (unit_id, researcher_id, section, cris_id) DO NOTHING"
    )
    added = connection.execute(
        "INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, digest, origin, written_at) "
        "SELECT item.id, item.unit_id, incoming.client_id, incoming.orcid, incoming.section, incoming.put_code, "
        "incoming.digest, 'imported', coalesce(incoming.written_at, now()) FROM incoming "
        "JOIN researcher ON researcher.person_id = incoming.person_id "
        "JOIN item ON item.unit_id = incoming.unit_id AND item.researcher_id = researcher.id "
        "AND item.section = incoming.section AND item.cris_id = incoming.cris_id "
        "WHERE NOT incoming.standing AND NOT EXISTS "
        "(SELECT FROM put_code live WHERE live.item_id = item.id AND live.closed_at IS NULL)"
    ).rowcount
    row = connection.execute("SELECT count(*) FILTER (WHERE standing) AS n FROM incoming").fetchone()
    return added + updated, int(row.n) if row else 0
