"""What a failed task or run means to an operator."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from orcid_sync.errors import SyncError, Who
from orcid_sync.report.alerts.store import NOT_MAPPED, Alert
from orcid_sync.review.rights import NothingSelected
from orcid_sync.sync.propose.guards import GuardStopped
from orcid_sync.sync.undo import NothingToUndo

APPROVAL: Final = "approve_batch"
_BATCH: Final = re.compile(rf"{APPROVAL}/batch-(\d{{1,18}})")


LEDGER_AWAY: Final = Alert(
    cause="ledger:away",
    what="The ledger database does not answer, so nothing can run",
    remedy="Start it, or correct the connection `ledger`; `orcid-sync doctor` checks it",
    who=str(Who.US),
)


@dataclass(frozen=True)
class Failure:
    """A task that failed for good, or without `task_id` a whole run; `run_id` is DAG and run, `error` what was raised.

    Where a worker died there is no error.
    """

    run_id: str
    task_id: str = ""
    map_index: int = NOT_MAPPED
    error: BaseException | None = None

    @property
    def dag_id(self) -> str:
        return self.run_id.partition("/")[0]

    @property
    def job(self) -> str:
        """What the next success of proves that it works again: the DAG, or the question of one batch."""
        return self.run_id if self.dag_id == APPROVAL else self.dag_id

    @property
    def path(self) -> str:
        """Its page in Airflow."""
        dag, _, run = self.run_id.partition("/")
        path = f"/dags/{quote(dag)}/runs/{quote(run, safe='')}"
        if self.task_id:
            path += f"/tasks/{quote(self.task_id)}"
        return path if self.map_index == NOT_MAPPED else f"{path}/mapped/{self.map_index}"


def failure_alerts(failure: Failure) -> list[Alert]:
    """The alerts about a failure: one, or one for each unit that a guard stopped.

    Nothing is said of what a person asked for and could see fail. The text of an error that is none of ours stays in
    the task's log: it may quote anything.
    """
    error = failure.error
    if isinstance(error, NothingSelected | NothingToUndo):
        return []
    if isinstance(error, GuardStopped):
        return [
            _alert(
                failure,
                f"{error.kind}:{unit}",
                f"A guard stopped the proposal for unit {unit}: {alarm}",
                f"{_sentence(error.remedy)}, or trigger {failure.dag_id} with `proceed`",
                error.who,
                unit=unit,
            )
            for unit, alarm in error.stopped.items()
        ]
    place = f"Task {failure.task_id} of {failure.dag_id}" if failure.task_id else f"A run of {failure.dag_id}"
    if isinstance(error, SyncError):
        why = f"{error.what}: {error.why}" if error.why else error.what
        remedy = _sentence(error.remedy) or "Look at the log of the task"
        return [_alert(failure, error.kind, f"{place} failed. {_sentence(why)}", remedy, error.who)]
    kind = type(error).__name__ if error else "ended"
    why = "without a word: its process may have been ended"
    if error:
        why = "because it took too long" if kind.endswith("Timeout") else f"with an unexpected {kind}"
    remedy = "Look at the log of the task, then clear it; `orcid-sync doctor` checks what has to be in place"
    return [_alert(failure, kind, f"{place} failed {why}", remedy, Who.US)]


def _alert(
    failure: Failure, kind: str, what: str, remedy: str, who: Who, *, unit: str | None = None
) -> Alert:
    batch = _BATCH.fullmatch(failure.run_id)
    return Alert(
        cause=f"failed:{failure.job}:{failure.task_id}:{kind}",
        what=what.rstrip("."),
        remedy=remedy.rstrip("."),
        who=str(who),
        path=failure.path,
        unit=unit,
        batch=int(batch[1]) if batch else None,
        run_id=failure.run_id,
        map_index=failure.map_index,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
