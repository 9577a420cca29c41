"""Calls of a first sync and of later ones, as the registry counts them, beside the floor and what others need."""

from __future__ import annotations

import datetime as dt
import math
import time
from typing import Any

from orcid_simulator.testing import running_simulator
from orcid_sync.cris.demo.check_digits import orcid
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import NoLimiter
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.mirror import changed, mirror
from orcid_sync.sync.propose import propose
from orcid_sync.sync.write import write
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.permissions import set_permission
from orcid_sync.vault.registry import Registry
from orcid_sync.vault.tokens import Tokens, put_tokens

from tests.benchmarks.setup import CLIENT, Server, approve_everything, new_ledger


def counted_syncs(server: Server, researchers: int, works: int) -> dict[str, Any]:
    """R researchers with W works each: all new; then nothing; then, twice, one new and one changed work for a tenth."""
    ledger, _ = new_ledger(server)
    # Two days pass between syncs in real life; here a second has to be enough to tell one sync's changes from the next's.
    settings = Settings(search_margin_hours=1 / 3600)
    changed.CLOCK_MARGIN = dt.timedelta(0)
    with running_simulator() as simulator:
        simulator.control.client(client_id=CLIENT, client_secret="s")
        base = simulator.base_url
        keys = KeyRing.parse(Secret(f"k1:{KeyRing.generate_key().reveal()}"))
        api = ApiClient(Credentials(CLIENT, Secret("s"), base, base, f"{base}/pub"), NoLimiter())
        registry = Registry({"default": api}, ledger, keys)
        _people(ledger, simulator, keys, researchers)
        _works(ledger, researchers, 1, works)

        def sync(run: str) -> tuple[int, int]:
            time.sleep(2)
            before = simulator.control.summary()
            common: dict[str, Any] = {"run_id": run, "settings": settings}
            changed.flag_changed(ledger, registry, **common)
            mirror(ledger, registry, **common)
            propose(ledger, **common)
            approve_everything(ledger)
            write(ledger, registry, **common)
            after = simulator.control.summary()
            told = sum(after["notifications"].values()) - sum(before["notifications"].values())
            return after["calls"] - before["calls"], told

        def touch(people: int, number: int) -> None:
            _works(ledger, people, number, number)
            _retitle(ledger, people, f"Title {number}")

        rows = [
            _row(
                "first sync",
                researchers,
                sync("first"),
                researchers * (1 + math.ceil(works / 100)),
                researchers * works,
            )
        ]
        rows.append(_row("the one after it", researchers, sync("second"), 0, 0))
        touched = max(1, researchers // 10)
        for run in ("third", "fourth"):
            touch(touched, works + len(rows))
            rows.append(_row(f"{run}, a tenth touched", researchers, sync(run), touched * 3, touched * 2))
        registry.close()
    return {"rows": rows}


def _row(run: str, researchers: int, counted: tuple[int, int], floor: int, items: int) -> dict[str, Any]:
    calls, told = counted
    return {
        "run": run,
        "researchers": researchers,
        "calls": calls,
        "floor": floor,
        "reading all, a call an item": researchers + items,
        "messages to researchers": told,
    }


def _people(ledger: Ledger, simulator: Any, keys: KeyRing, researchers: int) -> None:
    for number in range(researchers):
        person, orcid_id = f"p{number}", orcid(number)
        simulator.control.record(orcid=orcid_id)
        token = simulator.control.token(CLIENT, orcid_id)["access_token"]
        with ledger.transaction() as connection:
            connection.execute(
                "INSERT INTO cris_staff (person_id, family_names, is_current, visible, opted_out, row_hash) "
                "VALUES (%s, 'Someone', true, true, false, gen_random_uuid())",
                (person,),
            )
            row = connection.execute(
                "INSERT INTO researcher (person_id) VALUES (%s) RETURNING id", (person,)
            ).fetchone()
            assert row is not None
            permission = set_permission(
                connection,
                researcher_id=row.id,
                client_id=CLIENT,
                state="granted",
                cause="import",
                orcid=orcid_id,
            )
            put_tokens(connection, keys, permission, Tokens(Secret(token)), provenance="import")


def _works(ledger: Ledger, researchers: int, first: int, last: int) -> None:
    """Works `first` to `last` of the first `researchers` people, as extraction leaves them."""
    with ledger.transaction() as connection:
        connection.execute(
            """
            WITH made AS (
                INSERT INTO cris_row (section, cris_id, row_hash, answer)
                SELECT 'work', format('p%%s-%%s', person, number), gen_random_uuid(), 'yes'
                FROM generate_series(0, %s::int) AS person, generate_series(%s::int, %s::int) AS number
                RETURNING id, cris_id
            ), content AS (
                INSERT INTO cris_content (row_id, data)
                SELECT id, jsonb_build_object(
                    'publication_id', cris_id, 'title', 'Work ' || cris_id, 'source_type', 'Article',
                    'source_type_scheme', 'dspace-dc-type', 'publication_status', 'published', 'publication_year', 2024,
                    'contributors', '[]'::jsonb, 'identifiers', jsonb_build_array(jsonb_build_object(
                        'publication_id', cris_id, 'identifier_seq', 1, 'external_id_type', 'doi',
                        'external_id_value', '10.5555/' || cris_id, 'external_id_relationship', 'self')))
                FROM made
            )
            INSERT INTO cris_claim (row_id, person_id, answer) SELECT id, split_part(cris_id, '-', 1), 'yes' FROM made
            """,
            (researchers - 1, first, last),
        )


def _retitle(ledger: Ledger, researchers: int, title: str) -> None:
    """One work of each of the first `researchers` people gets another title."""
    with ledger.transaction() as connection:
        connection.execute(
            "UPDATE cris_content SET data = jsonb_set(data, '{title}', to_jsonb(%s::text)) FROM cris_row "
            "WHERE cris_row.id = row_id AND cris_id = ANY (SELECT format('p%%s-1', n) FROM generate_series(0, %s::int) n)",
            (title, researchers - 1),
        )
        connection.execute(
            "UPDATE cris_row SET row_hash = gen_random_uuid() "
            "WHERE cris_id = ANY (SELECT format('p%%s-1', n) FROM generate_series(0, %s::int) n)",
            (researchers - 1,),
        )
