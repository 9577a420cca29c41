"""What is paused, and what an operator may pause: everything, or one unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orcid_sync.review.console.visitor import Desk
from orcid_sync.review.holds import holds


@dataclass(frozen=True)
class Lever:
    """Everything (no `unit`) or one unit, with the hold on just that; `held_with_all`: everything is paused."""

    unit: str | None
    label: str
    hold: dict[str, Any] | None
    held_with_all: bool


@dataclass(frozen=True)
class Brake:
    """The levers, everything first; `people` are the holds on single researchers, for who sees every unit."""

    levers: tuple[Lever, ...]
    people: tuple[dict[str, Any], ...]


def brake(desk: Desk) -> Brake:
    """Of the visitor's units, and of everything."""
    found = holds(desk.ledger)
    by_unit = {hold["unit"]: hold for hold in found if hold["person"] is None}
    everything = by_unit.get(None)
    units = (
        Lever(unit.code, unit.name, by_unit.get(unit.code), everything is not None)
        for unit in desk.visitor.units
    )
    people = [hold for hold in found if hold["person"] is not None] if desk.visitor.sees_all else []
    return Brake((Lever(None, "Everything", everything, False), *units), tuple(people))
