"""Decisions on changes: recorded as the unit's role, on the digest that stands now, all at once.

The rules: only a librarian of the unit decides for it (policies and researchers come with their own role); a batch as
a whole is decided where nobody has decided yet, and removals and changes with warnings only where they are asked for;
changes named one by one are decided as they are named, which is also how somebody changes their mind; until a change
is being written its decision can be taken back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import psycopg

from orcid_sync.errors import Transient
from orcid_sync.ledger.batches import reopen_batches, settle_batches
from orcid_sync.ledger.session import Connection, Ledger, actor_id, audit, key_array
from orcid_sync.review.rights import (
    BatchClosed,
    DecidingUnit,
    NothingSelected,
    act_as,
    check_librarian,
    deciding_unit,
)
from orcid_sync.review.selection import ADDITIONS_AND_UPDATES, EVERYTHING, ChangeFilter, Selection

Verdict = Literal["approve", "reject", "withdraw"]
Role = Literal["librarian", "policy", "researcher", "standing"]
Via = Literal["required_actions", "console", "cli", "portal", "policy"]

_ATTEMPTS: Final = 3
# States of a batch in which a rejection, or an approval that is not written yet, can still be taken back.
DECIDED: Final = ("decided", "closed")


@dataclass(frozen=True)
class DecisionCount:
    """What became of a decision: how many changes it was recorded for, and why others were left as they are.

    `left` counts by reason: removals and warnings (not asked for), decided_before, undecided (nothing to take back),
    written_or_closed, stopped_by_person (suppressed, or declined by the researcher), without_change (of named items),
    decided_meanwhile (somebody decided after the one who decides now had looked).
    """

    unit: str
    verdict: str
    decided: int
    add: int
    update: int
    remove: int
    left: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def decide(
    ledger: Ledger,
    *,
    verdict: Verdict,
    actor_name: str,
    role: Role = "librarian",
    via: Via = "cli",
    batch: int | None = None,
    change_ids: Sequence[int] | None = None,
    item_ids: Sequence[int] | None = None,
    only: ChangeFilter | None = None,
    seen: Mapping[int, int | None] | None = None,
    note: str | None = None,
    system_user: str | None = None,
) -> DecisionCount:
    """Record one verdict for all changes that are meant; "withdraw" takes decisions back.

    Without `only`, an approval of a batch means additions and updates without warnings, a rejection or withdrawal all
    of it. `seen` names by change the latest decision (None: none) that somebody saw before deciding: a change with a
    later one is left as it is, so that nobody overwrites what they did not see. What a change would write never
    changes; other content is another change.

    Raises NotAllowed, BatchClosed, NothingSelected (unknown batch, change or item; several units at once), or Transient
    where another session kept the changes locked.
    """
    selection = Selection.of(batch, change_ids, item_ids)
    if only is None:
        only = ADDITIONS_AND_UPDATES if verdict == "approve" and not selection.named else EVERYTHING
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with ledger.transaction() as connection:
                unit = _unit_of(connection, selection)
                if role == "librarian":
                    check_librarian(connection, unit, actor_name)
                _check_batch(connection, selection, verdict)
                chosen, left = _choose(connection, unit, selection, only, verdict, seen)
                act_as(connection, unit)
                _record(
                    connection,
                    unit,
                    chosen,
                    _Who(actor_name, role, via, system_user),
                    verdict,
                    note,
                    batch,
                )
                reopen_batches(connection, [row.id for row in chosen])
                settle_batches(connection, unit.id)
        except psycopg.errors.DeadlockDetected:
            # A proposal locks changes in its own order. The database has ended one of the two; that was ours.
            time.sleep(0.1 * attempt)
        else:
            return _count(unit, verdict, chosen, left)
    raise Transient(
        "The decision was not recorded", why="the changes were being proposed anew", doubt=False
    ) from None


@dataclass(frozen=True)
class _Who:
    actor_name: str
    role: Role
    via: Via
    system_user: str | None


def _unit_of(connection: Connection, selection: Selection) -> DecidingUnit:
    """The one unit that all named things belong to."""
    found: set[int] = set()
    for table, keys in (
        ("batch", () if selection.batch is None else (selection.batch,)),
        ("change", selection.change_ids or ()),
        ("item", selection.item_ids or ()),
    ):
        if not keys:
            continue
        named = key_array(keys)
        rows = connection.execute(
            f"SELECT unit_id, count(*) AS n FROM {table} WHERE id = ANY (%s::bigint[]) GROUP BY unit_id",
            (named,),
        ).fetchall()
        if sum(row.n for row in rows) < len(keys):
            known = connection.execute(f"SELECT id FROM {table} WHERE id = ANY (%s::bigint[])", (named,))
            missing = sorted(set(keys) - {row.id for row in known})
            raise NothingSelected(
                f"There is no {table} {', '.join(map(str, missing[:5]))}",
                why="the ledger has no such number",
                remedy="`orcid-sync review list` and `review show` name batches and items",
            )
        found |= {row.unit_id for row in rows}
    if not found:
        raise NothingSelected(
            "There is nothing to decide on",
            why="neither a batch nor an item was named",
            remedy="Name a batch or items",
        )
    if len(found) > 1:
        raise NothingSelected(
            "The batch and items that were named belong to several units",
            why="a decision is taken for one unit",
            remedy="Name those of one unit at a time",
        )
    return deciding_unit(connection, found.pop())


def _check_batch(connection: Connection, selection: Selection, verdict: Verdict) -> None:
    """A replaced batch decides nothing. In a decided one, single decisions can still be changed."""
    if selection.batch is None:
        return
    row: Any = connection.execute("SELECT state FROM batch WHERE id = %s", (selection.batch,)).fetchone()
    if row.state == "open" or (row.state in DECIDED and (selection.named or verdict == "withdraw")):
        return
    why = {
        "decided": "everything in it was decided",
        "closed": "everything in it was decided, and nothing of it waits to be written",
        "replaced": "a newer batch of the unit holds what was still open in it",
    }.get(row.state, "it is closed")
    raise BatchClosed(
        f"Batch {selection.batch} can't be decided any more",
        why=why,
        remedy="Name single items to change a decision that is not written yet"
        if row.state in DECIDED
        else "`orcid-sync review list` names the open batches",
    )


# A locked row is looked at anew after the wait, so that two who decide at once can't both find it undecided.
_LOCK: Final = (
    "SELECT change.id FROM change WHERE {selected} AND change.unit_id = %(unit)s ORDER BY id FOR UPDATE"
)
_CANDIDATES: Final = """
SELECT change.id, change.item_id, change.action, change.state, change.verdict,
       item.declined_at IS NOT NULL OR item.suppressed_at IS NOT NULL AS stopped,
       cardinality(change.warnings) > 0 AS warned, {filtered} AS meant,
       (SELECT max(decision.id) FROM decision WHERE decision.change_id = change.id) AS latest
