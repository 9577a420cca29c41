"""The contract: what the institution's views in schema `orcid_feed` offer, and how far a database keeps it.

Ids are text and never reused. Partial dates are three integer columns, NULL = unknown. Text is UTF-8 and may
hold markup. Codes (types, roles) are the source's own; mapping them is ours. Each relation carries
the moment of its rows' last change, from the source's clock.

A relation or column that is not required may be missing; the extraction then reads `Column.default`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg import sql

SCHEMA: Final = "orcid_feed"


@dataclass(frozen=True)
class Column:
    """A column of a contract view; `default` is an SQL literal that stands in where the column is missing."""

    name: str
    type: str
    required: bool
    description: str
    default: str = "NULL"


@dataclass(frozen=True)
class Relation:
    """A contract view: its columns in order, the key of its rows, the column that says when a row changed."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    optional: bool = False
    watermark: str = "updated_at"

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")

    @property
    def column_names(self) -> tuple[str, ...]:
        """All names, in the contract's order."""
        return tuple(column.name for column in self.columns)


def _required(name: str, description: str, kind: str = "text") -> Column:
    return Column(name, kind, required=True, description=description)


def _optional(name: str, description: str, kind: str = "text", default: str = "NULL") -> Column:
    return Column(name, kind, required=False, description=description, default=default)


def _partial_date(prefix: str, what: str) -> tuple[Column, ...]:
    return tuple(
        _optional(f"{prefix}_{part}", f"{what}: {part}, NULL where unknown", "smallint")
        for part in ("year", "month", "day")
    )


_UPDATED: Final = _required("updated_at", "Last change of the row or of anything it shows", "timestamptz")
_OWNING_UNIT: Final = _optional("owning_unit_id", "Unit that curates and owns the row")
_VISIBILITY: Final = _required("visibility", "public | internal | hidden")

_STAFF: Final = Relation(
    "staff",
    (
        _required("person_id", "Key of the person; not the ORCID iD"),
        _required("family_names", "Family names"),
        _optional("given_names", "Given names"),
        _optional("credit_name", "Name as the person publishes"),
        _optional("other_names", "Further names and spellings", "text[]", "'{}'"),
        _optional("orcid", "ORCID iD as the CRIS knows it, any spelling: a hint, never written to"),
        _optional("orcid_assurance", "authenticated | self-asserted | matched"),
        _optional("email", "Address for invitations; never sent to ORCID"),
        _required("is_current", "Whether the person works here now", "boolean"),
        _VISIBILITY,
        _optional("orcid_sync_opt_out", "The person wants nothing sent", "boolean", "false"),
        _UPDATED,
    ),
    key=("person_id",),
)

_UNITS: Final = Relation(
    "units",
    (
        _required("unit_id", "Key of the unit"),
        _optional("parent_unit_id", "Unit above; NULL for the university itself"),
        _required("name", "Name"),
        _optional("name_language", "Language of the name"),
        _optional("acronym", "Acronym"),
        _optional("unit_type", "university, faculty, department, ...: the source's own term"),
        _optional("city", "City"),
        _optional("region", "Region"),
        _optional("country", "ISO 3166-1 alpha-2"),
        _optional("ror_id", "ROR id, as URL or bare"),
        _optional("disambiguated_organization_identifier", "Identifier of the organisation elsewhere"),
        _optional("disambiguation_source", "ROR | GRID | RINGGOLD | FUNDREF | LEI"),
        _optional("is_internal", "Part of the university", "boolean", "true"),
        _optional("start_year", "First year of the unit", "smallint"),
        _optional("end_year", "Last year of the unit", "smallint"),
        _UPDATED,
    ),
    key=("unit_id",),
)

_EMPLOYMENTS: Final = Relation(
    "employments",
    (
        _required("employment_id", "Key of the employment"),
        _required("person_id", "Staff member"),
        _required("unit_id", "Unit of the post"),
        _optional(
            "affiliation_type",
            "employment | invited-position | service | membership | distinction",
            default="'employment'",
        ),
        _optional("role_title", "Title of the post"),
        _optional("department_name", "Text to show instead of the unit's name"),
        *_partial_date("start", "Start"),
        *_partial_date("end", "End, all NULL = ongoing"),
        _optional("is_primary", "The person's main post", "boolean"),
        _optional("fte", "Full-time equivalent", "numeric"),
        _VISIBILITY,
        _optional("url", "Page of the post"),
        _OWNING_UNIT,
        _UPDATED,
    ),
    key=("employment_id",),
)

