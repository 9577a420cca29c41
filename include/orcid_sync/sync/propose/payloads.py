"""Payloads: made once for each CRIS row that changed, whoever its researchers are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from orcid_sync.ledger.organizations import directory_for, loaded_version
from orcid_sync.ledger.session import Connection
from orcid_sync.model import payloads as rules
from orcid_sync.model.organization_directory import NOTHING_LISTED, Directory
from orcid_sync.model.payloads import Payload, Refusal
from orcid_sync.model.sections import SECTIONS
from orcid_sync.settings import Settings
from orcid_sync.sync.propose.makers import made_in_parallel, processes_to_use

CHUNK: Final = 2000
# From so many on, more processes are worth their start.
PARALLEL_FROM: Final = 20_000
_SQL: Final = resources.files("orcid_sync.sync.propose") / "sql"

_NEXT: Final = """
SELECT to_make.row_id, to_make.input_hash, cris_row.section, coalesce(cris_row.uri_key, cris_row.cris_id) AS uri_key,
       cris_content.data::text AS data, to_make.path
FROM to_make JOIN cris_row ON cris_row.id = to_make.row_id JOIN cris_content ON cris_content.row_id = to_make.row_id
WHERE to_make.row_id > %s ORDER BY to_make.row_id LIMIT %s
"""
_COPY: Final = """
COPY made (row_id, input_hash, digest, refusal, refusal_field, refusal_message, warnings, is_preprint, section, content,
           title, type, year, self_keys, keys) FROM STDIN
"""
_REFUSAL: Final = 3
_AUTHENTICATED: Final = """
SELECT researcher.person_id, min(permission.orcid) AS orcid
FROM permission JOIN researcher ON researcher.id = permission.researcher_id
WHERE permission.orcid IS NOT NULL AND permission.state IN ('granted', 'paused_by_researcher', 'left')
GROUP BY researcher.person_id
"""


# Row id, input hash, section, key in the item's uri, content as JSON text, and the path of the row's unit; and, with a
# chunk of them, the organisations that they speak of.
Row = tuple[int, UUID, str, str, str, list[str] | None]
Chunk = tuple[Sequence[Row], Directory]


@dataclass(frozen=True)
class Made:
    """What became of one CRIS row: a payload with the keys to find it by, or a refusal."""

    result: Payload | Refusal
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Maker:
    """Makes payloads of all sections. `authenticated` are the iDs that came by OAuth, by person id."""

    authenticated: Mapping[str, str]
    units: Mapping[str, Mapping[str, Any]]
    item_uri_base: str | None
    unknown_dates: frozenset[dt.date]
    today: dt.date

    def path(self, units: Iterable[str] | None) -> list[rules.Organization]:
        """A CRIS unit and the units above it."""
        return [rules.Organization.from_row(self.units[unit]) for unit in units or () if unit in self.units]

    def make(
        self,
        section: str,
        uri_key: str,
        data: Mapping[str, Any],
        path: Iterable[str] | None,
        directory: Directory = NOTHING_LISTED,
    ) -> Made:
        """One row's payload. `data` is the contract row, `path` its CRIS unit and the units above it; `uri_key` ends its
        stable link.
        """
        around = rules.Surroundings(
            today=self.today,
            authenticated=self.authenticated,
            path=self.path(path),
            directory=directory,
            item_uri=f"{self.item_uri_base}/{section}/{uri_key}" if self.item_uri_base else None,
            unknown_dates=self.unknown_dates,
        )
        result = rules.make_payload(section, data, around)
        return Made(result, rules.match_keys(result) if isinstance(result, Payload) else ())

    def columns(self, chunk: Chunk) -> list[tuple[Any, ...]]:
        """The rows of `made` for a chunk of `to_make`."""
        rows, directory = chunk
        return [
            _columns(
                row_id, input_hash, section, self.make(section, uri_key, orjson.loads(data), path, directory)
            )
            for row_id, input_hash, section, uri_key, data, path in rows
        ]


def make_payloads(connection: Connection, settings: Settings) -> dict[str, int]:
    """Make the payloads of all rows whose input changed, inside the caller's transaction.

    The input is the row itself, its units, the authenticated iDs of its contributors, and the version of our rules.
    Returns `{made, refused}`.
    """
    version = f"{rules.VERSION}|{settings.item_uri_base}|{sorted(settings.unknown_dates)}"
    connection.execute("SELECT set_config('orcid_sync.payload_version', %s, true) AS version", (version,))
    dated = ",".join(name for name, section in SECTIONS.items() if section.dated)
    connection.execute("SELECT set_config('orcid_sync.dated_sections', %s, true) AS dated", (dated,))
    naming = (",".join(rules.MENTIONS), loaded_version(connection))
    connection.execute(
        "SELECT set_config('orcid_sync.sections_with_organizations', %s, true) AS sections, "
        "set_config('orcid_sync.organizations', %s, true) AS loaded",
        naming,
    )
    connection.execute((_SQL / "0_to_make.sql").read_text())
    maker = _maker(connection, settings)
    counts = {"made": 0, "refused": 0}
    waiting = connection.execute("SELECT count(*) AS n FROM to_make").fetchone()
    processes = processes_to_use() if waiting is not None and waiting.n >= PARALLEL_FROM else 1
    for rows in made_in_parallel(maker, _chunks(connection, maker), processes):
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for row in rows:
                counts["refused" if row[_REFUSAL] else "made"] += 1
                copy.write_row(row)
    connection.execute((_SQL / "0_made.sql").read_text())
    return counts


def _maker(connection: Connection, settings: Settings) -> Maker:
    authenticated = dict(connection.execute(_AUTHENTICATED).fetchall())
    units = dict(connection.execute("SELECT unit_id, data FROM cris_unit").fetchall())
    today = dt.datetime.now(settings.zone).date()
    return Maker(authenticated, units, settings.item_uri_base, frozenset(settings.unknown_dates), today)


def _directory(connection: Connection, maker: Maker, rows: Sequence[Row]) -> Directory:
    """What is known of the organisations that these rows speak of."""
    mentions = (
        mention
        for _, _, section, _, data, path in rows
        if section in rules.MENTIONS
        for mention in rules.MENTIONS[section](orjson.loads(data), maker.path(path))
    )
    return directory_for(connection, mentions)


def _chunks(connection: Connection, maker: Maker) -> Iterator[Chunk]:
    last = 0
    with connection.cursor(row_factory=tuple_row) as cursor:
        while rows := cursor.execute(_NEXT, (last, CHUNK)).fetchall():
            yield rows, _directory(connection, maker, rows)
            last = rows[-1][0]


def _columns(row_id: int, input_hash: UUID, section: str, made: Made) -> tuple[Any, ...]:
    result = made.result
    if isinstance(result, Refusal):
        return (
            row_id, input_hash, None, result.reason, result.field, result.message, [], False, section,
            None, None, None, None, [], [],
        )  # fmt: skip
    return (
        row_id, input_hash, result.digest, None, None, None, list(result.warnings), result.is_preprint,
        # Not the row's: one that moved to another section keeps its old place, with the answer no, beside the new one.
        result.section, orjson.dumps(result.content).decode(), result.title, result.type, result.year,
        # What has no identifier of its own is recognised by what it says.
        list(result.self_keys or made.keys[:1]), list(made.keys),
    )  # fmt: skip
