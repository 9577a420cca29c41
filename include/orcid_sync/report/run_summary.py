"""What a run did, in a line or two: for the run's note in Airflow, the logs and the terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from orcid_sync.ledger.session import Ledger
from orcid_sync.report.unserved import unserved
from orcid_sync.review.batches import batch_counts
from orcid_sync.review.rights import NothingSelected

Counts = Mapping[str, Any]
# After these it is worth saying who can't be served.
_ABOUT_RESEARCHERS: Final = frozenset({"propose", "write"})
_BATCH: Final = re.compile(r"approve_batch/batch-(\d{1,18})")


def run_summary(ledger: Ledger, run_id: str) -> str | None:
    """The counts of a run's stages, what failed, and the researchers who can't be served; None for a run without any.

    Of a run of `approve_batch` it is what became of its batch. No line names anybody.
    """
    if asked := _BATCH.fullmatch(run_id):
        return _batch(ledger, int(asked[1]))
    with ledger.transaction() as connection:
        stages = connection.execute(
            "SELECT stage, counts, error, ended_at IS NOT NULL AS ended FROM stage_run WHERE run_id = %s ORDER BY id",
            (run_id,),
        ).fetchall()
    parts = list(_stages(stages))
    if not parts:
        return None
    lines = ["; ".join(parts)]
    if _ABOUT_RESEARCHERS & {row.stage for row in stages}:
        lines.append(unserved_line(ledger))
    return "\n".join(filter(None, lines))


def unserved_line(ledger: Ledger) -> str:
    """`3 researchers can't be served: 2 Disconnected (researcher), 1 Record locked (researcher)`; empty for none."""
    found = unserved(ledger)
    if not found.researchers:
        return ""
    many = "researcher" if found.researchers == 1 else "researchers"
    reasons = ", ".join(
        f"{each.researchers:,} {each.word.label[:1].lower()}{each.word.label[1:]}"
        + (f" ({each.word.who})" if each.word.who else "")
        for each in found.reasons
    )
    return f"{found.researchers:,} {many} can't be served: {reasons}"


def _stages(rows: list[Any]) -> Iterator[str]:
    for stage, say in _SAY.items():
        own = [row for row in rows if row.stage == stage]
        counted = [row.counts for row in own if row.ended and not row.error]
        # What was written before a task failed is written all the same.
        counted += [row.counts for row in own if row.error and stage == "write" and "written" in row.counts]
        if counted:
            yield ", ".join(say(counted))
        if own and own[-1].error:
            # The text of an error may quote anything; its kind is enough to look further.
            yield f"{stage} failed ({own[-1].error.partition(':')[0]})"


def _some(number: int, what: str, one: str | None = None) -> list[str]:
    return [f"{number:,} {one if one and number == 1 else what}"] if number else []


def _sum(counts: list[Counts], name: str) -> int:
    return sum(int(each.get(name) or 0) for each in counts)


def _held(counts: Counts, name: str) -> int:
    return sum((counts.get(name) or {}).values())


def _extract(counts: list[Counts]) -> Iterator[str]:
    last = counts[-1]
    relations = (
        "staff",
        "units",
        "employments",
        "publications",
        "fundings",
        "peer_reviews",
        "research_resources",
        "researcher_urls",
        "person_identifiers",
        "qualifications",
    )
    yield f"{sum(int(last.get(name) or 0) for name in relations):,} changed rows of the CRIS read"


def _validate(counts: list[Counts]) -> Iterator[str]:
    yield f"{_sum(counts[-1:], 'quarantined'):,} need a correction in the CRIS"


def _merge(counts: list[Counts]) -> Iterator[str]:
    last = counts[-1:]
    yield f"{_sum(last, 'new'):,} new"
    yield f"{_sum(last, 'changed'):,} changed"
    yield from _some(_sum(last, "gone"), "gone")
    yield from _some(_sum(last, "vanished"), "vanished without a word")


def _mirror(counts: list[Counts]) -> Iterator[str]:
    last = counts[-1]
    yield f"{int(last.get('read') or 0):,} records read"
    yield from _some(int(last.get("permission_lost") or 0), "permissions lost", "permission lost")
    yield from _some(_held(last, "unavailable"), "records unavailable", "record unavailable")


def _propose(counts: list[Counts]) -> Iterator[str]:
    last = counts[-1]
    yield f"{int(last.get('proposed') or 0):,} proposed"
    for name, what in (
        ("withheld", "withheld"),
        ("on_hold", "waiting for the CRIS"),
        ("waiting_permission", "waiting for a permission"),
        ("blocked", "stopped"),
    ):
        yield from _some(_held(last, name), what)


def _write(counts: list[Counts]) -> Iterator[str]:
    written = [each.get("written") or {} for each in counts]
    sums = {action: _sum(written, action) for action in ("add", "update", "remove")}
    yield f"{sum(sums.values()):,} written"
    for action, what in (("add", "added"), ("update", "updated"), ("remove", "removed")):
        if sums[action] and sums[action] != sum(sums.values()):
            yield f"{sums[action]:,} {what}"
    yield from _some(_sum(counts, "failed"), "refused")
    yield from _some(_sum(counts, "blocked"), "stopped")
    yield from _some(_sum(counts[-1:], "retrying"), "to be tried again")


def _audit(counts: list[Counts]) -> Iterator[str]:
    last = counts[-1]
    yield f"{int(last.get('read') or 0):,} records compared"
    yield f"{_held(last, 'drift'):,} differences"
    yield from _some(int(last.get("rebuilt") or 0), "put codes found again", "put code found again")


def _undo(counts: list[Counts]) -> Iterator[str]:
    last = counts[-1]
    yield f"batch {last.get('batch')} takes back batch {last.get('undoes')}"


_SAY: Final[dict[str, Callable[[list[Counts]], Iterator[str]]]] = {
    "extract": _extract,
    "validate": _validate,
    "merge": _merge,
    "mirror": _mirror,
    "propose": _propose,
    "write": _write,
    "audit": _audit,
    "undo": _undo,
}


def _batch(ledger: Ledger, number: int) -> str | None:
    try:
        with ledger.transaction() as connection:
            batch = batch_counts(connection, number)
    except NothingSelected:
        return None
    parts = [
        *_some(batch["approved"], "approved"),
        *_some(batch["rejected"], "rejected"),
        *_some(batch["written"], "written"),
        *_some(batch["closed"], "closed"),
        f"{batch['undecided']:,} not decided",
    ]
    return f"Batch {number} of {batch['unit_name']}: {', '.join(parts)} ({batch['state']})"
