"""All stages on real input: nothing is lost on the way, and the registry refuses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from orcid_simulator.testing import RunningSimulator, running_simulator
from orcid_sync.ledger.runs import Counts
from orcid_sync.ledger.session import Ledger
from orcid_sync.model.orcid_id import parse_orcid
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import NoLimiter
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.extract import extract
from orcid_sync.sync.merge import merge
from orcid_sync.sync.mirror import mirror
from orcid_sync.sync.propose import propose
from orcid_sync.sync.validate import validate
from orcid_sync.sync.write import write
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.permissions import set_permission
from orcid_sync.vault.registry import Registry
from orcid_sync.vault.tokens import Tokens, put_tokens

from tests.conftest import DatabaseFactory
from tests.fixtures.house import CLIENT, House
from tests.realdata.loader import load

# Where each publication of the CRIS ends: its best fate, where several researchers of ours share in it.
FATES = """
SELECT fate, count(*) AS publications FROM (
    SELECT DISTINCT ON (feed.publication_id) CASE
        WHEN change.id IS NOT NULL THEN 'proposed'
        WHEN quarantine.key IS NOT NULL AND (cris_row.id IS NULL OR cris_row.quarantined) THEN 'quarantined'
        WHEN item.reason IS NOT NULL THEN item.held || ': ' || item.reason
        WHEN cris_row.answer = 'no' THEN 'not wanted: ' || cris_row.reason
        WHEN cris_row.id IS NOT NULL AND cris_claim.row_id IS NULL THEN 'nobody of ours'
        ELSE 'lost'
    END AS fate
    FROM feed
    LEFT JOIN cris_row ON cris_row.section = 'work' AND cris_row.cris_id = feed.publication_id
    LEFT JOIN cris_claim ON cris_claim.row_id = cris_row.id
    LEFT JOIN quarantine ON quarantine.cris_id = feed.publication_id AND quarantine.section = 'work'
    LEFT JOIN item ON item.section = 'work' AND item.cris_id = feed.publication_id
    LEFT JOIN change ON change.item_id = item.id
    ORDER BY feed.publication_id, change.id NULLS LAST, item.reason NULLS LAST
) AS one GROUP BY fate ORDER BY publications DESC
"""


@dataclass
class Run:
    """The counts of each stage, and the ledger afterwards."""

    ledger: Ledger
    simulator: RunningSimulator
    publications: list[str]
    counts: dict[str, Counts]


@pytest.fixture
def run(realdata: Path, database: DatabaseFactory, house: House, tmp_path: Path) -> Iterator[Run]:
    dsn = database()
    load(dsn, realdata)
    settings = Settings(data_docs_dir=tmp_path, calls_in_flight=8)
    house.unit(default_for=["work", "employment"])
    with running_simulator() as simulator:
        simulator.control.client(client_id=CLIENT, client_secret="s")
        keys = KeyRing.parse(Secret(f"k1:{KeyRing.generate_key().reveal()}"))
        base = simulator.base_url
        api = ApiClient(Credentials(CLIENT, Secret("s"), base, base, f"{base}/pub"), NoLimiter())
        registry = Registry({"default": api}, house.ledger, keys)
        feed = lambda: psycopg.connect(dsn)  # noqa: E731
        with feed() as connection:
            publications = [
                row[0] for row in connection.execute("SELECT publication_id FROM orcid_feed.publications")
            ]
            staff = connection.execute(
                "SELECT person_id, orcid FROM orcid_feed.staff WHERE orcid IS NOT NULL"
            ).fetchall()
        common: dict[str, Any] = {"run_id": "real", "settings": settings}
        counts = {
            "extract": extract(house.ledger, feed, **common),
            "validate": validate(house.ledger, **common),
            "merge": merge(house.ledger, **common),
        }
        _permit(house.ledger, simulator, keys, staff)
        counts["mirror"] = mirror(house.ledger, registry, **common)
        counts["propose"] = propose(house.ledger, **common)
        house.all("INSERT INTO actor (name) VALUES ('ann') ON CONFLICT DO NOTHING RETURNING id")
        house.all(
            "INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via) "
            "SELECT change.id, item_id, unit_id, digest, 'approve', actor.id, 'librarian', 'cli' FROM change, actor "
            "WHERE actor.name = 'ann' AND state = 'open' RETURNING id"
        )
        counts["write"] = write(house.ledger, registry, **common)
        yield Run(house.ledger, simulator, publications, counts)
        registry.close()


def _permit(ledger: Ledger, simulator: RunningSimulator, keys: KeyRing, staff: list[tuple[str, str]]) -> None:
    """Records and permissions for everybody with a valid iD; where two people share one, the first has it."""
    owners: dict[str, str] = {}
    for person_id, entered in sorted(staff):
        orcid = parse_orcid(entered)
        if orcid is not None:
            owners.setdefault(orcid, person_id)
    with ledger.transaction() as connection:
        for orcid, person_id in owners.items():
            simulator.control.record(orcid=orcid)
            token = simulator.control.token(CLIENT, orcid)["access_token"]
            researcher = connection.execute(
                "INSERT INTO researcher (person_id) VALUES (%s) ON CONFLICT (person_id) DO UPDATE SET person_id = "
                "excluded.person_id RETURNING id",
                (person_id,),
            ).fetchone()
            assert researcher is not None
            permission = set_permission(
                connection,
                researcher_id=researcher.id,
                client_id=CLIENT,
                state="granted",
                cause="import",
                orcid=orcid,
            )
            put_tokens(connection, keys, permission, Tokens(Secret(token)), provenance="import")


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.timeout(900)
def test_every_publication_is_proposed_withheld_or_quarantined_and_none_is_refused(
    run: Run, record_property: Callable[[str, object], None]
) -> None:
    with run.ledger.transaction() as connection:
        connection.execute("CREATE TEMP TABLE feed (publication_id text)")
        with connection.cursor() as cursor, cursor.copy("COPY feed FROM STDIN") as copy:
            for publication in run.publications:
                copy.write_row((publication,))
        fates = dict(connection.execute(FATES).fetchall())
        refused = connection.execute(
            "SELECT cris_id, detail FROM item WHERE reason = 'refused_by_orcid'"
        ).fetchall()
    assert "lost" not in fates, fates
    record_property("fates", fates)
    assert sum(fates.values()) == len(run.publications) > 10_000, fates
    assert fates["proposed"] > 9_000, fates
    assert refused == []
    written = run.counts["write"]["written"]["add"]
    assert written == run.counts["propose"]["proposed"]
    assert run.counts["write"]["failed"] == 0
    on_records = sum(
        call["items"]
        for call in run.simulator.control.calls()
        if call["method"] == "POST" and call["status"] < 300
    )
    assert on_records == written
