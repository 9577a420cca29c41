"""What the CRIS no longer shows: tombstones, merges, and the guarded reconciliation of a full extraction.

A row that a full extraction doesn't show is `vanished` at first: an unfinished refresh looks the same. The next full
extraction of a later run confirms it. A tombstone of a row that the view still shows is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orcid_sync.cris import staging
from orcid_sync.cris.contract import CONTRACT
from orcid_sync.cris.rules import SECTION_RULES
from orcid_sync.errors import Misconfigured, Who
from orcid_sync.ledger.session import Connection
from orcid_sync.model.sections import sections_of
from orcid_sync.settings import Settings


class TooManyVanished(Misconfigured):
    """A full extraction misses more rows than is plausible; nothing of it is merged."""

    kind = "too_many_vanished"


@dataclass(frozen=True)
class Kept:
    """Where the ledger keeps the rows of a contract relation: the table, its key, and which of its rows."""

    relation: str
    key: str
    table: str
    table_key: str
    where: str = "true"
    also: str = ""


STAFF: Final = Kept("staff", "person_id", "cris_staff", "person_id", also=", quarantined = false")
KEPT: Final[tuple[Kept, ...]] = (
    STAFF,
    *(
        Kept(
            relation,
            sections_of(relation)[0].key,
            "cris_row",
            "cris_id",
            f"known.section IN ({', '.join(repr(section.name) for section in sections_of(relation))}) "
            "AND known.uploaded_by IS NULL AND known.former_of IS NULL",
            also=", quarantined = false",
        )
        for relation in dict.fromkeys(rules.relation for rules in SECTION_RULES)
    ),
)

_SUCCESSORS: Final = """
CREATE TEMP TABLE successor ON COMMIT DROP AS
WITH RECURSIVE step AS (
    SELECT entity, entity_id AS id, merged_into_id AS into_id FROM staging.tombstones
    WHERE reason = 'merged' AND merged_into_id IS NOT NULL
    {known}
), chase AS (
    SELECT entity, id, into_id, ARRAY[id] AS seen FROM step
    UNION ALL
    SELECT chase.entity, chase.id, step.into_id, chase.seen || step.id
    FROM chase JOIN step ON step.entity = chase.entity AND step.id = chase.into_id
    WHERE step.id <> ALL (chase.seen)
)
SELECT DISTINCT ON (entity, id) entity, id, into_id FROM chase ORDER BY entity, id, cardinality(seen) DESC
"""
_KNOWN_MERGE: Final = """
    UNION ALL SELECT '{relation}', known.{table_key}, known.merged_into FROM {table} known
    WHERE {where} AND known.gone = 'merged' AND NOT EXISTS (
        SELECT FROM staging.tombstones t WHERE t.entity = '{relation}' AND t.entity_id = known.{table_key})
"""

_MERGED: Final = """
UPDATE {table} known SET gone = 'merged', merged_into = successor.into_id, changed_at = now(){also}
FROM successor
WHERE {where} AND successor.entity = '{relation}' AND successor.id = known.{table_key}
  AND successor.into_id <> successor.id
  AND (known.gone, known.merged_into) IS DISTINCT FROM ('merged', successor.into_id)
"""
# Also what was merged into itself, by a detour or at once: nothing is left of it.
_DELETED: Final = """
UPDATE {table} known SET gone = 'deleted', merged_into = NULL, changed_at = now(){also}
FROM staging.tombstones t
WHERE {where} AND t.entity = '{relation}' AND t.entity_id = known.{table_key} AND known.gone IS DISTINCT FROM 'deleted'
  AND NOT EXISTS (SELECT FROM successor WHERE successor.entity = t.entity AND successor.id = t.entity_id
                  AND successor.into_id <> successor.id)
"""

_KNOWN: Final = "SELECT count(*) AS n FROM {table} known WHERE {where} AND (known.gone IS NULL OR known.gone = 'vanished')"
_MISSING: Final = """
SELECT count(*) FILTER (WHERE missing AND gone IS NULL) AS vanishing,
       count(*) FILTER (WHERE missing AND gone = 'vanished' AND earlier) AS confirmed
