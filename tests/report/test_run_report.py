"""Reports from the ledger's own figures: calls and their floor, pace, quality, adoption, who can't be served."""

from __future__ import annotations

import pytest
from orcid_sync.errors import Who
from orcid_sync.ledger.session import Ledger
from orcid_sync.report.adoption import adoption
from orcid_sync.report.calls import Floor, Pace
from orcid_sync.report.quality import quality_history
from orcid_sync.report.run_report import run_report
from orcid_sync.report.unserved import unserved
from orcid_sync.review.rights import NothingSelected

from tests.fixtures.ledger_rows import LedgerRows

ORCID = "0000-0002-1825-0097"


@pytest.fixture
def run(rows: LedgerRows) -> str:
    """A run that has done nothing yet."""
    rows.execute("INSERT INTO run (run_id) VALUES ('r')")
    return "r"


def calls(ledger: Ledger) -> dict[str, int]:
    found: dict[str, int] = run_report(ledger, "r")["calls"]["floor"]
    return found


def written(rows: LedgerRows, unit: int, researcher: int, name: str, action: str, section: str) -> None:
    """A change whose writing was tried in the run."""
    item = rows.item(unit, researcher, name, section=section)
    rows.execute(
        "INSERT INTO change (item_id, unit_id, action, digest, payload_digest, put_code, why, run_id) "
        "VALUES (%s, %s, %s, %s, %s, %s, 'x', 'r')",
        (item, unit, action, name, None if action == "remove" else "p", None if action == "add" else 1),
    )
    change = rows.one("SELECT max(id) FROM change")
    rows.execute("ALTER TABLE intent DISABLE TRIGGER ALL")
    # A call without an answer is made again: the floor doesn't grow.
    for _ in range(2):
        rows.execute(
            "INSERT INTO intent (change_id, item_id, unit_id, run_id, action, digest, sent_keys, settles_at) "
            "VALUES (%s, %s, %s, 'r', %s, %s, '{}', now())",
            (change, item, unit, action, name),
        )


def test_the_floor_is_a_read_a_record_a_bulk_a_hundred_works_and_a_call_for_the_rest(
    rows: LedgerRows, ledger: Ledger, run: str
) -> None:
    unit, one, other = rows.unit("library"), rows.researcher("P1"), rows.researcher("P2")
    for name, action, section, researcher in (
        ("a", "add", "work", one),
        ("b", "add", "work", one),
        ("c", "add", "work", other),
        ("d", "add", "employment", one),
        ("e", "update", "work", one),
        ("f", "remove", "work", other),
    ):
        written(rows, unit, researcher, name, action, section)
    rows.execute("INSERT INTO stage_run (run_id, stage, counts) VALUES ('r', 'mirror', '{\"read\": 7}')")
    rows.execute(
        "INSERT INTO api_call (run_id, client_id, method, endpoint, status, error_code, calls, items, seconds) "
        "VALUES ('r', 'c', 'GET', '/{orcid}/works/{put_codes}', 200, 0, 3, 130, 1)"
    )
    assert calls(ledger) == {"reads": 7, "bulks": 2, "singles": 3, "adopted": 2, "calls": 14}


def test_a_run_that_called_nobody_has_no_floor_and_no_pace(ledger: Ledger, run: str) -> None:
    found = run_report(ledger, run)["calls"]
    assert found["calls"] == found["floor"]["calls"] == found["pace"]["seconds"] == 0
    assert found["pace"]["share"] == 0


def test_a_pause_is_no_slow_work(rows: LedgerRows, ledger: Ledger, run: str) -> None:
    # Three seconds, then one two seconds later, then after a minute's pause one more.
    for second in (0, 1, 2, 4, 64):
        rows.execute(
            "INSERT INTO api_call_second VALUES ('r', 'c', timestamptz '2026-01-01 00:00Z' + %s * interval '1 s', 12)",
            (second,),
        )
    pace = run_report(ledger, run)["calls"]["pace"]
    assert (pace["calls"], pace["seconds"], pace["busiest"]) == (60, 6, 12)
    assert pace["per_second"] == 10


