"""How far a database keeps the contract, told with a remedy for each breach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import psycopg

from orcid_sync.cris.contract import CONTRACT, SCHEMA, Column, Relation

# Base types, by pg_type.typname, that are read as the contract's type without loss.
_ACCEPTED: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"text", "varchar", "bpchar", "citext", "name"}),
    "text[]": frozenset({"_text", "_varchar"}),
    "smallint": frozenset({"int2", "int4", "int8"}),
    "integer": frozenset({"int2", "int4", "int8"}),
    "numeric": frozenset({"numeric", "int2", "int4", "int8", "float4", "float8"}),
    "boolean": frozenset({"bool"}),
    "date": frozenset({"date"}),
    "timestamptz": frozenset({"timestamptz"}),
}


class ProblemKind(StrEnum):
    """What keeps us from reading a relation as the contract says."""

    MISSING_SCHEMA = "missing_schema"
    MISSING_RELATION = "missing_relation"
    MISSING_COLUMN = "missing_column"
    WRONG_TYPE = "wrong_type"
    NOT_READABLE = "not_readable"


@dataclass(frozen=True)
class Problem:
    """One breach of the contract: the thing, the reason, the remedy."""

    kind: ProblemKind
    relation: str | None
    column: str | None
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


@dataclass(frozen=True)
class ContractReport:
    """What a database offers of the contract.

    `present` maps each readable relation to the contract columns it has, in the contract's order;
    `missing_optional` names what is absent and may be, as `relation` or `relation.column`.
    """

    schema: str
    present: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    missing_optional: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the extraction can run."""
        return not self.problems


@dataclass(frozen=True)
class _Found:
    """A column as the catalogue describes it: its shown type and the name of its base type."""

    shown: str
    base: str


_COLUMNS_SQL: Final = """
SELECT c.relname,
       has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'),
       a.attname,
       format_type(a.atttypid, a.atttypmod),
       coalesce(base.typname, t.typname)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type base ON t.typtype = 'd' AND base.oid = t.typbasetype
WHERE n.nspname = %s AND c.relname = ANY (%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""


def inspect_contract(connection: psycopg.Connection[Any], schema: str = SCHEMA) -> ContractReport:
    """Compare the database with the contract, as the connection's user sees it; reads the catalogue only."""
    problem = _schema_problem(connection, schema)
    if problem is not None:
        return ContractReport(schema, problems=(problem,))
    found: dict[str, dict[str, _Found]] = {}
    readable: dict[str, bool] = {}
    for name, may_read, column, shown, base in connection.execute(_COLUMNS_SQL, [schema, list(CONTRACT)]):
        readable[name] = may_read
        columns = found.setdefault(name, {})
        if column is not None:
            columns[column] = _Found(shown, base)
    present: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    missing_optional: list[str] = []
    for relation in CONTRACT.values():
        if relation.name not in found:
            if relation.optional:
                missing_optional.append(relation.name)
            else:
                problems.append(_missing_relation(schema, relation))
            continue
        if not readable[relation.name]:
            problems.append(_not_readable(schema, relation))
            continue
        columns = found[relation.name]
        present[relation.name] = tuple(name for name in relation.column_names if name in columns)
        for column in relation.columns:
            if column.name not in columns:
                if column.required:
                    problems.append(_missing_column(schema, relation, column))
                else:
                    missing_optional.append(f"{relation.name}.{column.name}")
            elif columns[column.name].base not in _ACCEPTED[column.type]:
                problems.append(_wrong_type(schema, relation, column, columns[column.name]))
    return ContractReport(schema, present, tuple(problems), tuple(missing_optional))


def _schema_problem(connection: psycopg.Connection[Any], schema: str) -> Problem | None:
    row = connection.execute(
        "SELECT has_schema_privilege(oid, 'USAGE'), current_user FROM pg_namespace WHERE nspname = %s",
        [schema],
    ).fetchone()
    if row is None:
        return Problem(
            ProblemKind.MISSING_SCHEMA,
            None,
            None,
            f"The CRIS database has no schema {schema}.",
            f"Create the schema {schema} with the contract's views, or connect to the database that has it.",
        )
    if not row[0]:
        return Problem(
            ProblemKind.NOT_READABLE,
            None,
            None,
            f"The user {row[1]} may not use the schema {schema}.",
            f'GRANT USAGE ON SCHEMA {schema} TO "{row[1]}";',
        )
    return None


def _missing_relation(schema: str, relation: Relation) -> Problem:
    required = ", ".join(column.name for column in relation.columns if column.required)
    return Problem(
        ProblemKind.MISSING_RELATION,
        relation.name,
        None,
        f"The view {schema}.{relation.name} is missing.",
        f"Create it with at least the columns {required}.",
    )


def _missing_column(schema: str, relation: Relation, column: Column) -> Problem:
    return Problem(
        ProblemKind.MISSING_COLUMN,
        relation.name,
        column.name,
        f"The view {schema}.{relation.name} has no column {column.name}.",
        f"Add {column.name} {column.type} to the view: {column.description}.",
    )


def _wrong_type(schema: str, relation: Relation, column: Column, found: _Found) -> Problem:
    return Problem(
        ProblemKind.WRONG_TYPE,
        relation.name,
        column.name,
        f"The column {column.name} of the view {schema}.{relation.name} is {found.shown}, not {column.type}.",
        f"Cast it in the view: {_cast(column, found)}.",
    )


def _cast(column: Column, found: _Found) -> str:
    if column.type == "timestamptz" and found.base == "timestamp":
        # A bare cast would read the value in whatever zone the session has.
        return f"{column.name} AT TIME ZONE 'the zone your CRIS writes in, e.g. UTC'"
    return f"{column.name}::{column.type}"


def _not_readable(schema: str, relation: Relation) -> Problem:
    return Problem(
        ProblemKind.NOT_READABLE,
        relation.name,
        None,
        f"The connection's user may not read the view {schema}.{relation.name}.",
        f"GRANT SELECT ON {schema}.{relation.name} to it.",
    )
