"""What the tests of the simulator say in one line: messages, and an API client with a researcher's permission."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from orcid_simulator.errors import ApiError
from orcid_simulator.testing import ClientCredentials, RunningSimulator

JSON = "application/json"
FULL_SCOPE = "/read-limited /activities/update /person/update"
Json = dict[str, Any]
ONLY_PLANNED = {9000, 9002, 9003, 9005, 9015, 9031, 9033}
"""Codes that the registry reserves or sends for reasons that nobody outside could see."""


def external_id(kind: str = "doi", value: str = "10.5555/1", relationship: str | None = "self") -> Json:
    return {
        "external-id-type": kind,
        "external-id-value": value,
        "external-id-relationship": relationship,
    }


def ids(*identifiers: Json) -> Json:
    return {"external-id": list(identifiers)}


def date(year: str, month: str | None = None, day: str | None = None) -> Json:
    parts = {"year": year, "month": month, "day": day}
    return {name: {"value": value} for name, value in parts.items() if value is not None}


def organization(country: str | None = "GB", city: str | None = "Bristol", **more: Any) -> Json:
    return {
        "name": "University of Example",
        "address": {"city": city, "country": country},
        "disambiguated-organization": {
            "disambiguated-organization-identifier": "https://ror.org/0524sp257",
            "disambiguation-source": "ROR",
        },
        **more,
    }


def work(doi: str = "10.5555/1", **more: Any) -> Json:
    return {
        "title": {"title": {"value": "On the nature of tests"}},
        "type": "journal-article",
        "external-ids": ids(external_id("doi", doi)),
        **more,
    }


def employment(**more: Any) -> Json:
    return {
        "role-title": "Lecturer",
        "organization": organization(),
        "start-date": date("2020", "01"),
        **more,
    }


def funding(**more: Any) -> Json:
    return {
        "type": "grant",
        "title": {"title": {"value": "A grant"}},
        "organization": organization(),
        "external-ids": ids(external_id("grant_number", "G-1")),
        **more,
    }


def peer_review(**more: Any) -> Json:
    return {
        "reviewer-role": "reviewer",
        "review-identifiers": ids(external_id("source-work-id", "R-1")),
        "review-type": "review",
        "review-completion-date": date("2021", "05"),
        "review-group-id": "issn:0028-0836",
        "convening-organization": organization(),
        **more,
    }


def research_resource(**more: Any) -> Json:
    hosts = {"organization": [organization()]}
    return {
        "proposal": {
            "title": {"title": {"value": "Beam time"}},
            "hosts": hosts,
            "external-ids": ids(external_id("proposal-id", "P-1")),
        },
        "resource-items": {
            "resource-item": [
                {
                    "resource-name": "Beam line 3",
                    "resource-type": "infrastructures",
                    "hosts": hosts,
                    "external-ids": ids(external_id("uri", "https://beam.example.org/3")),
                }
            ]
        },
        **more,
    }


SAMPLES: dict[str, Any] = {
    "work": work,
    **dict.fromkeys(
        (
            "employment",
            "education",
            "qualification",
            "distinction",
            "invited-position",
            "membership",
            "service",
        ),
        employment,
    ),
    "funding": funding,
    "peer-review": peer_review,
    "research-resource": research_resource,
}


def without(message: Json, *path: str) -> Json:
    """A copy of the message without one of its parts."""
    result = copy.deepcopy(message)
    part = result
    for step in path[:-1]:
        part = part[step]
    del part[path[-1]]
    return result


def changed(message: Json, value: Any, *path: str | int) -> Json:
    """A copy of the message with another value in one place."""
    result: Any = copy.deepcopy(message)
    part = result
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return result


@dataclass
class Member:
    """An API client that calls with one token, on one researcher's record."""

    registry: RunningSimulator
    client: ClientCredentials
    orcid: str
    token: str
    media: str = JSON

    @classmethod
    def join(
        cls,
        registry: RunningSimulator,
        orcid: str | None = None,
        scope: str = FULL_SCOPE,
        name: str = "Test University",
    ) -> Member:
        client = registry.control.client(name)
        orcid = orcid or registry.control.record()
        return cls(
            registry, client, orcid, registry.control.token(client.client_id, orcid, scope)["access_token"]
        )

    def with_scope(self, scope: str, *, for_client: bool = False) -> Member:
        """The same client with another token of the same researcher, or one of its own."""
        token = self.registry.control.token(self.client.client_id, None if for_client else self.orcid, scope)
        return Member(self.registry, self.client, self.orcid, token["access_token"], self.media)

    def call(
        self, method: str, path: str, body: Any = None, *, absolute: bool = False, **headers: str
    ) -> requests.Response:
        """Call `/v3.0/{iD}{path}` (or `/v3.0{path}` with `absolute`)."""
        url = f"{self.registry.base_url}/v3.0{path}" if absolute else self.url(path)
        sent = {"Authorization": f"Bearer {self.token}", "Accept": self.media}
        if method in ("POST", "PUT"):
            sent["Content-Type"] = self.media
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = (
            {"data": body} if isinstance(body, (str, bytes)) else {"json": body} if body is not None else {}
        )
        return requests.request(method, url, headers=sent, timeout=10, allow_redirects=False, **data)

    def url(self, path: str) -> str:
        return f"{self.registry.base_url}/v3.0/{self.orcid}{path}"

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> requests.Response:
        return self.call("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> requests.Response:
        return self.call("DELETE", path, **headers)

    def add(self, section: str, item: Json | None = None) -> int:
        """Add an item that must be accepted; its put code."""
        answer = self.post(f"/{section}", item if item is not None else SAMPLES[section]())
        assert answer.status_code == 201, answer.text
        return int(answer.headers["location"].rsplit("/", 1)[1])

    def bulk(self, *works: Json) -> list[Json]:
        """Add works in one call that must be answered with 200; the slots."""
        answer = self.post("/works", {"bulk": [{"work": entry} for entry in works]})
        assert answer.status_code == 200, answer.text
        slots: list[Json] = answer.json()["bulk"]
        return slots


def refused(answer: requests.Response, status: int, code: int) -> bool:
    """Whether the answer is the registry's error object with this status and code."""
    body = answer.json()
    assert (answer.status_code, body.get("error-code")) == (status, code), answer.text
    assert body["response-code"] == status
    return True


def refusal_of(call: Callable[[], object]) -> int | None:
    """The code with which a call is refused, None if it is not; anything else that is raised is a failure."""
    try:
        call()
    except ApiError as error:
        return error.code
    return None
