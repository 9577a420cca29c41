"""Extraction: the contract kept or not, watermarks, overlap, what counts as a change."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import psycopg
import pytest
from orcid_sync.errors import Misconfigured, Transient, Unreachable
from orcid_sync.ledger.session import EXTRACT_LOCK, Ledger
from orcid_sync.settings import Settings
from orcid_sync.sync.extract import extract

from tests.fixtures.small_cris import SmallCris, Stages

pytestmark = pytest.mark.slow


def test_the_first_extraction_reads_everything(stages: Stages) -> None:
    counts = stages.extract("run-1")
    assert counts["full"] is True
    assert (counts["staff"], counts["units"], counts["employments"]) == (3, 2, 2)
    assert (counts["publications"], counts["publication_contributors"]) == (3, 6)
    assert counts["run"] == "run-1"


def test_afterwards_only_what_changed_is_staged(stages: Stages) -> None:
    stages.run()
    stages.cris.update("publications", "publication_id = 'W2'", title="On currents")
    counts = stages.extract("run-2")
    assert counts["full"] is False
    assert (
        counts["publications"],
        counts["publication_contributors"],
        counts["publication_identifiers"],
    ) == (1, 2, 1)
    assert (counts["staff"], counts["employments"]) == (0, 0)


@pytest.mark.parametrize(
    ("relation", "change"),
    [
        ("publication_contributors", {"credit_name": "Quill, Ann"}),
        ("publication_identifiers", {"external_id_value": "10.5555/other"}),
    ],
)
def test_a_changed_child_brings_its_publication_whose_own_moment_stood_still(
    stages: Stages, relation: str, change: dict[str, str]
) -> None:
    stages.run()
    place = "contributor_seq" if relation == "publication_contributors" else "identifier_seq"
    stages.cris.update(relation, f"publication_id = 'W1' AND {place} = 1", **change)
    counts = stages.extract("run-2")
    assert (counts["publications"], counts["publication_contributors"]) == (1, 2)


def test_a_job_that_stamps_every_row_changes_nothing(stages: Stages) -> None:
    stages.run()
    before = stages.state()
    for relation in ("staff", "units", "employments", "publications", "publication_contributors"):
        stages.cris.update(relation, "true")
    counts = stages.run()
    assert counts["extract"]["publications"] == 0
    assert counts["extract"]["read_again"] == 3 + 2 + 2 + 3
    assert "data_docs" not in counts["validate"], "with nothing staged Great Expectations has nothing to do"
    assert stages.state() == before


def test_a_row_that_was_committed_late_is_found_within_the_overlap(stages: Stages) -> None:
    stages.run()
    newest = stages.one("SELECT value FROM watermark WHERE relation = 'publications'")
    late = newest - dt.timedelta(minutes=9)
    stages.cris.insert("publications", publication_id="W9", updated_at=late)
    assert stages.extract("run-2")["publications"] == 1


def test_a_row_beyond_the_overlap_waits_for_the_full_extraction(stages: Stages) -> None:
    stages.run()
    newest = stages.one("SELECT value FROM watermark WHERE relation = 'publications'")
    stages.cris.insert("publications", publication_id="W9", updated_at=newest - dt.timedelta(minutes=11))
    assert stages.extract("run-2")["publications"] == 0
    assert stages.extract("run-3", full=True)["publications"] == 4


def test_a_moment_ahead_of_the_clock_does_not_hide_later_changes(stages: Stages) -> None:
    stages.cris.insert("publications", publication_id="W9", updated_at=dt.datetime(2999, 1, 1, tzinfo=dt.UTC))
    stages.run()
    stages.cris.publication("W10", "P1")
    stages.run()
    assert stages.row("W10")["answer"] == "yes"


def test_a_row_without_a_moment_of_change_is_read_each_time(stages: Stages) -> None:
    stages.run()
    stages.cris.insert("publications", publication_id="W9", updated_at=None)
    assert stages.extract("run-2")["publications"] == 1


def test_the_watermark_moves_with_the_merge_and_not_before(stages: Stages) -> None:
    stages.extract("run-1")
    assert stages.query("SELECT * FROM watermark") == []
    stages.validate("run-1")
    assert stages.query("SELECT * FROM watermark") == []
    stages.merge("run-1")
    assert stages.one("SELECT count(*) FROM watermark") == 13


def test_missing_optional_views_and_columns_read_as_their_defaults(stages: Stages) -> None:
    stages.cris.execute("DROP TABLE orcid_feed.fundings")
    stages.cris.execute("ALTER TABLE orcid_feed.publications DROP COLUMN is_confidential, DROP COLUMN url")
    stages.cris.execute("ALTER TABLE orcid_feed.publications DROP COLUMN publication_status")
    stages.cris.execute("ALTER TABLE orcid_feed.employments DROP COLUMN affiliation_type")
    counts = stages.run()
    assert {"fundings", "publications.url", "employments.affiliation_type"} <= set(
        counts["extract"]["missing_optional"]
    )
    assert stages.row("W1")["answer"] == "yes", (
        "a view without a status says nothing against its publications"
    )
    assert stages.row("E1")["answer"] == "yes"


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("DROP TABLE orcid_feed.units", ["orcid_feed.units", "Create it"]),
        (
            "ALTER TABLE orcid_feed.publications DROP COLUMN curation_status",
            ["orcid_feed.publications", "curation_status", "Add"],
        ),
        (
            "ALTER TABLE orcid_feed.publications ALTER publication_year TYPE text",
            ["publication_year", "smallint", "Cast"],
        ),
        ("ALTER SCHEMA orcid_feed RENAME TO feed", ["schema orcid_feed", "Create the schema"]),
    ],
    ids=["view", "column", "type", "schema"],
)
def test_a_breach_of_the_contract_names_the_thing_and_the_remedy(
    stages: Stages, statement: str, names: list[str]
) -> None:
    stages.cris.execute(statement)
    with pytest.raises(Misconfigured) as caught:
        stages.extract("run-1")
    assert all(name in str(caught.value) for name in names)


def test_a_value_too_large_names_relation_column_and_remedy_but_not_the_value(stages: Stages) -> None:
    stages.cris.execute("ALTER TABLE orcid_feed.publications ALTER publication_year TYPE integer")
    stages.cris.update("publications", "publication_id = 'W1'", publication_year=99999)
    with pytest.raises(Misconfigured) as caught:
        stages.extract("run-1")
    text = str(caught.value)
    assert "publication_year" in text
    assert "orcid_feed.publications" in text
    assert "smallint" in text
    assert "99999" not in text


def test_a_view_that_fails_by_itself_names_the_view(stages: Stages) -> None:
    stages.cris.execute(
        "ALTER TABLE orcid_feed.units RENAME TO raw_units; CREATE VIEW orcid_feed.units AS "
        "SELECT unit_id, parent_unit_id, name, ('x' || name)::integer::text AS city, updated_at "
        "FROM orcid_feed.raw_units"
    )
    with pytest.raises(Misconfigured, match=r"orcid_feed\.units"):
        stages.extract("run-1")


def test_wide_and_dirty_text_passes_unchanged(stages: Stages) -> None:
    title = "Tabs\tand\nbreaks \\ and \\N and «quotes» 'x' \"y\" \u200b\U0001f9ea " + "long " * 20_000
    stages.cris.update("publications", "publication_id = 'W1'", title=title)
    stages.run()
    assert stages.row("W1")["data"]["title"] == title


def test_the_contributors_addresses_are_not_even_read(stages: Stages) -> None:
    stages.cris.update(
        "publication_contributors", "publication_id = 'W1'", contributor_email="ann@example.org"
    )
    stages.run()
    assert "ann@example.org" not in str(stages.query("SELECT data FROM cris_content"))


def test_the_cris_is_read_in_a_read_only_transaction(stages: Stages) -> None:
    stages.cris.execute(
        "CREATE FUNCTION orcid_feed.spoil() RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN DELETE FROM orcid_feed.publications; RETURN 'x'; END $$;"
        "ALTER TABLE orcid_feed.units RENAME TO raw_units; CREATE VIEW orcid_feed.units AS "
        "SELECT unit_id, parent_unit_id, name, orcid_feed.spoil() AS city, updated_at FROM orcid_feed.raw_units"
    )
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        stages.extract("run-1")


def test_a_second_extraction_at_the_same_time_is_refused(stages: Stages) -> None:
    with stages.ledger.connection() as other:
        other.execute("SELECT pg_advisory_lock(%s, 0)", (EXTRACT_LOCK,))
        with pytest.raises(Transient, match="Another run"):
            stages.extract("run-1")
    assert stages.extract("run-1")["publications"] == 3


def test_an_unreachable_cris_is_tried_again_and_named_without_its_password(
    ledger: Ledger, tmp_path: Path
) -> None:
    def nowhere() -> psycopg.Connection:
        return psycopg.connect("postgresql://reader:geheim@127.0.0.1:1/cris")

    with pytest.raises(Unreachable, match="AIRFLOW_CONN_CRIS") as caught:
        extract(ledger, nowhere, run_id="run-1", settings=Settings(data_docs_dir=tmp_path))
    assert "geheim" not in str(caught.value)


def test_a_wrong_password_stops_and_names_the_connection(
    ledger: Ledger, cris: SmallCris, tmp_path: Path
) -> None:
    parts = psycopg.conninfo.make_conninfo(cris.dsn, user="nobody_known", password="geheim")
    with pytest.raises(Misconfigured, match="AIRFLOW_CONN_CRIS") as caught:
        extract(
            ledger, lambda: psycopg.connect(parts), run_id="run-1", settings=Settings(data_docs_dir=tmp_path)
        )
    assert "geheim" not in str(caught.value)


def test_a_user_who_may_not_read_a_view_is_told_which(stages: Stages) -> None:
    stages.cris.execute(
        "DO $$ BEGIN CREATE ROLE cris_guest LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        "GRANT USAGE ON SCHEMA orcid_feed TO cris_guest;"
        "GRANT SELECT ON ALL TABLES IN SCHEMA orcid_feed TO cris_guest;"
        "REVOKE SELECT ON orcid_feed.units FROM cris_guest"
    )
    guest = psycopg.conninfo.make_conninfo(stages.cris.dsn, user="cris_guest", password="x")
    with pytest.raises(Misconfigured, match=r"orcid_feed\.units"):
        extract(stages.ledger, lambda: psycopg.connect(guest), run_id="run-1", settings=stages.settings)
