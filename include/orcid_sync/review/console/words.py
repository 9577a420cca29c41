"""Numbers, times and terms as the pages write them."""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from orcid_sync.errors import Who
from orcid_sync.model.sections import SECTIONS
from orcid_sync.report.reasons import LABELS, STATES, WAITING, Word, explain

KINDS: Final = {"add": "New", "update": "Correction", "remove": "Removal"}
CHANGE_STATES: Final = {
    "undecided": "To decide",
    "approve": "Approved",
    "reject": "Rejected",
    "writing": "Being written",
    "written": "Written",
    "closed": "Closed",
}
CARES: Final = {
    "warned": "With warnings",
    "plain": "Without warnings",
    "first_write": "First write for the researcher",
}
FACETS: Final = {
    "state": "State",
    "kind": "Kind of change",
    "care": "Care",
    "type": "Type",
    "year": "Year",
    "person": "Researcher",
    "why": "Why proposed",
}
BATCH_STATES: Final = {
    "open": "Open",
    "decided": "Decided",
    "replaced": LABELS["superseded"],
    "closed": "Done",
}
ROLES: Final = {
    "librarian": "",
    "policy": "by the unit's policy",
    "researcher": "the researcher",
    "standing": "an earlier rejection of the same content",
}
VIAS: Final = {
    "required_actions": "in Required Actions",
    "console": "here",
    "cli": "on the command line",
    "portal": "in the portal",
    "policy": "by itself",
}
VISIBILITIES: Final = {
    "public": "everybody sees it",
    "limited": "trusted parties see it",
    "private": "only the researcher sees it",
}


def number(count: int) -> str:
    """With thousands apart."""
    return f"{count:,}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 change`, `1,200 changes`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def ago(moment: dt.datetime | None, now: dt.datetime | None = None) -> str:
    """How long ago, in the largest unit that fits."""
    if moment is None:
        return "never"
    seconds = ((now or dt.datetime.now(dt.UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{counted(int(seconds // size), noun)} ago"
    return ""


def took(seconds: float | None) -> str:
    """A duration."""
    if seconds is None:
        return "not ended"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def plain(term: str | None) -> str:
    """A term of ours that has no label: `journal-article` is `Journal article`."""
    return (term or "").replace("_", " ").replace("-", " ").strip().capitalize()


def mover(who: str) -> str:
    """Whose move it is: `researcher` is `Researcher's move`."""
    if who == Who.US:
        return "Our move"
    return f"{who[:1].upper()}{who[1:]}'{'' if who.endswith('s') else 's'} move"


def section_label(section: str) -> str:
    return SECTIONS[section].label if section in SECTIONS else plain(section)


def facet_value(facet: str, value: str, label: str) -> str:
    """The label of one value of a filter."""
    known = {"state": CHANGE_STATES, "kind": KINDS, "care": CARES}.get(facet)
    if known is not None:
        return known.get(value, plain(value))
    if facet == "type":
        return plain(value)
    if facet == "why":
        return value[:1].upper() + value[1:]
    return label or value


def state_word(state: str, reason: str | None = None) -> Word:
    """What an item's state and reason mean."""
    return explain(
        state, reason if state in ("withheld", "on_hold", "waiting_permission", "blocked") else None
    )


def item_states() -> list[Word]:
    """All states an item can be in."""
    return list(STATES.values())


def permission_word(state: str | None) -> Word:
    """What a permission's state means."""
    return WAITING.get(state or "never_asked") or Word(state or "", plain(state), "")


class Clock:
    """Writes moments in the institution's time zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    def moment(self, at: dt.datetime | None) -> str:
        return "" if at is None else f"{at.astimezone(self.zone):%d %b %Y, %H:%M}"

    def day(self, at: dt.datetime | None) -> str:
        return "" if at is None else f"{at.astimezone(self.zone):%d %b %Y}"

    def weekday(self, at: dt.datetime | None) -> str:
        return "" if at is None else f"{at.astimezone(self.zone):%A %d %B at %H:%M}"
