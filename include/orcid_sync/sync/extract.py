"""The extract stage: what changed in the CRIS since the last merge, copied into staging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg import sql

from orcid_sync.cris import staging
from orcid_sync.cris.contract import CONTRACT
from orcid_sync.cris.reading import (
    Reader,
    later_than,
    of_changed_groups,
    of_changed_publications,
    one_of,
    reading,
)
from orcid_sync.ledger.runs import Counts, stage_run
from orcid_sync.ledger.session import Connect, Connection, Ledger, work_in_bulk
from orcid_sync.settings import Settings
from orcid_sync.sync import unchanged
from orcid_sync.sync.row_relations import ROW_RELATIONS, RowRelation

_PUBLICATION_RELATIONS: Final = ("publications", "publication_contributors", "publication_identifiers")

# People who share an iD, or did: whether they still do, one of them can't tell without the others.
_SHARERS: Final = """
SELECT cris_id AS id FROM quarantine
WHERE relation = 'staff' AND check_name = 'orcid_on_one_person' AND resolved_at IS NULL
UNION
SELECT known.person_id FROM cris_staff known
WHERE known.orcid_hint IN (SELECT staging.orcid_of(orcid) FROM staging.staff)
EXCEPT SELECT person_id FROM staging.staff
"""

# Rows that wait for a person or a unit that has just come.
_WAITING: Final = """
SELECT DISTINCT cris_id AS id FROM quarantine
WHERE relation = %s AND resolved_at IS NULL AND cris_id IS NOT NULL
  AND ((check_name = 'person_known' AND quarantine.row ->> 'person_id' IN (SELECT person_id FROM staging.staff))
    OR (check_name = 'unit_known' AND quarantine.row ->> 'unit_id' IN (SELECT unit_id FROM staging.units)))