_PUBLICATIONS: Final = Relation(
    "publications",
    (
        _required("publication_id", "Key of the publication"),
        _required("title", "Title, may hold markup"),
        _optional("subtitle", "Subtitle"),
        _optional("translated_title", "Title in another language"),
        _optional("translated_title_language", "Language of the translated title"),
        _required("source_type", "Type, the source's own term"),
        _optional("source_subtype", "Subtype, the source's own term"),
        _required(
            "source_type_scheme",
            "Scheme of the type: dspace-dc-type, coar, pure, elements, eprints, crossref, csl, bibtex",
        ),
        _optional("work_type", "ORCID work type that overrides the mapping"),
        _optional("journal_title", "Journal or book that contains the publication"),
        _optional("volume", "Volume"),
        _optional("issue", "Issue"),
        _optional("start_page", "First page"),
        _optional("end_page", "Last page"),
        _optional("publisher", "Publisher"),
        *_partial_date("publication", "Publication date"),
        _optional("publication_status", "published | epub | in-press | submitted | unpublished | retracted"),
        _optional("language_code", "Language of the publication"),
        _optional("country", "ISO 3166-1 alpha-2"),
        _optional("short_description", "Abstract"),
        _optional("url", "Page of the publication"),
        _optional("citation_type", "bibtex, ris, formatted-apa, ..."),
        _optional("citation_value", "Citation"),
        _VISIBILITY,
        _required("curation_status", "approved | pending | rejected | withdrawn"),
        _optional("embargo_until", "Not to be shown before this day", "date"),
        _optional("is_confidential", "Never to be shown", "boolean", "false"),
        _OWNING_UNIT,
        _UPDATED,
    ),
    key=("publication_id",),
)

_PUBLICATION_CONTRIBUTORS: Final = Relation(
    "publication_contributors",
    (
        _required("publication_id", "Publication"),
        _required("contributor_seq", "Place in the one order over all roles, 1, 2, ...", "integer"),
        _required("contributor_role", "Role, the source's own term"),
        _required("person_id", "Staff member; NULL = external"),
        _optional("is_group", "A group, not a person", "boolean", "false"),
        _required("credit_name", "Name as printed"),
        _optional("family_names", "Family names"),
        _optional("given_names", "Given names or initials"),
        _optional("contributor_orcid", "ORCID iD, any spelling"),
        _optional("contributor_email", "Address; never sent to ORCID"),
        _optional("is_corresponding", "Corresponding author", "boolean"),
        _optional("affiliation_name", "Affiliation as printed"),
        _optional("affiliation_unit_id", "Unit of the affiliation"),
        _required("claim_status", "approved | pending | rejected: this person's claim"),
        _required("visibility", "public | internal | hidden: this person's wish for this publication"),
        _UPDATED,
    ),
    key=("publication_id", "contributor_seq"),
)

_PUBLICATION_IDENTIFIERS: Final = Relation(
    "publication_identifiers",
    (
        _required("publication_id", "Publication"),
        _required("identifier_seq", "Number within the publication", "integer"),
        _required(
            "external_id_type",
            "doi pmid pmc arxiv isbn issn handle eid wosuid uri urn source-work-id other-id",
        ),
        _required("external_id_value", "Value as entered"),
        _optional("external_id_url", "Link of the identifier"),
        _optional("external_id_relationship", "self | part-of | version-of | funded-by", default="'self'"),
        _UPDATED,
    ),
    key=("publication_id", "identifier_seq"),
)

_TOMBSTONES: Final = Relation(
    "tombstones",
    (
        _required("entity", "Relation of the row that went, e.g. publications"),
        _required("entity_id", "Its key"),
        _required("reason", "deleted | merged | unpublished"),
        _optional("merged_into_id", "Key of the survivor of a merge"),
        _required("deleted_at", "When it went", "timestamptz"),
    ),
    key=("entity", "entity_id"),
    watermark="deleted_at",
)

