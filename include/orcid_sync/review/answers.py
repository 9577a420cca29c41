"""What an answer in Airflow's Required Actions does to its batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Ledger, actor_id, audit
from orcid_sync.review.batches import batch_counts, mark_lapsed
from orcid_sync.review.decisions import DecisionCount, Verdict, decide
from orcid_sync.review.rights import BatchClosed, NotAllowed, is_librarian
from orcid_sync.review.selection import ADDITIONS_AND_UPDATES, EVERYTHING, ChangeFilter

APPROVE_ADDITIONS: Final = "Approve additions and updates"
APPROVE_ALL: Final = "Approve all, removals included"
REJECT_ALL: Final = "Reject all"
LEAVE_OPEN: Final = "Leave open"
# In the order in which they are offered; the last one is what a timeout answers.
OPTIONS: Final = (APPROVE_ADDITIONS, APPROVE_ALL, REJECT_ALL, LEAVE_OPEN)

_MEANING: Final[Mapping[str, tuple[Verdict, ChangeFilter]]] = {
    APPROVE_ADDITIONS: ("approve", ADDITIONS_AND_UPDATES),
    APPROVE_ALL: ("approve", EVERYTHING),
    REJECT_ALL: ("reject", EVERYTHING),
}


@dataclass(frozen=True)
class AnswerResult:
    """What an answer did. `why` says why nothing was decided: left_open, no_person, not_a_librarian, batch_closed,
    no_choice (none, or several options at once); None if something was."""

    batch: int
    unit: str
    decided: int
    undecided: int
    why: str | None
    left: dict[str, int]


def record_answer(
    ledger: Ledger,
    batch_id: int,
    chosen_options: Sequence[str],
    responded_by: Mapping[str, Any] | None,
    *,
    note: str | None = None,
) -> dict[str, Any]:
    """Record an answer as decisions of the person who gave it; returns an AnswerResult as a dict.

    `responded_by` is Airflow's `{"id", "name"}`, None where a timeout answered. An answer by nobody, by somebody who is
    no librarian of the unit, or for a closed batch decides nothing; each such answer leaves an audit event. What stays
    undecided is asked again after the next proposal. Raises NothingSelected for an unknown batch.
    """
    with ledger.transaction() as connection:
        before = batch_counts(connection, batch_id)
        unit: Any = connection.execute("SELECT id FROM unit WHERE code = %s", (before["unit"],)).fetchone()
        user = next((name for name in _names(responded_by) if is_librarian(connection, unit.id, name)), None)
    why = _why_not(before["state"], chosen_options, responded_by, user)
    count: DecisionCount | None = None
    if why is None and user is not None:
        verdict, only = _MEANING[chosen_options[0]]
        try:
            count = decide(
                ledger,
                verdict=verdict,
                actor_name=user,
                via="required_actions",
                batch=batch_id,
                only=only,
                note=note,
            )
        except (BatchClosed, NotAllowed) as refusal:
            # Closed, or the units file changed, between the two looks.
            why = refusal.kind
    if why is not None:
        _log(ledger, batch_id, unit.id, why, chosen_options, responded_by)
    mark_lapsed(ledger, batch_id)
    with ledger.transaction() as connection:
        after = batch_counts(connection, batch_id)
    return asdict(
        AnswerResult(
            batch=batch_id,
            unit=before["unit"],
            decided=count.decided if count else 0,
            undecided=after["undecided"],
            why=why,
            left=count.left if count else {},
        )
    )


def _names(responded_by: Mapping[str, Any] | None) -> list[str]:
    """The user names an answer may stand for: some auth managers give them as id, others as name.

    An id of digits alone is another manager's row number and could be anybody's.
    """
    if responded_by is None:
        return []
    name, key = str(responded_by.get("name") or ""), str(responded_by.get("id") or "")
    return [candidate for candidate in (name, "" if key.isdecimal() else key) if candidate]


def _why_not(
    state: str, chosen: Sequence[str], responded_by: Mapping[str, Any] | None, user: str | None
) -> str | None:
    if state != "open":
        return "batch_closed"
    if responded_by is None:
        return "no_person"
    if list(chosen) == [LEAVE_OPEN]:
        return "left_open"
    if len(chosen) != 1 or chosen[0] not in _MEANING:
        return "no_choice"
    return "not_a_librarian" if user is None else None


def _log(
    ledger: Ledger,
    batch_id: int,
    unit_id: int,
    why: str,
    chosen: Sequence[str],
    responded_by: Mapping[str, Any] | None,
) -> None:
    names = _names(responded_by)
    with ledger.transaction() as connection:
        audit(
            connection,
            "answer_without_effect",
            actor=actor_id(connection, names[0]) if names else None,
            unit_id=unit_id,
            batch=batch_id,
            why=why,
            options=[OPTIONS.index(option) for option in chosen if option in OPTIONS],
        )