def test_figures_of_nothing_are_nothing() -> None:
    assert Floor(0, 0, 0, 0).calls == 0
    assert Pace(0, 0, 0).share == 0


def test_an_unknown_run_gets_a_clear_word(ledger: Ledger) -> None:
    with pytest.raises(NothingSelected, match="no such run"):
        run_report(ledger, "nothing")


def test_quality_has_each_check_over_the_last_extractions(rows: LedgerRows, ledger: Ledger) -> None:
    for number, found in enumerate(
        ('{"publications.a": 3}', '{"publications.a": 1, "staff.b": 4}', "{}"), start=1
    ):
        rows.execute("INSERT INTO run (run_id) VALUES (%s)", (f"r{number}",))
        rows.execute(
            "INSERT INTO stage_run (run_id, stage, started_at, ended_at, counts) VALUES (%s, 'validate', "
            "timestamptz '2026-01-01' + %s * interval '2 days', now(), "
            "jsonb_build_object('checked', 10, 'quarantined_by_check', %s::jsonb))",
            (f"r{number}", number, found),
        )
    # Nothing was staged: it says nothing about quality.
    rows.execute("INSERT INTO run (run_id) VALUES ('r4')")
    rows.execute(
        "INSERT INTO stage_run (run_id, stage, counts) VALUES ('r4', 'validate', '{\"checked\": 0}')"
    )
    history = quality_history(ledger)
    assert [run for run, _, _ in history.runs] == ["r1", "r2", "r3"]
    assert [(one.relation, one.check, one.bad) for one in history.checks] == [
        ("staff", "b", (0, 4, 0)),
        ("publications", "a", (3, 1, 0)),
    ]


def test_adoption_is_a_share_of_each_units_staff(rows: LedgerRows, ledger: Ledger) -> None:
    rows.unit("library")
    rows.unit("medicine")
    rows.execute(
        "INSERT INTO daily_snapshot (day, unit, client, kind, state, count) VALUES "
        "(current_date - 1, '', 'c', 'permission', 'granted', 5), "
        "(current_date, '', 'c', 'permission', 'granted', 6), "
        "(current_date, 'library', 'c', 'adoption', 'granted', 6), "
        "(current_date, 'library', 'c', 'adoption', 'never_asked', 18)"
    )
    found = adoption(ledger, ["library"])
    assert found.states == {"granted": (5, 6)}
    assert [unit.unit for unit in found.units] == ["library"]
    assert found.units[0].connected == (None, 6)
    assert found.units[0].shares == (None, 25.0)
    assert [unit.unit for unit in adoption(ledger).units] == ["library", "medicine"]


def test_who_cant_be_served_is_counted_once_and_by_reason(rows: LedgerRows, ledger: Ledger) -> None:
    unit, other = rows.unit("library"), rows.unit("medicine")
    one, two = rows.researcher("P1"), rows.researcher("P2")
    for name, researcher, owner, held, reason in (
        ("a", one, unit, "waiting_permission", "invited"),
        ("b", one, unit, "waiting_permission", "invited"),
        ("c", two, unit, "waiting_permission", "invited"),
        ("d", two, unit, "blocked", "record_locked"),
        ("e", two, unit, "withheld", "already_on_record"),
        ("f", one, other, "blocked", "record_locked"),
    ):
        rows.item(owner, researcher, name)
        rows.execute("UPDATE item SET held = %s, reason = %s WHERE cris_id = %s", (held, reason, name))
    found = unserved(ledger, [unit])
    assert found.researchers == 2
    assert [(one.reason, one.researchers, one.word.who) for one in found.reasons] == [
        ("invited", 2, Who.RESEARCHER),
        ("record_locked", 1, Who.RESEARCHER),
    ]
    assert [one.researchers for one in unserved(ledger).reasons] == [2, 2]
    assert unserved(ledger, []).researchers == 0
