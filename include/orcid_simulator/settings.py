"""Everything about the registry that can be chosen when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How this registry behaves.

    Where the real registry's behaviour is not known for certain, the field says so ("uncertain upstream") and its
    default is the documented behaviour.
    """

    state: Path | None = None
    """Folder of the SQLite file; None keeps everything in memory."""
    rate: float = 24.0
    """Calls a second and API client; 0 is unlimited."""
    burst: int = 40
    """Calls that wait in the queue before the proxy answers 503."""
    control_token: str | None = None
    """Bearer that opens the control API to callers that are not on the loopback interface."""
    strict_organizations: bool = False
    """Refuse organisation identifiers that are not in the organisations table (the registry does)."""
    organizations: Path | None = None
    """CSV `source,identifier,name` that is added to the organisations table."""
    uri_base: str = "https://orcid.org"
    """Base of the URIs inside payloads (iDs and client ids)."""
    api_base: str | None = None
    """Base of Location headers; None takes the host of the request."""
    require_https: bool = False
    """Refuse requests that did not come by https, as the registry does (9012)."""
    seed: int = 0
    """Seed of generated iDs and of faults that happen by chance."""
    revoke_old_default: bool = True
    """Whether a refresh without `revoke_old` disables the parent token. Uncertain upstream."""
    honour_revoke_old: bool = True
    """Whether `revoke_old` and `expires_in` are looked at when a token is refreshed. Uncertain upstream."""
    pkce: bool = True
    """Whether code challenges (RFC 7636) are verified and the discovery document names them. Uncertain upstream."""
    affiliation_put_changes_type: bool = True
    """A PUT on /employment/{p} with the put code of another affiliation type changes its type (upstream quirk)."""
    known_issns_only: bool = False
    """Refuse valid ISSNs that are not listed in `known_issns`, as the ISSN portal's answer would."""
    known_issns: frozenset[str] = frozenset()
    """ISSNs (dddd-dddX) that the ISSN portal would know."""
    index_lag_seconds: float = 0.0
    """How long a change takes to reach the search index."""
    webhook_interval_seconds: float = 300.0
    """How long the registry collects record changes before it calls the webhooks."""
    webhook_retry_seconds: float = 300.0
    """Delay of the first retry of a webhook; it doubles with each further one."""
    public_daily_quota: int = 0
    """Reads a day and caller on the public API; 0 is unlimited."""
    token_lifetime_seconds: int = 631138519
    code_lifetime_seconds: int = 24 * 60 * 60
    max_works: int = 10_000
    first_put_code: int = 1000
