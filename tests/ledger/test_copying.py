"""Rows put into COPY's text format arrive as they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orcid_sync.ledger.copying import copy_lines

from tests.conftest import DatabaseFactory

# PostgreSQL has no place for NUL, UTF-8 none for half a character.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
ROWS = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1), st.none() | TEXTS, st.booleans(), st.lists(TEXTS, max_size=3)
    ),
    max_size=5,
)


@pytest.fixture(scope="module")
def connection(create_database: DatabaseFactory) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(create_database(), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE arrived (n bigint, t text, b boolean, a text[])")
        yield connection


@settings(max_examples=200, deadline=None)
@given(rows=ROWS)
def test_rows_arrive_as_they_were(connection: psycopg.Connection[Any], rows: list[tuple[Any, ...]]) -> None:
    rows += [(0, "\\N", True, ["\\N", "NULL", "", 'a"b\\', "{,}"]), (1, "\\.", False, [])]
    connection.execute("TRUNCATE arrived")
    with connection.cursor() as cursor, cursor.copy("COPY arrived FROM STDIN") as copy:
        copy.write(copy_lines(rows))
    assert connection.execute("SELECT * FROM arrived ORDER BY ctid").fetchall() == rows
