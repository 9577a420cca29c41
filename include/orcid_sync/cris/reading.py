"""How the contract views are read: one snapshot, one COPY a relation, by the source's own clock.

Incrementally a relation is read from its watermark less an overlap, since transactions commit out of order. A
publication is re-read with all its children when it or any of them changed. Rows without a moment of change, or with
one that lies ahead of the source's clock, are read each time and move no watermark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from orcid_sync.cris import staging
from orcid_sync.cris.contract import CONTRACT, Column
from orcid_sync.cris.inspection import ContractReport, inspect_contract
from orcid_sync.errors import Misconfigured, Unreachable, Who
from orcid_sync.ledger.session import Connect, Connection

_BLOCK: Final = 256 * 1024
_CHILDREN: Final = ("publication_contributors", "publication_identifiers")

# A view without the column says nothing against any of its rows; in a view that has it, NULL means not known.
_WHERE_ABSENT: Final = {("publications", "publication_status"): "'published'"}

_TOMBSTONED: Final = {
    "staff": "person_id",
    "units": "unit_id",
    "employments": "employment_id",
    "qualifications": "qualification_id",
    "fundings": "funding_id",
    "peer_reviews": "review_id",
    "research_resources": "resource_id",
    "researcher_urls": "url_id",
    "person_identifiers": "identifier_id",
    "publications": "publication_id",
}


@dataclass(frozen=True)
class Reader:
    """The contract views of one CRIS, as they were at one moment."""

    connection: Connection
    schema: str
    report: ContractReport

    def offers(self, relation: str) -> bool:
        """Whether the CRIS has the view: optional ones may be missing."""
        return relation in self.report.present

    def rows(self, relation: str) -> int:
        """How many rows the view has; none where there is no such view."""
        if not self.offers(relation):
            return 0
        statement = sql.SQL("SELECT count(*) FROM {}").format(self._view(relation))
        row = self.connection.execute(statement).fetchone()
        return int(row[0]) if row else 0

    def now(self) -> str:
        """The source's clock at the moment of the snapshot."""
        row = self.connection.execute("SELECT now()::text").fetchone()
        assert row is not None
        return str(row[0])

    def copy(
        self,
        relation: str,
        target: Connection,
        condition: sql.Composable,
        *,
        frozen: bool = True,
    ) -> int:
        """Stream the rows that meet the condition (over the view as `t`) into the staging table; returns their number.

        Raises Misconfigured naming relation, column and remedy where a value doesn't fit the contract. `frozen` needs a
        target table that was made in the same transaction. From a view that the CRIS doesn't offer nothing comes.
        """
        if not self.offers(relation):
            return 0
        names = [*staging.columns(relation)]
        values = [self._value(relation, CONTRACT[relation].column(name)) for name in names]
        if relation == "tombstones":
            names.append("still_there")
            values.append(self._still_there())
        source = sql.SQL("COPY (SELECT {} FROM {} t WHERE {}) TO STDOUT").format(
            sql.SQL(", ").join(values), self._view(relation), condition
        )
        into = sql.SQL("COPY {} ({}) FROM STDIN{}").format(
            staging.table(relation),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(" WITH (FREEZE)") if frozen else sql.SQL(""),
        )
        with self.connection.cursor() as outward, target.cursor() as inward:
            try:
                _stream(outward, source, inward, into)
            except psycopg.errors.DataError as error:
                raise self._unfit(relation, error) from None
            return inward.rowcount

    def _view(self, relation: str) -> sql.Identifier:
        return sql.Identifier(self.schema, relation)

    def _value(self, relation: str, column: Column) -> sql.Composable:
        if column.name not in self.report.present[relation]:
            return sql.SQL(_WHERE_ABSENT.get((relation, column.name), column.default))
        value: sql.Composable = sql.SQL("t.") + sql.Identifier(column.name)
        if column.type == "text":
            value = sql.SQL("{}::text").format(value)
        if column.default != "NULL":
            value = sql.SQL("coalesce({}, {})").format(value, sql.SQL(column.default))
        return value

    def _still_there(self) -> sql.Composable:
        arms = [
            sql.SQL("WHEN {} THEN EXISTS (SELECT FROM {} x WHERE x.{}::text = t.entity_id::text)").format(
                sql.SQL(f"t.entity = '{relation}'"), self._view(relation), sql.Identifier(key)
            )
            for relation, key in _TOMBSTONED.items()
            if self.offers(relation)
        ]
        return sql.SQL("CASE {} ELSE false END").format(sql.SQL(" ").join(arms))

    def _unfit(self, relation: str, error: psycopg.errors.DataError) -> Misconfigured:
        view = f"{self.schema}.{relation}"
        # "COPY publications, line 12, column publication_year: ..."; the value itself may be personal.
        place = (error.diag.context or "").split("\n")[0].split(": ", maxsplit=1)[0]
        name = place.rpartition("column ")[2] if "column " in place else ""
        if name in staging.columns(relation):
            column = CONTRACT[relation].column(name)
            return Misconfigured(
                f"A value in column {name} of the view {view} can't be read",
                why=f"the contract says {column.type}, and {_reason(error)}",
                remedy=f"Correct the value, or let the view show NULL where {name} is not of that type",
                who=Who.CRIS_TEAM,
            )
        return Misconfigured(
            f"The view {view} can't be read",
            why=_reason(error),
            remedy=f"Run SELECT * FROM {view} as the sync's user and correct the view or the value that fails",
            who=Who.CRIS_TEAM,
        )


