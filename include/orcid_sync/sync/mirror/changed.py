"""Which records changed since they were read, for the price of a few searches instead of a call each.

The registry's search knows when each record was last changed. It is asked about our own iDs only, as many in one query
as an address may hold. Its index runs behind, so a change is looked for again for `search_margin_hours`; a record that
was read within that time is asked about from its reading on, so that it isn't read twice for one change. What we wrote is
such a change too: only a reading tells whether the researcher did something just before. What search misses all the
same, the weekly audit reads.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final
from urllib.parse import quote_plus

from orcid_sync.errors import SyncError, Transient
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.orcid.client import ApiClient
from orcid_sync.settings import Settings
from orcid_sync.vault.registry import Registry

logger = logging.getLogger(__name__)

# Servers take addresses of 8 KB; host, path and paging need some of it.
LONGEST_QUERY: Final = 7_000
IDS_IN_CLAUSE: Final = 290
MOST_HITS: Final = 1_000
# How far the registry's clock may be behind the ledger's without a change being missed.
CLOCK_MARGIN: Final = dt.timedelta(minutes=2)
SAMPLE: Final = 100
_OR: Final = " OR "

Known = tuple[dt.datetime, str]
"""The moment since which a change would be news, and the iD."""

_KNOWN: Final = """
SELECT greatest(record.read_at - %(clock)s, search.asked_at - %(margin)s) AS since, record.orcid
FROM record
LEFT JOIN change_search search ON search.client_id = record.client_id
WHERE record.client_id = %(client)s AND record.status = 'active' AND record.read_at IS NOT NULL
  AND record.flagged_at IS NULL
  AND EXISTS (SELECT FROM permission WHERE permission.orcid = record.orcid
              AND permission.client_id = record.client_id AND permission.state = 'granted')
ORDER BY since, record.orcid
"""
_FLAG: Final = """
UPDATE record SET flagged_at = clock_timestamp()
WHERE client_id = %s AND orcid = ANY (%s) AND status = 'active' AND flagged_at IS NULL
"""
_REMEMBER: Final = """
INSERT INTO change_search (client_id, asked_at) VALUES (%s, %s)
ON CONFLICT (client_id) DO UPDATE SET asked_at = excluded.asked_at
"""


def flag_changed(ledger: Ledger, registry: Registry, *, run_id: str, settings: Settings) -> Counts:
    """Flag the records that changed since they were read, as far as the registry's search knows.

    Where a client's search can't be used, isn't to be believed, or isn't wanted (`detect_changes`), `mirror` in the same
    run reads all its records.

    Returns `{run, asked, changed, queries, not_searched: {client id: reason}, calls}`; `asked` and `changed` are
    records.
    """
    with stage_run(ledger, run_id, "search") as counts:
        asked = changed = queries = 0
        not_searched: dict[str, str] = {}
        for client_id in registry.client_ids if settings.detect_changes == "search" else ():
            with ledger.transaction() as connection:
                started, known = _known(connection, client_id, settings)
            api = registry.client(client_id)
            try:
                _check_that_it_knows(api, known)
                sent = list(queries_for(known))
                found = [orcid for query in sent for orcid in api.search(query, rows=MOST_HITS).orcids]
            except SyncError as error:
                not_searched[client_id] = str(error)
                logger.warning("All records of client %s are read: %s", client_id, error)
                continue
            with ledger.transaction() as connection:
                changed += connection.execute(_FLAG, (client_id, found)).rowcount
                connection.execute(_REMEMBER, (client_id, started))
            asked += len(known)
            queries += len(sent)
        counts |= {
            "asked": asked,
            "changed": changed,
            "queries": queries,
            "not_searched": not_searched,
            "calls": registry.flush_calls(ledger, run_id),
        }
    return counts


def queries_for(known: Iterable[Known]) -> Iterator[str]:
    """Queries that together find each record changed after its moment, as few as addresses of usual length allow.

    `known` is sorted by moment: records with the same one share a clause.
    """
    waiting: list[str] = []
    length = 0
    for clause in _clauses(known):
        size = len(quote_plus(clause + _OR))
        if waiting and length + size > LONGEST_QUERY:
            yield _OR.join(waiting)
            waiting, length = [], 0
        waiting.append(clause)
        length += size
    if waiting:
        yield _OR.join(waiting)


def _clauses(known: Iterable[Known]) -> Iterator[str]:
    for since, group in groupby(known, key=lambda pair: pair[0]):
        orcids = [orcid for _, orcid in group]
        moment = since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for start in range(0, len(orcids), IDS_IN_CLAUSE):
            wanted = _OR.join(orcids[start : start + IDS_IN_CLAUSE])
            yield f"(profile-last-modified-date:[{moment} TO *] AND orcid:({wanted}))"


def _known(connection: Connection, client_id: str, settings: Settings) -> tuple[dt.datetime, Sequence[Known]]:
    """The moment of asking, and the client's records that were read and are thought unchanged."""
    now = connection.execute("SELECT clock_timestamp() AS now").fetchone()
    assert now is not None
    rows = connection.execute(
        _KNOWN,
        {
            "client": client_id,
            "clock": CLOCK_MARGIN,
            "margin": dt.timedelta(hours=settings.search_margin_hours),
        },
    ).fetchall()
    return now.now, [(row.since, row.orcid) for row in rows]


def _check_that_it_knows(api: ApiClient, known: Sequence[Known]) -> None:
    """Raise Transient where the search doesn't know most of some records that were read: its silence means nothing."""
    if not known:
        return
    step = -(-len(known) // SAMPLE)
    sample = [orcid for _, orcid in known[::step]]
    found = api.search(f"orcid:({_OR.join(sample)})", rows=0).num_found
    if found * 2 < len(sample):
        raise Transient(
            "The registry's search can't be relied on", why=f"it knows {found} of {len(sample)} records"
        )
