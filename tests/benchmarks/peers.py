"""What other systems do, modelled from their published code: the calls they make and what they make of the answers.

Models, not the systems: each keeps what it keeps, sends what it sends, and reacts as its code does, against the same
registry as ours. Mapping, queues and databases of theirs are left out; so are their waits for the rate limit, of which
two of the four have none. A crash ends a run before a call, after it, or after what it answered was kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import requests

CrashPoint = Literal["before the call", "after the call", "after it was kept"]
_PUT_CODE = re.compile(r"put-code (\d+)")


@dataclass
class Work:
    """A publication of the CRIS, and what a peer knows of it on one record."""

    key: str
    title: str
    doi: str
    version: int = 1
    put_code: int | None = None
    sent_version: int | None = None
    attempts: int = 0
    stuck: bool = False

    @property
    def content(self) -> dict[str, Any]:
        """The work as the API takes it."""
        self_id = {
            "external-id-type": "doi",
            "external-id-value": self.doi,
            "external-id-relationship": "self",
        }
        return {
            "title": {"title": {"value": self.title}},
            "type": "journal-article",
            "publication-date": {"year": {"value": "2024"}},
            "external-ids": {"external-id": [self_id]},
        }


@dataclass
class Person:
    """A researcher whose works are sent."""

    orcid: str
    token: str
    works: list[Work] = field(default_factory=list)
    enabled: bool = True


class Crash(Exception):
    """The program ends here."""


@dataclass
class Peer:
    """One system. `sync` is one run over everybody, as the system would do it."""

    base: str
    client_id: str
    people: list[Person]
    crash: CrashPoint | None = None
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        self._session.trust_env = False

    def sync(self) -> None:
        """One run; a crash ends it."""
        try:
            for person in self.people:
                if person.enabled:
                    self.sync_person(person)
        except Crash:
            self.crash = None

    def sync_person(self, person: Person) -> None:
        """What is done for one researcher."""
        raise NotImplementedError

    def call(self, method: str, person: Person, path: str, body: Any = None) -> requests.Response:
        """One call; a planned crash happens around the first one that writes."""
        writes = method != "GET"
        if writes and self.crash == "before the call":
            raise Crash
        answer = self._session.request(
            method,
            f"{self.base}/v3.0/{person.orcid}/{path}",
            json=body,
            headers={"Authorization": f"Bearer {person.token}", "Accept": "application/json"},
            allow_redirects=False,
            timeout=60,
        )
        if writes and self.crash == "after the call":
            raise Crash
        return answer

    def kept(self) -> None:
        """What was answered is kept; a planned crash may follow."""
        if self.crash == "after it was kept":
            raise Crash


def _created(answer: requests.Response) -> int:
    return int(answer.headers["Location"].rsplit("/", 1)[1])


def _named(answer: requests.Response) -> int | None:
    """The put code in the text of a 409 for a duplicate."""
    found = _PUT_CODE.search(answer.text)
    return int(found[1]) if found else None


def _code(answer: requests.Response) -> int | None:
    try:
        return int(answer.json().get("error-code"))
    except (ValueError, TypeError, AttributeError):
        return None


class SulPub(Peer):
    """Every two days: one POST for each approved work without a put code. Never reads, updates or removes."""

    def sync_person(self, person: Person) -> None:
        """A 409 that names a put code is taken for success; a refused token stops nothing."""
        for work in person.works:
            if work.put_code is not None:
                continue
            answer = self.call("POST", person, "work", work.content)
            if answer.status_code == 201:
                work.put_code = _created(answer)
            elif answer.status_code == 409 and (known := _named(answer)) is not None:
                work.put_code = known
            if work.put_code is not None:
                work.sent_version = work.version
                self.kept()


class Inspire(Peer):
    """For each changed work and researcher one PUT or POST, gated by a hash; keys are found again by its own record id."""

    def sync_person(self, person: Person) -> None:
        """Equal content costs nothing; a refused token ends the researcher's pushes."""
        for work in person.works:
            if work.sent_version != work.version and not work.stuck and person.enabled:
                self._push(person, work)

    def _push(self, person: Person, work: Work) -> None:
        if work.put_code is None:
            answer = self.call("POST", person, "work", work.content)
            if answer.status_code == 409 and _code(answer) == 9021:
                work.put_code = self._found_again(person, work)
                if work.put_code is not None:
                    answer = self._put(person, work)
        else:
            answer = self._put(person, work)
            if answer.status_code == 404:
                # Forgotten, and sent anew: also where the researcher had taken it off.
                work.put_code = None
                answer = self.call("POST", person, "work", work.content)
        if answer.status_code in (401, 403):
            person.enabled = False
        elif answer.ok:
            work.put_code = _created(answer) if answer.status_code == 201 else work.put_code
            work.sent_version = work.version
            self.kept()
        else:
            # Three more tries over some 84 minutes, then it is given up.
            work.attempts += 1
            for _ in range(3):
                self.call("POST", person, "work", work.content)
            work.stuck = True

    def _put(self, person: Person, work: Work) -> requests.Response:
        return self.call("PUT", person, f"work/{work.put_code}", {**work.content, "put-code": work.put_code})

    def _found_again(self, person: Person, work: Work) -> int | None:
        return _by_doi(self.call("GET", person, "works").json(), self.client_id).get(work.doi)


