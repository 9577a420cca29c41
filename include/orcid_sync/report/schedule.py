"""When approved changes are written next, by the clock on the wall."""

from __future__ import annotations

import datetime as dt
from typing import Final

from orcid_sync.settings import Settings

# The days are counted from here, whatever day it is when the schedules are switched on.
ANCHOR: Final = dt.date(2026, 1, 1)


def write_time(settings: Settings) -> tuple[int, dt.time]:
    """Days to add to the anchor, and the local time, of the writing that follows an extraction."""
    start = dt.datetime.combine(ANCHOR, settings.extract_time) + dt.timedelta(
        hours=settings.write_after_hours
    )
    return (start.date() - ANCHOR).days, start.time()


def next_write(settings: Settings, now: dt.datetime | None = None) -> dt.datetime:
    """The moment of the next scheduled writing, in the settings' time zone."""
    zone = settings.zone
    local = (now or dt.datetime.now(dt.UTC)).astimezone(zone)
    shift, at = write_time(settings)
    passed = (local.date() - ANCHOR).days - shift
    slot = ANCHOR + dt.timedelta(days=passed // settings.every_days * settings.every_days + shift)
    while (moment := dt.datetime.combine(slot, at, zone)) <= local:
        slot += dt.timedelta(days=settings.every_days)
    # A time that the clocks skip is shown as what the clock says then.
    return moment.astimezone(dt.UTC).astimezone(zone)
