"""Peer-review groups of the registry: found by their id, made where there is none. Nobody's record is touched."""

from __future__ import annotations

from typing import Final

from orcid_sync.errors import Duplicate, TokenRefused
from orcid_sync.orcid.client import ApiClient

SCOPE: Final = "/group-id-record/update"
_KINDS: Final = {"fundref": "institution", "ringgold": "institution"}


def made_by_registry(group_id: str) -> bool:
    """Whether the registry makes the group itself once a review names it: those of a valid ISSN."""
    return group_id.startswith("issn:")


def ensure_group(client: ApiClient, group_id: str, name: str) -> None:
    """Let the registry have the group, under the client's own token.

    Raises ItemRefused where the registry takes no such group, Misconfigured where the client may not make any.
    """
    try:
        _ensure(client, group_id, name, renew=False)
    except TokenRefused:
        _ensure(client, group_id, name, renew=True)


def _ensure(client: ApiClient, group_id: str, name: str, *, renew: bool) -> None:
    token = client.client_token(SCOPE, renew=renew)
    if client.has_group(group_id, token):
        return
    content = {
        "name": name[:1000],
        "group-id": group_id,
        "description": f"Reviews counted under {group_id}"[:1000],
        "type": _KINDS.get(group_id.partition(":")[0], "peer-review service"),
    }
    try:
        client.add_group(content, token)
    except Duplicate:
        # Somebody was quicker: it is there, which is all that is wanted.
        return
