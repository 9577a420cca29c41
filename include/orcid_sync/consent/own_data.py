"""All that is stored about one researcher: handed to them, and erased where policy and circumstances allow."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Final

from orcid_sync.consent.connect import IN_USE
from orcid_sync.consent.invitations.campaigns import opt_out
from orcid_sync.errors import SyncError, Who
from orcid_sync.ledger.session import Connection, Ledger, audit
from orcid_sync.vault.permissions import set_permission

# Key of the download -> what is stored under it. Tokens are no personal data but keys to them: that there is one is
# told, never the token.
_STORED: Final[dict[str, str]] = {
    "staff": "SELECT person_id, given_names, family_names, credit_name, other_names, email, orcid_hint, "
    "orcid_assurance, is_current, visible, opted_out, changed_at FROM cris_staff "
    "WHERE person_id = (SELECT person_id FROM researcher WHERE id = %(researcher)s)",
    "permissions": "SELECT permission.client_id, api_client.name AS api_client, permission.orcid, permission.state, "
    "permission.scopes, permission.changed_at, permission.write_after, token.permission_id IS NOT NULL AS "
    "token_stored_encrypted, token.expires_at AS token_expires_at, token.provenance AS token_came_by "
    "FROM permission LEFT JOIN token ON token.permission_id = permission.id "
    "LEFT JOIN api_client ON api_client.client_id = permission.client_id WHERE researcher_id = %(researcher)s "
    "ORDER BY permission.id",
    "permission_history": "SELECT permission_event.at, permission.client_id, permission_event.state, "
    "permission_event.cause FROM permission_event JOIN permission ON permission.id = permission_id "
    "WHERE researcher_id = %(researcher)s ORDER BY permission_event.id",
    "permissions_given": "SELECT permission_grant.at, permission.client_id, permission_grant.scopes, wording, language, "
    "signed_in_by FROM permission_grant JOIN permission ON permission.id = permission_id "
    "WHERE researcher_id = %(researcher)s ORDER BY permission_grant.id",
    "items": "SELECT item.section, item.cris_id, unit.name AS unit, item_state.state, item_state.reason, "
    "item_state.detail, item_state.put_code, item.created_at, item.declined_at, item.chosen_at, "
    "item.removal_asked_at, item.tombstone_at, payload.content FROM item JOIN unit ON unit.id = item.unit_id "
    "JOIN item_state ON item_state.item_id = item.id LEFT JOIN change ON change.id = item_state.change_id "
    "LEFT JOIN payload ON payload.digest = coalesce(change.payload_digest, item_state.written_digest) "
    "WHERE item.researcher_id = %(researcher)s ORDER BY item.id",
    "decisions": "SELECT decision.at, item.section, item.cris_id, decision.verdict, decision.role, decision.via "
    "FROM decision JOIN item ON item.id = decision.item_id WHERE item.researcher_id = %(researcher)s "
    "ORDER BY decision.id",
    "writes": "SELECT intent.at, item.section, item.cris_id, intent.action, outcome.result, outcome.put_code "
    "FROM intent JOIN item ON item.id = intent.item_id LEFT JOIN outcome ON outcome.intent_id = intent.id "
    "WHERE item.researcher_id = %(researcher)s ORDER BY intent.id",
    "entries_seen_on_the_record": "SELECT record_item.orcid, section, put_code, source_name, self_claimed, title, type, "
    "visibility, seen_at FROM record_item WHERE orcid IN (SELECT orcid FROM permission "
    "WHERE researcher_id = %(researcher)s) ORDER BY orcid, section, put_code",
    "links_sent": "SELECT purpose, made_at, expires_at, used_at FROM link WHERE researcher_id = %(researcher)s "
    "ORDER BY id",
    "invitations": "SELECT campaign.name AS campaign, unit.name AS unit, campaign.channel, campaign.language, "
    "invitation_message.at, invitation_message.number AS reminder, invitation_message.state, invitation.ended_at, "
    "invitation.ended_because FROM invitation JOIN campaign ON campaign.id = invitation.campaign_id "
    "JOIN unit ON unit.id = campaign.unit_id LEFT JOIN invitation_message ON invitation_id = invitation.id "
    "WHERE invitation.researcher_id = %(researcher)s ORDER BY invitation.id, invitation_message.id",
    "wants_no_invitations": "SELECT at FROM invitation_opt_out WHERE researcher_id = %(researcher)s",
    "uses_by_systems_of_units": "SELECT broker_use.at, unit.name AS unit, what, method, endpoint, result FROM broker_use "
    "JOIN unit ON unit.id = broker_use.unit_id LEFT JOIN broker_outcome ON use_id = broker_use.id "
    "WHERE broker_use.researcher_id = %(researcher)s ORDER BY broker_use.id",
    "pauses": "SELECT hold.since, hold.until, hold.note FROM hold WHERE hold.researcher_id = %(researcher)s ORDER BY id",
    "requests_for_permission": "SELECT client_id, scopes, wording, language, ends_at, used_at FROM consent_request "
    "WHERE researcher_id = %(researcher)s ORDER BY ends_at",
    "portal_sessions": "SELECT signed_in_by, made_at, seen_at FROM portal_session "
    "WHERE researcher_id = %(researcher)s ORDER BY made_at",
    "events": "SELECT at, what FROM audit_event WHERE researcher_id = %(researcher)s ORDER BY id",
}


class StillConnected(SyncError):
    """Erasing has to wait."""

    kind: ClassVar[str] = "still_connected"
    default_remedy: ClassVar[str] = "Disconnect first"
    default_who: ClassVar[Who] = Who.RESEARCHER


def stored_about(connection: Connection, researcher_id: int) -> dict[str, Any]:
    """Everything, as plain values that JSON can hold."""
    found: dict[str, Any] = {"made_at": dt.datetime.now(dt.UTC).isoformat()}
    for name, statement in _STORED.items():
        rows = connection.execute(statement, {"researcher": researcher_id}).fetchall()
        found[name] = [{key: _plain(value) for key, value in row._asdict().items()} for row in rows]
    return found


def erase(ledger: Ledger, researcher_id: int) -> None:
    """Delete what the ledger knows of a researcher, but for keys and digests in the append-only journal.

    What remains is that they are not to be asked: without it the next campaign would invite them. The copy of the staff
    list is the CRIS's to correct. Raises StillConnected.
    """
    with ledger.transaction() as connection:
        used = connection.execute(
            "SELECT FROM permission WHERE researcher_id = %s AND state = ANY (%s)",
            (researcher_id, list(IN_USE)),
        ).fetchone()
        busy = connection.execute(
            "SELECT FROM change JOIN item ON item.id = change.item_id "
            "WHERE item.researcher_id = %s AND change.state = 'writing'",
            (researcher_id,),
        ).fetchone()
        if used is not None or busy is not None:
            raise StillConnected("Nothing was erased", why="you are still connected")
        clients = connection.execute(
            "SELECT client_id FROM permission WHERE researcher_id = %s", (researcher_id,)
        ).fetchall()
        for table in ("record_item_key", "record_item", "record"):
            connection.execute(
                f"DELETE FROM {table} WHERE (orcid, client_id) IN (SELECT orcid, client_id FROM permission "
                "WHERE researcher_id = %s) AND NOT EXISTS (SELECT FROM permission other "
                f"WHERE other.orcid = {table}.orcid AND other.researcher_id <> %s)",
                (researcher_id, researcher_id),
            )
        connection.execute("DELETE FROM hold WHERE researcher_id = %s", (researcher_id,))
        connection.execute(
            "DELETE FROM drift WHERE item_id IN (SELECT id FROM item WHERE researcher_id = %s)",
            (researcher_id,),
        )
        # Two statements: in one, the new row would meet the old one's key.
        person = connection.execute(
            "DELETE FROM researcher WHERE id = %s RETURNING person_id", (researcher_id,)
        ).fetchone()
        assert person is not None
        kept = connection.execute(
            "INSERT INTO researcher (person_id) VALUES (%s) RETURNING id", (person.person_id,)
        ).fetchone()
        assert kept is not None
        opt_out(connection, kept.id)
        for row in clients:
            set_permission(
                connection, researcher_id=kept.id, client_id=row.client_id, state="denied", cause="erased"
            )
        audit(connection, "erased", researcher_id=researcher_id)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, (dt.datetime, dt.date)) else value
