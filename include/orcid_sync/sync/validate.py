"""The validate stage: what was extracted is checked inside the database; bad rows are set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from orcid_sync.cris import staging
from orcid_sync.errors import Misconfigured, Who
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.quality import quarantine
from orcid_sync.quality.checks import Severity, Suite
from orcid_sync.quality.expectations import Finding, data_docs_folder, importing, run_suites
from orcid_sync.quality.suites import SUITES
from orcid_sync.quality.volume import stop_if_shrunk, volumes
from orcid_sync.settings import Settings

_BY_CHECK: Final = (
    "SELECT relation, check_name, count(*) AS n FROM staging.flagged GROUP BY 1, 2 ORDER BY 1, 2"
)
# A publication is held once, however many checks it and its children fail.
_HELD: Final = """
SELECT count(DISTINCT (coalesce(section, relation), cris_id)) AS n FROM staging.flagged WHERE effect = 'hold'
"""


Judge = Callable[[Ledger, Sequence[Suite], Path], list[Finding]]
"""Gives the verdict on each check over the staged rows; what it writes for people goes into the folder."""


class ExtractionRefused(Misconfigured):
    """A critical check failed: the view as a whole can't be trusted."""

    kind = "extraction_refused"


def validate(
    ledger: Ledger,
    *,
    run_id: str,
    settings: Settings,
    suites: tuple[Suite, ...] = SUITES,
    judge: Judge = run_suites,
) -> Counts:
    """Check what this run extracted. Bad rows are quarantined with check and reason, good ones may be merged.

    Returns `{run, checked, quarantined, quarantined_by_check: {relation.check: n}, data_docs}`; `quarantined` counts
    publications, posts, people and units that are held, not the rows of them that are left out or values ignored. With
    nothing staged only the guards on the views' sizes run. Raises ViewShrunk, ExtractionRefused (critical checks, by
    name), CheckBroken (the check is wrong, not the rows), Misconfigured where staging holds something else.
    """
    with stage_run(ledger, run_id, "validate") as counts, ledger.connection() as connection:
        staging.hold_lock(connection)
        extraction = staging.current_extraction(connection, run_id)
        if not extraction.confirmed:
            stop_if_shrunk(volumes(connection), settings)
        staged = {suite.relation: staging.count(connection, suite.relation) for suite in suites}
        counts["checked"] = sum(staged.values())
        waiting = tuple(suite for suite in suites if staged[suite.relation])
        # Tombstones alone are read again each time: no reason to load Great Expectations.
        heavy = any(suite.relation != "tombstones" for suite in waiting)
        if waiting:
            with importing() if heavy and judge is run_suites else nullcontext():
                _flag(connection, waiting)
            if heavy:
                folder = data_docs_folder(settings.data_docs_dir, run_id)
                _stop_if_critical(judge(ledger, waiting, folder), settings)
                counts["data_docs"] = str(folder)
        with connection.transaction():
            if waiting:
                quarantine.keep(connection, suites, run_id, full=extraction.full)
            staging.mark_validated(connection)
        counts |= _counts(connection)
    return counts


def _flag(connection: Connection, suites: tuple[Suite, ...]) -> None:
    """Fill `staging.flagged` and make the views, committed: Great Expectations has a connection of its own."""
    with connection.transaction():
        connection.execute("TRUNCATE staging.flagged")
        for suite in suites:
            quarantine.create_view(connection, suite)
        for suite in suites:
            quarantine.flag(connection, suite)
        connection.execute("ANALYZE staging.flagged")


def _stop_if_critical(findings: list[Finding], settings: Settings) -> None:
    failed = [finding for finding in findings if finding.bad and finding.severity is Severity.CRITICAL]
    if not failed:
        return
    texts = []
    for finding in failed:
        check = next(suite for suite in SUITES if suite.relation == finding.relation).check(finding.check)
        view = f"{settings.cris_schema}.{finding.relation}"
        texts.append((f"{view}: {check.message} ({finding.bad} rows, check {check.name})", check.remedy))
    raise ExtractionRefused(
        "The extraction can't be trusted; nothing of it was merged",
        why="; ".join(text for text, _ in texts),
        remedy="; ".join(dict.fromkeys(remedy for _, remedy in texts)),
        who=Who.CRIS_TEAM,
    )


def _counts(connection: Connection) -> Counts:
    by_check = {f"{row.relation}.{row.check_name}": row.n for row in connection.execute(_BY_CHECK)}
    held = connection.execute(_HELD).fetchone()
    return {"quarantined": held.n if held else 0, "quarantined_by_check": by_check}
