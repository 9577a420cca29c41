"""`orcid-sync put-codes rebuild`: every put code back from the records and the stored payloads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

from orcid_sync.errors import SyncError
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import RECORD_LOCK, Connection, Ledger, audit, record_lock_key
from orcid_sync.model.sections import SECTIONS
from orcid_sync.model.validation import same_meaning
from orcid_sync.orcid.client import ApiClient
from orcid_sync.orcid.in_flight import InFlight
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.drift import report_drift
from orcid_sync.vault.registry import Registry

_SQL: Final = resources.files("orcid_sync.sync") / "rebuild.sql"
_CONTENTS: Final = """
SELECT item_id, digest, content FROM (
    SELECT change.item_id, payload.digest, payload.content, max(change.id) AS newest
    FROM change JOIN payload ON payload.digest = change.payload_digest
    WHERE change.item_id = ANY(%s) AND change.state = 'written'
    GROUP BY change.item_id, payload.digest, payload.content
) AS written ORDER BY item_id, newest DESC
"""


def rebuild_put_codes(ledger: Ledger, registry: Registry, *, run_id: str, settings: Settings) -> Counts:
    """Link our own items on the mirrored records to the items that have no live put code, one to one.

    Run it after a full mirror. The content that stands is read and compared with what we wrote, so that what is equal is
    not proposed again. Returns `{run, rebuilt, ambiguous, calls}`; ambiguous ones are listed as drift.
    """
    with stage_run(ledger, run_id, "rebuild") as counts:
        with ledger.transaction() as connection:
            connection.execute(_SQL.read_text())
            rows = connection.execute(
                "SELECT match.*, permission.id AS permission_id FROM match JOIN permission "
                "ON permission.researcher_id = match.researcher_id AND permission.client_id = match.client_id "
                "WHERE certain ORDER BY match.orcid, match.put_code"
            ).fetchall()
            counts["ambiguous"] = report_drift(
                connection,
                run_id,
                "put_code_ambiguous",
                "SELECT DISTINCT unit_id, item_id, orcid, section, put_code, "
                "'several items, or several entries on the record, fit' AS detail FROM match WHERE NOT certain",
            )
        records: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in rows:
            records[row.client_id, row.orcid].append(row)
        with InFlight(settings.calls_in_flight, "rebuild") as pool:
            jobs = [pool.submit(_rebuild_record, ledger, registry, matches) for matches in records.values()]
            counts["rebuilt"] = sum(job.result() for job in jobs)
        counts["calls"] = registry.flush_calls(ledger, run_id)
    return counts


def _rebuild_record(ledger: Ledger, registry: Registry, matches: Sequence[Any]) -> int:
    first = matches[0]
    contents = _read(registry.client(first.client_id), registry.token(first.permission_id), matches)
    with ledger.transaction() as connection:
        if not _is_quiet(connection, first):
            # A writer is at work there, and links what it writes. The next rebuild finds what is left.
            return 0
        written: dict[int, list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
        for row in connection.execute(_CONTENTS, ([match.item_id for match in matches],)):
            written[row.item_id].append((row.digest, row.content))
        for match in matches:
            digest = next(
                (
                    digest
                    for digest, ours in written[match.item_id]
                    if same_meaning(match.section, dict(ours), dict(contents.get(match.put_code, {})))
                ),
                None,
            )
            connection.execute(
                "INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, digest, origin) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, 'rebuilt') ON CONFLICT DO NOTHING",
                (
                    match.item_id,
                    match.unit_id,
                    match.client_id,
                    match.orcid,
                    match.section,
                    match.put_code,
                    digest,
                ),
            )
            audit(connection, "put_code_rebuilt", item_id=match.item_id, unit_id=match.unit_id)
    return len(matches)


def _is_quiet(connection: Connection, match: Any) -> bool:
    """Take the record's lock until the end of the transaction, and see that no call to it is in doubt."""
    row = connection.execute(
        "SELECT pg_try_advisory_xact_lock(%s, %s) AS free",
        (RECORD_LOCK, record_lock_key(match.client_id, match.orcid)),
    ).fetchone()
    if row is None or not row.free:
        return False
    writing = connection.execute(
        "SELECT FROM change JOIN item ON item.id = change.item_id JOIN permission "
        "ON permission.researcher_id = item.researcher_id AND permission.client_id = item.client_id "
        "WHERE change.state = 'writing' AND permission.orcid = %s AND permission.client_id = %s LIMIT 1",
        (match.orcid, match.client_id),
    ).fetchone()
    return writing is None


def _read(client: ApiClient, token: Secret, matches: Sequence[Any]) -> dict[int, Mapping[str, Any]]:
    """Full contents by put code; what can't be read now is compared by the next proposal."""
    contents: dict[int, Mapping[str, Any]] = {}
    try:
        works = [match.put_code for match in matches if SECTIONS[match.section].bulk > 1]
        if works:
            contents |= client.read_works(matches[0].orcid, works, token).found
        for match in matches:
            if SECTIONS[match.section].bulk == 1:
                contents[match.put_code] = client.read_item(match.orcid, match.section, match.put_code, token)
    except SyncError:
        return contents
    return contents
