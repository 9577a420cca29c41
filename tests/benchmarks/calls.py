"""Syncs of this product as a whole, from the CRIS's rows to the record, for the benchmarks to count what they cost."""

from __future__ import annotations

import datetime as dt
import math
import time
from typing import Any

from orcid_simulator.testing import RunningSimulator, running_simulator
from orcid_sync.cris.demo.check_digits import orcid
from orcid_sync.orcid.calls import Answer
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import NoLimiter
from orcid_sync.orcid.transport import Request, Transport
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.sync.mirror import changed, mirror
from orcid_sync.sync.propose import propose
from orcid_sync.sync.write import write
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.permissions import set_permission
from orcid_sync.vault.registry import Registry
from orcid_sync.vault.tokens import Tokens, put_tokens

from tests.benchmarks.peers import Crash, CrashPoint
from tests.benchmarks.setup import CLIENT, Server, approve_everything, new_database, new_ledger


class OurSync:
    """The product on a ledger of its own, with R researchers `p0`, `p1`.. who all connected."""

    def __init__(self, server: Server, simulator: RunningSimulator, researchers: int) -> None:
        self.simulator = simulator
        self.dsn = new_database(server)
        self.ledger, self.connect = new_ledger(server, self.dsn)
        # Two days pass between syncs in real life; here a second has to be enough to tell one sync's changes from the
        # next's.
        self.settings = Settings(search_margin_hours=1 / 3600)
        changed.CLOCK_MARGIN = dt.timedelta(0)
        self.key = f"k1:{KeyRing.generate_key().reveal()}"
        self.keys = KeyRing.parse(Secret(self.key))
        self.transport = _Crashing()
        base = simulator.base_url
        credentials = Credentials(CLIENT, Secret("s"), base, base, f"{base}/pub")
        api = ApiClient(credentials, NoLimiter(), self.transport)
        self.registry = Registry({"default": api}, self.ledger, self.keys)
        self.tokens = [self._connect(number) for number in range(researchers)]

    def sync(self, run: str) -> None:
        """Everything of one run; all that is proposed is approved."""
        time.sleep(2)
        common: dict[str, Any] = {"run_id": run, "settings": self.settings}
        try:
            changed.flag_changed(self.ledger, self.registry, **common)
            mirror(self.ledger, self.registry, **common)
            propose(self.ledger, proceed=True, **common)
            approve_everything(self.ledger)
            write(self.ledger, self.registry, **common)
            self.transport.kept()
        except Crash:
            # Days later: whatever was under way has landed or is lost.
            with self.connect() as connection:
                connection.execute("UPDATE ledger.intent SET settles_at = now() - interval '1 second'")

    def stuck(self, cris_id: str) -> bool:
        """Whether the item is neither written nor with anybody."""
        with self.ledger.transaction() as connection:
            row = connection.execute("SELECT state FROM item_state WHERE cris_id = %s", (cris_id,)).fetchone()
        return row is None or row.state != "written"

    def close(self) -> None:
        """Close the connections to the registry."""
        self.registry.close()

    def _connect(self, number: int) -> str:
        person, orcid_id = f"p{number}", orcid(number)
        self.simulator.control.record(orcid=orcid_id)
        token: str = self.simulator.control.token(CLIENT, orcid_id)["access_token"]
        with self.ledger.transaction() as connection:
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
            put_tokens(connection, self.keys, permission, Tokens(Secret(token)), provenance="import")
        return token

    def add_works(self, people: range, first: int, last: int) -> None:
        """Works `first` to `last` of these people, as extraction leaves them."""
        with self.ledger.transaction() as connection:
            connection.execute(
                """
                WITH made AS (
                    INSERT INTO cris_row (section, cris_id, row_hash, answer)
                    SELECT 'work', format('p%%s-%%s', person, number), gen_random_uuid(), 'yes'
                    FROM generate_series(%s::int, %s::int) AS person, generate_series(%s::int, %s::int) AS number
                    RETURNING id, cris_id
                ), content AS (
                    INSERT INTO cris_content (row_id, data)
                    SELECT id, jsonb_build_object(
                        'publication_id', cris_id, 'title', 'Work ' || cris_id, 'source_type', 'Article',
                        'source_type_scheme', 'dspace-dc-type', 'publication_status', 'published',
                        'publication_year', 2024, 'contributors', '[]'::jsonb,
                        'identifiers', jsonb_build_array(jsonb_build_object(
                            'publication_id', cris_id, 'identifier_seq', 1, 'external_id_type', 'doi',
                            'external_id_value', '10.5555/' || cris_id, 'external_id_relationship', 'self')))
                    FROM made
                )
                INSERT INTO cris_claim (row_id, person_id, answer)
                SELECT id, split_part(cris_id, '-', 1), 'yes' FROM made
                """,
                (people.start, people.stop - 1, first, last),
            )

    def retitle(self, people: range, number: int, title: str) -> None:
        """One work of each of these people gets another title."""
        ids = [f"p{person}-{number}" for person in people]
        with self.ledger.transaction() as connection:
            connection.execute(
                "UPDATE cris_content SET data = jsonb_set(data, '{title}', to_jsonb(%s::text)) FROM cris_row "
                "WHERE cris_row.id = row_id AND cris_id = ANY (%s)",
                (title, ids),
            )
            connection.execute(
                "UPDATE cris_row SET row_hash = gen_random_uuid() WHERE cris_id = ANY (%s)", (ids,)
            )


class _Crashing(Transport):
    """Ends the program around a call that writes."""

    crash: CrashPoint | None = None

    def send(self, request: Request) -> Answer:
        """The exchange, unless it is the one at which everything ends."""
        writes = request.method != "GET" and "/oauth/" not in request.url
        if writes and self.crash == "before the call":
            self._end()
        answer = super().send(request)
        if writes and self.crash == "after the call":
            self._end()
        return answer

    def kept(self) -> None:
        """The stage has booked everything."""
        if self.crash == "after it was kept":
            self._end()

    def _end(self) -> None:
        self.crash = None
        raise Crash


def counted_syncs(server: Server, researchers: int, works: int) -> dict[str, Any]:
    """R researchers with W works each: all new; then nothing; then, twice, one new and one changed work for a tenth."""
    with running_simulator() as simulator:
        simulator.control.client(client_id=CLIENT, client_secret="s")
        ours = OurSync(server, simulator, researchers)
        ours.add_works(range(researchers), 1, works)

        def sync(run: str) -> tuple[int, int]:
            before = simulator.control.summary()
            ours.sync(run)
            after = simulator.control.summary()
            told = sum(after["notifications"].values()) - sum(before["notifications"].values())
            return after["calls"] - before["calls"], told

        floor = researchers * (1 + math.ceil(works / 100))
        rows = [_row("first sync", researchers, sync("first"), floor, researchers * works)]
        rows.append(_row("the one after it", researchers, sync("second"), 0, 0))
        touched = range(max(1, researchers // 10))
        for run in ("third", "fourth"):
            number = works + len(rows)
            ours.add_works(touched, number, number)
            ours.retitle(touched, 1, f"Title {number}")
            rows.append(
                _row(f"{run}, a tenth touched", researchers, sync(run), len(touched) * 3, len(touched) * 2)
            )
        ours.close()
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
