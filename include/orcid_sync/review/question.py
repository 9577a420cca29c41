"""The question that puts a batch before the librarians of its unit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from orcid_sync.ledger.session import Ledger
from orcid_sync.review.batches import batch_counts, mark_asked
from orcid_sync.review.summary import batch_summary


@dataclass(frozen=True)
class Question:
    """What is asked, and of whom: the user names that the units file lists as librarians of the unit."""

    subject: str
    body: str
    librarians: tuple[str, ...]


def ask(
    ledger: Ledger, batch_id: int, *, next_write: dt.datetime | None = None, console_url: str | None = None
) -> Question | None:
    """Make the question and note that it is put; None where nothing is left to decide in the batch.

    Raises NothingSelected for an unknown batch.
    """
    with ledger.transaction() as connection:
        batch = batch_counts(connection, batch_id)
        librarians = connection.execute(
            "SELECT user_name FROM unit_librarian JOIN unit ON unit.id = unit_id WHERE unit.code = %s ORDER BY 1",
            (batch["unit"],),
        ).fetchall()
    if batch["state"] != "open" or batch["undecided"] == 0:
        return None
    mark_asked(ledger, batch_id)
    changes = f"{batch['undecided']} change{'s' if batch['undecided'] > 1 else ''}"
    return Question(
        subject=f"Batch {batch_id}: {changes} of {batch['unit_name']} to decide",
        body=batch_summary(ledger, batch_id, next_write=next_write, console_url=console_url),
        librarians=tuple(row.user_name for row in librarians),
    )
