"""Where the CRIS's rows wait between extraction and merge: schema `staging` of the ledger's database.

One unlogged table a contract relation, made anew from the contract by each extraction, and `staging.extraction`: what
that extraction read, which stage has dealt with it, and with what counts. Only the newest extraction is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from orcid_sync.cris.contract import CONTRACT, Relation
from orcid_sync.errors import Misconfigured, Transient
from orcid_sync.ledger.session import EXTRACT_LOCK, Connection

SCHEMA: Final = "staging"
RELATIONS: Final[tuple[str, ...]] = (
    "staff",
    "units",
    "employments",
    "qualifications",
    "fundings",
    "peer_reviews",
    "research_resources",
    "researcher_urls",
    "person_identifiers",
    "publications",
    "publication_contributors",
    "publication_identifiers",
    "tombstones",
)
"""The contract relations that are read, in the order in which they are."""

NOT_READ: Final[Mapping[str, frozenset[str]]] = {"publication_contributors": frozenset({"contributor_email"})}
"""Columns that nothing here needs: personal data of people who are not even ours."""

INDEXED: Final[Mapping[str, tuple[str, ...]]] = {
    "staff": ("person_id",),
    "units": ("unit_id",),
    "employments": ("employment_id",),
    "qualifications": ("qualification_id",),
    "fundings": ("funding_id", "person_id"),
    "peer_reviews": ("review_id",),
    "research_resources": ("resource_id",),
    "researcher_urls": ("url_id",),
    "person_identifiers": ("identifier_id",),
    "publications": ("publication_id",),
    "publication_contributors": ("publication_id", "contributor_seq"),
    "publication_identifiers": ("publication_id", "identifier_seq"),
}


@dataclass(frozen=True)
class Extraction:
    """What stands in staging: whose run it was, whether it read everything, and how far the stages got."""

    run_id: str
    full: bool
    confirmed: bool
    """The operator said beforehand that fewer rows are meant."""
    validated: bool
    merged: dict[str, Any] | None
    """The counts of its merge, once that is done."""


def table(name: str) -> sql.Identifier:
    """The staging table of that name."""
    return sql.Identifier(SCHEMA, name)


def columns(relation: str) -> tuple[str, ...]:
    """The columns of a staging table, in the contract's order."""
    left_out = NOT_READ.get(relation, frozenset())
    return tuple(name for name in CONTRACT[relation].column_names if name not in left_out)


def content_columns(relation: str) -> tuple[str, ...]:
    """The columns that make up a row's content: all but the one that says when it changed."""
    return tuple(name for name in columns(relation) if name != CONTRACT[relation].watermark)


def row_text(relation: str, alias: str) -> str:
    """SQL for the text of a row's content, equal exactly if the content is."""
    return f"ROW({', '.join(f'{alias}.{name}' for name in content_columns(relation))})::text"


def row_json(relation: str, alias: str, *, without: tuple[str, ...] = ()) -> str:
    """SQL for a row's content as a JSON object (json), without the columns that hold NULL."""
    pairs = ", ".join(
        f"'{name}': {alias}.{name}" for name in content_columns(relation) if name not in without
    )
    return f"JSON_OBJECT({pairs} ABSENT ON NULL)"


def lock(connection: Connection) -> None:
    """Keep other extractions, validations and merges out until the transaction ends. Raises Transient."""
    _lock(connection, "pg_try_advisory_xact_lock")


def hold_lock(connection: Connection) -> None:
    """The same until the connection is closed, for a stage of several transactions."""
    _lock(connection, "pg_try_advisory_lock")


def _lock(connection: Connection, function: str) -> None:
    row = connection.execute(f"SELECT {function}(%s, 0) AS taken", (EXTRACT_LOCK,)).fetchone()
    if row is None or not row.taken:
        raise Transient(
            "Another run is extracting, validating or merging just now",
            doubt=False,
            remedy="It is tried again by itself; by hand, run the command again when that run has ended",
        )


def create_tables(connection: Connection) -> None:
    """Empty staging tables, made from the contract, and the functions that checks and merge share."""
    connection.execute((resources.files("orcid_sync.cris") / "staging.sql").read_text())
    for name in RELATIONS:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(table(name)))
        connection.execute(_create(CONTRACT[name]))


def _create(relation: Relation) -> sql.Composed:
    declared: list[sql.Composable] = [
        sql.Identifier(name) + sql.SQL(f" {relation.column(name).type}") for name in columns(relation.name)
    ]
    if relation.name == "tombstones":
        declared.append(sql.SQL("still_there boolean"))
    return sql.SQL("CREATE UNLOGGED TABLE {} ({})").format(table(relation.name), sql.SQL(", ").join(declared))


def index_tables(connection: Connection) -> None:
    """Make what the stages that follow look rows up by, and statistics for their plans."""
    for name, key in INDEXED.items():
        connection.execute(
            sql.SQL("CREATE INDEX ON {} ({})").format(
                table(name), sql.SQL(", ").join(map(sql.Identifier, key))
            )
        )
    for name in RELATIONS:
        connection.execute(sql.SQL("ANALYZE {}").format(table(name)))


def record_extraction(connection: Connection, extraction: Extraction) -> None:
    """Say what stands in staging now."""
    connection.execute("DELETE FROM staging.extraction; DELETE FROM staging.extracted")
    connection.execute(
        "INSERT INTO staging.extraction (run_id, full_read, confirmed) VALUES (%s, %s, %s)",
        (extraction.run_id, extraction.full, extraction.confirmed),
    )


def current_extraction(connection: Connection, run_id: str) -> Extraction:
    """What this run extracted. Raises Misconfigured where that is not what stands in staging (any more)."""
    remedy = "Run the extraction of this run again; nothing was changed"
    exists = connection.execute("SELECT to_regclass('staging.extraction') IS NOT NULL AS there").fetchone()
    row = None
    if exists is not None and exists.there:
        row = connection.execute(
            "SELECT run_id, full_read, confirmed, validated_at IS NOT NULL AS validated, merged, "
            "(SELECT sum(staged) FROM staging.extracted) AS staged FROM staging.extraction"
        ).fetchone()
    if row is None:
        raise Misconfigured("Nothing was extracted yet", why=f"run {run_id} has no extraction", remedy=remedy)
    if row.run_id != run_id:
        raise Misconfigured(
            f"Staging holds another run's extraction ({row.run_id}), not that of {run_id}",
            why="a later extraction took its place",
            remedy=remedy,
        )
    extraction = Extraction(row.run_id, row.full_read, row.confirmed, row.validated, row.merged)
    if extraction.merged is None and int(row.staged or 0) != sum(
        count(connection, name) for name in RELATIONS
    ):
        # Unlogged tables are empty after a crash of the database server; the record of the extraction is not.
        raise Misconfigured(
            f"Staging no longer holds what run {run_id} extracted",
            why="the database server was restarted after a crash in between",
            remedy=remedy,
        )
    return extraction


def count(connection: Connection, relation: str) -> int:
    """How many rows of a relation wait in staging."""
    row = connection.execute(sql.SQL("SELECT count(*) AS n FROM {}").format(table(relation))).fetchone()
    return int(row.n) if row else 0


def mark_validated(connection: Connection) -> None:
    """The extraction in staging may be merged."""
    connection.execute("UPDATE staging.extraction SET validated_at = clock_timestamp()")


def mark_merged(connection: Connection, counts: dict[str, Any]) -> None:
    """The extraction in staging is merged: merging it again finds nothing to do."""
    connection.execute("UPDATE staging.extraction SET merged = %s", (Jsonb(counts),))
