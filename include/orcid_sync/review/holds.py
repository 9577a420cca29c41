"""`pause` and `resume`: everything, a unit or a researcher is held before the next call."""

from __future__ import annotations

import datetime as dt
from typing import Any

from orcid_sync.ledger.holds import HOLDS_NOW
from orcid_sync.ledger.session import Connection, Ledger, actor_id, audit
from orcid_sync.review.rights import NothingSelected, unit_by_code

_SAME = "unit_id IS NOT DISTINCT FROM %(unit)s AND researcher_id IS NOT DISTINCT FROM %(researcher)s"


def pause(
    ledger: Ledger,
    *,
    actor_name: str,
    unit: str | None = None,
    person: str | None = None,
    until: dt.datetime | None = None,
    note: str | None = None,
) -> int:
    """Hold a unit, a researcher (in all units, or in that one), or with neither everything; returns the hold's number.

    What is held already stays held by the hold there is. Raises NothingSelected for an unknown unit or person.
    """
    with ledger.transaction() as connection:
        keys = _keys(connection, unit, person)
        held = connection.execute(f"SELECT id FROM hold WHERE {_SAME} AND {HOLDS_NOW}", keys).fetchone()
        if held is not None:
            return int(held.id)
        actor = actor_id(connection, actor_name)
        made = connection.execute(
            "INSERT INTO hold (unit_id, researcher_id, actor_id, until, note) "
            "VALUES (%(unit)s, %(researcher)s, %(actor)s, %(until)s, %(note)s) RETURNING id",
            keys | {"actor": actor, "until": until, "note": note},
        ).fetchone()
        assert made is not None
        audit(
            connection,
            "paused",
            actor=actor,
            unit_id=keys["unit"],
            researcher_id=keys["researcher"],
            hold=made.id,
        )
        return int(made.id)


def resume(
    ledger: Ledger,
    *,
    actor_name: str,
    unit: str | None = None,
    person: str | None = None,
    everything: bool = False,
) -> int:
    """End the hold of a unit, of a researcher, or the one on everything; with `everything` all there are.

    Returns how many ended. Raises NothingSelected for an unknown unit or person.
    """
    with ledger.transaction() as connection:
        keys = _keys(connection, unit, person)
        ended = connection.execute(
            f"DELETE FROM hold WHERE %(everything)s OR {_SAME} RETURNING id, unit_id, researcher_id",
            keys | {"everything": everything},
        ).fetchall()
        if ended:
            actor = actor_id(connection, actor_name)
            for row in ended:
                audit(
                    connection,
                    "resumed",
                    actor=actor,
                    unit_id=row.unit_id,
                    researcher_id=row.researcher_id,
                    hold=row.id,
                )
        return len(ended)


def holds(ledger: Ledger) -> list[dict[str, Any]]:
    """What is held now: unit code and person id (None: all), since, until, by whom, note."""
    with ledger.transaction() as connection:
        rows = connection.execute(
            "SELECT hold.id AS hold, unit.code AS unit, researcher.person_id AS person, actor.name AS by, "
            "since, until, note FROM hold JOIN actor ON actor.id = hold.actor_id "
            "LEFT JOIN unit ON unit.id = hold.unit_id "
            f"LEFT JOIN researcher ON researcher.id = hold.researcher_id WHERE {HOLDS_NOW} ORDER BY hold.id"
        ).fetchall()
    return [row._asdict() for row in rows]


def _keys(connection: Connection, unit: str | None, person: str | None) -> dict[str, Any]:
    researcher = None
    if person is not None:
        row = connection.execute("SELECT id FROM researcher WHERE person_id = %s", (person,)).fetchone()
        if row is None:
            raise NothingSelected(
                "There is no researcher of that person id",
                why="no extraction brought one, and no permission was given",
                remedy="Name the `person_id` of the CRIS",
            )
        researcher = row.id
    return {"unit": None if unit is None else unit_by_code(connection, unit).id, "researcher": researcher}
