"""The portal from settings and connections, as a process of its own runs it."""

from __future__ import annotations

from collections.abc import Callable

from orcid_sync import connections
from orcid_sync.connections import ConnectionInfo, environment_name, orcid_connection_name
from orcid_sync.consent.portal.context import Portal
from orcid_sync.consent.portal.oidc import OpenIdSignIn
from orcid_sync.errors import SettingInvalid
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.client import Credentials
from orcid_sync.settings import Settings
from orcid_sync.vault.registry import registry_from

OIDC_CONNECTION = "portal_oidc"


def portal_from(
    settings: Settings, ledger: Ledger, connection: Callable[[str], ConnectionInfo] = connections.connection
) -> Portal:
    """The portal's parts. Raises SettingInvalid for what is missing or would be unsafe."""
    info = connection(orcid_connection_name())
    environment = environment_name(info)
    if environment == "production" and not settings.portal_url.startswith("https://"):
        raise SettingInvalid(
            "The portal's address (ORCID_SYNC_PORTAL_URL)",
            why="it isn't https, and cookies that open researchers' permissions would go unencrypted",
            remedy="Put a proxy with a certificate before the portal, and set the address that people open",
            variable="ORCID_SYNC_PORTAL_URL",
        )
    sign_in = None
    if "oidc" in settings.portal_sign_in:
        sign_in = OpenIdSignIn.from_connection(connection(OIDC_CONNECTION), settings.portal_url)
    return Portal(
        ledger=ledger,
        open_registry=lambda: registry_from(settings, ledger, connection),
        settings=settings,
        environment=environment,
        web_base=Credentials.from_connection(info).web_base,
        sign_in=sign_in,
    )
