"""The timetable across everything a calendar can do to it."""

from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pendulum
import pytest
import time_machine
from airflow.timetables.base import DataInterval, TimeRestriction
from every_n_days import EveryNDays

ROME = "Europe/Rome"
ANCHOR = dt.date(2026, 1, 1)


def timetable(
    every: int = 2, at: str = "03:00", timezone: str = ROME, anchor: dt.date = ANCHOR
) -> EveryNDays:
    return EveryNDays(every, anchor=anchor, at=dt.time.fromisoformat(at), timezone=timezone)


def moment(local: str, timezone: str = ROME) -> dt.datetime:
    return dt.datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(timezone))


def restriction(
    *, earliest: dt.datetime | None = None, latest: dt.datetime | None = None, catchup: bool = False
) -> TimeRestriction:
    return TimeRestriction(
        None if earliest is None else pendulum.instance(earliest),
        None if latest is None else pendulum.instance(latest),
        catchup,
    )


def next_run(
    rhythm: EveryNDays,
    now: dt.datetime,
    last: dt.datetime | None = None,
    limits: TimeRestriction | None = None,
) -> dt.datetime | None:
    interval = None if last is None else DataInterval.exact(pendulum.instance(last))
    with time_machine.travel(now, tick=False):
        info = rhythm.next_dagrun_info(
            last_automated_data_interval=interval, restriction=limits or restriction()
        )
    return None if info is None else dt.datetime.fromisoformat(info.run_after.isoformat())


def runs(rhythm: EveryNDays, start: dt.datetime, count: int) -> list[dt.datetime]:
    """The runs of a scheduler that is always there: each is computed at the moment of the one before."""
    found: list[dt.datetime] = []
    now, last = start, None
    for _ in range(count):
        slot = next_run(rhythm, now, last)
        assert slot is not None
        found.append(slot)
        now = last = slot
    return found


def local(moments: list[dt.datetime], timezone: str = ROME) -> list[str]:
    return [f"{each.astimezone(ZoneInfo(timezone)):%m-%d %H:%M}" for each in moments]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        pytest.param(
            "2026-01-28T12:00",
            ["01-29 03:00", "01-31 03:00", "02-02 03:00", "02-04 03:00"],
            id="a month of 31 days",
        ),
        pytest.param(
            "2026-02-25T12:00",
            ["02-26 03:00", "02-28 03:00", "03-02 03:00", "03-04 03:00"],
            id="a month of 28 days",
        ),
        pytest.param(
            "2028-02-25T12:00", ["02-26 03:00", "02-28 03:00", "03-01 03:00", "03-03 03:00"], id="a leap day"
        ),
        pytest.param(
            "2026-12-30T12:00", ["12-31 03:00", "01-02 03:00", "01-04 03:00"], id="the end of a year"
        ),
    ],
)
def test_the_rhythm_goes_on_across_the_ends_of_months(start: str, expected: list[str]) -> None:
    assert local(runs(timetable(), moment(start), len(expected))) == expected


@pytest.mark.parametrize(
    ("start", "utc"),
    [
        pytest.param("2026-03-27T12:00", ["28 02:00", "30 01:00", "01 01:00"], id="into summer time"),
        pytest.param("2026-10-23T12:00", ["24 01:00", "26 02:00", "28 02:00"], id="out of summer time"),
    ],
)
def test_the_local_time_stays_when_the_clocks_change(start: str, utc: list[str]) -> None:
    found = runs(timetable(), moment(start), 3)
    assert [each[-5:] for each in local(found)] == ["03:00"] * 3
    assert [f"{each:%d %H:%M}" for each in found] == utc


def test_a_local_time_that_does_not_exist_becomes_the_same_moment_behind_the_gap() -> None:
    found = runs(timetable(every=1, at="02:30"), moment("2026-03-28T12:00"), 2)
    assert local(found) == ["03-29 03:30", "03-30 02:30"]


def test_a_local_time_that_comes_twice_gives_one_run_at_the_first_of_them() -> None:
    found = runs(timetable(every=1, at="02:30"), moment("2026-10-24T12:00"), 2)
    assert [f"{each:%d %H:%M}" for each in found] == ["25 00:30", "26 01:30"]


def test_a_gap_at_midnight_neither_loses_nor_doubles_a_day() -> None:
    rhythm = timetable(every=1, at="23:30", timezone="America/Nuuk")
    found = runs(rhythm, moment("2026-03-27T12:00", "America/Nuuk"), 3)
    assert local(found, "America/Nuuk") == ["03-27 23:30", "03-29 00:30", "03-29 23:30"]


