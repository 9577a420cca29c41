"""What a peer review needs before it can be written: the group that it is counted under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orcid_sync.ledger.session import Connection
from orcid_sync.orcid.client import ApiClient
from orcid_sync.orcid.groups import ensure_group, made_by_registry


def prepare(connection: Connection, client: ApiClient, section: str, content: Mapping[str, Any]) -> None:
    """Make sure that the registry knows the review's group, asking it once for each group.

    Raises what the registry refuses, as if the review itself had been refused.
    """
    if section != "peer-review":
        return
    group_id = str(content.get("review-group-id"))
    if made_by_registry(group_id):
        return
    known = connection.execute(
        "SELECT FROM peer_review_group WHERE client_id = %s AND group_id = %s", (client.client_id, group_id)
    ).fetchone()
    if known is not None:
        return
    organization = content.get("convening-organization") or {}
    ensure_group(client, group_id, str(organization.get("name") or group_id))
    connection.execute(
        "INSERT INTO peer_review_group (client_id, group_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (client.client_id, group_id),
    )
