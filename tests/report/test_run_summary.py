"""What a run did, in the words of its note."""

from __future__ import annotations

from typing import Any

from orcid_sync.report.run_summary import run_summary
from psycopg.types.json import Jsonb

from tests.fixtures.house import House

WRITE, PROPOSE = "write_approved/r", "propose_changes/r"


def stage(house: House, run: str, name: str, error: str | None = None, **counts: Any) -> None:
    house.one("INSERT INTO run (run_id) VALUES (%s) ON CONFLICT DO NOTHING RETURNING 1", run)
    house.one(
        "INSERT INTO stage_run (run_id, stage, counts, error, ended_at) VALUES (%s, %s, %s, %s, now()) RETURNING 1",
        *(run, name, Jsonb(counts), error),
    )


def test_the_shards_of_a_writing_are_one_sum(house: House) -> None:
    stage(
        house,
        WRITE,
        "write",
        written={"add": 5000, "update": 40, "remove": 0},
        failed=3,
        blocked=0,
        retrying=0,
    )
    stage(
        house, WRITE, "write", written={"add": 600, "update": 0, "remove": 5}, failed=0, blocked=2, retrying=0
    )
    assert run_summary(house.ledger, WRITE) == (
        "5,645 written, 5,600 added, 40 updated, 5 removed, 3 refused, 2 stopped"
    )


def test_who_cannot_be_served_is_said_with_whose_move_it_is(house: House) -> None:
    unit = house.unit("library")
    for held, reason in [("waiting_permission", "revoked")] * 2 + [("blocked", "record_locked")]:
        house.item(unit, house.researcher(), held=held, reason=reason)
    stage(house, PROPOSE, "mirror", read=3, permission_lost=2, unavailable={"locked": 1})
    stage(house, PROPOSE, "propose", proposed=7, withheld={"already_on_record": 12})
    assert run_summary(house.ledger, PROPOSE) == (
        "3 records read, 2 permissions lost, 1 record unavailable; 7 proposed, 12 withheld\n"
        "3 researchers can't be served: 2 disconnected (researcher), 1 record locked (researcher)"
    )


def test_a_failed_stage_is_named_without_the_text_of_its_error(house: House) -> None:
    stage(house, "extract_cris/r", "extract", staff=3, publications=4)
    stage(house, "extract_cris/r", "validate", error="KeyError: Ann Person")
    assert run_summary(house.ledger, "extract_cris/r") == (
        "7 changed rows of the CRIS read; validate failed (KeyError)"
    )


def test_a_run_that_asks_about_a_batch_says_what_became_of_it(house: House) -> None:
    unit = house.unit("library")
    changes = [house.change(house.item(unit, house.researcher())) for _ in range(2)]
    batch = house.batch(unit, changes)
    assert run_summary(house.ledger, f"approve_batch/batch-{batch}") == (
        f"Batch {batch} of The library: 2 not decided (open)"
    )


def test_a_run_of_which_the_ledger_knows_nothing_has_no_summary(house: House) -> None:
    assert run_summary(house.ledger, "watch_records/r") is None
    assert run_summary(house.ledger, "approve_batch/batch-77") is None
