"""This product beside models of four others, in one scenario on one registry: calls, messages, and what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, Protocol, get_args

from orcid_simulator.testing import RunningSimulator, running_simulator
from orcid_sync.cris.demo.check_digits import orcid

from tests.benchmarks.calls import OurSync
from tests.benchmarks.peers import PEERS, CrashPoint, Peer, Person, Work
from tests.benchmarks.setup import CLIENT, Server

OURS: Final = "this product"
CROSSREF: Final = "APP-0000000000000002"
IDS_A_SEARCH: Final = 290
REGISTRY_RATE: Final = 24
UNIVERSITY: Final = 5000
"""Researchers of the worked example to which the counted calls are scaled."""

NEW: Final = 2
RUNS_AFTER_A_CRASH: Final = 6


class Contestant(Protocol):
    """A system with R researchers, told of its CRIS's changes, that syncs."""

    def add(self, people: range, first: int, last: int) -> None:
        """Works `first` to `last` of these people appear in the CRIS."""

    def retitle(self, people: range, number: int, title: str) -> None:
        """One work of each of these people changes."""

    def sync(self) -> None:
        """One run."""

    def crash_next(self, at: CrashPoint) -> None:
        """The next run ends around its first call that writes."""

    def stuck(self, person: int, number: int) -> bool:
        """Whether the system doesn't hold this work for written."""


class _Ours:
    def __init__(self, server: Server, simulator: RunningSimulator, researchers: int) -> None:
        self.sync_of_ours = OurSync(server, simulator, researchers)
        self.tokens = self.sync_of_ours.tokens
        self._runs = 0

    def add(self, people: range, first: int, last: int) -> None:
        self.sync_of_ours.add_works(people, first, last)

    def retitle(self, people: range, number: int, title: str) -> None:
        self.sync_of_ours.retitle(people, number, title)

    def sync(self) -> None:
        self._runs += 1
        self.sync_of_ours.sync(f"run {self._runs}")

    def crash_next(self, at: CrashPoint) -> None:
        self.sync_of_ours.transport.crash = at

    def stuck(self, person: int, number: int) -> bool:
        return self.sync_of_ours.stuck(f"p{person}-{number}")


class _Modelled:
    def __init__(self, peer: Callable[..., Peer], simulator: RunningSimulator, researchers: int) -> None:
        people = []
        for number in range(researchers):
            iD = simulator.control.record(orcid=orcid(number))
            people.append(Person(iD, simulator.control.token(CLIENT, iD)["access_token"]))
        self.peer = peer(simulator.base_url, CLIENT, people)
        self.tokens = [person.token for person in people]

    def add(self, people: range, first: int, last: int) -> None:
        for person in people:
            self.peer.people[person].works += [
                Work(key := f"p{person}-{number}", f"Work {key}", f"10.5555/{key}")
                for number in range(first, last + 1)
            ]

    def retitle(self, people: range, number: int, title: str) -> None:
        for person in people:
            work = self._work(person, number)
            work.title, work.version, work.attempts = title, work.version + 1, 0

    def sync(self) -> None:
        self.peer.sync()

    def crash_next(self, at: CrashPoint) -> None:
        self.peer.crash = at

    def stuck(self, person: int, number: int) -> bool:
        work = self._work(person, number)
        return work.sent_version != work.version

    def _work(self, person: int, number: int) -> Work:
        return next(
            work for work in self.peer.people[person].works if work.key.rpartition("-")[2] == str(number)
        )


def compare(server: Server, researchers: int, works: int) -> dict[str, Any]:
    """The table, a row a system. At least ten researchers; a tenth of them is touched between two runs."""
    rows = []
    for name in (OURS, *PEERS):
        with running_simulator() as simulator:
            simulator.control.client(client_id=CLIENT, client_secret="s")
            simulator.control.client(name="Crossref", client_id=CROSSREF, client_secret="s")
            system: _Ours | _Modelled = (
                _Ours(server, simulator, researchers)
                if name == OURS
                else _Modelled(PEERS[name], simulator, researchers)
            )
            rows.append({"system": name, **_Scenario(simulator, system, researchers, works).run()})
    return {"researchers": researchers, "works": works, "rows": rows}


