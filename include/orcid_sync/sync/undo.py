"""Taking a written batch back: a batch of its own, with its own approval, through the same writer."""

from __future__ import annotations

from importlib import resources
from typing import Final

from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import UNIT_LOCK, Connection, Ledger, actor_id, audit

_SQL: Final = (resources.files("orcid_sync.sync") / "undo.sql").read_text


class NothingToUndo(Misconfigured):
    """The batch does not exist, is an undo itself, or nothing of it stands on a record any more."""

    kind = "nothing_to_undo"


def undo(ledger: Ledger, batch_id: int, *, actor: str, run_id: str) -> Counts:
    """Propose to take back what a batch wrote; returns `{run, batch, unit, undoes, add, update, remove, left}`.

    What it added is removed, what it updated gets the content from before, what it removed is added again. `left` counts
    what can't be taken back: changed or removed since, or without a known former content. The undone content is rejected
    for its items, so that the next proposal does not bring it back by itself. Raises NothingToUndo.
    """
    with stage_run(ledger, run_id, "undo") as counts, ledger.transaction() as connection:
        batch = connection.execute(
            "SELECT batch.id, batch.unit_id, batch.kind, unit.code AS unit FROM batch "
            "JOIN unit ON unit.id = batch.unit_id WHERE batch.id = %s",
            (batch_id,),
        ).fetchone()
        if batch is None or batch.kind == "undo":
            raise NothingToUndo(
                f"batch {batch_id} can't be undone",
                why="there is no such batch" if batch is None else "it is itself an undo",
                remedy="`orcid-sync review list` shows the batches",
            )
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (UNIT_LOCK, batch.unit_id))
        connection.execute(
            "SELECT set_config('orcid_sync.run_id', %s, true) AS run, set_config('orcid_sync.batch', %s, true) AS batch",
            (run_id, str(batch_id)),
        )
        connection.execute(_SQL())
        counts |= {"unit": batch.unit, "undoes": batch_id, **_figures(connection)}
        if not counts["add"] + counts["update"] + counts["remove"]:
            raise NothingToUndo(
                f"batch {batch_id} can't be undone",
                why=f"nothing of it stands on a record as it was written ({counts['left']} changes since)",
                remedy="nothing is to be done",
            )
        audit(
            connection,
            "undo_proposed",
            actor=actor_id(connection, actor),
            unit_id=batch.unit_id,
            undoes=batch_id,
            batch=counts["batch"],
        )
    return counts


def _figures(connection: Connection) -> dict[str, int]:
    row = connection.execute(
        """
        SELECT (SELECT id FROM undo_batch) AS batch,
               count(*) FILTER (WHERE undo.action = 'add') AS add,
               count(*) FILTER (WHERE undo.action = 'update') AS update,
               count(*) FILTER (WHERE undo.action = 'remove') AS remove,
               count(*) FILTER (WHERE undo.action IS NULL) AS left
        FROM undo
        """
    ).fetchone()
    assert row is not None
    return dict(row._asdict())
