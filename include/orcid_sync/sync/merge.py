"""The merge stage: what was extracted and passed validation becomes what the ledger knows of the CRIS."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from orcid_sync.cris import staging
from orcid_sync.cris.rules import SECTION_RULES
from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import Connection, Ledger, refresh_statistics, work_in_bulk
from orcid_sync.settings import Settings
from orcid_sync.sync.merging.corrections import apply_corrections
from orcid_sync.sync.merging.gone import bury, known_rows, reconcile, resolve_quarantine
from orcid_sync.sync.merging.people import merge_staff, merge_units, remember_source_hashes
from orcid_sync.sync.merging.posts import finish_posts
from orcid_sync.sync.merging.rows import merge_section
from orcid_sync.sync.merging.tally import Tally
from orcid_sync.sync.unchanged import remember_seen

# From so many changed rows on, plans made with the old statistics would be bad ones.
ANALYZE_FROM: Final = 1000
ANALYZED: Final = ["cris_staff", "cris_unit", "cris_row", "cris_content", "cris_claim", "quarantine"]

_WATERMARKS: Final = """
INSERT INTO watermark (relation, value, rows, run_id)
SELECT relation, watermark, source_rows, %s FROM staging.extracted
ON CONFLICT (relation) DO UPDATE
SET value = greatest(watermark.value, EXCLUDED.value), rows = EXCLUDED.rows, run_id = EXCLUDED.run_id
"""


def merge(
    ledger: Ledger, *, run_id: str, settings: Settings, full: bool = False, confirm_shrink: bool = False
) -> Counts:
    """Merge what this run extracted and validated, in one transaction, the watermarks included.

    Returns `{run, full, merged: {relation: {staged, new, changed, unchanged, quarantined, ...}}, new, changed,
    unchanged, gone, vanished}`; each staged row is new, changed, unchanged or quarantined.
    After a full extraction what it didn't show is reconciled, within the guard or with `confirm_shrink`. Merging the
    same extraction again does nothing and returns the same counts. Raises TooManyVanished, and Misconfigured where
    staging holds something else, isn't validated, or `full` is asked for and the extraction wasn't.
    """
    with stage_run(ledger, run_id, "merge") as counts:
        with ledger.transaction() as connection:
            staging.lock(connection)
            work_in_bulk(connection)
            extraction = staging.current_extraction(connection, run_id)
            if extraction.merged is not None:
                counts |= extraction.merged
                return counts
            _refuse(extraction, full=full)
            counts |= _merge(
                connection, settings, extraction, confirmed=confirm_shrink or extraction.confirmed
            )
            connection.execute(_WATERMARKS, (run_id,))
            staging.mark_merged(connection, counts)
        return counts


def _refuse(extraction: staging.Extraction, *, full: bool) -> None:
    if not extraction.validated:
        raise Misconfigured(
            f"The extraction of run {extraction.run_id} isn't validated",
            why="only rows that were checked are merged",
            remedy="Run the validation first",
        )
    if full and not extraction.full:
        raise Misconfigured(
            f"The extraction of run {extraction.run_id} isn't a full one",
            why="what it doesn't show may just be unchanged",
            remedy="Run `orcid-sync extract --full`",
        )


def _merge(
    connection: Connection, settings: Settings, extraction: staging.Extraction, *, confirmed: bool
) -> Counts:
    known = known_rows(connection)
    remember_seen(connection)
    remember_source_hashes(connection)
    apply_corrections(connection)
    tallies: dict[str, Tally] = {
        "units": merge_units(connection, full=extraction.full),
        "staff": merge_staff(connection),
    }
    for relation in dict.fromkeys(rules.relation for rules in SECTION_RULES):
        sections = [rules for rules in SECTION_RULES if rules.relation == relation]
        tallies[relation] = Tally.of_sections(
            [merge_section(connection, rules, settings) for rules in sections]
        )
    # What follows looks up among what has just come.
    if sum(tally.new + tally.changed for tally in tallies.values()) >= ANALYZE_FROM:
        refresh_statistics(connection, ANALYZED)
    gone = bury(connection)
    vanished = dict.fromkeys(gone, 0)
    if extraction.full:
        vanished, confirmed_gone = reconcile(
            connection, settings, extraction.run_id, known, confirmed=confirmed
        )
        gone = {relation: gone[relation] + confirmed_gone[relation] for relation in gone}
    finish_posts(connection)
    resolve_quarantine(connection)
    for relation in gone:
        tallies[relation] = replace(tallies[relation], gone=gone[relation], vanished=vanished[relation])
    sums = {
        name: sum(getattr(tally, name) for tally in tallies.values())
        for name in ("new", "changed", "unchanged", "gone", "vanished")
    }
    return {
        "full": extraction.full,
        "merged": {relation: tally.counts() for relation, tally in tallies.items()},
        **sums,
    }
