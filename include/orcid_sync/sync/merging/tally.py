"""How the merge accounts for every staged row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Tally:
    """The staged rows of one relation: `staged` is the sum of new, changed, unchanged and quarantined.

    `gone`, `vanished`: rows of the ledger that staging doesn't show.
    """

    staged: int
    new: int
    changed: int
    unchanged: int
    quarantined: int
    gone: int = 0
    vanished: int = 0

    @classmethod
    def of(
        cls, staged: int, *, new: int, changed: int, quarantined: int, gone: int = 0, vanished: int = 0
    ) -> Tally:
        """The tally in which everything that nothing else was said of is unchanged."""
        return cls(staged, new, changed, staged - new - changed - quarantined, quarantined, gone, vanished)

    @classmethod
    def of_sections(cls, tallies: Sequence[Tally]) -> Tally:
        """The tally of a relation whose rows belong to several sections, each of which looked at all of them."""
        return cls.of(
            tallies[0].staged,
            new=sum(tally.new for tally in tallies),
            changed=sum(tally.changed for tally in tallies),
            quarantined=tallies[0].quarantined,
        )

    def counts(self) -> dict[str, int]:
        """As a dictionary, without what is zero and may be."""
        return {
            name: value for name, value in asdict(self).items() if value or name not in ("gone", "vanished")
        }