"""


def extract(
    ledger: Ledger,
    cris: Connect,
    *,
    run_id: str,
    settings: Settings,
    full: bool = False,
    confirm_shrink: bool = False,
) -> Counts:
    """Copy the contract views into staging: what changed, or with `full` (and the first time) everything.

    Returns `{run, full, staff, units, employments, qualifications, fundings, peer_reviews, research_resources,
    researcher_urls, person_identifiers, publications, publication_contributors, publication_identifiers, tombstones,
    read_again, source_rows, missing_optional}`: rows that wait for validation; how many were read again and hold nothing
    new; the size of each view. Nothing is written but schema `staging` of the ledger; killed, the stage leaves the staging
    of the run before. `confirm_shrink` is kept for the guards of the stages that follow.

    Raises Misconfigured where the views don't keep the contract, Unreachable where a database doesn't answer, Transient
    where another run extracts, validates or merges.
    """
    with stage_run(ledger, run_id, "extract") as counts:
        with ledger.transaction() as connection:
            staging.lock(connection)
            work_in_bulk(connection)
            since = _since(connection, settings.overlap_minutes)
            full = full or None in since.values()
            with reading(cris, settings.cris_schema) as reader:
                staging.create_tables(connection)
                run = _Run(connection, reader, dict.fromkeys(since) if full else since, full)
                run.read_everything()
            staging.record_extraction(
                connection, staging.Extraction(run_id, full, confirm_shrink, validated=False, merged=None)
            )
            for relation in staging.RELATIONS:
                run.record(relation)
        counts |= {"full": full, **run.staged, "read_again": sum(run.unchanged.values())}
        counts |= {"source_rows": run.source_rows, "missing_optional": list(reader.report.missing_optional)}
    return counts


def _since(connection: Connection, overlap_minutes: int) -> dict[str, str | None]:
    """From where each relation is read; None where it never was."""
    since: dict[str, str | None] = dict.fromkeys(staging.RELATIONS)
    for row in connection.execute(
        "SELECT relation, (value - make_interval(mins => %s))::text AS since FROM watermark",
        (overlap_minutes,),
    ):
        since[row.relation] = row.since
    return since


@dataclass
class _Run:
    """One extraction while it goes on."""

    connection: Connection
    reader: Reader
    since: dict[str, str | None]
    full: bool

    def __post_init__(self) -> None:
        self.staged: dict[str, int] = {}
        self.unchanged = dict.fromkeys(staging.RELATIONS, 0)
        self.watermarks: dict[str, str] = {}
        self.source_rows = {relation: self.reader.rows(relation) for relation in staging.RELATIONS}
        self.now = self.reader.now()

    def read_everything(self) -> None:
        """Fill staging: people and units first, since what waits for them is read after them."""
        for relation in ("staff", "units"):
            self._read(relation, later_than(relation, self.since[relation]))
        if not self.full:
            self.unchanged["staff"] = unchanged.leave_out_unchanged_staff(self.connection)
            self.unchanged["units"] = unchanged.leave_out_unchanged_units(self.connection)
            self._read_sharers()
        waiting = {name: self._waiting(name) for name in ROW_RELATIONS}
        for name, rows in ROW_RELATIONS.items():
            self._read(name, self._changed_rows(rows, waiting[name]))
        publications = self._waiting("publication_contributors")
        self._read("tombstones", later_than("tombstones", self.since["tombstones"]))
        of_changed = (
            sql.SQL("true")
            if self.full
            else of_changed_publications(self.reader.schema, self.since, publications)
        )
        for name in _PUBLICATION_RELATIONS:
            self._read(name, of_changed)
        staging.index_tables(self.connection)
        unchanged.hash_publications(self.connection)
        if not self.full:
            for name, rows in ROW_RELATIONS.items():
                self.unchanged[name] = unchanged.leave_out_unchanged_rows(
                    self.connection, rows, waiting[name]
                )
            self.unchanged["publications"] = unchanged.leave_out_unchanged_publications(
                self.connection, publications
            )
        for name in staging.RELATIONS:
            self.staged[name] = staging.count(self.connection, name)

    def record(self, relation: str) -> None:
        """Say what stands in staging of one relation, and from where the next extraction goes on."""
        self.connection.execute(
            "INSERT INTO staging.extracted (relation, source_rows, staged, unchanged, watermark) "
            "VALUES (%s, %s, %s, %s, %s)",
            (
                relation,
                self.source_rows[relation],
                self.staged[relation],
                self.unchanged[relation],
                self.watermarks[relation],
            ),
        )

    def _read(self, relation: str, condition: sql.Composable) -> None:
        self.reader.copy(relation, self.connection, condition)
        # A moment ahead of the source's clock would hide every change until that moment.
        row = self.connection.execute(
            sql.SQL(
                "SELECT greatest(max(t.{moment}) FILTER (WHERE t.{moment} <= %s), "
                "(SELECT value FROM watermark WHERE relation = %s), 'epoch')::text AS newest FROM {table} t"
            ).format(moment=sql.Identifier(CONTRACT[relation].watermark), table=staging.table(relation)),
            (self.now, relation),
        ).fetchone()
        assert row is not None
        self.watermarks[relation] = row.newest

    def _read_sharers(self) -> None:
        if not staging.count(self.connection, "staff"):
            return
        ids = [row.id for row in self.connection.execute(_SHARERS)]
        if ids:
            self.reader.copy("staff", self.connection, one_of("person_id", ids), frozen=False)

    def _waiting(self, relation: str) -> list[str]:
        if self.full:
            return []
        return [row.id for row in self.connection.execute(_WAITING, (relation,))]

    def _changed_rows(self, relation: RowRelation, waiting: list[str]) -> sql.Composable:
        """The rows that changed or are waited for; of a shared thing all rows, so that it is never seen in part."""
        later = later_than(relation.name, self.since[relation.name])
        changed = sql.SQL("({} OR {})").format(later, one_of(relation.key, waiting)) if waiting else later
        if not relation.holder or self.full:
            return changed
        return of_changed_groups(self.reader.schema, relation.name, relation.key, changed)
