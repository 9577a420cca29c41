"""How the merge accounts for every staged row."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Tally:
    """The staged rows of one relation: `staged` is the sum of new, changed, unchanged, quarantined and elsewhere.

    `elsewhere`: rows of a section that isn't kept. `gone`, `vanished`: rows of the ledger that staging doesn't show.
    """

    staged: int
    new: int
    changed: int
    unchanged: int
    quarantined: int
    elsewhere: int = 0
    gone: int = 0
    vanished: int = 0

    @classmethod
    def of(
        cls,
        staged: int,
        *,
        new: int,
        changed: int,
        quarantined: int,
        elsewhere: int = 0,
        gone: int = 0,
        vanished: int = 0,
    ) -> Tally:
        """The tally in which everything that nothing else was said of is unchanged."""
        unchanged = staged - new - changed - quarantined - elsewhere
        return cls(staged, new, changed, unchanged, quarantined, elsewhere, gone, vanished)

    def counts(self) -> dict[str, int]:
        """As a dictionary, without what is zero and may be."""
        return {
            name: value
            for name, value in asdict(self).items()
            if value or name not in ("elsewhere", "gone", "vanished")
        }
