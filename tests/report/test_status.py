"""Status and run report: figures from the ledger."""

from __future__ import annotations

import io
import json

import pytest
from orcid_sync.ledger.runs import stage_run
from orcid_sync.report.run_report import run_report
from orcid_sync.report.status import as_text, show_status, status
from orcid_sync.review.holds import pause
from orcid_sync.review.rights import NothingSelected
from orcid_sync.settings import Settings
from rich.console import Console

from tests.fixtures.house import House


def test_an_empty_ledger_has_a_status(house: House) -> None:
    found = status(house.ledger, Settings())
    assert (found["items"], found["permissions"], found["batches"]["open"]) == ({}, {}, 0)
    json.dumps(found, default=as_text)


def test_items_are_counted_by_state_unit_and_reason(house: House) -> None:
    library, med = house.unit("library"), house.unit("med")
    researcher = house.researcher(state="granted")
    house.researcher(state="revoked")
    for reason in ("already_on_record", "already_on_record", "record_full"):
        house.item(library, researcher, held="withheld", reason=reason)
    house.put_code(house.item(med, researcher), 5)
    house.item(med, researcher, held="waiting_permission", reason="revoked")
    found = status(house.ledger, Settings())
    assert found["items"] == {"withheld": 3, "written": 1, "waiting_permission": 1}
    assert found["by_unit"] == {"library": {"withheld": 3}, "med": {"written": 1, "waiting_permission": 1}}
    assert found["reasons"] == {
        "withheld": {"already_on_record": 2, "record_full": 1},
        "waiting_permission": {"revoked": 1},
    }
    assert found["permissions"] == {"granted": 1, "revoked": 1}


def test_staff_without_a_permission_were_never_asked(house: House) -> None:
    house.unit()
    house.researcher("p-1")
    with house.ledger.transaction() as connection:
        connection.execute(
            "INSERT INTO cris_staff (person_id, family_names, is_current, visible, opted_out, row_hash) "
            "SELECT 'p-' || n, 'Name', n < 4, true, false, md5('')::uuid FROM generate_series(1, 5) n"
        )
    assert status(house.ledger, Settings())["permissions"] == {"granted": 1, "never_asked": 2}


def test_the_status_is_shown_with_labels_runs_holds_and_remedies(house: House) -> None:
    library = house.unit("library")
    researcher = house.researcher()
    item = house.item(library, researcher)
    house.batch(library, [house.change(item)])
    house.item(library, researcher, held="withheld", reason="no_usable_identifier")
    pause(house.ledger, actor_name="op", unit="library")
    with stage_run(house.ledger, "run-7", "propose"):
        pass
    with pytest.raises(ZeroDivisionError), stage_run(house.ledger, "run-8", "write"):
        _ = 1 / 0
    text = io.StringIO()
    show_status(status(house.ledger, Settings()), Console(file=text, width=200))
    shown = text.getvalue()
    for part in (
        "Not sent",
        "Add or correct an identifier",
        "CRIS team",
        "1 undecided, not asked yet",
        "Paused: library",
        "run-7",
        "ZeroDivisionError",
        "written next on",
    ):
        assert part in shown


def test_a_run_report_has_stages_calls_and_what_was_proposed(house: House) -> None:
    library = house.unit()
    with stage_run(house.ledger, "run-1", "propose") as counts:
        counts["proposed"] = 1
    house.change(house.item(library, house.researcher()), run_id="run-1")
    with house.ledger.transaction() as connection:
        connection.execute(
            "INSERT INTO api_call (run_id, client_id, method, endpoint, status, error_code, calls, items, seconds) "
            "VALUES ('run-1', 'APP-1', 'GET', '/{orcid}/activities', 200, 0, 3, 0, 1.5), "
            "('run-1', 'APP-1', 'POST', '/{orcid}/works', 0, 0, 1, 100, 2.5)"
        )
    found = run_report(house.ledger, "run-1")
    assert found["proposed"] == {"add": 1}
    assert [(stage["stage"], stage["ended"], stage["error"]) for stage in found["stages"]] == [
        ("propose", True, None)
    ]
    assert {name: value for name, value in found["calls"].items() if name not in ("floor", "pace")} == {
        "calls": 4,
        "items": 100,
        "seconds": 4.0,
        "by_endpoint": {"GET /{orcid}/activities": 3, "POST /{orcid}/works": 1},
        "by_status": {"200": 3, "no answer": 1},
    }
    with pytest.raises(NothingSelected, match="no such run"):
        run_report(house.ledger, "run-9")
