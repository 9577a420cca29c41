"""Runs: what ran, what it counted, and how far everything got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Ledger
from orcid_sync.report.run_report import run_report
from orcid_sync.review.console.visitor import Desk, NotFound, SeenUnit, Visitor
from orcid_sync.review.rights import NothingSelected

LAST_RUNS: Final = 60


class UnknownRun(NotFound):
    """No stage was noted under this run's id."""


_RUNS: Final = """
SELECT run.run_id, run.started_at, max(stage_run.ended_at) AS ended_at, count(*) AS stages,
       count(*) FILTER (WHERE stage_run.ended_at IS NULL) AS open, count(stage_run.error) AS failed,
       array_agg(stage_run.stage ORDER BY stage_run.id) AS names,
       extract(epoch FROM max(stage_run.ended_at) - run.started_at)::float8 AS seconds
FROM run JOIN stage_run USING (run_id) GROUP BY run.run_id, run.started_at
ORDER BY run.started_at DESC LIMIT %s
"""


@dataclass(frozen=True)
class Step:
    """One step from the CRIS to the records: what it is and how many are left at it."""

    label: str
    count: int
    note: str = ""


def last_runs(ledger: Ledger) -> list[Any]:
    """The last runs with their stages, the newest first."""
    with ledger.transaction() as connection:
        return connection.execute(_RUNS, (LAST_RUNS,)).fetchall()


def run_page(ledger: Ledger, visitor: Visitor, run_id: str) -> dict[str, Any]:
    """The report of a run, less what its counts say of units that the visitor doesn't see. Raises NotFound."""
    try:
        report = run_report(ledger, run_id)
    except NothingSelected as unknown:
        raise UnknownRun(unknown.what, why=unknown.why) from None
    seen = {unit.code for unit in visitor.units}
    if not visitor.sees_all:
        report["drift"] = {}
    for stage in report["stages"]:
        stage["counts"] = stage["counts"] if visitor.sees_all else _of_units(stage["counts"], seen)
        if stage["error"] and not visitor.sees_all:
            stage["error"] = stage["error"].partition(":")[0]
    return report


def _of_units(counts: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    """Totals of all units stay; what is told unit by unit stays for those that are seen."""
    kept: dict[str, Any] = {}
    for name, value in counts.items():
        if isinstance(value, list):
            kept[name] = [one for one in value if isinstance(one, dict) and one.get("unit") in seen]
        elif name == "stopped":
            kept[name] = {unit: alarm for unit, alarm in value.items() if unit in seen}
        elif name not in ("changes", "units"):
            kept[name] = value
    return kept


def flat_counts(counts: dict[str, Any]) -> list[tuple[str, str]]:
    """Counts as pairs of a label and a text."""
    found: list[tuple[str, str]] = []
    for name, value in counts.items():
        label = name.replace("_", " ")
        if name in ("run", "changes") or value in (None, {}, []):
            continue
        if isinstance(value, dict):
            pairs = (f"{str(key).replace('_', ' ')}: {_shown(one)}" for key, one in value.items())
            found.append((label, ", ".join(pairs)))
        elif isinstance(value, list):
            found.append((label, "; ".join(_shown(one) for one in value)))
        else:
            found.append((label, _shown(value)))
    return found


_KINDS: Final = {"add": "new", "update": "corrections", "remove": "removals"}


def _shown(value: Any) -> str:
    if isinstance(value, dict) and {"batch", "unit"} <= value.keys():
        kinds = ", ".join(f"{value[name]:,} {kind}" for name, kind in _KINDS.items() if value.get(name))
        return f"{value['batch']} of {value['unit']}: {kinds or 'nothing'}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(one)}" for key, one in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def funnel(desk: Desk, units: tuple[SeenUnit, ...]) -> list[Step]:
    """From what the CRIS knows to what stands on the records; of the visitor's units from the items on."""
    with desk.ledger.transaction() as connection:
        rows: Any = connection.execute(
            "SELECT count(*) AS known, count(*) FILTER (WHERE NOT quarantined) AS valid, "
            "count(*) FILTER (WHERE NOT quarantined AND payload_digest IS NOT NULL) AS sendable "
            "FROM cris_row JOIN cris_claim ON cris_claim.row_id = cris_row.id WHERE gone IS NULL"
        ).fetchone()
    states: dict[str, int] = {}
    with desk.each(units) as turns:
        for _unit, connection in turns:
            for row in connection.execute("SELECT state, count(*) AS n FROM item_state GROUP BY state"):
                states[row.state] = states.get(row.state, 0) + row.n
    wanted = sum(states.values()) - states.get("removed", 0) - states.get("none", 0)
    held = sum(states.get(state, 0) for state in ("withheld", "on_hold", "waiting_permission", "blocked"))
    refused = sum(
        states.get(state, 0)
        for state in (
            "suppressed",
            "declined_by_researcher",
            "removed_by_researcher",
            "rejected",
            "record_merged",
        )
    )
    approved = sum(states.get(state, 0) for state in ("approved", "retrying", "written"))
    return [
        Step("Entries in the CRIS", rows.known, "publications and posts, one for each of our researchers"),
        Step("Passed the checks", rows.valid, "not in need of correction"),
        Step("Can be sent", rows.sendable, "with what ORCID asks for"),
        Step("Items", wanted, "what a unit may say about a researcher"),
        Step("Not held back", wanted - held, "by a rule or for want of permission"),
        Step("Wanted by people", wanted - held - refused, "not rejected, removed or declined"),
        Step("Approved", approved, "by a person or the unit's policy"),
        Step("On the records", states.get("written", 0), "as the CRIS has them"),
    ]
