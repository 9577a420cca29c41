"""In which order one record's updates go out, so that no identifier is ever on two of our items at once.

The registry refuses an update (409) that would give an item an identifier which another item of the same source carries.
Where identifiers moved between items, the item that gives one up goes first. Where they were swapped, one of them is
stripped of the contested identifiers in a first phase, and gets its final content in a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Move:
    """An update as far as identifiers matter: which it has on the record now, and which it is to have."""

    change_id: int
    has: frozenset[str]
    gets: frozenset[str]


@dataclass(frozen=True)
class Step:
    """One PUT. `strip` names the identifiers left out in a first phase; empty: the final content.

    `together` are the other updates that exchange identifiers with one in its first phase: begun with it, or none.
    """

    change_id: int
    strip: frozenset[str] = frozenset()
    together: frozenset[int] = frozenset()

    @property
    def phase(self) -> int:
        return 1 if self.strip else 2


def without_blocked(moves: Iterable[Move], held: Iterable[frozenset[str]]) -> tuple[list[Move], list[Move]]:
    """The moves that can go now, and those that wait for an identifier.

    `held` are the identifiers of our other entries on the record. A move that would take one of them waits, and so does
    one that would take what a waiting move has.
    """
    going, waiting = list(moves), list[Move]()
    taken = frozenset().union(*held)
    while blocked := [move for move in going if move.gets & taken]:
        waiting += blocked
        going = [move for move in going if move not in blocked]
        taken |= frozenset().union(*(move.has for move in blocked))
    return going, waiting


def order_updates(moves: Iterable[Move]) -> list[Step]:
    """The PUTs in a conflict-free order; each move's final one is included exactly once."""
    waiting = list(moves)
    stripped: set[int] = set()
    has = {move.change_id: move.has for move in waiting}
    steps: list[Step] = []
    while waiting:
        move = next((m for m in waiting if not _contested(m, has)), None)
        if move is None:
            move = next((m for m in waiting if m.change_id not in stripped), None)
            if move is not None:
                contested = _contested(move, has)
                others = _exchanging(move, waiting, has)
                steps.append(Step(move.change_id, contested | (move.has - move.gets), others))
                stripped.add(move.change_id)
                has[move.change_id] = move.gets - contested
                continue
            # Nothing left to strip: the registry's own answer decides.
            move = waiting[0]
        steps.append(Step(move.change_id))
        has[move.change_id] = move.gets
        waiting.remove(move)
    return steps


def _contested(move: Move, has: dict[int, frozenset[str]]) -> frozenset[str]:
    """Identifiers that this move gets while another of the updates still has them."""
    others = frozenset().union(*(keys for change, keys in has.items() if change != move.change_id))
    return move.gets & others


def _exchanging(move: Move, waiting: Iterable[Move], has: dict[int, frozenset[str]]) -> frozenset[int]:
    """The updates still to be made that want an identifier of this one's, or have one that it wants, and so on."""
    found, left = [move], [other for other in waiting if other is not move]
    for one in found:
        near = [other for other in left if other.gets & has[one.change_id] or one.gets & has[other.change_id]]
        found += near
        left = [other for other in left if other not in near]
    return frozenset(other.change_id for other in found[1:])