FROM change JOIN item ON item.id = change.item_id JOIN researcher ON researcher.id = item.researcher_id
WHERE change.id = ANY (%(locked)s::bigint[])
ORDER BY change.id
"""


def _choose(
    connection: Connection,
    unit: DecidingUnit,
    selection: Selection,
    only: ChangeFilter,
    verdict: Verdict,
    seen: Mapping[int, int | None] | None,
) -> tuple[list[Any], dict[str, int]]:
    """Lock what was selected; returns the rows to decide, and how many were left for which reason."""
    selected, values = selection.condition()
    locked = connection.execute(_LOCK.format(selected=selected), values | {"unit": unit.id}).fetchall()
    filtered, more = only.condition()
    rows = connection.execute(
        _CANDIDATES.format(filtered=filtered), {"locked": key_array(row.id for row in locked)} | more
    ).fetchall()
    chosen: list[Any] = []
    left: dict[str, int] = {}
    for row in rows:
        reason = _left_because(row, selection.named, only, verdict)
        if not reason and seen is not None and row.id in seen and seen[row.id] != row.latest:
            reason = "decided_meanwhile"
        if reason is None:
            chosen.append(row)
        elif reason:
            left[reason] = left.get(reason, 0) + 1
    without = len(set(selection.item_ids or ())) - len({row.item_id for row in rows})
    if without > 0:
        left["without_change"] = without
    return chosen, left


def _left_because(row: Any, named: bool, only: ChangeFilter, verdict: Verdict) -> str | None:
    """Why a change is not decided now; None: it is, "": it wasn't meant."""
    if row.state != "open":
        return "written_or_closed"
    if verdict == "withdraw":
        return None if row.verdict is not None else "undecided"
    if row.verdict is not None and (not named or row.verdict == verdict):
        return "decided_before"
    if verdict == "approve" and row.stopped:
        return "stopped_by_person"
    if not row.meant:
        if row.action == "remove" and not only.removals:
            return "removals"
        return "warnings" if row.warned and not only.warnings else ""
    return None


def _record(
    connection: Connection,
    unit: DecidingUnit,
    chosen: list[Any],
    who: _Who,
    verdict: Verdict,
    note: str | None,
    batch: int | None,
) -> None:
    if not chosen:
        return
    actor = actor_id(connection, who.actor_name)
    system = actor_id(connection, f"system user {who.system_user}") if who.system_user else None
    decided = connection.execute(
        """
        INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via, system_actor_id)
        SELECT id, item_id, unit_id, digest, %s, %s, %s, %s, %s FROM change WHERE id = ANY (%s::bigint[]) ORDER BY id
        RETURNING id
        """,
        (verdict, actor, who.role, who.via, system, key_array(row.id for row in chosen)),
    ).fetchall()
    if note:
        connection.execute(
            "INSERT INTO decision_note (decision_id, note) SELECT unnest(%s::bigint[]), %s",
            (key_array(row.id for row in decided), note),
        )
    audit(
        connection,
        "decided",
        actor=actor,
        unit_id=unit.id,
        verdict=verdict,
        via=who.via,
        batch=batch,
        changes=len(chosen),
    )


def close_finished(ledger: Ledger) -> int:
    """Settle the state of every batch; returns how many have another one now. Safe to call at any time."""
    with ledger.transaction() as connection:
        return settle_batches(connection)


def _count(unit: DecidingUnit, verdict: str, chosen: list[Any], left: dict[str, int]) -> DecisionCount:
    actions = [row.action for row in chosen]
    return DecisionCount(
        unit=unit.code,
        verdict=verdict,
        decided=len(chosen),
        add=actions.count("add"),
        update=actions.count("update"),
        remove=actions.count("remove"),
        left=left,
    )
