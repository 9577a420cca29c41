"""`orcid-sync doctor --badges`: how far this deployment meets what ORCID's Collect & Connect asks for, with the evidence.

Each criterion says where it can be seen: a page, a setting, a figure of the ledger. What lies outside of this program
(your own pages) is named as yours to show, and never counted as met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from orcid_sync.ledger.session import Ledger
from orcid_sync.settings import Settings

State = Literal["met", "missing", "yours"]
BADGES: Final = ("authenticate", "collect", "display", "connect", "synchronise")
_SIGNS: Final[dict[State, str]] = {"met": "met    ", "missing": "MISSING", "yours": "yours  "}

_FIGURES: Final = """
SELECT (SELECT count(*) FROM permission WHERE orcid IS NOT NULL) AS authenticated,
       (SELECT count(*) FROM permission WHERE state = 'granted') AS connected,
       (SELECT count(*) FROM record WHERE read_at IS NOT NULL) AS read,
       (SELECT count(*) FROM put_code WHERE closed_at IS NULL AND section = 'work') AS works,
       (SELECT count(*) FROM put_code WHERE closed_at IS NULL AND section <> 'work') AS affiliations,
       (SELECT count(*) FROM outcome JOIN intent ON intent.id = outcome.intent_id
        WHERE intent.action = 'update' AND outcome.result = 'written') AS updates,
       (SELECT count(*) FROM permission WHERE checked_at IS NOT NULL) AS checked
"""


@dataclass(frozen=True)
class Criterion:
    """One thing that a badge asks for: whether it is met, where that is seen, and what to do where it isn't."""

    badge: str
    criterion: str
    state: State
    evidence: str
    missing: str = ""

    @property
    def line(self) -> str:
        """The line for people."""
        remedy = f" -> {self.missing}" if self.missing else ""
        return f"{_SIGNS[self.state]}  {self.badge}: {self.criterion}: {self.evidence}{remedy}"

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def badges(ledger: Ledger, settings: Settings, environment: str) -> list[Criterion]:
    """Every criterion, badge by badge. `environment` is production, sandbox or simulator."""
    with ledger.transaction() as connection:
        figures = connection.execute(_FIGURES).fetchone()
    assert figures is not None
    parts: tuple[Callable[[Any, Settings, str], list[Criterion]], ...] = (
        _authenticate,
        _collect,
        _display,
        _connect,
        _synchronise,
    )
    return [criterion for part in parts for criterion in part(figures, settings, environment)]


def _authenticate(figures: Any, settings: Settings, environment: str) -> list[Criterion]:
    portal = settings.portal_url
    return [
        _when(
            figures.authenticated > 0,
            "authenticate",
            "iDs come from ORCID's sign-in and are typed by nobody",
            f"{figures.authenticated} authenticated iDs; page {portal}/",
            "Connect a first researcher",
        ),
        _when(
            portal.startswith("https://"),
            "authenticate",
            "researchers connect on a page of their institution, over https",
            f"ORCID_SYNC_PORTAL_URL is {portal}",
            "Put a proxy with a certificate before the portal and set its address",
        ),
        _met(
            "authenticate",
            "the page says why, what is read and written, and how to stop it, before ORCID's button",
            f"page {portal}/me; wording and language are kept with each grant",
        ),
        _met(
            "authenticate",
            "people without an iD register on the way",
            "name and e-mail are handed to ORCID's registration form",
        ),
        _when(
            settings.portal_contact is not None,
            "authenticate",
            "there is somebody to ask",
            "ORCID_SYNC_PORTAL_CONTACT",
            "Set it to an e-mail address",
        ),
        _when(
            environment == "production",
            "authenticate",
            "production credentials are used",
            f"the connection orcid is {environment}",
            "Ask ORCID for them with the demonstration of docs/collect-and-connect.md",
        ),
    ]


def _collect(figures: Any, settings: Settings, environment: str) -> list[Criterion]:
    return [
        _when(
            figures.authenticated > 0,
            "collect",
            "authenticated iDs go back to the university's systems",
            f"{figures.authenticated} rows in the view orcid_return.authenticated_ids",
            "Connect a first researcher, and let the CRIS read the view",
        ),
        _when(
            figures.read > 0,
            "collect",
            "records are read with the researchers' permission",
            f"{figures.read} records were read",
            "Run `orcid-sync mirror`",
        ),
        _yours("collect", "iDs stand in the metadata that you give to others (repository, DOI registration)"),
    ]


def _display(figures: Any, settings: Settings, environment: str) -> list[Criterion]:
    return [
        _met(
            "display",
            "the iD is shown as ORCID asks: icon, full https address, a link",
            f"page {settings.portal_url}/me",
        ),
        _yours("display", "iDs are shown on your public pages of people and publications in the same form"),
    ]


def _connect(figures: Any, settings: Settings, environment: str) -> list[Criterion]:
    scopes = settings.portal_scopes
    return [
        _when(
            "/activities/update" in scopes and "/read-limited" in scopes,
            "connect",
            "researchers are asked for permission to read and to add",
            f"ORCID_SYNC_PORTAL_SCOPES: {' '.join(scopes)}",
            "Add /read-limited and /activities/update",
        ),
        _when(
            figures.affiliations > 0,
            "connect",
            "the institution asserts affiliations",
            f"{figures.affiliations} entries stand on records",
            "Give a unit the section employment, approve and write",
        ),
        _when(
            figures.works > 0,
            "connect",
            "works are added with identifiers and without duplicates",
            f"{figures.works} entries stand on records",
            "Give a unit the section work, approve and write",
        ),
        _met(
            "connect",
            "researchers can refuse, choose, pause and disconnect",
            f"pages {settings.portal_url}/me and /disconnect",
        ),
    ]


def _synchronise(figures: Any, settings: Settings, environment: str) -> list[Criterion]:
    return [
        _met(
            "synchronise",
            "records are compared and brought up to date by themselves",
            f"ORCID_SYNC_EVERY_DAYS: {settings.every_days}; DAGs extract_cris, write_approved",
        ),
        _when(
            figures.updates > 0,
            "synchronise",
            "a correction in the CRIS reaches the record",
            f"{figures.updates} entries were updated",
            "Correct an entry in the CRIS, approve and write",
        ),
        _met(
            "synchronise",
            "what a researcher removes is not brought back",
            "removals are kept; only the researcher, or a recorded request, reverses them",
        ),
        _when(
            figures.checked > 0 and settings.permission_checks > 0,
            "synchronise",
            "permissions that were taken back are noticed",
            f"{figures.checked} permissions proved; ORCID_SYNC_PERMISSION_CHECKS: {settings.permission_checks}",
            "Let the DAG watch_records run",
        ),
    ]


def _met(badge: str, criterion: str, evidence: str) -> Criterion:
    return Criterion(badge, criterion, "met", evidence)


def _when(holds: bool, badge: str, criterion: str, evidence: str, missing: str) -> Criterion:
    return Criterion(badge, criterion, "met" if holds else "missing", evidence, "" if holds else missing)


def _yours(badge: str, criterion: str) -> Criterion:
    return Criterion(badge, criterion, "yours", "outside of this program", "Show a page of yours")
