"""What a visitor does: decide, take back, wish; and what follows for the batch and its open question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from psycopg.rows import dict_row
from starlette.requests import Request

from orcid_sync.ledger.session import Connection, key_array
from orcid_sync.review.console.batch_page import matching_changes
from orcid_sync.review.console.filters import Filter
from orcid_sync.review.console.ports import Host
from orcid_sync.review.console.visitor import Desk, NotFound, SeenUnit, deciding
from orcid_sync.review.decisions import Verdict, decide
from orcid_sync.review.items import (
    ItemCount,
    assert_item,
    restore,
    suppress,
    unassert,
    unrestore,
    unsuppress,
)

Wish = Literal["suppress", "unsuppress", "assert", "unassert", "restore", "unrestore"]
_WISHES: Final[dict[Wish, Callable[..., ItemCount]]] = {
    "suppress": suppress,
    "unsuppress": unsuppress,
    "assert": assert_item,
    "unassert": unassert,
    "restore": restore,
    "unrestore": unrestore,
}


@dataclass(frozen=True)
class Decided:
    """What became of a decision, as pages and scripts get it.

    `changes`: for each change that was meant its state and latest decision now. `left` counts by reason what was
    left as it is. `questions`: batches whose question could not be closed, with the reason.
    """

    unit: str
    verdict: str
    decided: int
    left: dict[str, int]
    changes: list[dict[str, Any]]
    batches: list[dict[str, Any]]
    questions: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """What a decision about everything that matches would cover. Removals and warnings only where they are named."""

    add: int
    update: int
    remove: int
    warned: int
    researchers: int
    left_removals: int
    left_warnings: int
    decided_before: int

    @property
    def total(self) -> int:
        return self.add + self.update + self.remove


@dataclass(frozen=True)
class Actor:
    """Takes decisions for one visitor within one request."""

    desk: Desk
    host: Host
    request: Request

    def decide_named(
        self, verdict: Verdict, seen: Mapping[int, int | None], note: str | None = None
    ) -> Decided:
        """Decide changes named one by one; `seen` is the latest decision that the visitor saw on each.

        Raises NotFound unless all belong to one unit of the visitor, and Forbidden where that one is only read.
        """
        unit = self._one_unit(list(seen))
        return self._decide(unit, verdict, seen, note)

    def decide_matching(
        self,
        verdict: Verdict,
        batch: int,
        filter: Filter,
        *,
        removals: bool = False,
        warnings: bool = False,
        note: str | None = None,
    ) -> Decided:
        """Decide what of a batch matches and nobody has decided yet; "withdraw" takes back what was decided.

        Removals and changes with warnings are covered only where `removals`, `warnings` or the filter name them.
        """
        unit = self.desk.unit_of("batch", batch)
        with self.desk.open(unit) as connection:
            rows = matching_changes(connection, batch, filter)
        chosen = [row for row in rows if _meant(row, verdict, filter, removals, warnings)]
        return self._decide(unit, verdict, {row.id: row.decision for row in chosen}, note, batch)

    def preview(self, batch: int, filter: Filter, *, removals: bool, warnings: bool) -> Preview:
        """What approving everything that matches would cover."""
        unit = self.desk.unit_of("batch", batch)
        with self.desk.open(unit) as connection:
            rows = matching_changes(connection, batch, filter)
        undecided = [row for row in rows if row.state == "undecided"]
        chosen = [row for row in rows if _meant(row, "approve", filter, removals, warnings)]
        kinds = [row.kind for row in chosen]
        return Preview(
            add=kinds.count("add"),
            update=kinds.count("update"),
            remove=kinds.count("remove"),
            warned=sum(row.warned for row in chosen),
            researchers=len({row.researcher_id for row in chosen}),
            left_removals=sum(row.kind == "remove" for row in undecided) - kinds.count("remove"),
            left_warnings=sum(row.warned and row.kind != "remove" for row in undecided)
            - sum(row.warned and row.kind != "remove" for row in chosen),
            decided_before=len(rows) - len(undecided),
        )

    def wish(self, wish: Wish, items: Sequence[int], note: str | None = None) -> ItemCount:
        """A standing wish about items of one unit. Raises NotFound, Forbidden, NothingSelected (a missing note)."""
        if not items:
            raise NotFound("No item was named", why="this is said of single items")
        unit = self.desk.unit_of("item", items[0])
        name = deciding(unit, self.desk.visitor.person)
        with self.desk.open(unit) as connection:
            self._check_all(connection, "item", items)
        before = self._open_batches(unit)
        count = _WISHES[wish](self.desk.ledger, list(items), actor_name=name, via="console", note=note)
        self._close_questions(unit, before)
        return count

    def _one_unit(self, changes: Sequence[int]) -> SeenUnit:
        if not changes:
            raise NotFound("No change was named", why="there is nothing to decide on")
        unit = self.desk.unit_of("change", changes[0])
        with self.desk.open(unit) as connection:
            self._check_all(connection, "change", changes)
        return unit

    def _check_all(self, connection: Connection, table: str, keys: Sequence[int]) -> None:
        found: Any = connection.execute(
            f"SELECT count(*) AS n FROM {table} WHERE id = ANY (%s::bigint[])", (key_array(set(keys)),)
        ).fetchone()
        if found.n != len(set(keys)):
            raise NotFound(
                f"Not every {table} that was named is there",
                why="some do not exist, or belong to another unit",
                remedy="Name those of one unit at a time",
            )

    def _decide(
        self,
        unit: SeenUnit,
        verdict: Verdict,
        seen: Mapping[int, int | None],
        note: str | None,
        batch: int | None = None,
    ) -> Decided:
        name = deciding(unit, self.desk.visitor.person)
        before = self._open_batches(unit)
        decided, left = 0, {}
        if seen:
            count = decide(
                self.desk.ledger,
                verdict=verdict,
                actor_name=name,
                via="console",
                change_ids=list(seen),
                seen=seen,
                note=(note or "").strip() or None,
            )
            decided, left = count.decided, count.left
        questions = self._close_questions(unit, before)
        with self.desk.open(unit) as connection:
            keys = key_array(seen)
            with connection.cursor(row_factory=dict_row) as cursor:
                changes = cursor.execute(_AFTER, {"changes": keys}).fetchall()
                batches = cursor.execute(_PROGRESS, (keys, batch)).fetchall()
        return Decided(
            unit=unit.code,
            verdict=verdict,
            decided=decided,
            left=left,
            changes=changes,
            batches=batches,
            questions=questions,
        )

    def _open_batches(self, unit: SeenUnit) -> set[int]:
        with self.desk.open(unit) as connection:
            return {row.id for row in connection.execute("SELECT id FROM batch WHERE state = 'open'")}

    def _close_questions(self, unit: SeenUnit, before: set[int]) -> dict[int, str]:
        """Answer the questions of batches that became decided just now; why it failed, by batch."""
        if not before:
            return {}
        with self.desk.open(unit) as connection:
            finished = connection.execute(
                "SELECT id FROM batch WHERE id = ANY (%s) AND state <> 'open' AND asked_at IS NOT NULL",
                (sorted(before),),
            ).fetchall()
        answers = {row.id: self.host.close_question(self.request, row.id) for row in finished}
        return {batch: why for batch, why in answers.items() if why is not None}


def _meant(row: Any, verdict: Verdict, filter: Filter, removals: bool, warnings: bool) -> bool:
    if verdict == "withdraw":
        return row.state in ("approve", "reject")
    if row.state != "undecided" or (verdict == "approve" and row.stopped):
        return False
    if row.kind == "remove" and not (removals or filter.names_removals):
        return False
    # A removal is named as a removal; what warns on top of it changes nothing.
    return not row.warned or row.kind == "remove" or warnings or filter.names_warnings


_AFTER: Final = """
SELECT change.id AS change, latest.id AS decision, latest.at, latest.by,
       CASE WHEN change.state = 'written' THEN 'written' WHEN change.state = 'writing' THEN 'writing'
            WHEN change.state <> 'open' THEN 'closed' ELSE coalesce(change.verdict, 'undecided') END AS state
FROM change LEFT JOIN (
    SELECT DISTINCT ON (change_id) change_id, decision.id, decision.at, actor.name AS by
    FROM decision LEFT JOIN actor ON actor.id = decision.actor_id
    WHERE change_id = ANY (%(changes)s::bigint[]) ORDER BY change_id, decision.id DESC
) latest ON latest.change_id = change.id
WHERE change.id = ANY (%(changes)s::bigint[]) ORDER BY change.id
"""

_PROGRESS: Final = """
SELECT batch.id AS batch, batch.state, count(*) AS changes,
       count(*) FILTER (WHERE change.state = 'open' AND change.verdict IS NULL) AS undecided
FROM batch JOIN batch_change ON batch_change.batch_id = batch.id JOIN change ON change.id = batch_change.change_id
WHERE batch.id IN (SELECT max(batch_id) FROM batch_change WHERE change_id = ANY (%s::bigint[])) OR batch.id = %s
GROUP BY batch.id, batch.state
"""
