"""The connection type "ORCID Member API": what Airflow's form asks for, and what its Test button finds out.

Airflow learns about the type through the entry point `apache_airflow_provider` of this distribution; the hook that it
names is in the plugins folder, because it is Airflow that makes and calls it.
"""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from orcid_sync.connections import ConnectionInfo, environment_name
from orcid_sync.errors import SyncError
from orcid_sync.orcid.calls import Call, Target
from orcid_sync.orcid.client import VERSION, ApiClient
from orcid_sync.orcid.limiter import LocalLimiter
from orcid_sync.orcid.oauth import OAuth
from orcid_sync.orcid.transport import Request, Timeouts

DISTRIBUTION: Final = "orcid-sync"
CONN_TYPE: Final = "orcid"
HOOK_NAME: Final = "ORCID Member API"
HOOK_CLASS: Final = "orcid_connection.OrcidHook"
# A person waits for the answer in front of a form.
_TIMEOUTS: Final = Timeouts(5, 10, 10)


def get_provider_info() -> dict[str, Any]:
    """The metadata by which Airflow knows the type, its form and its hook, in Airflow's own shape."""
    return {
        "package-name": DISTRIBUTION,
        "name": HOOK_NAME,
        "description": "Researchers' records at ORCID, by the Member API.",
        "versions": [version(DISTRIBUTION)],
        "connection-types": [
            {
                "connection-type": CONN_TYPE,
                "hook-class-name": HOOK_CLASS,
                "hook-name": HOOK_NAME,
                "ui-field-behaviour": {
                    "hidden-fields": ["port", "schema", "extra"],
                    "relabeling": {"login": "Client ID", "password": "Client secret", "host": "API base"},
                    "placeholders": {
                        "login": "APP-0123456789ABCDEF",
                        "host": "https://api.sandbox.orcid.org",
                    },
                },
                "conn-fields": {
                    "web_base": _address(
                        "Web base", "where researchers sign in", "https://sandbox.orcid.org"
                    ),
                    "public_base": _address(
                        "Public base", "of the public API", "https://pub.sandbox.orcid.org"
                    ),
                },
            }
        ],
    }


def _address(label: str, what: str, example: str) -> dict[str, Any]:
    return {
        "label": label,
        "description": f"Address {what}, like {example}. Leave it empty for ORCID's own production and sandbox hosts.",
        "schema": {"type": ["string", "null"]},
    }


def probe(info: ConnectionInfo) -> tuple[bool, str]:
    """Ask the registry for a token of the client itself, then for its status; whether all is well, and a sentence.

    The sentence names no secret. Nothing is written and no researcher's permission is used.
    """
    try:
        client = ApiClient.from_connection(info, LocalLimiter(1), _TIMEOUTS)
    except SyncError as error:
        return False, str(error)
    try:
        OAuth(client).client_credentials("/read-public")
        well = _status(client)
    except SyncError as error:
        return False, str(error)
    finally:
        client.close()
    accepted = f"The {environment_name(info)} registry accepts id and secret of {client.client_id}"
    if well:
        return True, f"{accepted}, and its API says that it is well."
    return (
        False,
        f"{accepted}, but its API says that it is not well. Look at status.orcid.org, try again later.",
    )


def _status(client: ApiClient) -> bool:
    url = f"{client.credentials.api_base}/{VERSION}/status"
    request = Request("GET", url, {"Accept": "application/json", **client.agent_headers()})
    answer = client.exchange(Call("GET", "/status", Target.CLIENT), request, HTTPStatus.OK)
    return isinstance(answer.body, dict) and answer.body.get("overallOk") is True
