"""How often somebody may try what can be guessed: counted in the ledger, so that it holds for all processes together."""

from __future__ import annotations

import hashlib
from typing import ClassVar, Final

from orcid_sync.errors import SyncError, Who
from orcid_sync.ledger.session import Connection

# In an hour: failures from one address, or requests of one session.
LIMITS: Final = {"link": 30, "sign_in": 30, "connect": 20}


class TooManyTries(SyncError):
    """Somebody tried too often."""

    kind: ClassVar[str] = "too_many_tries"
    default_remedy: ClassVar[str] = "Wait for an hour, then try again"
    default_who: ClassVar[Who] = Who.RESEARCHER


def count_try(connection: Connection, what: str, subject: str) -> None:
    """Count one try. Raises TooManyTries; the caller's transaction has to be committed all the same."""
    row = connection.execute(
        "INSERT INTO portal_try AS known (subject, hour, tries) VALUES (%s, date_trunc('hour', now()), 1) "
        "ON CONFLICT (subject, hour) DO UPDATE SET tries = known.tries + 1 RETURNING tries",
        (hashlib.sha256(f"{what} {subject}".encode()).hexdigest(),),
    ).fetchone()
    if row is not None and row.tries > LIMITS[what]:
        raise TooManyTries("This was tried too often", why="so that nobody can guess, tries are counted")
