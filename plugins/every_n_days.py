"""The schedule "every N calendar days at a local time", which neither cron nor a timedelta can say.

Cron's `*/2` starts anew each month, so it fires on the 31st and on the 1st; a timedelta counts 24-hour days and drifts
by an hour at each change of clocks. Here the days are counted from an anchor date and the time is the clock on
the wall.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable

if TYPE_CHECKING:
    from airflow.timetables.base import TimeRestriction
    from pendulum import DateTime

# The slot that has just begun still counts for a DAG without a run: the scheduler needs a moment to see it, and the
# DAG file may be parsed again in between. Without this a first run could be put off by N days.
GRACE = dt.timedelta(minutes=5)


class EveryNDays(Timetable):
    """A run at `at` in `timezone` on each day that is a multiple of `every_days` away from the date `anchor`.

    Where the clocks jump over that time, the run starts as much later as they jump; where they show it twice, it starts
    the first time. Missed slots are not caught up one by one: after downtime there is one run at once, then the rhythm
    of the anchor goes on. A DAG that never ran waits for its next slot.
    """

    def __init__(self, every_days: int, *, anchor: dt.date, at: dt.time, timezone: str) -> None:
        if every_days < 1:
            msg = f"every_days is {every_days}: a schedule needs at least one day between its runs"
            raise ValueError(msg)
        self._every_days = every_days
        self._anchor = anchor
        self._at = at
        self._zone = ZoneInfo(timezone)

    @property
    def description(self) -> str:  # type: ignore[override]
        """The schedule in words, for the UI."""
        days = "day" if self._every_days == 1 else f"{self._every_days} days"
        return f"Every {days} at {self._at:%H:%M} ({self._zone.key}), counted from {self._anchor}"

    @property
    def summary(self) -> str:
        """The schedule in short, for lists."""
        days = "daily" if self._every_days == 1 else f"every {self._every_days} days"
        return f"{days} at {self._at:%H:%M}"

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """A run by hand stands for its moment."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The next slot, as a run whose data interval is that moment; None after the DAG's end date."""
        now = dt.datetime.now(dt.UTC)
        if last_automated_data_interval is not None:
            slot = self._first_slot_after(last_automated_data_interval.end)
            if not restriction.catchup:
                slot = max(slot, self._last_slot_until(now))
        elif restriction.catchup and restriction.earliest is not None:
            slot = self._first_slot_from(restriction.earliest)
        else:
            slot = self._first_slot_from(now - GRACE)
        if restriction.earliest is not None:
            slot = max(slot, self._first_slot_from(restriction.earliest))
        if restriction.latest is not None and slot > restriction.latest:
            return None
        return DagRunInfo.exact(pendulum.instance(slot))

    def serialize(self) -> dict[str, Any]:
        """The arguments as JSON values."""
        return {
            "every_days": self._every_days,
            "anchor": self._anchor.isoformat(),
            "at": self._at.isoformat(),
            "timezone": self._zone.key,
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> EveryNDays:
        """The timetable that `serialize` described."""
        return cls(
            data["every_days"],
            anchor=dt.date.fromisoformat(data["anchor"]),
            at=dt.time.fromisoformat(data["at"]),
            timezone=data["timezone"],
        )

    def _slot(self, number: int) -> dt.datetime:
        """The slot of that number (0 is on the anchor date), in UTC."""
        day = self._anchor + dt.timedelta(days=number * self._every_days)
        # A time that the clocks skip gets the offset of before, which is what moves it to behind the gap.
        return dt.datetime.combine(day, self._at, self._zone).astimezone(dt.UTC)

    def _last_slot_until(self, moment: dt.datetime) -> dt.datetime:
        days = (moment.astimezone(self._zone).date() - self._anchor).days
        number = days // self._every_days
        # A slot that was moved by a gap over midnight belongs to the day before.
        return next(slot for n in (number + 1, number, number - 1) if (slot := self._slot(n)) <= moment)

    def _first_slot_after(self, moment: dt.datetime) -> dt.datetime:
        days = (moment.astimezone(self._zone).date() - self._anchor).days
        number = days // self._every_days
        return next(
            slot for n in (number - 1, number, number + 1, number + 2) if (slot := self._slot(n)) > moment
        )

    def _first_slot_from(self, moment: dt.datetime) -> dt.datetime:
        return self._first_slot_after(moment - dt.timedelta(microseconds=1))
