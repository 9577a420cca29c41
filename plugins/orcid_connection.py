"""The hook of the connection type "ORCID Member API", which Airflow makes for the Test button of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseHook
from orcid_sync.connections import ConnectionInfo, connection_from_parts
from orcid_sync.orcid.connection_type import CONN_TYPE, HOOK_NAME, probe

if TYPE_CHECKING:
    from orcid_sync.orcid.client import ApiClient


class OrcidHook(BaseHook):
    """Airflow's way to one API client of the registry. `orcid_conn_id` names the connection."""

    conn_name_attr: Final = "orcid_conn_id"
    default_conn_name: Final = "orcid"
    conn_type: Final = CONN_TYPE
    hook_name: Final = HOOK_NAME

    def __init__(self, orcid_conn_id: str = default_conn_name, **more: Any) -> None:
        super().__init__(**more)
        self.orcid_conn_id = orcid_conn_id

    def get_conn(self) -> ApiClient:
        """A client of the registry that makes one call a second at most: to look, not to sync."""
        from orcid_sync.orcid.client import ApiClient
        from orcid_sync.orcid.limiter import LocalLimiter

        return ApiClient.from_connection(self._info(), LocalLimiter(1))

    def test_connection(self) -> tuple[bool, str]:
        """Whether the registry takes id and secret and is well, with a sentence for the person who asks."""
        return probe(self._info())

    def _info(self) -> ConnectionInfo:
        found = self.get_connection(self.orcid_conn_id)
        return connection_from_parts(
            # Airflow tests under a made-up name; what a person corrects is this form.
            self.default_conn_name,
            conn_type=found.conn_type,
            host=found.host,
            login=found.login,
            password=found.password,
            port=found.port,
            extra=found.extra,
        )
