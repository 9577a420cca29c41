"""The states of a permission, each change with one append-only event that says why."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from orcid_sync.ledger.session import Connection

# In these states no call can be made any more, so that there is nothing to keep the tokens for.
TOKENLESS_STATES: Final = frozenset({"denied", "revoked", "expired", "merged"})


def set_permission(
    connection: Connection,
    *,
    researcher_id: int,
    client_id: str,
    state: str,
    cause: str,
    orcid: str | None = None,
    scopes: Collection[str] = (),
    actor: int | None = None,
) -> int:
    """Record what a researcher answered to one API client; returns the permission's id.

    One row for each researcher and client. `orcid` is the iD that was authenticated by OAuth: without one, the known iD
    and scopes stay. An event is appended if state or iD are new.
    """
    row = connection.execute(
        """
        WITH before AS (
            SELECT state, orcid FROM permission WHERE researcher_id = %(researcher)s AND client_id = %(client)s
        )
        INSERT INTO permission AS known (researcher_id, client_id, orcid, state, scopes)
        VALUES (%(researcher)s, %(client)s, %(orcid)s, %(state)s, %(scopes)s)
        ON CONFLICT (researcher_id, client_id) DO UPDATE SET
            orcid = coalesce(excluded.orcid, known.orcid), state = excluded.state,
            scopes = CASE WHEN excluded.orcid IS NULL THEN known.scopes ELSE excluded.scopes END,
            suspect_since = NULL, changed_at = now()
        RETURNING id, (SELECT state FROM before) IS DISTINCT FROM state
                      OR (SELECT before.orcid FROM before) IS DISTINCT FROM known.orcid AS news
        """,
        {
            "researcher": researcher_id,
            "client": client_id,
            "orcid": orcid,
            "state": state,
            "scopes": sorted(scopes),
        },
    ).fetchone()
    assert row is not None
    if row.news:
        _event(connection, row.id, state, cause, actor)
    _drop_useless_token(connection, row.id, state)
    return int(row.id)


def change_permission(
    connection: Connection, permission_id: int, *, state: str, cause: str, actor: int | None = None
) -> bool:
    """Move a permission to another state; False, and no event, where it was in it already."""
    changed = connection.execute(
        "UPDATE permission SET state = %s, suspect_since = NULL, changed_at = now() WHERE id = %s AND state <> %s",
        (state, permission_id, state),
    )
    if not changed.rowcount:
        return False
    _event(connection, permission_id, state, cause, actor)
    _drop_useless_token(connection, permission_id, state)
    return True


def permission_lost(connection: Connection, permission_id: int, cause: str, state: str | None = None) -> bool:
    """The registry takes no token of this permission any more. Returns whether that is news.

    Without `state`: `expired` if its time is over, else `delete_only` while something of ours stands on the record (a
    token that the researcher revoked still removes what we wrote), else `revoked`.
    """
    row = connection.execute(
        """
        SELECT permission.state, coalesce(token.expires_at <= now(), false) AS expired, EXISTS (
            SELECT FROM put_code WHERE put_code.client_id = permission.client_id
            AND put_code.orcid = permission.orcid AND put_code.closed_at IS NULL
        ) AS stands
        FROM permission LEFT JOIN token ON token.permission_id = permission.id WHERE permission.id = %s
        """,
        (permission_id,),
    ).fetchone()
    if row is None or row.state in TOKENLESS_STATES:
        return False
    likely = "expired" if row.expired else "delete_only" if row.stands else "revoked"
    return change_permission(connection, permission_id, state=state or likely, cause=cause)


def suspect_permission(connection: Connection, permission_id: int, cause: str) -> bool:
    """A token was refused and it isn't known why: no more calls until it is. Returns whether that is news.

    One that was kept only to remove what we wrote leaves no question: it is over.
    """
    row = connection.execute(
        "UPDATE permission SET suspect_since = now() WHERE id = %s AND suspect_since IS NULL RETURNING state",
        (permission_id,),
    ).fetchone()
    if row is None:
        return False
    if row.state == "delete_only":
        return change_permission(connection, permission_id, state="revoked", cause=cause)
    _event(connection, permission_id, row.state, cause, None)
    return True


def clear_suspicion(connection: Connection, permission_ids: Collection[int]) -> None:
    """Calls with these permissions' tokens work."""
    connection.execute(
        "UPDATE permission SET suspect_since = NULL WHERE id = ANY (%s) AND suspect_since IS NOT NULL",
        (list(permission_ids),),
    )


def end_delete_only(connection: Connection, days: int) -> int:
    """Give up tokens that were kept to remove what we wrote for longer than `days`; returns how many."""
    rows = connection.execute(
        "SELECT id FROM permission WHERE state = 'delete_only' AND changed_at < now() - make_interval(days => %s)",
        (days,),
    ).fetchall()
    return sum(
        change_permission(connection, row.id, state="revoked", cause="delete_only_ended") for row in rows
    )


def _event(connection: Connection, permission_id: int, state: str, cause: str, actor: int | None) -> None:
    connection.execute(
        "INSERT INTO permission_event (permission_id, state, cause, actor_id) VALUES (%s, %s, %s, %s)",
        (permission_id, state, cause, actor),
    )


def _drop_useless_token(connection: Connection, permission_id: int, state: str) -> None:
    if state in TOKENLESS_STATES:
        connection.execute("DELETE FROM token WHERE permission_id = %s", (permission_id,))