class _Scenario:
    """What happens to one system."""

    def __init__(
        self, simulator: RunningSimulator, system: _Ours | _Modelled, researchers: int, works: int
    ) -> None:
        self.simulator, self.control = simulator, simulator.control
        self.system, self.researchers, self.works = system, researchers, works
        self.touched = range(max(1, researchers // 10))
        self.last = works

    def run(self) -> dict[str, Any]:
        first, first_told = self._first()
        recurring, recurring_told, recall = self._recurring()
        return {
            "calls, first sync": first,
            "calls, recurring": recurring,
            "messages a researcher, first": first_told,
            "messages a researcher, recurring": recurring_told,
            "updates that arrive, %": recall,
            "visible duplicates": self._duplicates(),
            "wrong re-adds": self._re_adds(),
            "calls wasted": self._wasted(),
            "stuck after a crash": self._stuck(),
            f"hours at {REGISTRY_RATE}/s, first": round(self._scaled(first) / REGISTRY_RATE / 3600, 4),
            f"hours at {REGISTRY_RATE}/s, recurring": round(
                self._scaled(recurring, searches=True) / REGISTRY_RATE / 3600, 4
            ),
        }

    def _scaled(self, calls: int, *, searches: bool = False) -> float:
        """The calls of as many researchers as the worked example has; a search asks for many at once."""
        asked = self.searches if searches else 0
        scaled = (calls - asked) * UNIVERSITY / self.researchers
        return scaled + (math.ceil(UNIVERSITY / IDS_A_SEARCH) if asked else 0)

    def _count(self, sync: Callable[[], None]) -> tuple[int, dict[str, int]]:
        before = self.control.summary()
        sync()
        after = self.control.summary()
        self.searches = _searches(after) - _searches(before)
        told = {
            iD: count - before["notifications"].get(iD, 0) for iD, count in after["notifications"].items()
        }
        return after["calls"] - before["calls"], told

    def _first(self) -> tuple[int, float]:
        self.system.add(range(self.researchers), 1, self.works)
        # Three works of the last one stand there already, from somebody else.
        for number in range(1, 4):
            key = f"p{self.researchers - 1}-{number}"
            self.control.add_item(
                orcid(self.researchers - 1),
                "work",
                Work(key, f"Work {key}", f"10.5555/{key}").content,
                CROSSREF,
            )
        calls, told = self._count(self.system.sync)
        return calls, round(sum(told.values()) / self.researchers, 1)

    def _recurring(self) -> tuple[int, float, int]:
        # The run that settles what a first one leaves behind is nobody's recurring one.
        self.system.sync()
        self.system.add(self.touched, self.last + 1, self.last + NEW)
        self.last += NEW
        self.system.retitle(self.touched, 2, "A corrected title")
        calls, told = self._count(self.system.sync)
        arrived = sum(
            any(title == "A corrected title" for title, _, _ in self._on_record(person))
            for person in self.touched
        )
        each = [told.get(orcid(person), 0) for person in self.touched]
        return calls, round(sum(each) / len(each), 1), round(100 * arrived / len(self.touched))

    def _duplicates(self) -> int:
        keys = [doi for _, doi, _ in self._on_record(self.researchers - 1)]
        return len(keys) - len(set(keys))

    def _re_adds(self) -> int:
        person, doi = 1, "10.5555/p1-3"
        found = [put_code for _, key, put_code in self._on_record(person) if key == doi]
        self.control.remove_item(orcid(person), "work", found[0])
        self.system.retitle(range(person, person + 1), 3, "Changed after its removal")
        for _ in range(2):
            self.system.sync()
        return sum(key == doi for _, key, _ in self._on_record(person))

    def _wasted(self) -> int:
        revoked, locked, deactivated = (self.researchers - 1 - n for n in range(1, 4))
        self.control.revoke(self.system.tokens[revoked], by="user")
        self.control.patch_record(orcid(locked), status="locked")
        self.control.patch_record(orcid(deactivated), status="deactivated")
        self.system.add(range(deactivated, revoked + 1), self.last + 1, self.last + NEW)
        self.last += NEW
        seen = max((call["n"] for call in self.control.calls()), default=0)
        for _ in range(2):
            self.system.sync()
        theirs = {orcid(person) for person in (revoked, locked, deactivated)}
        return sum(
            call["orcid"] in theirs and (call["status"] or 0) >= 400 for call in self.control.calls(seen)
        )

    def _stuck(self) -> int:
        stuck = 0
        self.last += 1
        for person, at in enumerate(get_args(CrashPoint), start=2):
            self.system.add(range(person, person + 1), self.last, self.last)
            self.system.crash_next(at)
            for _ in range(1 + RUNS_AFTER_A_CRASH):
                self.system.sync()
            key = f"10.5555/p{person}-{self.last}"
            arrived = sum(doi == key for _, doi, _ in self._on_record(person))
            stuck += arrived != 1 or self.system.stuck(person, self.last)
        return stuck

    def _on_record(self, person: int) -> list[tuple[str, str, int]]:
        """Title, DOI and put code of each work on a record."""
        return [
            (
                item["item"]["title"]["title"]["value"],
                item["item"]["external-ids"]["external-id"][0]["external-id-value"].lower(),
                item["put_code"],
            )
            for item in self.control.get_record(orcid(person))["items"]
            if item["section"] == "work"
        ]


def _searches(summary: dict[str, Any]) -> int:
    return sum(count for endpoint, count in summary["by_endpoint"].items() if "search" in endpoint)
