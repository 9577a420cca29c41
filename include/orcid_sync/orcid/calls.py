"""A call to the registry as the rest of the product sees it: what was asked, what came back, what is kept of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Target(Enum):
    """What a call is about; the same answer means something else for a record than for one of its items."""

    RECORD = "record"
    ITEM = "item"
    BULK_READ = "bulk read"
    CLIENT = "client"
    TOKEN = "token"  # noqa: S105 - a name, no secret


@dataclass(frozen=True)
class Call:
    """One call: its endpoint is a template (`/{orcid}/work/{put_code}`), `items` how many items it carries."""

    method: str
    endpoint: str
    target: Target
    orcid: str | None = None
    items: int = 0
    grant: str | None = None

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, so that a lost answer leaves no doubt."""
        return self.method == "GET"


@dataclass(frozen=True)
class Answer:
    """What came back. `body` is the parsed JSON, or None where there was none that could be read.

    Only the status is shown: a body may hold a token, granted or echoed.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class CallRecord:
    """What an observer learns about each call that went out: never a token, a body or an address.

    `status` is None where no answer came; `failure` is the error's kind, None for a success.
    """

    at: dt.datetime
    client_id: str
    method: str
    endpoint: str
    status: int | None
    error_code: int | None
    failure: str | None
    seconds: float
    orcid: str | None
    items: int
