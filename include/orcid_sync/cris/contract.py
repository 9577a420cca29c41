"""The contract: what the institution's views in schema `orcid_feed` offer.

Ids are text and never reused. Partial dates are three integer columns, NULL = unknown. Text is UTF-8 and may
hold markup. Codes (types, roles) are the source's own; mapping them is ours. Each relation carries
the moment of its rows' last change, from the source's clock.

A relation or column that is not required may be missing; the extraction then reads `Column.default`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from psycopg import sql

from orcid_sync.cris.optional_relations import (
    FUNDINGS,
    PEER_REVIEWS,
    PERSON_IDENTIFIERS,
    QUALIFICATIONS,
    RESEARCH_RESOURCES,
    RESEARCHER_URLS,
)
from orcid_sync.cris.relations import (
    EMPLOYMENTS,
    PUBLICATION_CONTRIBUTORS,
    PUBLICATION_IDENTIFIERS,
    PUBLICATIONS,
    STAFF,
    TOMBSTONES,
    UNITS,
)
from orcid_sync.cris.shapes import Column, Relation

__all__ = ["CONTRACT", "SCHEMA", "Column", "Relation", "create_tables_sql"]

SCHEMA: Final = "orcid_feed"

CONTRACT: Final[Mapping[str, Relation]] = {
    relation.name: relation
    for relation in (
        STAFF,
        UNITS,
        EMPLOYMENTS,
        PUBLICATIONS,
        PUBLICATION_CONTRIBUTORS,
        PUBLICATION_IDENTIFIERS,
        TOMBSTONES,
        FUNDINGS,
        PEER_REVIEWS,
        QUALIFICATIONS,
        RESEARCH_RESOURCES,
        RESEARCHER_URLS,
        PERSON_IDENTIFIERS,
    )
}


def create_tables_sql(schema: str = SCHEMA, relations: Iterable[str] = tuple(CONTRACT)) -> sql.Composed:
    """Statements that create the contract as bare tables, without constraints.

    For institutions that load flat exports instead of defining views, and for tests.
    """
    statements: list[sql.Composable] = [
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {};\n").format(sql.Identifier(schema))
    ]
    for name in relations:
        columns = sql.SQL(", ").join(_column_sql(column) for column in CONTRACT[name].columns)
        statements.append(sql.SQL("CREATE TABLE {} ({});\n").format(sql.Identifier(schema, name), columns))
    return sql.Composed(statements)


def _column_sql(column: Column) -> sql.Composed:
    declaration = f" {column.type}" + ("" if column.default == "NULL" else f" DEFAULT {column.default}")
    return sql.Identifier(column.name) + sql.SQL(declaration)
