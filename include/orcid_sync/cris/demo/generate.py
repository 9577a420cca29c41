"""Fills a database with a made-up university's CRIS. The same seed gives the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import sql

from orcid_sync.cris.demo.dice import Dice
from orcid_sync.cris.demo.dirt import Soiler
from orcid_sync.cris.demo.people import make_awards, make_degrees, make_reviews, make_staff, organisations
from orcid_sync.cris.demo.publications import PublicationMaker
from orcid_sync.cris.demo.rows import Author, Identifier, Output, Removed, Row, SeededDirt, columns, values

READER: Final = "orcid_feed_reader"
TODAY: Final = date(2026, 9, 30)
"""The day the made-up CRIS stands at. Fixed, so that the seed alone decides; edits carry the real time."""
_CHUNK: Final = 2000
_HISTORY_DAYS: Final = 900


@dataclass(frozen=True)
class DemoCounts:
    """What was generated."""

    units: int
    staff: int
    employments: int
    publications: int
    contributors: int
    pairs: int
    identifiers: int
    tombstones: int


def generate(
    dsn: str,
    *,
    seed: int = 1,
    staff: int = 300,
    publications: int = 3000,
    dirt: float = 0.05,
    pairs_per_publication: float = 3,
    contributors_per_publication: float = 6,
    reader_password: str | None = None,
    today: date = TODAY,
) -> DemoCounts:
    """Create schemas `cris_base` and `orcid_feed` in an empty database and fill them; memory stays flat.

    `dirt` is the share of rows with a flaw; 0 gives a clean CRIS. With `reader_password` the role
    `orcid_feed_reader` may log in; it can read the views of `orcid_feed` and nothing else.
    """
    dice = Dice(seed)
    moments = _moments(today)
    with psycopg.connect(dsn) as connection:
        create_base(connection)
        crew = make_staff(dice, staff, dirt, today, moments[0])
        units = list(organisations(moments[0]))
        awards, holders = make_awards(dice, crew, today, moments[0])
        for rows in (
            units, crew.people, crew.variants, crew.appointments, awards, holders,
            list(make_reviews(dice, crew, today, moments[0])), list(make_degrees(dice, crew, today, moments[0])),
            crew.dirt,
        ):  # fmt: skip
            copy_rows(connection, rows)
        maker = PublicationMaker(
            dice,
            crew,
            today,
            moments,
            pairs_per_publication=pairs_per_publication,
            contributors_per_publication=contributors_per_publication,
        )
        made = _load_publications(connection, _stream(dice, maker, publications, dirt))
        finish_base(connection, reader_password)
    return DemoCounts(units=len(units), staff=len(crew.people), employments=len(crew.appointments), **made)


def holds_demo(dsn: str) -> bool:
    """Whether the database was filled before."""
    with psycopg.connect(dsn) as connection:
        return _has_base(connection)


def _has_base(connection: psycopg.Connection[Any]) -> bool:
    return connection.execute("SELECT FROM pg_namespace WHERE nspname = 'cris_base'").fetchone() is not None


def create_base(connection: psycopg.Connection[Any]) -> None:
    """Create the empty base tables and the contract's views over them; ValueError if there are some."""
    if _has_base(connection):
        raise ValueError(
            f"The database {connection.info.dbname} already holds a demo CRIS. Use it, or fill an empty database."
        )
    connection.execute(_script("schema.sql"))


def finish_base(connection: psycopg.Connection[Any], reader_password: str | None = None) -> None:
    """Add indexes, triggers and the read-only role: after the bulk load."""
    connection.execute(_script("finish.sql"))
    _grant_reader(connection, reader_password)


def copy_rows(connection: psycopg.Connection[Any], rows: Iterable[Row]) -> None:
    """COPY rows of one class into their table."""
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return
    row_type = type(first)
    read = values[row_type]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier("cris_base", row_type.table),
        sql.SQL(", ").join(map(sql.Identifier, columns(row_type))),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write_row(read(first))
        for row in iterator:
            copy.write_row(read(row))


def _stream(
    dice: Dice, maker: PublicationMaker, wanted: int, dirt: float
) -> Iterator[Output | Removed | SeededDirt]:
    """Publications, `wanted` in number, and what belongs to them."""
    soiler = Soiler(dice, maker)
    made = number = 0
    while made < wanted:
        number += 1
        output = maker.make(number)
        made += 1
        if dirt > 0 and dice.chance(dirt):
            kind, more = soiler.soil(output)
            yield SeededDirt("publications", output.output_id, kind)
            for row in more:
                if isinstance(row, Removed):
                    yield row
                elif made < wanted:
                    made += 1
                    yield row
        yield output


def _load_publications(
    connection: psycopg.Connection[Any], stream: Iterator[Output | Removed | SeededDirt]
) -> dict[str, int]:
    counts = dict.fromkeys(("publications", "contributors", "pairs", "identifiers", "tombstones"), 0)
    while chunk := list(islice(stream, _CHUNK)):
        outputs = [row for row in chunk if isinstance(row, Output)]
        removed = [row for row in chunk if isinstance(row, Removed)]
        authors: list[Author] = [author for output in outputs for author in output.authors]
        identifiers: list[Identifier] = [each for output in outputs for each in output.identifiers]
        copy_rows(connection, outputs)
        copy_rows(connection, authors)
        copy_rows(connection, identifiers)
        copy_rows(connection, removed)
        copy_rows(connection, (row for row in chunk if isinstance(row, SeededDirt)))
        counts["publications"] += len(outputs)
        counts["contributors"] += len(authors)
        counts["pairs"] += sum(author.person_id is not None for author in authors)
        counts["identifiers"] += len(identifiers)
        counts["tombstones"] += len(removed)
    return counts


def _moments(today: date) -> list[str]:
    """The times at which rows were last changed; the first is the oldest."""
    start = datetime(today.year, today.month, today.day, 9, 30) - timedelta(days=_HISTORY_DAYS)  # noqa: DTZ001
    return [f"{(start + timedelta(minutes=1435 * n)).isoformat()}+00" for n in range(_HISTORY_DAYS)]


def _script(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


def _grant_reader(connection: psycopg.Connection[Any], password: str | None) -> None:
    role = sql.Identifier(READER)
    connection.execute(
        sql.SQL(
            "DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        ).format(role=role)
    )
    if password is not None:
        # Only the verifier travels: a clear password could end in the server's log.
        verifier = connection.pgconn.encrypt_password(password.encode(), READER.encode(), b"scram-sha-256")
        connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(verifier.decode()))
        )
    row = connection.execute("SELECT current_database()").fetchone()
    database = sql.Identifier(row[0] if row else "")
    for statement in (
        "ALTER ROLE {role} SET default_transaction_read_only = on",
        "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {role}",
        "GRANT USAGE ON SCHEMA orcid_feed TO {role}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA orcid_feed TO {role}",
    ):
        connection.execute(sql.SQL(statement).format(role=role, database=database))
