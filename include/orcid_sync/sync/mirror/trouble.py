"""Records that can't be read and permissions that are lost: kept as states, each with one event."""

from __future__ import annotations

from orcid_sync.errors import (
    PermissionLost,
    RecordMerged,
    RecordUnavailable,
    ScopeMissing,
    SyncError,
    TokenOfAnotherRecord,
    TokenRefused,
)
from orcid_sync.ledger.session import Connection, audit
from orcid_sync.orcid.client import ApiClient
from orcid_sync.vault.permissions import (
    change_permission,
    clear_suspicion,
    permission_lost,
    suspect_permission,
)

# Kinds of RecordUnavailable that are a state of the record. A full record (10,000 works) can be read and updated.
RECORD_STATES = frozenset({"locked", "deactivated", "merged", "unclaimed", "unknown"})


def explain_refusal(client: ApiClient, orcid: str) -> RecordUnavailable | None:
    """Why a researcher's token was refused: the record's own trouble, or None where the record is fine.

    A merged or closed record takes its tokens along, so that a call with one says no more than that it is invalid. The
    client's own token sees the record itself. One call. Raises Transient where the question can't be answered now.
    """
    try:
        _ask(client, orcid, renew=False)
    except TokenRefused:
        # The client's own token may have been refused too; a fresh one tells.
        try:
            _ask(client, orcid, renew=True)
        except RecordUnavailable as error:
            return error
        except PermissionLost:
            return None
    except RecordUnavailable as error:
        return error
    return None


def _ask(client: ApiClient, orcid: str, *, renew: bool) -> None:
    client.read_section(orcid, "employment", client.client_token("/read-public", renew=renew))


def mark_trouble(
    connection: Connection,
    permission_id: int,
    client_id: str,
    orcid: str,
    error: SyncError,
    *,
    explained: bool = False,
) -> None:
    """Keep what an error says of a researcher's permission or record, so that no further call is made in vain.

    A refused token is a suspicion first, unless it is `explained` that the record is fine: the next mirror finds out.
    Other errors (Transient, ItemRefused) say nothing of them and change nothing.
    """
    if isinstance(error, RecordMerged):
        _mark_merged(connection, client_id, orcid, error.new_orcid)
    elif isinstance(error, RecordUnavailable):
        # With the record's trouble a refused token is explained.
        clear_suspicion(connection, [permission_id])
        if error.kind in RECORD_STATES:
            _mark_status(connection, client_id, orcid, error.kind)
    elif isinstance(error, ScopeMissing):
        # The token works for what was granted; more is for the researcher to give.
        change_permission(connection, permission_id, state="wider_scope_needed", cause=error.kind)
    elif isinstance(error, TokenOfAnotherRecord):
        # This token is not the record's, so it can't remove anything there either.
        permission_lost(connection, permission_id, error.kind, "revoked")
    elif isinstance(error, PermissionLost):
        if isinstance(error, TokenRefused) and not explained:
            suspect_permission(connection, permission_id, error.kind)
        else:
            permission_lost(connection, permission_id, error.kind)


def _mark_status(connection: Connection, client_id: str, orcid: str, status: str) -> None:
    connection.execute(
        "INSERT INTO record AS known (orcid, client_id, status) VALUES (%s, %s, %s) "
        "ON CONFLICT (orcid, client_id) DO UPDATE SET status = excluded.status WHERE known.status <> excluded.status",
        (orcid, client_id, status),
    )


def _mark_merged(connection: Connection, client_id: str, orcid: str, new_orcid: str | None) -> None:
    """The registry moves neither items nor permissions: our items went with the old record, consent is asked anew."""
    connection.execute(
        "INSERT INTO record AS known (orcid, client_id, status, merged_into) VALUES (%s, %s, 'merged', %s) "
        "ON CONFLICT (orcid, client_id) DO UPDATE SET status = 'merged', "
        "merged_into = coalesce(excluded.merged_into, known.merged_into)",
        (orcid, client_id, new_orcid),
    )
    closed = connection.execute(
        "UPDATE put_code SET closed_at = now(), closed_because = 'record_merged' "
        "WHERE client_id = %s AND orcid = %s AND closed_at IS NULL",
        (client_id, orcid),
    ).rowcount
    for table in ("record_item", "record_item_key"):
        connection.execute(f"DELETE FROM {table} WHERE orcid = %s AND client_id = %s", (orcid, client_id))
    permissions = connection.execute(
        "SELECT id, researcher_id FROM permission WHERE client_id = %s AND orcid = %s", (client_id, orcid)
    ).fetchall()
    for permission in permissions:
        if change_permission(connection, permission.id, state="merged", cause="record_merged"):
            audit(connection, "record_merged", researcher_id=permission.researcher_id, put_codes=closed)
