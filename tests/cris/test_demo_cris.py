"""The demo CRIS: determinism, conformance, rights, and a curator's edits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

import psycopg
import pytest
from orcid_sync.cris.contract import CONTRACT
from orcid_sync.cris.demo import (
    HOSPITAL_ID,
    READER,
    UNIVERSITY_ID,
    UNIVERSITY_ROR,
    check_digits,
    demo_researchers,
    edit,
    generate,
    holds_demo,
)
from orcid_sync.cris.demo.dirt import FLAWS
from orcid_sync.cris.inspection import inspect_contract
from orcid_sync.local.postgres import EmbeddedPostgres, ExternalPostgres
from stdnum import isbn, issn

from tests.conftest import DatabaseFactory

pytestmark = pytest.mark.slow

READER_PASSWORD = "reader-of-tests"
SMALL = {"staff": 60, "publications": 400}


@pytest.fixture(scope="module")
def demo_template(create_database: DatabaseFactory) -> str:
    """A demo CRIS with every class of flaw; the name of its database, to be copied."""
    dsn = create_database()
    generate(dsn, seed=7, staff=120, publications=1200, dirt=0.15, reader_password=READER_PASSWORD)
    return dsn.rsplit("/", 1)[-1]


@pytest.fixture
def dsn(demo_template: str, database: DatabaseFactory) -> str:
    return database(template=demo_template)


@pytest.fixture
def cris(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def _checksum(dsn: str) -> dict[str, tuple[int, str]]:
    with psycopg.connect(dsn) as connection:
        return {
            name: connection.execute(
                f"SELECT count(*), coalesce(md5(string_agg(md5(t::text), '' ORDER BY t::text)), '')"
                f" FROM orcid_feed.{name} t"
            ).fetchone()
            for name in CONTRACT
        }


def _one(connection: psycopg.Connection, query: str, *values: object) -> tuple:
    row = connection.execute(query, values).fetchone()
    assert row is not None, f"no row for {values}"
    return row


def test_the_same_seed_gives_the_same_rows_and_another_seed_gives_others(database: DatabaseFactory) -> None:
    checksums = []
    for seed in (1, 1, 2):
        dsn = database()
        generate(dsn, seed=seed, **SMALL)
        checksums.append(_checksum(dsn))
    assert checksums[0] == checksums[1]
    assert checksums[0]["publications"] != checksums[2]["publications"]
    assert checksums[0]["staff"] != checksums[2]["staff"]


def test_counts_are_those_of_the_views_and_averages_those_asked_for(database: DatabaseFactory) -> None:
    dsn = database()
    counts = generate(
        dsn, staff=300, publications=2000, pairs_per_publication=2.5, contributors_per_publication=5
    )
    with psycopg.connect(dsn) as connection:
        for name, expected in (
            ("units", counts.units),
            ("staff", counts.staff),
            ("employments", counts.employments),
            ("publications", counts.publications),
            ("publication_contributors", counts.contributors),
            ("publication_identifiers", counts.identifiers),
            ("tombstones", counts.tombstones),
        ):
            assert _one(connection, f"SELECT count(*) FROM orcid_feed.{name}") == (expected,), name
    assert (counts.staff, counts.publications) == (300, 2000)
    assert counts.pairs / counts.publications == pytest.approx(2.5, rel=0.05)
    assert counts.contributors / counts.publications == pytest.approx(5, rel=0.1)


def test_the_reader_sees_the_whole_contract(dsn: str, postgres: EmbeddedPostgres | ExternalPostgres) -> None:
    with _as_reader(dsn, postgres) as connection:
        report = inspect_contract(connection)
        assert report.ok
        assert report.missing_optional == ()
        for name in CONTRACT:
            assert _one(connection, f"SELECT count(*) > 0 FROM orcid_feed.{name}") == (True,), name


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM cris_base.person",
        "SELECT * FROM cris_base.output",
        "UPDATE orcid_feed.publications SET title = 'x'",
        "DELETE FROM orcid_feed.tombstones",
        "INSERT INTO orcid_feed.tombstones (entity, entity_id, reason, deleted_at) VALUES ('a', 'b', 'c', now())",
        "CREATE TABLE public.mine (n int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
    ],
)
def test_the_reader_can_neither_write_nor_read_base_tables(
    dsn: str, postgres: EmbeddedPostgres | ExternalPostgres, statement: str
) -> None:
    with _as_reader(dsn, postgres) as connection:
        # The rights must hold even where the reader lifts its own read-only setting.
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_reader_can_not_even_make_temporary_tables(
    demo_template: str, postgres: EmbeddedPostgres | ExternalPostgres
) -> None:
    # In the generated database itself: a copy of it does not inherit rights on the database.
    with _as_reader(demo_template, postgres) as connection:
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TEMP TABLE mine (n int)")


def test_the_reader_is_read_only_by_default(dsn: str, postgres: EmbeddedPostgres | ExternalPostgres) -> None:
    with _as_reader(dsn, postgres) as connection:
        assert _one(connection, "SHOW default_transaction_read_only") == ("on",)


def _as_reader(dsn: str, postgres: EmbeddedPostgres | ExternalPostgres) -> psycopg.Connection:
    name = dsn.rsplit("/", 1)[-1]
    return psycopg.connect(postgres.url(name, READER, READER_PASSWORD), autocommit=True)


def test_a_clean_cris_has_no_flaw(database: DatabaseFactory) -> None:
    dsn = database()
    generate(dsn, dirt=0, **SMALL)
    with psycopg.connect(dsn) as connection:
        assert _one(connection, "SELECT count(*) FROM cris_base.seeded_dirt") == (0,)
        ineligible = """
            SELECT count(*) FROM orcid_feed.publications p
            WHERE visibility <> 'public' OR curation_status <> 'approved' OR is_confidential
               OR title = '' OR publication_year NOT BETWEEN 2016 AND 2026
               OR publication_status NOT IN ('published', 'epub')
               OR NOT EXISTS (SELECT FROM orcid_feed.publication_identifiers i
                              WHERE i.publication_id = p.publication_id AND i.external_id_relationship = 'self'
                                AND i.external_id_type NOT IN ('issn', 'isbn'))
                  AND source_type NOT IN ('Book', 'monograph', 'edited-book', 'bookanthology/anthology')
               OR NOT EXISTS (SELECT FROM orcid_feed.publication_contributors c JOIN orcid_feed.staff s
                              USING (person_id) WHERE c.publication_id = p.publication_id)
        """
        assert _one(connection, ineligible) == (0,)
        holes = """
            SELECT count(*) FROM (SELECT FROM orcid_feed.publication_contributors GROUP BY publication_id
                                  HAVING max(contributor_seq) <> count(*) OR min(contributor_seq) <> 1) h
        """
        assert _one(connection, holes) == (0,)
        shared = """
            SELECT count(*) FROM (
                SELECT FROM orcid_feed.publication_identifiers WHERE external_id_relationship = 'self'
                GROUP BY external_id_type, lower(external_id_value) HAVING count(*) > 1) s
        """
        assert _one(connection, shared) == (0,)


def test_a_filled_database_is_not_filled_again(database: DatabaseFactory) -> None:
    dsn = database()
    assert not holds_demo(dsn)
    generate(dsn, staff=10, publications=20)
    assert holds_demo(dsn)
    with pytest.raises(ValueError, match="already holds a demo CRIS"):
        generate(dsn, staff=10, publications=20)


def test_every_class_of_flaw_is_seeded_and_recorded(cris: psycopg.Connection) -> None:
    seeded = {
        row[0] for row in cris.execute("SELECT kind FROM cris_base.seeded_dirt WHERE entity = 'publications'")
    }
    assert seeded == set(FLAWS)


@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        ("title_only_markup", "p.title = '<i> </i><sub></sub>'"),
        ("hidden", "p.visibility = 'hidden'"),
        ("internal", "p.visibility = 'internal'"),
        ("confidential", "p.is_confidential"),
        ("embargoed", "p.embargo_until > now()"),
        ("workflow_pending", "p.curation_status = 'pending'"),
        ("workflow_rejected", "p.curation_status = 'rejected'"),
        ("date_year_2201", "p.publication_year = 2201"),
        ("stage_retracted", "p.publication_status = 'retracted'"),
        (
            "contributor_hole",
            """(SELECT max(contributor_seq) > count(*) FROM orcid_feed.publication_contributors c
                WHERE c.publication_id = p.publication_id)""",
        ),
        (
            "publication_merged",
            "EXISTS (SELECT FROM orcid_feed.tombstones t WHERE t.merged_into_id = p.publication_id)",
        ),
        (
            "identifier_none",
            """NOT EXISTS (SELECT FROM orcid_feed.publication_identifiers i
                           WHERE i.publication_id = p.publication_id)""",
        ),
    ],
    ids=lambda value: value if " " not in value else "",
)
def test_a_flaw_is_visible_through_the_views(cris: psycopg.Connection, kind: str, condition: str) -> None:
    found = cris.execute(
        f"SELECT p.publication_id, {condition} FROM cris_base.seeded_dirt d"
        " JOIN orcid_feed.publications p ON p.publication_id = d.entity_id WHERE d.kind = %s",
        [kind],
    ).fetchall()
    assert found
    assert all(holds for _, holds in found), found


def test_there_is_one_paper_with_several_hundred_authors(cris: psycopg.Connection) -> None:
    large = cris.execute(
        "SELECT publication_id FROM orcid_feed.publication_contributors GROUP BY 1 HAVING count(*) >= 400"
    ).fetchall()
    assert len(large) == 1


def test_the_university_is_the_root_and_the_hospital_has_an_identifier_of_its_own(
    cris: psycopg.Connection,
) -> None:
    roots = cris.execute(
        "SELECT unit_id, ror_id FROM orcid_feed.units WHERE parent_unit_id IS NULL"
    ).fetchall()
    assert roots == [(UNIVERSITY_ID, UNIVERSITY_ROR)]
    hospital = _one(cris, "SELECT ror_id FROM orcid_feed.units WHERE unit_id = %s", HOSPITAL_ID)[0]
    assert hospital not in (None, UNIVERSITY_ROR)
    orphans = (
        "SELECT count(*) FROM orcid_feed.units u WHERE parent_unit_id IS NOT NULL AND NOT EXISTS (SELECT FROM"
    )
    assert _one(cris, f"{orphans} orcid_feed.units p WHERE p.unit_id = u.parent_unit_id)") == (0,)


def test_there_are_leavers_concurrent_posts_and_changes_of_department(cris: psycopg.Connection) -> None:
    assert _one(cris, "SELECT count(*) > 5 FROM orcid_feed.staff WHERE NOT is_current") == (True,)
    concurrent = "SELECT count(*) > 5 FROM (SELECT FROM orcid_feed.employments WHERE end_year IS NULL"
    assert _one(cris, f"{concurrent} GROUP BY person_id HAVING count(*) > 1) c") == (True,)
    changed = (
        "SELECT count(*) > 5 FROM orcid_feed.employments a JOIN orcid_feed.employments b USING (person_id)"
    )
    assert _one(cris, f"{changed} WHERE a.end_year IS NOT NULL AND b.unit_id <> a.unit_id") == (True,)


def test_researchers_have_valid_distinct_ids(dsn: str) -> None:
    researchers = demo_researchers(dsn)
    assert len(researchers) > 80
    assert researchers == sorted(researchers)
    assert len({orcid for _, orcid in researchers}) == len(researchers)
    for _, orcid in researchers:
        assert re.fullmatch(r"(\d{4}-){3}\d{3}[\dX]", orcid)
        assert check_digits.mod_11_2(orcid.replace("-", "")[:15]) == orcid[-1]


def test_made_up_identifiers_have_right_check_digits() -> None:
    assert check_digits.mod_11_2("000000021825009") == "7", "the iD of ORCID's own documentation"
    for number in range(0, 5000, 37):
        assert issn.is_valid(check_digits.issn(number))
        assert isbn.is_valid(check_digits.isbn13(number))
    assert check_digits.ror(0x0) == "https://ror.org/000000098"


def _a_pair(cris: psycopg.Connection) -> tuple[str, str]:
    """A clean publication with at least two members of staff, and the first of them."""
    return _one(
        cris,
        """
        SELECT c.publication_id, (array_agg(c.person_id ORDER BY c.contributor_seq))[1]
        FROM orcid_feed.publication_contributors c
        WHERE c.person_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM cris_base.seeded_dirt d WHERE d.entity_id = c.publication_id)
        GROUP BY 1 HAVING count(DISTINCT c.person_id) > 1 ORDER BY 1 LIMIT 1
        """,
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c, p: edit.retitle(c, p, "New"), ("New", "approved", "public", False, "published")),
        (edit.withdraw, (None, "withdrawn", "public", False, "published")),
        (edit.reject, (None, "rejected", "public", False, "published")),
        (edit.send_back, (None, "pending", "public", False, "published")),
        (edit.hide, (None, "approved", "hidden", False, "published")),
        (edit.make_confidential, (None, "approved", "public", True, "published")),
        (edit.retract, (None, "approved", "public", False, "retracted")),
    ],
    ids=["retitle", "withdraw", "reject", "send_back", "hide", "make_confidential", "retract"],
)
def test_an_edit_shows_in_the_view_with_a_later_time(
    cris: psycopg.Connection, change: Callable[[psycopg.Connection, str], None], expected: tuple[object, ...]
) -> None:
    publication_id, _ = _a_pair(cris)
    seen = "SELECT title, curation_status, visibility, is_confidential, publication_status, updated_at"
    before = _one(cris, f"{seen} FROM orcid_feed.publications WHERE publication_id = %s", publication_id)
    change(cris, publication_id)
    after = _one(cris, f"{seen} FROM orcid_feed.publications WHERE publication_id = %s", publication_id)
    assert after[:5] == (expected[0] or before[0], *expected[1:])
    assert after[5] > before[5]
    edit.approve(cris, publication_id)
    again = _one(cris, f"{seen} FROM orcid_feed.publications WHERE publication_id = %s", publication_id)
    assert again[1:4] == ("approved", "public", False)


@pytest.mark.parametrize(
    "change",
    [
        lambda c, p, person: edit.reject_claim(c, p, person),
        lambda c, p, person: edit.list_claim(c, p, person, listed=False),
        lambda c, p, person: edit.remove_author(c, p, person),
        lambda c, p, person: edit.set_identifiers(c, p, [edit.NewIdentifier("doi", "10.5555/new")]),
    ],
    ids=["reject_claim", "hide_claim", "remove_author", "set_identifiers"],
)
def test_a_change_of_authors_or_identifiers_touches_the_publication(
    cris: psycopg.Connection, change: Callable[[psycopg.Connection, str, str], None]
) -> None:
    publication_id, person_id = _a_pair(cris)
    query = "SELECT updated_at FROM orcid_feed.publications WHERE publication_id = %s"
    before = _one(cris, query, publication_id)
    change(cris, publication_id, person_id)
    assert _one(cris, query, publication_id) > before


def test_removing_an_author_closes_the_gap(cris: psycopg.Connection) -> None:
    publication_id, person_id = _a_pair(cris)
    edit.remove_author(cris, publication_id, person_id)
    seqs = cris.execute(
        "SELECT contributor_seq FROM orcid_feed.publication_contributors WHERE publication_id = %s ORDER BY 1",
        [publication_id],
    ).fetchall()
    assert [seq for (seq,) in seqs] == list(range(1, len(seqs) + 1))


def test_a_merge_leaves_a_tombstone_and_gives_the_survivor_what_it_lacked(cris: psycopg.Connection) -> None:
    for publication_id, person_id, scheme in (("X1", "P000001", "doi"), ("X2", "P000002", "pmid")):
        edit.add_publication(
            cris,
            publication_id,
            [person_id],
            title="Once",
            identifiers=[edit.NewIdentifier(scheme, "10.5555/x")],
        )
    edit.merge_publications(cris, "X2", "X1")
    tombstone = _one(
        cris, "SELECT entity, reason, merged_into_id FROM orcid_feed.tombstones WHERE entity_id = 'X2'"
    )
    assert tombstone == ("publications", "merged", "X1")
    people = cris.execute(
        "SELECT person_id FROM orcid_feed.publication_contributors WHERE publication_id = 'X1'"
    )
    assert {row[0] for row in people} == {"P000001", "P000002"}
    schemes = cris.execute(
        "SELECT external_id_type FROM orcid_feed.publication_identifiers WHERE publication_id = 'X1'"
    )
    assert {row[0] for row in schemes} == {"doi", "pmid"}
    assert cris.execute("SELECT FROM orcid_feed.publications WHERE publication_id = 'X2'").fetchone() is None


@pytest.mark.parametrize("tombstone", [True, False], ids=["with-tombstone", "without"])
def test_a_deleted_publication_is_gone_with_its_children(cris: psycopg.Connection, tombstone: bool) -> None:
    publication_id, _ = _a_pair(cris)
    edit.delete_publication(cris, publication_id, tombstone=tombstone)
    for view in ("publications", "publication_contributors", "publication_identifiers"):
        assert _one(
            cris, f"SELECT count(*) FROM orcid_feed.{view} WHERE publication_id = %s", publication_id
        ) == (0,)
    buried = _one(cris, "SELECT count(*) FROM orcid_feed.tombstones WHERE entity_id = %s", publication_id)
    assert buried == (int(tombstone),)


def test_leaving_ends_all_posts(cris: psycopg.Connection) -> None:
    person_id = _one(cris, "SELECT person_id FROM orcid_feed.staff WHERE is_current ORDER BY 1 LIMIT 1")[0]
    edit.add_employment(cris, "EX", person_id, UNIVERSITY_ID, title="Dean", started="2026-10")
    edit.leave(cris, person_id, date(2026, 10, 31))
    assert _one(cris, "SELECT is_current FROM orcid_feed.staff WHERE person_id = %s", person_id) == (False,)
    running = "SELECT count(*) FROM orcid_feed.employments WHERE end_year IS NULL AND person_id = %s"
    assert _one(cris, running, person_id) == (0,)
    post = (
        "SELECT start_year, start_month, start_day, end_year, end_month, end_day FROM orcid_feed.employments"
    )
    assert _one(cris, f"{post} WHERE employment_id = 'EX'") == (2026, 10, None, 2026, 10, 31)
    edit.come_back(cris, person_id)
    assert _one(cris, "SELECT is_current FROM orcid_feed.staff WHERE person_id = %s", person_id) == (True,)


def test_a_bulk_touch_changes_times_and_nothing_else(cris: psycopg.Connection) -> None:
    content = "SELECT md5(string_agg((to_jsonb(p) - 'updated_at')::text, '' ORDER BY publication_id)), max(updated_at)"
    before = _one(cris, f"{content} FROM orcid_feed.publications p")
    edit.touch_everything(cris)
    after = _one(cris, f"{content} FROM orcid_feed.publications p")
    assert after[0] == before[0]
    oldest = _one(cris, "SELECT min(updated_at) FROM orcid_feed.publications")
    assert oldest[0] > before[1]


def test_an_edit_of_an_unknown_row_is_an_error(cris: psycopg.Connection) -> None:
    with pytest.raises(LookupError, match="W-none"):
        edit.retitle(cris, "W-none", "x")
    with pytest.raises(LookupError, match="P-none"):
        edit.reject_claim(cris, "W00000001", "P-none")