_FUNDINGS: Final = Relation(
    "fundings",
    (
        _required("funding_id", "Key of the funding, shared by its people"),
        _required("person_id", "Staff member: one row per person"),
        _optional("funding_role", "Role, the source's own term"),
        _required("funding_type", "grant | contract | award | salary-award"),
        _required("title", "Title"),
        _optional("translated_title", "Title in another language"),
        _optional("translated_title_language", "Language of the translated title"),
        _optional("grant_number", "Number given by the funder"),
        _optional("grant_doi", "DOI of the grant"),
        _optional("url", "Page of the grant"),
        _optional("short_description", "Description"),
        _optional("amount", "Amount", "numeric"),
        _optional("currency_code", "ISO 4217"),
        *_partial_date("start", "Start"),
        *_partial_date("end", "End"),
        _required("funder_name", "Funder"),
        _optional("funder_city", "City of the funder"),
        _optional("funder_country", "ISO 3166-1 alpha-2"),
        _optional("funder_identifier", "Identifier of the funder"),
        _optional("funder_identifier_source", "ROR | GRID | FUNDREF | LEI"),
        _VISIBILITY,
        _required("curation_status", "approved | pending | rejected | withdrawn"),
        _OWNING_UNIT,
        _UPDATED,
    ),
    key=("funding_id", "person_id"),
    optional=True,
)

_PEER_REVIEWS: Final = Relation(
    "peer_reviews",
    (
        _required("review_id", "Key of the review"),
        _required("person_id", "Staff member"),
        _required("reviewer_role", "reviewer | editor | member | chair | organizer"),
        _required("review_type", "review | evaluation"),
        *_partial_date("completion", "Completion"),
        _required("review_group_id", "Group the reviews are counted under, e.g. issn:0028-0836"),
        _optional("review_identifier_type", "Type of the review's identifier"),
        _optional("review_identifier_value", "Identifier of the review"),
        _optional("review_url", "Page of the review"),
        _optional("subject_external_id_type", "Type of the reviewed item's identifier, open reviews only"),
        _optional("subject_external_id_value", "Identifier of the reviewed item, open reviews only"),
        _optional("subject_container_name", "Where the reviewed item appeared, open reviews only"),
        _required("convening_organization_name", "Organisation that convened the review"),
        _optional("convening_city", "Its city"),
        _optional("convening_country", "ISO 3166-1 alpha-2"),
        _optional("convening_identifier", "Its identifier"),
        _optional("convening_identifier_source", "ROR | GRID | RINGGOLD | FUNDREF | LEI"),
        _VISIBILITY,
        _OWNING_UNIT,
        _UPDATED,
    ),
    key=("review_id",),
    optional=True,
)

_QUALIFICATIONS: Final = Relation(
    "qualifications",
    (
        _required("qualification_id", "Key of the education or qualification"),
        _required("person_id", "Staff member"),
        _required("affiliation_type", "education | qualification"),
        _optional("role_title", "Degree or title"),
        _optional("department_name", "Department"),
        _required("organization_name", "Organisation that gave it"),
        _optional("organization_city", "Its city"),
        _optional("organization_region", "Its region"),
        _optional("organization_country", "ISO 3166-1 alpha-2"),
        _optional("disambiguated_organization_identifier", "Its identifier"),
        _optional("disambiguation_source", "ROR | GRID | RINGGOLD | FUNDREF | LEI"),
        *_partial_date("start", "Start"),
        *_partial_date("end", "End"),
        _optional("url", "Page of the qualification"),
        _optional("external_id_type", "Type of an external identifier"),
        _optional("external_id_value", "External identifier"),
        _optional("external_id_url", "Link of the external identifier"),
        _optional("external_id_relationship", "self | part-of | version-of", default="'self'"),
        _optional(
            "given_here", "This institution vouches for it: it goes out for alumni too", "boolean", "false"
        ),
        _VISIBILITY,
        _OWNING_UNIT,
        _UPDATED,
    ),
    key=("qualification_id",),
    optional=True,
)

CONTRACT: Final[Mapping[str, Relation]] = {
    relation.name: relation
    for relation in (
        _STAFF,
        _UNITS,
        _EMPLOYMENTS,
        _PUBLICATIONS,
        _PUBLICATION_CONTRIBUTORS,
        _PUBLICATION_IDENTIFIERS,
        _TOMBSTONES,
        _FUNDINGS,
        _PEER_REVIEWS,
        _QUALIFICATIONS,
    )
}

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