FROM (
    SELECT known.gone, known.changed_at < (SELECT started_at FROM run WHERE run_id = %(run_id)s) AS earlier,
           NOT EXISTS (SELECT FROM staging.{relation} t WHERE t.{key} = known.{table_key}) AS missing
    FROM {table} known WHERE {where} AND (known.gone IS NULL OR known.gone = 'vanished')
) rows
"""
_CONFIRM: Final = """
UPDATE {table} known SET gone = 'deleted', changed_at = now(){also}
WHERE {where} AND known.gone = 'vanished'
  AND known.changed_at < (SELECT started_at FROM run WHERE run_id = %(run_id)s)
  AND NOT EXISTS (SELECT FROM staging.{relation} t WHERE t.{key} = known.{table_key})
"""
_VANISH: Final = """
UPDATE {table} known SET gone = 'vanished', changed_at = now()
WHERE {where} AND known.gone IS NULL
  AND NOT EXISTS (SELECT FROM staging.{relation} t WHERE t.{key} = known.{table_key})
"""

# What is gone for good waits for no correction.
_RESOLVE: Final = """
UPDATE quarantine SET resolved_at = now()
WHERE resolved_at IS NULL AND (
    EXISTS (SELECT FROM cris_row known WHERE known.section = quarantine.section AND known.cris_id = quarantine.cris_id
            AND known.gone IN ('deleted', 'merged'))
    OR (relation = 'staff' AND EXISTS (SELECT FROM cris_staff known WHERE known.person_id = quarantine.cris_id
                                       AND known.gone IN ('deleted', 'merged'))))
"""


def bury(connection: Connection) -> dict[str, int]:
    """Apply the staged tombstones. Returns relation -> rows of the ledger that are gone now."""
    known = "".join(_filled(_KNOWN_MERGE, kept) for kept in KEPT)
    connection.execute(_SUCCESSORS.format(known=known))
    return {
        kept.relation: connection.execute(_filled(_MERGED, kept)).rowcount
        + connection.execute(_filled(_DELETED, kept)).rowcount
        for kept in KEPT
    }


def known_rows(connection: Connection) -> dict[str, int]:
    """Relation -> rows that the ledger knows and counts as there: taken before the merge brings new ones."""
    counted = {kept.relation: connection.execute(_filled(_KNOWN, kept)).fetchone() for kept in KEPT}
    return {relation: int(row.n) if row else 0 for relation, row in counted.items()}


def reconcile(
    connection: Connection, settings: Settings, run_id: str, known: dict[str, int], *, confirmed: bool
) -> tuple[dict[str, int], dict[str, int]]:
    """Compare the ledger with a full extraction. Returns relation -> rows that vanished, and that are confirmed gone.

    `known` counts the ledger's rows before this merge.
    Raises TooManyVanished, with the figures, where more than the guard allows would go and `confirmed` is not given.
    """
    run = {"run_id": run_id}
    alarms = []
    # An optional view that shows nothing at all says nothing: it may be missing, and what stands, stays.
    shown = [
        kept
        for kept in KEPT
        if not CONTRACT[kept.relation].optional or staging.count(connection, kept.relation)
    ]
    for kept in shown:
        row = connection.execute(_filled(_MISSING, kept), run).fetchone()
        assert row is not None
        going = row.vanishing + row.confirmed
        if going > max(settings.guard_shrink, known[kept.relation] * settings.guard_shrink_percent / 100):
            alarms.append(
                f"{going} of {known[kept.relation]} known rows are missing in {settings.cris_schema}.{kept.relation}"
            )
    if alarms and not confirmed:
        raise TooManyVanished(
            "The full extraction misses too much; nothing of it was merged",
            why="; ".join(alarms),
            remedy="Look whether the views were refreshed completely and whether keys changed; if it is meant, extract "
            "again with confirm_shrink (`orcid-sync extract --full --confirm-shrink`)",
            who=Who.CRIS_TEAM,
        )
    nothing = {kept.relation: 0 for kept in KEPT}
    gone = {kept.relation: connection.execute(_filled(_CONFIRM, kept), run).rowcount for kept in shown}
    vanished = {kept.relation: connection.execute(_filled(_VANISH, kept)).rowcount for kept in shown}
    return nothing | vanished, nothing | gone


def resolve_quarantine(connection: Connection) -> None:
    """Close the quarantine rows of what has gone for good."""
    connection.execute(_RESOLVE)


def _filled(statement: str, kept: Kept) -> str:
    return statement.format(
        relation=kept.relation,
        key=kept.key,
        table=kept.table,
        table_key=kept.table_key,
        where=kept.where,
        also=kept.also,
    )
