"""What happens in a CRIS between two runs, done to the demo CRIS.

Each function is one transaction of a curator on a connection that may write the base tables. Changed rows get
the time of the change by the tables' own triggers; a publication's time covers its authors and identifiers.
An id that does not exist raises LookupError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]

_STAMPED: Final = (
    "organisation", "person", "appointment", "output", "output_author", "output_identifier",
    "award", "allocation", "review", "degree",
)  # fmt: skip


@dataclass(frozen=True)
class NewIdentifier:
    """An identifier to enter, as the curator types it."""

    scheme: str
    value: str
    relation: str | None = None


def retitle(connection: Connection, publication_id: str, title: str) -> None:
    """Change a publication's title."""
    _update(connection, "output", "output_id", publication_id, headline=title)


def redate(
    connection: Connection,
    publication_id: str,
    year: int | None,
    month: int | None = None,
    day: int | None = None,
) -> None:
    """Change a publication's date."""
    _update(connection, "output", "output_id", publication_id, year=year, month=month, day=day)


def retype(connection: Connection, publication_id: str, scheme: str, source_type: str) -> None:
    """Change a publication's type."""
    _update(connection, "output", "output_id", publication_id, kind_scheme=scheme, kind=source_type)


def withdraw(connection: Connection, publication_id: str) -> None:
    """Withdraw a publication from the public catalogue."""
    _update(connection, "output", "output_id", publication_id, workflow="withdrawn")


def reject(connection: Connection, publication_id: str) -> None:
    """Reject a publication as not the university's."""
    _update(connection, "output", "output_id", publication_id, workflow="rejected")


def send_back(connection: Connection, publication_id: str) -> None:
    """Put a publication back into curation: pending."""
    _update(connection, "output", "output_id", publication_id, workflow="forApproval")


def approve(connection: Connection, publication_id: str) -> None:
    """Approve and show a publication: undoes withdraw, reject, send_back, hide and make_confidential."""
    _update(
        connection,
        "output",
        "output_id",
        publication_id,
        workflow="validated",
        profile="FREE",
        confidential=False,
    )


def hide(connection: Connection, publication_id: str) -> None:
    """Hide a publication."""
    _update(connection, "output", "output_id", publication_id, profile="CONFIDENTIAL")


def make_confidential(connection: Connection, publication_id: str) -> None:
    """Mark a publication as confidential."""
    _update(connection, "output", "output_id", publication_id, confidential=True)


def retract(connection: Connection, publication_id: str) -> None:
    """The journal retracts the publication."""
    _update(connection, "output", "output_id", publication_id, stage="retracted")


def set_identifiers(
    connection: Connection, publication_id: str, identifiers: Iterable[NewIdentifier]
) -> None:
    """Replace a publication's identifiers."""
    with connection.transaction():
        connection.execute("DELETE FROM cris_base.output_identifier WHERE output_id = %s", [publication_id])
        _insert_identifiers(connection, publication_id, identifiers)
        _update(connection, "output", "output_id", publication_id)


def set_claim(connection: Connection, publication_id: str, person_id: str, status: str) -> None:
    """A person's claim to a publication becomes approved, pending or rejected."""
    _update_author(connection, publication_id, person_id, claim=status)


def reject_claim(connection: Connection, publication_id: str, person_id: str) -> None:
    """The person says: not mine."""
    set_claim(connection, publication_id, person_id, "rejected")


def list_claim(connection: Connection, publication_id: str, person_id: str, *, listed: bool) -> None:
    """The person shows or hides one publication on the own page."""
    _update_author(connection, publication_id, person_id, listed=listed)


def remove_author(connection: Connection, publication_id: str, person_id: str) -> None:
    """Take a person off a publication and close the gap in the order."""
    with connection.transaction():
        row = connection.execute(
            "DELETE FROM cris_base.output_author WHERE output_id = %s AND person_id = %s RETURNING place",
            [publication_id, person_id],
        ).fetchone()
        if row is None:
            raise LookupError(f"{person_id} is no author of {publication_id}")
        # Two steps, for the key forbids that two rows stand on one place even for a moment.
        connection.execute(
            "UPDATE cris_base.output_author SET place = -place WHERE output_id = %s AND place > %s",
            [publication_id, row[0]],
        )
        connection.execute(
            "UPDATE cris_base.output_author SET place = -place - 1 WHERE output_id = %s AND place < 0",
            [publication_id],
        )


