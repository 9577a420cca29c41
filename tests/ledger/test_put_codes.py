"""Put codes out of the ledger and into it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pytest
from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.imports import ImportReport, read_csv
from orcid_sync.ledger.put_codes import PUT_CODE_COLUMNS, export_put_codes, import_put_codes
from orcid_sync.ledger.session import Ledger

from tests.fixtures.ledger_rows import CLIENT_ID, LedgerRows, digest

ORCID = "0000-0002-1825-0097"
OTHER_ORCID = "0000-0001-5109-3700"
GOOD = {
    "unit": "library",
    "person_id": "P1",
    "orcid": ORCID,
    "section": "work",
    "cris_id": "pub-1",
    "put_code": "11",
    "client_id": CLIENT_ID,
    "digest": digest("content"),
    "written_at": "2025-06-01T10:00:00Z",
}


@pytest.fixture
def campus(rows: LedgerRows) -> LedgerRows:
    """Two units, and a person whom only the CRIS knows."""
    rows.unit("library", librarians=["ann"])
    rows.unit("medicine", sections=["work"])
    rows.execute(
        "INSERT INTO cris_staff (person_id, family_names, is_current, visible, opted_out, row_hash) "
        "SELECT id, 'Name', true, true, false, gen_random_uuid() FROM unnest(ARRAY['P1', 'P2']) AS id"
    )
    return rows


def load(ledger: Ledger, *rows: Mapping[str, str]) -> ImportReport:
    return import_put_codes(ledger, enumerate(rows, start=2), actor="ann")


def test_what_is_exported_can_be_imported_elsewhere(campus: LedgerRows, ledger: Ledger) -> None:
    second = GOOD | {"person_id": "P2", "orcid": OTHER_ORCID, "put_code": "12", "section": "employment"}
    report = load(ledger, GOOD, second)
    assert (report.imported, report.unchanged, report.errors) == (2, 0, ())

    exported = list(export_put_codes(ledger))

    written = {"written_at": "2025-06-01T10:00:00+00:00"}
    assert exported == [GOOD | written, second | written]
    campus.execute("DELETE FROM researcher")
    file = io.StringIO()
    writer = csv.DictWriter(file, PUT_CODE_COLUMNS)
    writer.writeheader()
    writer.writerows(exported)
    file.seek(0)
    again = import_put_codes(ledger, read_csv(file, PUT_CODE_COLUMNS, "put codes"), actor="ann")
    assert (again.imported, again.errors) == (2, ())
    assert list(export_put_codes(ledger)) == exported


def test_importing_the_same_file_again_changes_nothing(campus: LedgerRows, ledger: Ledger) -> None:
    load(ledger, GOOD)
    before = campus.one("SELECT xmin FROM put_code")
    report = load(ledger, GOOD)
    assert (report.imported, report.unchanged) == (0, 1)
    assert campus.one("SELECT xmin FROM put_code") == before


def test_many_pages_are_exported(campus: LedgerRows, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orcid_sync.ledger.put_codes._PAGE", 2)
    load(ledger, *(GOOD | {"cris_id": f"pub-{n}", "put_code": str(n)} for n in range(1, 6)))
    assert [row["put_code"] for row in export_put_codes(ledger)] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        pytest.param({"unit": "nobody"}, "unit", "no such active unit", id="unknown unit"),
        pytest.param({"unit": ""}, "unit", "empty", id="no unit"),
        pytest.param(
            {"unit": "medicine", "section": "employment"}, "section", "may not own", id="section of another"
        ),
        pytest.param({"section": "poem"}, "section", "no such section", id="unknown section"),
        pytest.param({"person_id": "P9"}, "person_id", "no such person", id="unknown person"),
        pytest.param({"orcid": "0000-0002-1825-0098"}, "orcid", "no valid ORCID iD", id="check digit"),
        pytest.param(
            {"client_id": "APP-9999999999999999"}, "client_id", "no API client of ours", id="client"
        ),
        pytest.param({"put_code": "-1"}, "put_code", "no positive", id="negative"),
        pytest.param({"put_code": "9" * 30}, "put_code", "no positive", id="too large"),
        pytest.param({"digest": "abc"}, "digest", "no SHA-256", id="digest"),
        pytest.param({"written_at": "yesterday"}, "written_at", "no time", id="time"),
    ],
)
def test_a_wrong_row_stays_out_and_its_neighbours_go_in(
    campus: LedgerRows, ledger: Ledger, change: dict[str, str], field: str, reason: str
) -> None:
    neighbour = GOOD | {"cris_id": "pub-2", "put_code": "12"}

    report = load(ledger, GOOD | change, neighbour)

    assert report.imported == 1
    [error] = report.errors
    assert (error.line, error.field) == (2, field)
    assert reason in error.reason
    assert error.remedy


def test_one_entry_of_a_record_has_one_item(campus: LedgerRows, ledger: Ledger) -> None:
    report = load(
        ledger,
        GOOD,
        GOOD | {"cris_id": "pub-2"},
        GOOD | {"put_code": "12"},
        GOOD | {"unit": "medicine", "cris_id": "pub-3"},
    )
    assert report.imported == 1
    assert [(error.line, error.field) for error in report.errors] == [
        (3, "put_code"),
        (4, "cris_id"),
        (5, "put_code"),
    ]


def test_a_live_put_code_is_not_overwritten_by_another(campus: LedgerRows, ledger: Ledger) -> None:
    load(ledger, GOOD)
    report = load(ledger, GOOD | {"put_code": "12"}, GOOD | {"unit": "medicine"})
    assert report.imported == 0
    assert [error.reason for error in report.errors] == [
        "the item has another live put code",
        "this entry of the record is another item's",
    ]


def test_what_the_researcher_removed_does_not_come_back_with_an_old_file(
    campus: LedgerRows, ledger: Ledger
) -> None:
    load(ledger, GOOD)
    campus.execute("UPDATE put_code SET closed_at = now(), closed_because = 'removed_by_researcher'")
    report = load(ledger, GOOD)
    assert report.imported == 0
    assert "removed from the record since" in report.errors[0].reason


def test_a_newer_digest_is_taken_over(campus: LedgerRows, ledger: Ledger) -> None:
    load(ledger, GOOD | {"digest": ""})
    assert load(ledger, GOOD).imported == 1
    assert campus.one("SELECT digest FROM put_code") == GOOD["digest"]
    assert load(ledger, GOOD | {"digest": ""}).unchanged == 1, "an unknown digest says nothing new"


def test_a_file_without_a_column_is_refused_as_a_whole() -> None:
    with pytest.raises(Misconfigured, match="no column put_code"):
        list(read_csv(io.StringIO("unit,person_id\nlibrary,P1\n"), ["unit", "put_code"], "put codes"))
