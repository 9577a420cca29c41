"""The weekly audit: every permitted record read once and compared with the ledger, both ways."""

from __future__ import annotations

from typing import Final, LiteralString

from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import Ledger
from orcid_sync.settings import Settings
from orcid_sync.sync.drift import report_drift
from orcid_sync.sync.mirror import mirror
from orcid_sync.sync.rebuild import rebuild_put_codes
from orcid_sync.vault.registry import Registry

CHECKS: Final[dict[str, LiteralString]] = {
    # On ORCID, not in our CRIS: reported, never deleted by itself.
    "orphan": """
        SELECT NULL::integer AS unit_id, NULL::bigint AS item_id, found.orcid, found.section, found.put_code,
               'our entry, linked to nothing in the CRIS' AS detail
        FROM record_item found
        LEFT JOIN put_code owner ON owner.client_id = found.client_id AND owner.orcid = found.orcid
            AND owner.section = found.section AND owner.put_code = found.put_code AND owner.closed_at IS NULL
        WHERE found.source_client_id = found.client_id AND owner.id IS NULL
    """,
    # In the ledger, not on the record, and no rule allows to call it removed by the researcher.
    "missing_on_record": """
        SELECT put_code.unit_id, put_code.item_id, put_code.orcid, put_code.section, put_code.put_code,
               'not on the record when it was read' AS detail
        FROM put_code
        JOIN record ON record.orcid = put_code.orcid AND record.client_id = put_code.client_id
            AND record.read_at > put_code.written_at
        LEFT JOIN record_item found ON found.orcid = put_code.orcid AND found.client_id = put_code.client_id
            AND found.section = put_code.section AND found.put_code = put_code.put_code
        WHERE put_code.closed_at IS NULL AND found.put_code IS NULL
    """,
    # The ledger's iD of the item is no longer the researcher's.
    "other_orcid": """
        SELECT put_code.unit_id, put_code.item_id, put_code.orcid, put_code.section, put_code.put_code,
               'the researcher connected another iD since' AS detail
        FROM put_code JOIN item ON item.id = put_code.item_id
        JOIN permission ON permission.researcher_id = item.researcher_id AND permission.client_id = put_code.client_id
        WHERE put_code.closed_at IS NULL AND permission.orcid <> put_code.orcid
    """,
    "own_duplicate": """
        SELECT NULL::integer AS unit_id, NULL::bigint AS item_id, first.orcid, first.section, second.put_code,
               'shares an identifier with our entry ' || min(first.put_code) AS detail
        FROM record_item_key first
        JOIN record_item_key second USING (orcid, client_id, section, key, relationship)
        JOIN record_item one ON (one.orcid, one.section, one.put_code, one.client_id)
            = (first.orcid, first.section, first.put_code, first.client_id)
        JOIN record_item two ON (two.orcid, two.section, two.put_code, two.client_id)
            = (second.orcid, second.section, second.put_code, second.client_id)
        WHERE first.put_code < second.put_code AND first.relationship = 'self'
          AND one.source_client_id = one.client_id AND two.source_client_id = two.client_id
        GROUP BY first.orcid, first.section, second.put_code
    """,
    # What stands is not what we last sent.
    "content_differs": """
        SELECT put_code.unit_id, put_code.item_id, put_code.orcid, put_code.section, put_code.put_code,
               CASE WHEN found.type IS DISTINCT FROM payload.type THEN 'type' ELSE 'title' END
                   || ' on the record is not the one we sent' AS detail
        FROM put_code
        JOIN payload ON payload.digest = put_code.digest
        JOIN record_item found ON found.orcid = put_code.orcid AND found.client_id = put_code.client_id
            AND found.section = put_code.section AND found.put_code = put_code.put_code
        JOIN record ON record.orcid = put_code.orcid AND record.client_id = put_code.client_id
            AND record.read_at > put_code.written_at
        WHERE put_code.closed_at IS NULL AND put_code.section = 'work'
          AND (found.title, found.type) IS DISTINCT FROM (payload.title, payload.type)
    """,
    # An exchange of identifiers that failed half way, and could not be taken back either.
    "between_versions": """
        SELECT item.unit_id, item.id AS item_id, put_code.orcid, item.section, put_code.put_code,
               'stands without the identifiers it exchanged: ' || coalesce(item.detail, '') AS detail
        FROM item JOIN put_code ON put_code.item_id = item.id AND put_code.closed_at IS NULL
        WHERE item.held = 'blocked' AND item.reason = 'between_versions'
    """,
    # A call without an outcome, long after it could still land.
    "unsettled_call": """
        SELECT intent.unit_id, intent.item_id, NULL::text AS orcid, item.section, intent.put_code,
               'its outcome is not known since ' || intent.at::date AS detail
        FROM intent JOIN item ON item.id = intent.item_id
        LEFT JOIN outcome ON outcome.intent_id = intent.id
        WHERE outcome.intent_id IS NULL AND intent.settles_at < now() - interval '1 day'
    """,
}


def audit_ledger(
    ledger: Ledger,
    registry: Registry,
    *,
    run_id: str,
    settings: Settings,
    unit: str | None = None,
    limit: int | None = None,
) -> Counts:
    """Read every permitted record, heal what is certain, list the rest as drift.

    Returns `{run, read, removed_by_researcher, rebuilt, drift: {class: n}, calls}`. Healed is: removals by researchers
    (tombstones) and put codes that were lost here and fit one entry only.
    """
    read = mirror(ledger, registry, run_id=run_id, settings=settings, unit=unit, limit=limit, everything=True)
    rebuilt = rebuild_put_codes(ledger, registry, run_id=run_id, settings=settings)
    with stage_run(ledger, run_id, "audit") as counts:
        with ledger.transaction() as connection:
            drift = {kind: report_drift(connection, run_id, kind, query) for kind, query in CHECKS.items()}
        counts |= {
            "read": read["read"],
            "removed_by_researcher": read["removed_by_researcher"],
            "rebuilt": rebuilt["rebuilt"],
            "drift": {**drift, "put_code_ambiguous": rebuilt["ambiguous"]},
            "calls": read["calls"] + rebuilt["calls"],
        }
    return counts
