"""What a demo run brought about, read from the ledger and from the registry itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import psycopg
from psycopg.rows import namedtuple_row

from orcid_sync.local.registry_people import Control

OwnItem = tuple[str, str, int]
"""iD, section and put code of an item that our API client wrote."""

_HELD: Final = ("withheld", "on_hold", "waiting_permission", "blocked")


@dataclass
class Figures:
    """The demo's table. `proposed` and `written` are of this run, the rest is what stands now.

    `others` counts what the CRIS knows besides publications, by section.
    """

    staff: int = 0
    publications: int = 0
    others: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    withheld: dict[str, int] = field(default_factory=dict)
    proposed: dict[str, int] = field(default_factory=dict)
    approved: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    put_codes: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    # What Airflow needs beyond that to get a run's tasks started and ended, one after the other
    around: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def _stages_of(which: str) -> str:
    """SQL for the stages of runs: a run's shards go on side by side, from the first start to the last end."""
    return (
        "SELECT stage, min(started_at) AS started, extract(epoch FROM max(ended_at) - min(started_at)) AS seconds "
        f"FROM stage_run WHERE {which} GROUP BY stage, run_id"
    )


class Ledger:
    """Reads figures from the ledger, all of a run's work being what happened since `began` (the ledger's clock)."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.began = self._one("SELECT clock_timestamp()")

    def figures(self) -> Figures:
        """Everything but the calls."""
        states = self._pairs(
            "SELECT coalesce(reason, state), count(*) FROM item_state WHERE state = ANY (%s) "
            "GROUP BY 1 ORDER BY 2 DESC, 1",
            list(_HELD),
        )
        return Figures(
            staff=self._one("SELECT count(*) FROM cris_staff WHERE gone IS NULL"),
            publications=self._one("SELECT count(*) FROM cris_row WHERE section = 'work' AND gone IS NULL"),
            others=self._pairs(
                "SELECT section, count(*) FROM cris_row WHERE section <> 'work' AND answer <> 'no' AND gone IS NULL "
                "GROUP BY 1 ORDER BY 2 DESC, 1"
            ),
            quarantined=self._pairs(
                "SELECT check_name, count(*) FROM quarantine WHERE resolved_at IS NULL GROUP BY 1 ORDER BY 2 DESC, 1"
            ),
            withheld=states,
            proposed=self._pairs(
                "SELECT unit.code || ': ' || action, count(*) FROM change JOIN unit ON unit.id = unit_id "
                "WHERE created_at >= %s GROUP BY 1 ORDER BY 1",
                self.began,
            ),
            approved=self._pairs(
                "SELECT unit.code || ' by ' || actor.name, count(DISTINCT change_id) FROM decision "
                "JOIN unit ON unit.id = unit_id JOIN actor ON actor.id = actor_id "
                "WHERE verdict = 'approve' AND at >= %s GROUP BY 1 ORDER BY 1",
                self.began,
            ),
            waiting=self._pairs(
                "SELECT unit.code, count(*) FROM change JOIN unit ON unit.id = unit_id "
                "WHERE state = 'open' AND verdict IS NULL GROUP BY 1 ORDER BY 1"
            ),
            written=self._pairs(
                "SELECT unit.code || ': ' || action, count(*) FROM change JOIN unit ON unit.id = unit_id "
                "WHERE state = 'written' AND closed_at >= %s GROUP BY 1 ORDER BY 1",
                self.began,
            ),
            put_codes=self._pairs(
                "SELECT unit.code, count(*) FROM put_code JOIN unit ON unit.id = unit_id "
                "WHERE closed_at IS NULL GROUP BY 1 ORDER BY 1"
            ),
            seconds=self._pairs(
                f"SELECT stage, round(sum(seconds), 1)::float FROM ({_stages_of('started_at >= %s')}) run "
                "GROUP BY stage ORDER BY min(started)",
                self.began,
            ),
        )

    def stage_seconds(self, runs: Iterable[str]) -> float:
        """What the stages of these runs (`<DAG>/<run>`) took, shards counted as one."""
        return float(
            self._one(
                f"SELECT coalesce(sum(seconds), 0)::float FROM ({_stages_of('run_id = ANY (%s)')}) run",
                list(runs),
            )
        )

    def own_items(self) -> set[OwnItem]:
        """Where the ledger says that items of ours stand."""
        rows = self._rows("SELECT orcid, section, put_code FROM put_code WHERE closed_at IS NULL")
        return {(row.orcid, row.section, row.put_code) for row in rows}

    def orcids(self) -> set[str]:
        """The iDs that our API clients know."""
        return {row.orcid for row in self._rows("SELECT orcid FROM permission WHERE orcid IS NOT NULL")}

    def unclaimed(self) -> set[OwnItem]:
        """Items that our clients wrote before there was this ledger and that no item of it claims."""
        rows = self._rows(
            "SELECT orcid, section, put_code FROM record_item WHERE source_client_id = client_id "
            "AND NOT EXISTS (SELECT FROM put_code p WHERE p.client_id = record_item.client_id "
            "AND p.orcid = record_item.orcid AND p.section = record_item.section "
            "AND p.put_code = record_item.put_code)"
        )
        return {(row.orcid, row.section, row.put_code) for row in rows}

    def approved_but_not_written(self) -> int:
        """Approved changes that nothing holds back and that still were not written."""
        found: int = self._one("SELECT count(*) FROM item_state WHERE state IN ('approved', 'retrying')")
        return found

    def open_batch(self, unit: str) -> int | None:
        """The open batch of a unit."""
        rows = self._rows(
            "SELECT batch.id FROM batch JOIN unit ON unit.id = unit_id WHERE unit.code = %s AND state = 'open'",
            unit,
        )
        return rows[0].id if rows else None

    def approvable(self, batch: int) -> int:
        """How many changes of a batch an approval of additions and updates is about: no removals, no warnings."""
        found: int = self._one(
            "SELECT count(*) FROM batch_change JOIN change ON change.id = change_id WHERE batch_id = %s "
            "AND state = 'open' AND verdict IS NULL AND action <> 'remove' AND cardinality(warnings) = 0",
            batch,
        )
        return found

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(self._dsn, row_factory=namedtuple_row) as connection:
            connection.execute("SELECT set_config('role', current_database() || '_app', false)")
            connection.execute("SET search_path = ledger")
            return connection.execute(query, values).fetchall()

    def _one(self, query: str, *values: Any) -> Any:
        return self._rows(query, *values)[0][0]

    def _pairs(self, query: str, *values: Any) -> dict[str, Any]:
        return {str(row[0]): row[1] for row in self._rows(query, *values)}


def own_items_at_registry(control: Control, orcids: set[str], client_id: str) -> set[OwnItem]:
    """What stands on these records by our API client's doing."""
    return {
        (orcid, item["section"], item["put_code"])
        for orcid in sorted(orcids)
        for item in control.call("GET", f"/records/{orcid}")["items"]
        if item["source"] == client_id
    }