def add_author(connection: Connection, publication_id: str, person_id: str) -> None:
    """Put a member of staff last among a publication's authors."""
    with connection.transaction():
        done = connection.execute(
            """
            INSERT INTO cris_base.output_author (output_id, place, person_id, printed_name, surname, forenames)
            SELECT o.output_id,
                   coalesce((SELECT max(a.place) FROM cris_base.output_author a WHERE a.output_id = o.output_id), 0)
                       + 1,
                   p.person_id, concat_ws(', ', p.surname, p.forenames), p.surname, p.forenames
            FROM cris_base.output o, cris_base.person p
            WHERE o.output_id = %s AND p.person_id = %s
            """,
            [publication_id, person_id],
        )
        if done.rowcount != 1:
            raise LookupError(f"no publication {publication_id} or no person {person_id}")


def add_publication(
    connection: Connection,
    publication_id: str,
    person_ids: Sequence[str],
    *,
    title: str,
    identifiers: Sequence[NewIdentifier],
    source_type: str = "Article",
    source_type_scheme: str = "dspace-dc-type",
    journal: str | None = "Journal of Civic Studies",
    issued: date = date(2026, 10, 1),
) -> None:
    """Enter a public, approved publication whose authors are the given people, in order."""
    with connection.transaction():
        connection.execute(
            """
            INSERT INTO cris_base.output
                (output_id, headline, kind, kind_scheme, container, year, month, day, stage, language)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'published', 'en')
            """,
            [
                publication_id, title, source_type, source_type_scheme, journal,
                issued.year, issued.month, issued.day,
            ],
        )  # fmt: skip
        for person_id in person_ids:
            add_author(connection, publication_id, person_id)
        _insert_identifiers(connection, publication_id, identifiers)


def delete_publication(connection: Connection, publication_id: str, *, tombstone: bool = True) -> None:
    """Delete a publication with its children; without a tombstone it just vanishes, as in real systems."""
    with connection.transaction():
        _delete_rows(connection, publication_id)
        if tombstone:
            _bury(connection, "publications", publication_id, "deleted", None)


def merge_publications(connection: Connection, duplicate_id: str, survivor_id: str) -> None:
    """Merge a duplicate into its survivor, which gains the authors and identifiers that it lacked."""
    with connection.transaction():
        _update(connection, "output", "output_id", survivor_id)
        connection.execute(
            """
            INSERT INTO cris_base.output_author
                (output_id, place, role, person_id, is_group, printed_name, surname, forenames, orcid)
            SELECT %(survivor)s,
                   (SELECT max(s.place) FROM cris_base.output_author s WHERE s.output_id = %(survivor)s)
                       + row_number() OVER (ORDER BY d.place),
                   d.role, d.person_id, d.is_group, d.printed_name, d.surname, d.forenames, d.orcid
            FROM cris_base.output_author d
            WHERE d.output_id = %(duplicate)s AND d.person_id IS NOT NULL
              AND NOT EXISTS (SELECT FROM cris_base.output_author s
                              WHERE s.output_id = %(survivor)s AND s.person_id = d.person_id)
            """,
            {"survivor": survivor_id, "duplicate": duplicate_id},
        )
        connection.execute(
            """
            INSERT INTO cris_base.output_identifier (output_id, place, scheme, value, link, relation)
            SELECT %(survivor)s,
                   coalesce((SELECT max(s.place) FROM cris_base.output_identifier s
                             WHERE s.output_id = %(survivor)s), 0) + row_number() OVER (ORDER BY d.place),
                   d.scheme, d.value, d.link, d.relation
            FROM cris_base.output_identifier d
            WHERE d.output_id = %(duplicate)s
              AND NOT EXISTS (SELECT FROM cris_base.output_identifier s
                              WHERE s.output_id = %(survivor)s AND s.scheme = d.scheme)
            """,
            {"survivor": survivor_id, "duplicate": duplicate_id},
        )
        _delete_rows(connection, duplicate_id)
        _bury(connection, "publications", duplicate_id, "merged", survivor_id)


def add_employment(
    connection: Connection, employment_id: str, person_id: str, unit_id: str, *, title: str, started: str
) -> None:
    """A person takes up a post; `started` is YYYY, YYYY-MM or YYYY-MM-DD."""
    with connection.transaction():
        connection.execute(
            """
            INSERT INTO cris_base.appointment (appointment_id, person_id, org_id, job_title, started, main)
            VALUES (%s, %s, %s, %s, %s, true)
            """,
            [employment_id, person_id, unit_id, title, started],
        )


