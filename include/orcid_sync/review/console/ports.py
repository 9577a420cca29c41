"""What the console needs from whatever hosts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request


@dataclass(frozen=True)
class Person:
    """Who is signed in, as the host's user management sees it.

    `names` are the user names that the units file may know this person by. `may_read`: the host lets this person see
    questions put to librarians; who may not sees nothing here. `may_decide`: the host lets them answer these.
    `operator`: may see every unit, pause and resume. `by_cookie`: signed in by a cookie, which a browser sends along
    unasked, and not by a token of the request.
    """

    names: tuple[str, ...]
    display_name: str
    may_read: bool
    may_decide: bool
    operator: bool
    by_cookie: bool


class Host(Protocol):
    """The host's side: Airflow in production, something simple in tests."""

    async def person(self, request: Request) -> Person | None:
        """Who sent the request; None if nobody is signed in."""

    def sign_in_url(self, next_url: str) -> str:
        """Where somebody signs in and comes back from to `next_url`."""

    def close_question(self, request: Request, batch: int) -> str | None:
        """Answer the open question of a batch whose every change is decided, as the person of the request.

        Returns None when no question is open any more, else why it could not be answered, for people to read. Never
        raises: the decisions stand, whatever becomes of the question.
        """

    def run_url(self, run_id: str) -> str | None:
        """The host's page of a run of the ledger (`dag/run`); None where it has none."""

    def page_url(self, path: str) -> str | None:
        """The address of a path below the host's own address; None where that is not known."""

    def question_url(self, batch: int) -> str | None:
        """The host's page of a batch's question; None where it has none."""

    def batch_of_run(self, run_id: str) -> int | None:
        """The batch that a run of the host asks about; None for any other run."""
