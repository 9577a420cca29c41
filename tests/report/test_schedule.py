"""When approved changes are written next."""

from __future__ import annotations

import datetime as dt

import pytest
from orcid_sync.report.schedule import ANCHOR, next_write
from orcid_sync.settings import Settings

BERLIN = {"timezone": "Europe/Berlin", "extract_at": "02:00", "write_after_hours": 6.0, "every_days": 2}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-01T06:59:00+00:00", "2026-01-01T08:00:00+01:00"),
        ("2026-01-01T07:00:00+00:00", "2026-01-03T08:00:00+01:00"),
        ("2026-01-02T12:00:00+00:00", "2026-01-03T08:00:00+01:00"),
        # The 31st is followed by the 2nd: the days are counted, not the month's.
        ("2026-01-31T12:00:00+00:00", "2026-02-02T08:00:00+01:00"),
        # The clock shows 08:00 on the wall before and after it is changed.
        ("2026-03-28T12:00:00+00:00", "2026-03-30T08:00:00+02:00"),
        ("2025-12-30T00:00:00+00:00", "2025-12-30T08:00:00+01:00"),
    ],
    ids=["before", "at", "day between", "end of month", "summer time", "before the anchor"],
)
def test_the_next_write_is_counted_from_the_anchor(now: str, expected: str) -> None:
    found = next_write(Settings(**BERLIN), dt.datetime.fromisoformat(now))
    assert found == dt.datetime.fromisoformat(expected)
    assert found.isoformat() == expected


def test_a_write_after_midnight_belongs_to_the_next_day() -> None:
    late = Settings(**{**BERLIN, "extract_at": "22:00", "every_days": 3})
    found = next_write(late, dt.datetime.combine(ANCHOR, dt.time(12), late.zone))
    assert found.isoformat() == "2026-01-02T04:00:00+01:00"


def test_a_time_that_the_clocks_skip_is_the_one_the_clock_shows_then() -> None:
    skipped = Settings(timezone="Europe/Berlin", extract_at="02:00", write_after_hours=0.5, every_days=1)
    found = next_write(skipped, dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC))
    assert found.isoformat() == "2026-03-29T03:30:00+02:00"