def end_employment(connection: Connection, employment_id: str, ended: str) -> None:
    """A post ends; `ended` is YYYY, YYYY-MM or YYYY-MM-DD."""
    _update(connection, "appointment", "appointment_id", employment_id, ended=ended)


def rename_post(connection: Connection, employment_id: str, title: str) -> None:
    """A post gets another title."""
    _update(connection, "appointment", "appointment_id", employment_id, job_title=title)


def delete_employment(connection: Connection, employment_id: str, *, tombstone: bool = True) -> None:
    """Delete a post that was entered by mistake."""
    with connection.transaction():
        done = connection.execute(
            "DELETE FROM cris_base.appointment WHERE appointment_id = %s", [employment_id]
        )
        if done.rowcount != 1:
            raise LookupError(f"no employment {employment_id}")
        if tombstone:
            _bury(connection, "employments", employment_id, "deleted", None)


def leave(connection: Connection, person_id: str, day: date) -> None:
    """A person leaves the university: all running posts end."""
    with connection.transaction():
        _update(connection, "person", "person_id", person_id, left_on=day)
        connection.execute(
            "UPDATE cris_base.appointment SET ended = %s WHERE person_id = %s AND ended IS NULL",
            [day.isoformat(), person_id],
        )


def come_back(connection: Connection, person_id: str) -> None:
    """A person who left works here again; posts are entered apart."""
    _update(connection, "person", "person_id", person_id, left_on=None)


def opt_out(connection: Connection, person_id: str, *, out: bool = True) -> None:
    """A person wants nothing sent to ORCID, or no longer minds."""
    _update(connection, "person", "person_id", person_id, export_to_orcid=not out)


def set_orcid(connection: Connection, person_id: str, orcid: str | None) -> None:
    """Enter another iD for a person."""
    _update(connection, "person", "person_id", person_id, orcid=orcid)


def touch_everything(connection: Connection) -> None:
    """A nightly job that stamps every row without changing any."""
    with connection.transaction():
        for table in _STAMPED:
            connection.execute(
                sql.SQL("UPDATE {} SET changed_at = changed_at").format(sql.Identifier("cris_base", table))
            )


def _insert_identifiers(
    connection: Connection, publication_id: str, identifiers: Iterable[NewIdentifier]
) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO cris_base.output_identifier (output_id, place, scheme, value, relation)
            VALUES (%s, %s, %s, %s, %s)
            """,
            [
                (publication_id, place, each.scheme, each.value, each.relation)
                for place, each in enumerate(identifiers, start=1)
            ],
        )


def _update(connection: Connection, table: str, key: str, identity: str, **changes: object) -> None:
    """Set columns of one row; without changes the row is only stamped."""
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in changes
    )
    statement = sql.SQL("UPDATE {} SET {} WHERE {} = %s").format(
        sql.Identifier("cris_base", table),
        assignments if changes else sql.SQL("changed_at = changed_at"),
        sql.Identifier(key),
    )
    with connection.transaction():
        if connection.execute(statement, [*changes.values(), identity]).rowcount != 1:
            raise LookupError(f"no row {identity} in {table}")


def _update_author(connection: Connection, publication_id: str, person_id: str, **changes: object) -> None:
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in changes
    )
    statement = sql.SQL(
        "UPDATE cris_base.output_author SET {} WHERE output_id = %s AND person_id = %s"
    ).format(assignments)
    with connection.transaction():
        done = connection.execute(statement, [*changes.values(), publication_id, person_id])
        if done.rowcount == 0:
            raise LookupError(f"{person_id} is no author of {publication_id}")


def _delete_rows(connection: Connection, publication_id: str) -> None:
    connection.execute("DELETE FROM cris_base.output_author WHERE output_id = %s", [publication_id])
    connection.execute("DELETE FROM cris_base.output_identifier WHERE output_id = %s", [publication_id])
    done = connection.execute("DELETE FROM cris_base.output WHERE output_id = %s", [publication_id])
    if done.rowcount != 1:
        raise LookupError(f"no publication {publication_id}")


def _bury(connection: Connection, entity: str, entity_id: str, reason: str, survivor_id: str | None) -> None:
    connection.execute(
        "INSERT INTO cris_base.removed (entity, entity_id, reason, survivor_id) VALUES (%s, %s, %s, %s)",
        [entity, entity_id, reason, survivor_id],
    )