def _by_doi(works: dict[str, Any], client_id: str) -> dict[str, int]:
    """The put codes of a client's own works."""
    found: dict[str, int] = {}
    for group in works.get("group") or ():
        for summary in group["work-summary"]:
            if (summary["source"].get("source-client-id") or {}).get("path") != client_id:
                continue
            for one in (summary.get("external-ids") or {}).get("external-id") or ():
                if one["external-id-type"] == "doi":
                    found.setdefault(one["external-id-value"].lower(), summary["put-code"])
    return found


class DSpace(Peer):
    """A queue row for each saved item and linked profile; each attempt one call; after five a row is passed over."""

    def sync_person(self, person: Person) -> None:
        """A put code is known only from a good answer; any other answer leaves the row."""
        for work in person.works:
            if work.sent_version == work.version or work.attempts >= 5:
                continue
            if work.put_code is None:
                answer = self.call("POST", person, "work", work.content)
            else:
                body = {**work.content, "put-code": work.put_code}
                answer = self.call("PUT", person, f"work/{work.put_code}", body)
            if answer.ok:
                work.put_code = _created(answer) if answer.status_code == 201 else work.put_code
                work.sent_version, work.attempts = work.version, 0
                self.kept()
            else:
                work.attempts += 1


class PtcriSync(Peer):
    """Reads each researcher's works, compares, then a bulk POST of what is new and a PUT for each change."""

    def sync_person(self, person: Person) -> None:
        """Own works are found on the record by identifier, so nothing is remembered."""
        answer = self.call("GET", person, "works")
        if not answer.ok:
            return
        standing = _by_doi(answer.json(), self.client_id)
        new = [work for work in person.works if work.doi not in standing]
        for start in range(0, len(new), 100):
            page = new[start : start + 100]
            made = self.call("POST", person, "works", {"bulk": [{"work": work.content} for work in page]})
            if made.ok:
                for work in page:
                    work.sent_version = work.version
                self.kept()
        for work in person.works:
            if work.sent_version != work.version and (put_code := standing.get(work.doi)):
                body = {**work.content, "put-code": put_code}
                if self.call("PUT", person, f"work/{put_code}", body).ok:
                    work.sent_version = work.version
                    self.kept()


PEERS: dict[str, Callable[..., Peer]] = {
    "sul_pub": SulPub,
    "INSPIRE-HEP": Inspire,
    "DSpace": DSpace,
    "PTCRISync": PtcriSync,
}
