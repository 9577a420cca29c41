"""The whole product once through, for real: from the CRIS over a librarian's approval to the ORCID records."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from orcid_sync.local.airflow_api import AirflowApi, wait_for
from orcid_sync.local.figures import Figures, Ledger, own_items_at_registry
from orcid_sync.local.progress import Progress
from orcid_sync.local.registry_people import Control
from orcid_sync.local.stack import DAGS, Stack
from orcid_sync.local.university import LIBRARIAN, LIBRARY
from orcid_sync.review.answers import APPROVE_ADDITIONS

ORCID: Final = re.compile(r"(\d{4}-){3}\d{3}[\dX]")
RUN_SECONDS: Final = 600
FOLLOW_SECONDS: Final = 120
QUESTION_SECONDS: Final = 120
SCHEDULER_ROUNDS: Final = 2


@dataclass
class Outcome:
    """What the demo did. `broken` names each promise that was not kept."""

    figures: Figures
    runs: dict[str, str]
    batch: int | None
    broken: list[str] = field(default_factory=list)

    @property
    def nothing_new(self) -> bool:
        """Whether there was nothing to write: everything already stands."""
        return not self.figures.written

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            **self.figures.as_json(),
            "runs": self.runs,
            "batch": self.batch,
            "nothing_new": self.nothing_new,
            "broken": self.broken,
        }


class Demo:
    """One run of everything on a stack that is up."""

    def __init__(self, stack: Stack, progress: Progress, ledger: Ledger) -> None:
        self._stack = stack
        self._progress = progress
        self._control = Control(stack.simulator_url)
        self._ledger = ledger
        self._admin = stack.api("admin")
        self._calls_before = self._summary()
        self._runs: dict[str, str] = {}

    def run(self) -> Outcome:
        """Run the DAGs to the end and check what they promise."""
        unpause(self._admin)
        with self._progress.step("extract_cris: what the CRIS says, checked"):
            extraction = self._run("extract_cris")
        with self._progress.step("propose_changes: started by the new snapshot of the CRIS"):
            self._follow(extraction)
        batch = self._ledger.open_batch(LIBRARY)
        expected = 0 if batch is None else self._ledger.approvable(batch)
        if not expected:
            self._progress.note("Nothing new to approve for the library but what carries a warning")
            batch = None
        elif batch is not None:
            with self._progress.step(f"approve_batch: batch {batch}, answered by the librarian"):
                self._approve(batch)
        with self._progress.step("write_approved: to the ORCID records"):
            self._run("write_approved")
        with self._progress.step("Ledger and records compared"):
            return self._outcome(batch, expected)

    def _run(self, dag_id: str) -> str:
        run_id = self._admin.trigger(dag_id)
        self._finish(dag_id, run_id)
        return run_id

    def _finish(self, dag_id: str, run_id: str) -> None:
        self._runs[dag_id] = run_id
        self._admin.wait_for_end(dag_id, run_id, RUN_SECONDS, self._stack.require_alive)

    def _follow(self, extraction: str) -> None:
        run_id = wait_for(
            lambda: self._admin.run_caused_by("propose_changes", extraction),
            FOLLOW_SECONDS,
            "the asset cris_snapshot to start propose_changes",
            self._stack.require_alive,
        )
        self._finish("propose_changes", run_id)

    def _approve(self, batch: int) -> None:
        librarian = self._stack.api(LIBRARIAN)
        run_id = f"batch-{batch}"
        question = wait_for(
            lambda: _first(librarian, run_id),
            QUESTION_SECONDS,
            f"the question of batch {batch} in Required Actions",
            self._stack.require_alive,
        )
        self._let_scheduler_pass()
        task = question["task_instance"]["task_id"]
        librarian.answer("approve_batch", run_id, task, APPROVE_ADDITIONS)
        self._finish("approve_batch", run_id)

    def _let_scheduler_pass(self) -> None:
        """Two rounds of the scheduler, in which it learns that the asking task has gone to rest.

        An answer that is faster than that, as no person's is, wakes the task while its first process still counts as
        running; Airflow then takes the end of that one for the end of the task, and fails it.
        """
        seen = {self._admin.scheduler_beat()}

        def beaten() -> bool | None:
            seen.add(self._admin.scheduler_beat())
            return len(seen) > SCHEDULER_ROUNDS or None

        wait_for(beaten, QUESTION_SECONDS, "the scheduler's next rounds", self._stack.require_alive)

    def _outcome(self, batch: int | None, expected: int) -> Outcome:
        figures = self._ledger.figures()
        figures.calls = self._calls()
        figures.around = self._around_stages()
        outcome = Outcome(figures, self._runs, batch)
        outcome.broken += self._differences()
        left = self._ledger.approved_but_not_written()
        if left:
            outcome.broken.append(f"{left} approved changes were not written, and nothing says why")
        approved = figures.approved.get(f"{LIBRARY} by {LIBRARIAN}", 0)
        if approved != expected:
            outcome.broken.append(f"The librarian's answer approved {approved} changes of {expected}")
        if figures.calls.get("refused for rate"):
            outcome.broken.append(f"{figures.calls['refused for rate']} calls were refused for their rate")
        return outcome

    def _around_stages(self) -> float:
        """Seconds from the first task's queue to the last task's end, the stages' own time and the librarian's left out."""
        times = {dag_id: self._admin.run_times(dag_id, run_id) for dag_id, run_id in self._runs.items()}
        chains = (("extract_cris", "propose_changes"), ("write_approved", "write_approved"))
        whole = sum((times[last][1] - times[first][0]).total_seconds() for first, last in chains)
        of_chains = {dag_id for chain in chains for dag_id in chain}
        return round(whole - self._ledger.stage_seconds(f"{dag}/{self._runs[dag]}" for dag in of_chains), 1)

    def _differences(self) -> list[str]:
        """What the ledger says is ours on the records, against the records themselves."""
        ours = self._ledger.own_items()
        orcids = self._ledger.orcids()
        standing = own_items_at_registry(self._control, orcids, self._stack.state.client_id)
        missing, unknown = len(ours - standing), len(standing - ours - self._ledger.unclaimed())
        found = []
        if missing:
            found.append(f"{missing} put codes of the ledger are on no record")
        if unknown:
            found.append(f"{unknown} items that our client wrote are not in the ledger")
        return found

    def _summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = self._control.call("GET", "/summary")
        return summary

    def _calls(self) -> dict[str, int]:
        before, now = self._calls_before, self._summary()
        counts = {"all": now["calls"] - before["calls"]}
        for endpoint, count in sorted(now["by_endpoint"].items()):
            made = count - before["by_endpoint"].get(endpoint, 0)
            # A refused call stands there with its iD; whose it was doesn't matter here.
            label = ORCID.sub("{iD}", endpoint)
            if made:
                counts[label] = counts.get(label, 0) + made
        counts["refused for rate"] = now["refused_for_rate"] - before["refused_for_rate"]
        return counts


def unpause(api: AirflowApi) -> None:
    """Let the scheduler run every DAG."""
    for dag_id in DAGS:
        api.unpause(dag_id)


def _first(api: AirflowApi, run_id: str) -> dict[str, Any] | None:
    if run_id not in api.runs("approve_batch"):
        return None
    # The question is there a moment before its task has gone to rest; an answer in between would wake it too early.
    questions = api.open_questions("approve_batch", run_id)
    return next((each for each in questions if each["task_instance"]["state"] == "awaiting_input"), None)


def show(console: Console, outcome: Outcome) -> None:
    """Print the demo's table."""
    figures = outcome.figures
    table = Table(title="What happened", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    table.add_row("staff", f"{figures.staff:,}")
    table.add_row("publications", f"{figures.publications:,}")
    sections: dict[str, dict[str, int]] = {
        "posts, degrees, grants...": figures.others,
        "quarantined, by check": figures.quarantined,
        "withheld, by reason": figures.withheld,
        "proposed": figures.proposed,
        "approved": figures.approved,
        "waiting for approval": figures.waiting,
        "written": figures.written,
        "put codes, by unit": figures.put_codes,
    }
    for label, counts in sections.items():
        table.add_section()
        table.add_row(label, f"{sum(counts.values()):,}", "")
        for name, count in counts.items():
            table.add_row("", f"{count:,}", name.replace("_", " "))
    table.add_section()
    table.add_row("ORCID calls", f"{figures.calls['all']:,}")
    for name, count in figures.calls.items():
        if name != "all" and count:
            table.add_row("", f"{count:,}", name)
    table.add_section()
    table.add_row("time, by stage", f"{sum(figures.seconds.values()):.1f} s")
    for stage, seconds in figures.seconds.items():
        table.add_row("", f"{seconds:.1f} s", stage)
    table.add_row("time, Airflow around them", f"{figures.around:.1f} s")
    console.print(table)
    if outcome.nothing_new:
        console.print("Nothing new to write: what was approved stands on the records already.")
