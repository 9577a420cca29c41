"""Records from which most of our entries vanished at once: nothing is concluded until a person says what happened."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from orcid_sync.ledger.session import Connection, Ledger, actor_id
from orcid_sync.review.rights import NothingSelected, check_librarian, deciding_unit, is_librarian

Answer = Literal["removed", "lost"]

# Ours that were not there when the record was read last. What was written since proves nothing, and what is being written
# is for the writer to say.
_VANISHED: Final = """
FROM record JOIN put_code ON put_code.orcid = record.orcid AND put_code.client_id = record.client_id
    AND put_code.closed_at IS NULL AND put_code.written_at < record.read_at
WHERE record.status = 'emptied'
  AND NOT EXISTS (SELECT FROM record_item WHERE record_item.orcid = put_code.orcid
                  AND record_item.client_id = put_code.client_id AND record_item.section = put_code.section
                  AND record_item.put_code = put_code.put_code)
  AND NOT EXISTS (SELECT FROM change WHERE change.item_id = put_code.item_id AND change.state = 'writing')
"""


@dataclass(frozen=True)
class EmptiedCount:
    """What an answer did: to how many items of which units it applied."""

    orcid: str
    answer: str
    items: int
    units: list[str]

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def emptied_records(ledger: Ledger) -> list[dict[str, Any]]:
    """Records that wait for a person: orcid, persons, units, `vanished` entries, read_at."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            f"""
            SELECT gone.orcid, gone.read_at, gone.vanished,
                   ARRAY(SELECT code FROM unit WHERE id = ANY (gone.units) ORDER BY code) AS units,
                   ARRAY(SELECT person_id FROM permission JOIN researcher ON researcher.id = researcher_id
                         WHERE permission.orcid = gone.orcid AND permission.client_id = gone.client_id
                         ORDER BY person_id) AS persons
            FROM (SELECT record.orcid, record.client_id, record.read_at, count(*) AS vanished,
                         array_agg(DISTINCT put_code.unit_id) AS units {_VANISHED}
                  GROUP BY record.orcid, record.client_id) gone
            ORDER BY gone.read_at, gone.orcid
            """
        ).fetchall()
    return [row._asdict() for row in rows]


def decide_emptied(
    ledger: Ledger,
    *,
    answer: Answer,
    actor_name: str,
    orcid: str | None = None,
    person_id: str | None = None,
    note: str | None = None,
    system_user: str | None = None,
) -> EmptiedCount:
    """A librarian's word on such a record, named by its iD or by a person.

    `removed`: the researcher did it, and the items stay away until they are restored. `lost`: nobody wanted it, and they
    are proposed afresh, to be decided on like anything else. Raises NothingSelected where no such record waits,
    NotAllowed for somebody who is librarian of none of its units.
    """
    with ledger.transaction() as connection:
        found = _record(connection, orcid, person_id)
        rows = connection.execute(
            f"SELECT put_code.id, put_code.item_id, put_code.unit_id {_VANISHED} AND record.orcid = %s "
            "ORDER BY put_code.item_id FOR UPDATE OF put_code",
            (found,),
        ).fetchall()
        units = [deciding_unit(connection, unit) for unit in sorted({row.unit_id for row in rows})]
        if not any(is_librarian(connection, unit.id, actor_name) for unit in units):
            for unit in units:
                check_librarian(connection, unit, actor_name)
        items = [row.item_id for row in rows]
        connection.execute(
            "UPDATE put_code SET closed_at = now(), closed_because = %s WHERE id = ANY (%s)",
            ("removed_by_researcher" if answer == "removed" else "record_emptied", [row.id for row in rows]),
        )
        connection.execute(
            "UPDATE item SET held = NULL, reason = NULL, detail = NULL, held_since = NULL, asserted_at = NULL, "
            "tombstone_at = CASE WHEN %s THEN coalesce(tombstone_at, now()) ELSE tombstone_at END WHERE id = ANY (%s)",
            (answer == "removed", items),
        )
        connection.execute(
            "UPDATE record SET status = 'active', flagged_at = now() WHERE orcid = %s AND status = 'emptied'",
            (found,),
        )
        system = actor_id(connection, f"system user {system_user}") if system_user else None
        events = connection.execute(
            "INSERT INTO audit_event (what, actor_id, unit_id, researcher_id, item_id, detail) "
            "SELECT %s, %s, unit_id, researcher_id, id, jsonb_strip_nulls(jsonb_build_object('system_actor', %s::bigint)) "
            "FROM item WHERE id = ANY (%s) RETURNING id",
            (
                "removed_by_researcher" if answer == "removed" else "record_emptied",
                actor_id(connection, actor_name),
                system,
                items,
            ),
        ).fetchall()
        if note:
            connection.execute(
                "INSERT INTO audit_note (audit_event_id, note) SELECT unnest(%s::bigint[]), %s",
                ([event.id for event in events], note),
            )
    return EmptiedCount(found, answer, len(items), [unit.code for unit in units])


def _record(connection: Connection, orcid: str | None, person_id: str | None) -> str:
    """The iD of the one waiting record that is meant."""
    rows = connection.execute(
        "SELECT DISTINCT record.orcid FROM record LEFT JOIN permission USING (orcid, client_id) "
        "LEFT JOIN researcher ON researcher.id = permission.researcher_id WHERE record.status = 'emptied' "
        "AND (%(orcid)s::text IS NULL OR record.orcid = %(orcid)s) "
        "AND (%(person)s::text IS NULL OR researcher.person_id = %(person)s)",
        {"orcid": orcid, "person": person_id},
    ).fetchall()
    if orcid is None and person_id is None:
        rows = []
    if len(rows) != 1:
        raise NothingSelected(
            "There is nothing to decide about this record",
            why="it isn't one from which most of our entries vanished at once",
            remedy="`orcid-sync review emptied` without an answer lists the records that wait",
        )
    return str(rows[0].orcid)
