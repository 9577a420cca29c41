"""Which records to read again, asked of a registry's search over a real socket."""

from __future__ import annotations

import datetime as dt
from urllib.parse import quote_plus

from orcid_simulator.testing import running_simulator
from orcid_sync.ledger.runs import Counts
from orcid_sync.ledger.session import Ledger
from orcid_sync.settings import Settings
from orcid_sync.sync.mirror import flag_changed
from orcid_sync.sync.mirror.changed import IDS_IN_CLAUSE, LONGEST_QUERY, queries_for

from tests.fixtures.campus import Campus, campus_on, work
from tests.fixtures.ledger_rows import LedgerRows

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def sync(campus: Campus) -> tuple[Counts, Counts]:
    """One run: the search, then the mirror."""
    run_id = f"run-{campus.runs + 1}"
    searched = flag_changed(campus.ledger, campus.registry, run_id=run_id, settings=campus.settings)
    return searched, campus.mirror()


def read_at(campus: Campus, hours: int) -> None:
    """Let all records have been read hours ago (or after all that happened, where negative)."""
    campus.rows.execute("UPDATE record SET read_at = now() - make_interval(hours => %s)", (hours,))


def test_a_record_that_did_not_change_is_not_read_again(campus: Campus) -> None:
    for _ in range(3):
        campus.join()
    assert sync(campus)[1]["read"] == 3, "never read: nothing to search for"
    read_at(campus, -1)

    searched, mirrored = sync(campus)

    assert (searched["asked"], searched["changed"], searched["queries"]) == (3, 0, 1)
    assert (mirrored["read"], mirrored["calls"]) == (0, 0)


def test_a_removal_by_the_researcher_is_found_and_others_are_left_alone(campus: Campus) -> None:
    (orcid, permission), (other, _) = campus.join(), campus.join()
    codes = campus.write(orcid, permission, 2)
    campus.mirror()
    read_at(campus, 1)
    campus.rows.execute("UPDATE record SET read_at = now() + interval '1 hour' WHERE orcid = %s", (other,))
    campus.simulator.control.remove_item(orcid, "work", codes[0])

    searched, mirrored = sync(campus)

    assert (searched["changed"], mirrored["read"]) == (1, 1)
    assert mirrored["removed_by_researcher"] == 1
    assert campus.rows.one("SELECT count(*) FROM record WHERE flagged_at IS NOT NULL") == 0


def test_a_change_that_the_index_learned_about_late_is_found_the_next_time(campus: Campus) -> None:
    orcid, _ = campus.join()
    campus.mirror()
    read_at(campus, 72)
    campus.simulator.control.add_item(orcid, "work", work(1))
    campus.rows.execute(
        "INSERT INTO change_search SELECT client_id, now() + interval '3 hours' FROM api_client WHERE code = 'default'"
    )

    assert sync(campus)[0]["changed"] == 1, "asked after the change, and yet it is asked for again"


def test_a_search_that_does_not_know_the_records_is_not_believed(rows: LedgerRows, ledger: Ledger) -> None:
    with running_simulator(index_lag_seconds=3600) as simulator:
        for campus in campus_on(simulator, rows, ledger):
            for _ in range(3):
                campus.join()
            campus.mirror()
            read_at(campus, 1)

            searched, mirrored = sync(campus)

            assert "knows 0 of 3 records" in searched["not_searched"][campus.client_id]
            assert mirrored["read"] == 3


def test_without_a_search_every_record_is_read(campus: Campus) -> None:
    campus.join()
    campus.mirror()
    campus.simulator.control.fault(kind="status", status=403, error_code=9004, path="/search", times=100)
    try:
        searched, mirrored = sync(campus)
    finally:
        campus.simulator.control.clear_faults()

    assert list(searched["not_searched"]) == [campus.client_id]
    assert mirrored["read"] == 1
    assert campus.rows.one("SELECT count(*) FROM change_search") == 0


def test_reading_everything_can_be_asked_for(campus: Campus) -> None:
    campus.join()
    campus.mirror()
    read_at(campus, -1)
    campus.settings = Settings(calls_in_flight=4, detect_changes="read")
    campus.rows.execute("UPDATE record SET read_at = now() - interval '1 second'")

    searched, mirrored = sync(campus)

    assert (searched["asked"], searched["calls"], mirrored["read"]) == (0, 0, 1)


def test_what_the_audit_left_out_for_weeks_is_read_although_search_is_silent(campus: Campus) -> None:
    campus.join()
    campus.mirror()
    read_at(campus, 15 * 24)
    campus.rows.execute(
        "INSERT INTO change_search SELECT client_id, now() + interval '30 days' FROM api_client WHERE code = 'default'"
    )

    searched, mirrored = sync(campus)

    assert (searched["changed"], mirrored["read"]) == (0, 1)


def test_few_queries_ask_for_many_records_and_each_once() -> None:
    orcids = [f"0000-0001-0000-{number:04d}" for number in range(5000)]
    queries = list(queries_for((NOON, orcid) for orcid in orcids))

    assert len(queries) == -(-5000 // IDS_IN_CLAUSE)
    assert all(len(quote_plus(query)) <= LONGEST_QUERY for query in queries)
    assert sum(query.count(orcid) for query in queries for orcid in orcids[::500]) == 10
    assert sum(query.count("0000-0001-") for query in queries) == 5000
    assert "profile-last-modified-date:[2026-03-01T12:00:00Z TO *]" in queries[0]


def test_records_of_different_moments_share_a_query() -> None:
    known = [(NOON + dt.timedelta(minutes=number), f"0000-0001-0000-{number:04d}") for number in range(200)]
    queries = list(queries_for(known))

    assert 1 < len(queries) < 5
    assert all(len(quote_plus(query)) <= LONGEST_QUERY for query in queries)
    assert sum(query.count("orcid:(") for query in queries) == 200
