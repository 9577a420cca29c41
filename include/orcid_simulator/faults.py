"""Planned accidents: delays, error answers, connections cut before or after the work was done."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

from orcid_simulator.errors import KINDS, ControlRefusal

FAULT_KINDS = ("status", "drop_before", "drop_after", "delay")


@dataclass
class Fault:
    """One planned accident; `times` is how often it will still happen."""

    kind: str
    times: int
    method: str | None = None
    path: re.Pattern[str] | None = None
    client_id: str | None = None
    status: int = 503
    error_code: int | None = None
    retry_after: str | None = None
    seconds: float = 0.0
    after_items: int | None = None
    probability: float = 1.0

    def matches(self, method: str, path: str, client_id: str | None) -> bool:
        """Whether this call is meant."""
        return (
            self.times > 0
            and (self.method is None or self.method == method)
            and (self.client_id is None or self.client_id == client_id)
            and (self.path is None or self.path.search(path) is not None)
        )


@dataclass(frozen=True)
class Verdict:
    """What happens to one call: the delays add up, and at most one accident follows them."""

    delay: float = 0.0
    accident: Fault | None = None


@dataclass
class Faults:
    """The planned accidents of one registry; chance is seeded."""

    seed: int
    planned: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - reproducible on purpose

    def plan(self, body: dict[str, Any]) -> Fault:
        """Add one from the control API.

        Raises:
            ControlRefusal: an unknown kind, key or value.
        """
        fault = read_fault(body)
        if isinstance(body.get("seed"), int):
            self._random.seed(body["seed"])
        self.planned.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all of them and start chance anew."""
        self.planned.clear()
        self._random.seed(self.seed)

    def judge(self, method: str, path: str, client_id: str | None) -> Verdict:
        """Every matching delay and the first matching accident happen; each counts as one of its times."""
        if not self.planned:
            return Verdict()
        delay = 0.0
        accident: Fault | None = None
        for fault in self.planned:
            if not fault.matches(method, path, client_id) or (accident and fault.kind != "delay"):
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            fault.times -= 1
            if fault.kind == "delay":
                delay += fault.seconds
            else:
                accident = fault
        self.planned = [fault for fault in self.planned if fault.times > 0]
        return Verdict(delay, accident)


def read_fault(body: dict[str, Any]) -> Fault:
    """A fault from the control API's JSON; keys that are null count as absent."""
    sent = {name: value for name, value in body.items() if value is not None}
    known = {
        "method", "path", "client_id", "times", "kind", "status", "error_code", "retry_after", "seconds",
        "after_items", "probability", "seed",
    }  # fmt: skip
    strange = sorted(set(sent) - known)
    if strange:
        raise ControlRefusal(f"a fault has no {', '.join(strange)}")
    if sent.get("kind") not in FAULT_KINDS:
        raise ControlRefusal(f"a fault's kind is one of {', '.join(FAULT_KINDS)}")
    code = sent.get("error_code")
    if code is not None and code not in KINDS:
        raise ControlRefusal(f"there is no error code {code}")
    try:
        pattern = re.compile(sent["path"]) if "path" in sent else None
        return Fault(
            kind=sent["kind"],
            times=int(sent.get("times", 1)),
            method=str(sent["method"]).upper() if "method" in sent else None,
            path=pattern,
            client_id=sent.get("client_id"),
            status=int(sent.get("status", KINDS[code].status if code else 503)),
            error_code=code,
            retry_after=str(sent["retry_after"]) if "retry_after" in sent else None,
            seconds=float(sent.get("seconds", 0)),
            after_items=int(sent["after_items"]) if "after_items" in sent else None,
            probability=float(sent.get("probability", 1)),
        )
    except (TypeError, ValueError, re.error) as error:
        raise ControlRefusal(f"this fault cannot be read: {error}") from error
