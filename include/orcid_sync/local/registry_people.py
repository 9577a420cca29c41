"""Plays everybody else on the simulator's control API: the people of the demo CRIS, and other organisations.

Most staff have a record and gave their permission; enough of them are different for every row of the decision table to
be seen. Who is different is decided by the place in the list alone, so each new demo is the same.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
import requests

SCOPES: Final = "/read-limited /activities/update"
NO_PERMISSION_EVERY: Final = 10
COPIES_PER_RESEARCHER: Final = 2

_RESEARCHERS_WORKS: Final = """
    SELECT c.person_id, p.publication_id, p.title, p.publication_year, i.external_id_value
    FROM orcid_feed.publication_contributors c
    JOIN orcid_feed.publications p USING (publication_id)
    JOIN orcid_feed.publication_identifiers i USING (publication_id)
    WHERE c.person_id = ANY (%s) AND i.external_id_type = 'doi' AND i.external_id_value ~ '^10\\.\\d{4,9}/\\S+$'
      AND i.external_id_relationship = 'self' AND c.claim_status = 'approved'
    ORDER BY c.person_id, p.publication_id
"""
_NAMES: Final = "SELECT person_id, given_names, family_names FROM orcid_feed.staff WHERE person_id = ANY (%s)"


class ControlRefused(RuntimeError):
    """The control API did not accept a call; the message names it with the answer."""


@dataclass(frozen=True)
class Person:
    """Somebody with an iD in the CRIS."""

    person_id: str
    orcid: str
    given_names: str
    family_names: str
    works: tuple[Mapping[str, Any], ...]


@dataclass
class Population:
    """Who is at the registry, and the permissions to import into the vault."""

    records: int = 0
    without_permission: int = 0
    items_of_others: int = 0
    permissions: list[dict[str, str]] = field(default_factory=list)

    def csv(self, client: str) -> str:
        """The permissions in the form that `orcid-sync tokens import` reads."""
        text = io.StringIO()
        columns = ("person_id", "orcid", "client", "access_token", "refresh_token", "scope", "expires_at")
        writer = csv.DictWriter(text, columns, restval="")
        writer.writeheader()
        writer.writerows({"client": client, **permission} for permission in self.permissions)
        return text.getvalue()


class Control:
    """The control API of a simulator on this machine."""

    def __init__(self, base_url: str) -> None:
        self._base = f"{base_url}/control"
        self._session = requests.Session()
        self._session.trust_env = False

    def client(self, name: str, *redirect_uris: str) -> tuple[str, str]:
        """Register a member's API client; returns its id and secret."""
        body = {"name": name, "kind": "member", "redirect_uris": list(redirect_uris)}
        answer = self.call("POST", "/clients", body)
        return answer["client_id"], answer["client_secret"]

    def register(self, client_id: str, secret: str, name: str, *redirect_uris: str) -> None:
        """Have a member's API client with this id and secret, and these addresses to come back to, whatever there was."""
        body = {"client_id": client_id, "client_secret": secret, "name": name, "kind": "member"}
        self.call("POST", "/clients", {**body, "redirect_uris": list(redirect_uris)})

    def add_work(self, orcid: str, work: Mapping[str, Any], source: str) -> None:
        """Put a work on a record as its researcher ("user") or as another API client."""
        self.call("POST", f"/records/{orcid}/work", {"item": work, "source": source})

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One call. Raises ControlRefused."""
        answer = self._session.request(method, self._base + path, json=body, timeout=60)
        if answer.status_code >= 400:
            message = f"the simulator answered {answer.status_code} to {method} /control{path}: {answer.text}"
            raise ControlRefused(message)
        return answer.json() if answer.content else None


def people(dsn: str, researchers: Sequence[tuple[str, str]]) -> list[Person]:
    """The (person id, iD) pairs with their names and a few of their publications that have a DOI."""
    ids = [person_id for person_id, _ in researchers]
    with psycopg.connect(dsn) as connection:
        names = {row[0]: row[1:] for row in connection.execute(_NAMES, [ids])}
        works: dict[str, list[Mapping[str, Any]]] = {}
        for person_id, _, title, year, doi in connection.execute(_RESEARCHERS_WORKS, [ids]):
            found = works.setdefault(person_id, [])
            if len(found) < COPIES_PER_RESEARCHER:
                found.append(_work(title, year, doi))
    return [
        Person(
            person_id, orcid, names[person_id][0] or "", names[person_id][1], tuple(works.get(person_id, ()))
        )
        for person_id, orcid in researchers
    ]


def populate(
    control: Control, everybody: Iterable[Person], *, client_id: str, old_client_id: str
) -> Population:
    """Give everybody a record, most a permission for our client, and some of them items of other sources."""
    crossref, _ = control.client("Crossref Metadata Search")
    population = Population()
    for place, person in enumerate(everybody):
        body = {"given_names": person.given_names, "family_name": person.family_names, "orcid": person.orcid}
        control.call("POST", "/records", body)
        population.records += 1
        for source in _sources_of_copies(place, crossref, old_client_id, client_id):
            for work in person.works:
                control.add_work(person.orcid, work, source)
                population.items_of_others += 1
        if place % NO_PERMISSION_EVERY == NO_PERMISSION_EVERY - 1:
            population.without_permission += 1
            continue
        request = {"client_id": client_id, "orcid": person.orcid, "scope": SCOPES}
        token = control.call("POST", "/tokens", request)
        population.permissions.append(
            {
                "person_id": person.person_id,
                "orcid": person.orcid,
                "access_token": token["access_token"],
                "refresh_token": token.get("refresh_token") or "",
                "scope": token["scope"],
            }
        )
    return population


def happen(control: Control, population: Population) -> None:
    """What goes wrong in the lives of some who gave their permission: revoked, locked, deactivated, merged."""
    chosen = population.permissions[5::30]
    fates = ("revoked", "locked", "deactivated", "merged")
    for fate, permission in zip(fates, chosen, strict=False):
        record = f"/records/{permission['orcid']}"
        if fate == "revoked":
            control.call("DELETE", f"/tokens/{permission['access_token']}?by=user")
        elif fate == "merged":
            primary = control.call("POST", "/records", {"given_names": "Same", "family_name": "Person"})[
                "orcid"
            ]
            control.call("PATCH", record, {"status": "deprecated", "primary": primary})
        else:
            control.call("PATCH", record, {"status": fate})


def _sources_of_copies(place: int, crossref: str, old_client: str, own_client: str) -> list[str]:
    """Which others already put works of the person at this place of the list onto the record."""
    rules = (
        (place % 8 == 2, "user"),
        (place % 12 == 5, crossref),
        (place % 25 == 8, old_client),
        # Written by our own client before there was a ledger: linked, not written twice.
        (place % 40 == 11, own_client),
    )
    return [source for applies, source in rules if applies]


def _work(title: str, year: int | None, doi: str) -> Mapping[str, Any]:
    work: dict[str, Any] = {
        "title": {"title": {"value": title[:500]}},
        "type": "journal-article",
        "external-ids": {
            "external-id": [
                {
                    "external-id-type": "doi",
                    "external-id-value": doi,
                    "external-id-relationship": "self",
                }
            ]
        },
    }
    if year is not None:
        work["publication-date"] = {"year": {"value": str(year)}}
    return work
