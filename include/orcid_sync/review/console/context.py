"""What every request of the console gets handed: the visitor, their desk, and the parts it is built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from orcid_sync.ledger.session import Ledger
from orcid_sync.review.console.acts import Actor
from orcid_sync.review.console.guard import NotSignedIn, check_request
from orcid_sync.review.console.ports import Host, Person
from orcid_sync.review.console.visitor import Desk, Forbidden, visitor_of
from orcid_sync.settings import Settings

MAX_KEY = 2**63 - 1


@dataclass(frozen=True)
class Console:
    """The parts: how the ledger is reached, asked for when it is needed; the host; settings; the registry's name."""

    ledger: Callable[[], Ledger]
    host: Host
    settings: Settings
    environment: Callable[[], str]


def console_of(request: Request) -> Console:
    """The console that a request came to."""
    console: Console = request.app.state.console
    return console


async def signed_in(request: Request) -> Person:
    """The person who sent the request. Raises NotSignedIn, NotJson, ForeignRequest."""
    console = console_of(request)
    person = await console.host.person(request)
    if person is None:
        raise NotSignedIn("Nobody is signed in", why="this request carries neither a session nor a token")
    check_request(request, person, console.settings.console_url)
    return person


def desk_of(request: Request, person: Annotated[Person, Depends(signed_in)]) -> Desk:
    """The ledger as this person may use it. Raises Forbidden for whom the host lets see nothing of the sync."""
    if not person.may_read:
        raise Forbidden(
            "You may not see the ORCID review",
            why="your role in Airflow may not read the required actions of the sync",
            remedy="Ask the operator for the role of a librarian or of a viewer",
        )
    ledger = console_of(request).ledger()
    return Desk(ledger, visitor_of(ledger, person))


AtDesk = Annotated[Desk, Depends(desk_of)]


def actor_of(request: Request, desk: AtDesk) -> Actor:
    """Takes this person's decisions."""
    return Actor(desk, console_of(request).host, request)


Acting = Annotated[Actor, Depends(actor_of)]