def _reason(error: psycopg.Error) -> str:
    """What kind of fault it was, in PostgreSQL's words but without the value."""
    if isinstance(error, psycopg.errors.NumericValueOutOfRange):
        return "the number is too large for it"
    if isinstance(error, psycopg.errors.CharacterNotInRepertoire | psycopg.errors.UntranslatableCharacter):
        return "the text is not valid in the database's encoding"
    if isinstance(error, psycopg.errors.InvalidTextRepresentation | psycopg.errors.DatetimeFieldOverflow):
        return "it is something else"
    return type(error).__name__


def _stream(
    outward: psycopg.Cursor[Any], source: sql.Composed, inward: psycopg.Cursor[Any], into: sql.Composed
) -> None:
    with outward.copy(source) as reading, inward.copy(into) as writing:
        # The driver hands out a row at a time; larger blocks halve the cost of passing them on.
        block: list[bytes | bytearray | memoryview] = []
        size = 0
        for data in reading:
            block.append(data)
            size += len(data)
            if size >= _BLOCK:
                writing.write(b"".join(block))
                block.clear()
                size = 0
        if block:
            writing.write(b"".join(block))


def later_than(relation: str, since: str | None) -> sql.Composable:
    """The condition of an incremental read; everything where there is no watermark yet."""
    if since is None:
        return sql.SQL("true")
    moment = sql.SQL("t.") + sql.Identifier(CONTRACT[relation].watermark)
    return sql.SQL("({moment} >= {since}::timestamptz OR {moment} IS NULL)").format(
        moment=moment, since=sql.Literal(since)
    )


def one_of(key: str, ids: Sequence[str]) -> sql.Composable:
    """The condition that a row's key is among a few known ones."""
    return sql.SQL("t.{}::text = ANY ({}::text[])").format(sql.Identifier(key), sql.Literal(list(ids)))


def of_changed_groups(schema: str, relation: str, key: str, condition: sql.Composable) -> sql.Composable:
    """The condition that a row shares its key with one that meets the condition."""
    return sql.SQL("t.{key}::text IN (SELECT t.{key}::text FROM {view} t WHERE {condition})").format(
        key=sql.Identifier(key), view=sql.Identifier(schema, relation), condition=condition
    )


def of_changed_publications(
    schema: str, since: Mapping[str, str | None], reread: Sequence[str]
) -> sql.Composable:
    """The condition that a row belongs to a publication which changed, or a child of which did."""
    changed = [
        sql.SQL("SELECT t.publication_id::text FROM {} t WHERE {}").format(
            sql.Identifier(schema, relation), later_than(relation, since[relation])
        )
        for relation in ("publications", *_CHILDREN)
    ]
    if reread:
        changed.append(sql.SQL("SELECT unnest({}::text[])").format(sql.Literal(list(reread))))
    return sql.SQL("t.publication_id::text IN ({})").format(sql.SQL(" UNION ").join(changed))


@contextmanager
def reading(cris: Connect, schema: str) -> Iterator[Reader]:
    """The contract views in one read-only snapshot.

    Raises Unreachable where the database can't be reached, Misconfigured where the views don't keep the contract: each
    breach is named, with its remedy.
    """
    connection = _connect(cris)
    try:
        connection.rollback()
        connection.autocommit = False
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.row_factory = psycopg.rows.tuple_row
        # The text forms that pass between the two databases must not depend on either's settings.
        connection.execute(
            "SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true), "
            "set_config('client_encoding', 'UTF8', true)"
        )
        report = inspect_contract(connection, schema)
        if not report.ok:
            raise Misconfigured(
                f"The CRIS database does not keep the contract of schema {schema}",
                why=" ".join(problem.message for problem in report.problems),
                remedy=" ".join(problem.remedy for problem in report.problems),
                who=Who.CRIS_TEAM,
            )
        yield Reader(connection, schema, report)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Misconfigured(
            f"A view of schema {schema} may not be read",
            why=error.diag.message_primary or "permission denied",
            remedy="GRANT SELECT on the schema's views to the sync's user, and on what they read to their owner",
            who=Who.CRIS_TEAM,
        ) from None
    except psycopg.OperationalError as error:
        raise Unreachable(
            "The connection to the CRIS or the ledger database broke during the extraction",
            why=type(error).__name__,
        ) from None
    finally:
        connection.close()


def _connect(cris: Connect) -> Connection:
    try:
        return cris()
    except psycopg.OperationalError as error:
        text = str(error)
        if "authentication failed" in text or "does not exist" in text or "no password" in text:
            raise Misconfigured(
                "The CRIS database refuses the connection",
                why="user, password or database name is wrong",
                remedy="Correct AIRFLOW_CONN_CRIS",
            ) from None
        raise Unreachable(
            "The CRIS database can't be reached",
            why="no connection came about",
            remedy="It is tried again by itself; if it lasts, check host and port in AIRFLOW_CONN_CRIS",
        ) from None
