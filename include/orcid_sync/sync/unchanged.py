"""Which of the rows that were read again say nothing new: hashes of the source's rows against the ledger's.

The overlap is read again each time, and some sources stamp every row every night; what counts as a change is a change
of content. Rows that are gone in the ledger are never left out: that they are there is news.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orcid_sync.cris import staging
from orcid_sync.ledger.session import Connection
from orcid_sync.sync.row_relations import ROW_RELATIONS, RowRelation

# Hashes in parallel where there are enough rows; these costs would keep the planner from it.
PARALLEL: Final = "SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0"

_PUBLICATION_TABLES: Final = (
    "publications",
    "publication_contributors",
    "publication_identifiers",
    "publication_hash",
)


def row_hash(relation: str, alias: str) -> str:
    """SQL for the hash of one row's content."""
    return f"md5({staging.row_text(relation, alias)})::uuid"


def _children(relation: str, place: str) -> str:
    text = staging.row_text(relation, "x")
    return (
        f"coalesce((SELECT string_agg(md5({text}), '' ORDER BY x.{place}, {text}) "
        f"FROM staging.{relation} x WHERE x.publication_id = t.publication_id), '')"
    )


_HASH_PUBLICATIONS: Final = f"""
DROP TABLE IF EXISTS staging.publication_hash;
CREATE UNLOGGED TABLE staging.publication_hash AS
SELECT t.publication_id,
       md5({staging.row_text("publications", "t")}
           || '|' || {_children("publication_contributors", "contributor_seq")}
           || '|' || {_children("publication_identifiers", "identifier_seq")})::uuid AS source_hash
FROM staging.publications t;
ANALYZE staging.publication_hash;
"""

# A row seen before with this very content: held then, so held now, or merged without what was dropped.
_SEEN: Final = (
    "EXISTS (SELECT FROM staging.seen WHERE seen.relation = '{relation}' AND seen.key = t.{key} "
    "AND seen.source_hash = {source_hash})"
)


def _nothing_new(relation: str, key: str, source_hash: str, same: str) -> str:
    """The condition over the staged row `t` and the ledger's `known`."""
    seen = _SEEN.format(relation=relation, key=key, source_hash=source_hash)
    return f"known.gone IS NULL AND ((NOT known.quarantined AND {same}) OR {seen})"


def hash_publications(connection: Connection) -> None:
    """Fill `staging.publication_hash`: one hash over a publication and all its children, in their order."""
    connection.execute(PARALLEL)
    connection.execute(_HASH_PUBLICATIONS)


def leave_out_unchanged_staff(connection: Connection) -> int:
    """Returns how many staged people were taken out of staging because nothing of them changed."""
    source_hash = row_hash("staff", "t")
    condition = _nothing_new("staff", "person_id", source_hash, f"known.row_hash = {source_hash}")
    return connection.execute(
        f"DELETE FROM staging.staff t USING cris_staff known WHERE known.person_id = t.person_id AND {condition}"
    ).rowcount


def leave_out_unchanged_units(connection: Connection) -> int:
    """The same for units; a held one of which nothing good is known is not in the ledger."""
    source_hash = row_hash("units", "t")
    seen = _SEEN.format(relation="units", key="unit_id", source_hash=source_hash)
    return connection.execute(
        f"DELETE FROM staging.units t WHERE {seen} OR EXISTS (SELECT FROM cris_unit known "
        f"WHERE known.unit_id = t.unit_id AND known.row_hash = {source_hash})"
    ).rowcount


def leave_out_unchanged_rows(connection: Connection, relation: RowRelation, waiting: Sequence[str]) -> int:
    """The same for things that are one row: by their content, since their hash in the ledger may cover more.

    `waiting` are those that must be looked at although nothing of their own changed.
    """
    same = (
        f"(SELECT content.data FROM cris_content content WHERE content.row_id = known.id) = {relation.data}"
    )
    condition = _nothing_new(relation.name, relation.key, relation.content_hash, same)
    return connection.execute(
        f"DELETE FROM staging.{relation.name} row USING (SELECT t.{relation.key} AS key FROM {relation.source} t "
        f"JOIN cris_row known ON known.section = {relation.section_of} AND known.cris_id = t.{relation.key} "
        f"WHERE {condition} AND t.{relation.key} <> ALL (%s)) unchanged WHERE row.{relation.key} = unchanged.key",
        (list(waiting),),
    ).rowcount


def leave_out_unchanged_publications(connection: Connection, waiting: Sequence[str]) -> int:
    """The same for publications, with their children. Needs `staging.publication_hash`."""
    condition = _nothing_new(
        "publications", "publication_id", "t.source_hash", "known.row_hash = t.source_hash"
    )
    connection.execute(
        "CREATE TEMP TABLE unchanged_publication ON COMMIT DROP AS "
        "SELECT t.publication_id FROM staging.publication_hash t JOIN cris_row known "
        f"ON known.section = 'work' AND known.cris_id = t.publication_id WHERE {condition} "
        "AND t.publication_id <> ALL (%s)",
        (list(waiting),),
    )
    row = connection.execute(
        "SELECT (SELECT count(*) FROM unchanged_publication) AS unchanged, count(*) AS staged FROM staging.publications"
    ).fetchone()
    assert row is not None
    if row.unchanged == row.staged:
        # Nothing new at all, as after a job that stamped every row: much cheaper than deleting each.
        connection.execute(f"TRUNCATE {', '.join(f'staging.{name}' for name in _PUBLICATION_TABLES)}")
    elif row.unchanged:
        connection.execute("ANALYZE unchanged_publication")
        for name in _PUBLICATION_TABLES:
            connection.execute(
                f"DELETE FROM staging.{name} t USING unchanged_publication u WHERE u.publication_id = t.publication_id"
            )
    return int(row.unchanged)


_REMEMBER: Final = """
DELETE FROM staging.seen USING {source} t WHERE seen.relation = '{relation}' AND seen.key = t.{key};
INSERT INTO staging.seen (relation, key, source_hash)
SELECT '{relation}', t.{key}, {source_hash} FROM {source} t {joins}
WHERE t.{key} IN (SELECT cris_id FROM staging.flagged WHERE {flagged})
"""


def remember_seen(connection: Connection) -> None:
    """Keep the source's hashes of what is held or merged in part: before the merge corrects staging."""
    for name, key in (("staff", "person_id"), ("units", "unit_id")):
        _remember(connection, name, key, f"staging.{name}", row_hash(name, "t"))
    for relation in ROW_RELATIONS.values():
        _remember(connection, relation.name, relation.key, relation.source, relation.content_hash)
    connection.execute(
        _REMEMBER.format(
            relation="publications",
            key="publication_id",
            source="staging.publications",
            source_hash="h.source_hash",
            joins="JOIN staging.publication_hash h ON h.publication_id = t.publication_id",
            flagged="section = 'work'",
        )
    )


def _remember(connection: Connection, relation: str, key: str, source: str, source_hash: str) -> None:
    connection.execute(
        _REMEMBER.format(
            relation=relation,
            key=key,
            source=source,
            source_hash=source_hash,
            joins="",
            flagged=f"relation = '{relation}' AND effect = 'hold'",
        )
    )
