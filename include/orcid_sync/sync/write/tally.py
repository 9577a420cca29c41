"""What the writing of one record comes to, and what stops it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orcid_sync.errors import RateLimited, SyncError

_FIELDS: Final = {"add": "added", "update": "updated", "remove": "removed"}


@dataclass
class Tally:
    """What one record's writing came to."""

    added: int = 0
    updated: int = 0
    removed: int = 0
    refused: int = 0
    gone: int = 0
    blocked: int = 0
    retrying: int = 0
    healed: int = 0
    withdrawn: int = 0
    # for an identifier that another of our entries has yet to give up
    waiting: int = 0
    # got back what they held before an exchange of identifiers that failed half way
    restored: int = 0

    def count(self, action: str) -> None:
        """One change of this action is written."""
        name = _FIELDS[action]
        setattr(self, name, getattr(self, name) + 1)


class Paused(SyncError):
    """Somebody paused the sync, the unit or the researcher: nothing was sent."""

    kind = "paused"


class TooLate(RateLimited):
    """The wait for a turn took so long that the call was not made."""

    kind = "too_late"


class StopRecord(Exception):
    """Nothing more can be done on this record now; `error` says why."""

    def __init__(self, error: SyncError) -> None:
        super().__init__(str(error))
        self.error = error
