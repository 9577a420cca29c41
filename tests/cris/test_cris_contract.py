"""What `inspect_contract` says about databases that keep the contract, or don't."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from orcid_sync.cris.contract import CONTRACT, create_tables_sql
from orcid_sync.cris.inspection import ProblemKind, inspect_contract

from tests.conftest import DatabaseFactory

pytestmark = pytest.mark.slow


@pytest.fixture
def cris(database: DatabaseFactory) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database(), autocommit=True) as connection:
        connection.execute(create_tables_sql())
        yield connection


def test_every_key_and_watermark_is_a_required_column() -> None:
    for relation in CONTRACT.values():
        for name in (*relation.key, relation.watermark):
            assert relation.column(name).required, f"{relation.name}.{name}"


def test_a_whole_contract_has_no_problem(cris: psycopg.Connection) -> None:
    report = inspect_contract(cris)
    assert report.ok
    assert report.missing_optional == ()
    assert report.present == {name: relation.column_names for name, relation in CONTRACT.items()}


def test_required_columns_alone_are_enough(cris: psycopg.Connection) -> None:
    dropped = []
    for relation in CONTRACT.values():
        for column in relation.columns:
            if not column.required:
                cris.execute(f"ALTER TABLE orcid_feed.{relation.name} DROP COLUMN {column.name}")
                dropped.append(f"{relation.name}.{column.name}")
    report = inspect_contract(cris)
    assert report.ok
    assert list(report.missing_optional) == dropped


def test_optional_views_may_be_missing_and_are_listed(cris: psycopg.Connection) -> None:
    cris.execute("DROP TABLE orcid_feed.fundings, orcid_feed.peer_reviews, orcid_feed.qualifications")
    report = inspect_contract(cris)
    assert report.ok
    assert report.missing_optional == ("fundings", "peer_reviews", "qualifications")
    assert "fundings" not in report.present


@pytest.mark.parametrize("name", [name for name, relation in CONTRACT.items() if not relation.optional])
def test_a_missing_core_view_is_named_with_its_required_columns(cris: psycopg.Connection, name: str) -> None:
    cris.execute(f"DROP TABLE orcid_feed.{name}")
    (problem,) = inspect_contract(cris).problems
    assert (problem.kind, problem.relation) == (ProblemKind.MISSING_RELATION, name)
    assert f"orcid_feed.{name}" in problem.message
    assert CONTRACT[name].key[0] in problem.remedy


def test_a_missing_required_column_is_named_with_view_type_and_meaning(cris: psycopg.Connection) -> None:
    cris.execute("ALTER TABLE orcid_feed.publications DROP COLUMN curation_status")
    (problem,) = inspect_contract(cris).problems
    assert str(problem) == (
        "The view orcid_feed.publications has no column curation_status. "
        "Add curation_status text to the view: approved | pending | rejected | withdrawn."
    )


@pytest.mark.parametrize(
    ("relation", "column", "wrong", "cast"),
    [
        ("publications", "publication_year", "text", "publication_year::smallint"),
        ("staff", "is_current", "text", "is_current::boolean"),
        ("staff", "person_id", "integer", "person_id::text"),
        ("staff", "other_names", "text", "other_names::text[]"),
        ("units", "updated_at", "timestamp", "updated_at AT TIME ZONE"),
    ],
    ids=["year-text", "boolean-text", "id-integer", "array-text", "timestamp-without-zone"],
)
def test_a_wrong_type_is_reported_with_the_cast_that_repairs_it(
    cris: psycopg.Connection, relation: str, column: str, wrong: str, cast: str
) -> None:
    cris.execute(f"ALTER TABLE orcid_feed.{relation} DROP COLUMN {column}")
    cris.execute(f"ALTER TABLE orcid_feed.{relation} ADD COLUMN {column} {wrong}")
    (problem,) = inspect_contract(cris).problems
    assert (problem.kind, problem.relation, problem.column) == (ProblemKind.WRONG_TYPE, relation, column)
    assert cast in problem.remedy


@pytest.mark.parametrize("good", ["varchar(20)", "char(20)"])
def test_other_text_types_are_text(cris: psycopg.Connection, good: str) -> None:
    cris.execute(f"ALTER TABLE orcid_feed.staff ALTER COLUMN family_names TYPE {good}")
    assert inspect_contract(cris).ok


def test_a_domain_counts_as_its_base_type(cris: psycopg.Connection) -> None:
    cris.execute("CREATE DOMAIN calendar_year AS integer CHECK (VALUE > 0)")
    cris.execute("ALTER TABLE orcid_feed.publications ALTER COLUMN publication_year TYPE calendar_year")
    assert inspect_contract(cris).ok


def test_a_missing_schema_is_one_problem(cris: psycopg.Connection) -> None:
    (problem,) = inspect_contract(cris, "elsewhere").problems
    assert problem.kind is ProblemKind.MISSING_SCHEMA
    assert "elsewhere" in str(problem)


def test_a_user_without_rights_is_told_the_grant(cris: psycopg.Connection) -> None:
    cris.execute("CREATE ROLE contract_stranger")
    try:
        cris.execute("SET ROLE contract_stranger")
        (problem,) = inspect_contract(cris).problems
        assert "GRANT USAGE ON SCHEMA orcid_feed" in problem.remedy
        cris.execute("RESET ROLE")
        cris.execute("GRANT USAGE ON SCHEMA orcid_feed TO contract_stranger")
        cris.execute("GRANT SELECT ON ALL TABLES IN SCHEMA orcid_feed TO contract_stranger")
        cris.execute("REVOKE SELECT ON orcid_feed.staff FROM contract_stranger")
        cris.execute("SET ROLE contract_stranger")
        (problem,) = inspect_contract(cris).problems
        assert (problem.kind, problem.relation) == (ProblemKind.NOT_READABLE, "staff")
    finally:
        cris.execute("RESET ROLE")
        cris.execute("DROP OWNED BY contract_stranger")
        cris.execute("DROP ROLE contract_stranger")