def test_a_dag_that_never_ran_waits_for_its_next_slot() -> None:
    assert next_run(timetable(), moment("2026-01-03T12:00")) == moment("2026-01-05T03:00")
    assert next_run(timetable(), moment("2026-01-05T02:59")) == moment("2026-01-05T03:00")


def test_parsing_the_dag_again_right_at_its_first_slot_does_not_put_that_off() -> None:
    assert next_run(timetable(), moment("2026-01-05T03:01")) == moment("2026-01-05T03:00")
    assert next_run(timetable(), moment("2026-01-05T03:06")) == moment("2026-01-07T03:00")


def test_after_downtime_it_runs_once_and_then_in_the_rhythm_of_the_anchor() -> None:
    last = moment("2026-01-03T03:00")
    now = moment("2026-01-12T17:23")
    late = next_run(timetable(), now, last)
    assert late == moment("2026-01-11T03:00"), "the newest missed slot, which is due at once"
    assert next_run(timetable(), now, late) == moment("2026-01-13T03:00")


def test_a_short_downtime_between_two_slots_changes_nothing() -> None:
    assert next_run(timetable(), moment("2026-01-04T17:00"), moment("2026-01-03T03:00")) == moment(
        "2026-01-05T03:00"
    )


def test_days_before_the_anchor_keep_its_rhythm_too() -> None:
    rhythm = timetable(every=3, anchor=dt.date(2026, 6, 1))
    assert local(runs(rhythm, moment("2026-05-25T12:00"), 3)) == ["05-26 03:00", "05-29 03:00", "06-01 03:00"]


def test_start_and_end_dates_are_kept() -> None:
    now = moment("2026-01-03T12:00")
    late_start = restriction(earliest=moment("2026-02-10T00:00"))
    assert next_run(timetable(), now, limits=late_start) == moment("2026-02-10T03:00")
    assert next_run(timetable(), now, limits=restriction(latest=moment("2026-01-05T02:59"))) is None


def test_catching_up_is_possible_where_a_dag_asks_for_it() -> None:
    limits = restriction(earliest=moment("2026-01-02T00:00"), catchup=True)
    first = next_run(timetable(), moment("2026-01-12T17:23"), limits=limits)
    assert first == moment("2026-01-03T03:00")
    assert next_run(timetable(), moment("2026-01-12T17:23"), first, limits) == moment("2026-01-05T03:00")


def test_every_slot_of_four_years_is_two_days_after_the_last_one_by_the_calendar() -> None:
    found = runs(timetable(at="02:30"), moment("2026-01-02T12:00"), 2 * 365)
    days = [each.astimezone(ZoneInfo(ROME)).date() for each in found]
    assert {(later - earlier).days for earlier, later in itertools.pairwise(days)} == {2}


def test_a_run_by_hand_stands_for_its_moment() -> None:
    now = pendulum.instance(moment("2026-01-03T12:34"))
    assert timetable().infer_manual_data_interval(run_after=now) == DataInterval.exact(now)


def test_it_survives_being_stored_with_its_dag() -> None:
    before = timetable(every=5, at="23:45", timezone="America/St_Johns")
    after = EveryNDays.deserialize(before.serialize())
    assert after.serialize() == before.serialize()
    assert after.description == "Every 5 days at 23:45 (America/St_Johns), counted from 2026-01-01"
    assert after.summary == "every 5 days at 23:45"


def test_a_rhythm_of_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        timetable(every=0)


@pytest.mark.parametrize("day", ["2026-03-27", "2026-03-28", "2026-10-24", "2026-12-30", "2028-02-28"])
def test_what_pages_call_the_next_write_is_the_next_run(day: str) -> None:
    from orcid_sync.report.schedule import ANCHOR as COUNTED_FROM
    from orcid_sync.report.schedule import next_write, write_time
    from orcid_sync.settings import Settings

    settings = Settings(timezone=ROME, every_days=3, extract_at="20:30", write_after_hours=6)
    days, at = write_time(settings)
    rhythm = EveryNDays(3, anchor=COUNTED_FROM + dt.timedelta(days=days), at=at, timezone=ROME)
    now = moment(f"{day}T12:00")
    assert next_write(settings, now) == next_run(rhythm, now)
