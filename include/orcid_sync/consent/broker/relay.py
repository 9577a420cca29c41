"""A unit's call to the Member API, made by us: the token stays here, and what it adds is the unit's.

Before a call its use is written down, after it the outcome. A new entry whose answer was lost is looked for on the record
by its identifiers, and kept as the unit's if it stands there and nobody owns it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar, Final

import psycopg

from orcid_sync.consent.broker import journal
from orcid_sync.consent.broker.calls import BrokerCall, NotAllowed, contents, outgoing
from orcid_sync.consent.broker.clients import Caller
from orcid_sync.consent.broker.journal import Permitted
from orcid_sync.errors import (
    Duplicate,
    Gone,
    PermissionLost,
    RecordUnavailable,
    ScopeMissing,
    SyncError,
    Transient,
)
from orcid_sync.ledger.session import RECORD_LOCK, Ledger, record_lock_key
from orcid_sync.orcid.client import ApiClient
from orcid_sync.orcid.records import parse_item
from orcid_sync.secret import Secret
from orcid_sync.sync.mirror.store import keys_of
from orcid_sync.sync.mirror.trouble import mark_trouble
from orcid_sync.vault.registry import Registry

LOCK_TIMEOUT: Final = "20s"
_EXPECTED: Final = {
    "GET": HTTPStatus.OK,
    "POST": HTTPStatus.CREATED,
    "PUT": HTTPStatus.OK,
    "DELETE": HTTPStatus.NO_CONTENT,
}


class NoPermission(SyncError):
    """There is nobody, no permission, or a narrower one: never which."""

    kind: ClassVar[str] = "no_permission"
    default_remedy: ClassVar[str] = "Invite the person to connect the iD, or ask for less"


class NotYours(SyncError):
    """No entry of this unit: another's, or none."""

    kind: ClassVar[str] = "not_yours"
    default_remedy: ClassVar[str] = "Change only what your unit added through the broker or the sync"


class BadContent(SyncError):
    """The body has not the shape that the endpoint takes."""

    kind: ClassVar[str] = "bad_content"
    default_remedy: ClassVar[str] = "Send the Member API's JSON of one item, or a bulk of at most 100"


class Busy(SyncError):
    """Somebody else writes to this record, or calls are held."""

    kind: ClassVar[str] = "busy"
    default_remedy: ClassVar[str] = "Try again later"


@dataclass(frozen=True)
class Relayed:
    """What a call came to. `put_codes` are the new entries', all of which are the unit's now."""

    status: int
    body: Any = field(repr=False)
    put_codes: tuple[int, ...] = ()


def find(ledger: Ledger, caller: Caller, person_id: str, scopes: frozenset[str]) -> Permitted:
    """The researcher, if permission and policy cover the scopes. Raises NoPermission, NotAllowed."""
    if not scopes <= frozenset(caller.policy.scopes):
        raise NotAllowed("This scope can't be used", why="your unit's policy does not name it")
    found = journal.permitted(ledger, caller, person_id, scopes)
    if found is None:
        raise NoPermission("There is no permission for this person that covers what you ask for")
    return found


def token_for(ledger: Ledger, registry: Registry, caller: Caller, person_id: str) -> tuple[Permitted, Secret]:
    """The access token itself, where the unit's policy says so. Raises NotAllowed, NoPermission."""
    if caller.policy.mode != "token":
        raise NotAllowed("Tokens do not leave the broker for your unit", why="its policy is `mode: proxy`")
    who = find(ledger, caller, person_id, frozenset())
    if not who.scopes <= frozenset(caller.policy.scopes):
        # A token can't be made narrower than it is.
        raise NoPermission("There is no permission for this person that covers what you ask for")
    journal.begin(ledger, caller, who, "token")
    return who, registry.token(who.permission_id)


def relay(
    ledger: Ledger, registry: Registry, caller: Caller, person_id: str, call: BrokerCall, body: Any
) -> Relayed:
    """Make the call for the unit. Raises what the registry answers as an error of `orcid_sync.errors`, or one of ours."""
    items = contents(call, body) if call.method in ("POST", "PUT") else []
    if items is None:
        raise BadContent("The content was not sent on", why="it has not the shape that this endpoint takes")
    who = find(ledger, caller, person_id, frozenset({call.scope}))
    if journal.paused(ledger, caller):
        raise Busy("Calls are held", why="an operator paused them")
    if not call.writes:
        return _Exchange(ledger, registry, caller, who, call, items).make()
    with _record_lock(ledger, caller, who):
        if call.put_code is not None:
            assert call.section is not None
            if not journal.own(ledger, caller, who, call.section.name, call.put_code):
                raise NotYours("Your unit has no such entry on this record")
        return _Exchange(ledger, registry, caller, who, call, items).make()


@contextmanager
def _record_lock(ledger: Ledger, caller: Caller, who: Permitted) -> Iterator[None]:
    """The same lock that the sync takes: one writer a record. Raises Busy."""
    with ledger.connection() as connection:
        connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            connection.execute(
                "SELECT pg_advisory_lock(%s, %s)",
                (RECORD_LOCK, record_lock_key(caller.api_client, who.orcid)),
            )
        except psycopg.errors.LockNotAvailable:
            raise Busy("The record can't be written to now", why="a sync is writing to it") from None
        yield


@dataclass
class _Exchange:
    """One call with its journal."""

    ledger: Ledger
    registry: Registry
    caller: Caller
    who: Permitted
    call: BrokerCall
    items: list[dict[str, Any]]

    def __post_init__(self) -> None:
        self.client: ApiClient = self.registry.client(self.caller.api_client)
        self.keys = [_keys(self.section, item) for item in self.items] if self.call.method == "POST" else []

    @property
    def section(self) -> str:
        return self.call.section.name if self.call.section else ""

    def make(self) -> Relayed:
        token = self.registry.token(self.who.permission_id)
        sent = sorted({key for keys in self.keys for key in keys})
        self.use = journal.begin(self.ledger, self.caller, self.who, "call", self.call, sent)
        expected = HTTPStatus.OK if self.call.bulk else _EXPECTED[self.call.method]
        content = outgoing(self.call, self.items) if self.items else None
        try:
            answer = self.client.relay(
                self.call.call(self.who.orcid, max(1, len(self.items))),
                self.call.path(self.who.orcid),
                token,
                content,
                expected,
            )
        except Transient as error:
            return self._lost(error, token)
        except SyncError as error:
            return self._refused(error)
        return self._done(int(answer.status), answer.body, self._put_codes(answer.body, answer.headers))

    def _put_codes(self, body: Any, headers: Mapping[str, str]) -> list[int]:
        if self.call.method != "POST":
            return []
        if self.call.bulk:
            elements = body.get("bulk") if isinstance(body, dict) else None
            works = [e.get(self.section) for e in elements or () if isinstance(e, dict)]
            return [
                w["put-code"] for w in works if isinstance(w, dict) and isinstance(w.get("put-code"), int)
            ]
        location = next((text for name, text in headers.items() if name.lower() == "location"), "")
        last = location.rstrip("/").rpartition("/")[2]
        return [int(last)] if last.isdecimal() else []

    def _done(self, status: int, body: Any, put_codes: list[int]) -> Relayed:
        with self.ledger.transaction(self.caller.role) as connection:
            journal.end(connection, self.caller, self.use, "done", status)
            if put_codes:
                journal.keep_put_codes(connection, self.caller, self.who, self.section, put_codes)
            if self.call.method == "DELETE" and self.call.put_code is not None:
                self._close(connection, "removed")
        if self.call.writes:
            self._flag()
        return Relayed(status, body, tuple(put_codes))

    def _refused(self, error: SyncError) -> Relayed:
        """Keep what the refusal says of permission, record or entry; then it is the caller's."""
        gone = isinstance(error, Gone) and self.call.put_code is not None and self.call.writes
        if gone and self.call.method == "DELETE":
            # What was to go has gone: asked again after a lost answer, it is the same.
            return self._done(HTTPStatus.NO_CONTENT, None, [])
        kept = self._adopted(error)
        with self.ledger.transaction(self.caller.role) as connection:
            journal.end(connection, self.caller, self.use, "refused", error.status, error.error_code)
            if kept:
                journal.keep_put_codes(connection, self.caller, self.who, self.section, kept)
            if gone:
                self._close(connection, "removed_by_researcher")
        if isinstance(error, PermissionLost | RecordUnavailable) and not isinstance(error, ScopeMissing):
            with self.ledger.transaction() as connection:
                mark_trouble(
                    connection, self.who.permission_id, self.caller.api_client, self.who.orcid, error
                )
        raise error

    def _adopted(self, error: SyncError) -> list[int]:
        """A duplicate of what this unit sent before without hearing back is that very entry."""
        if not isinstance(error, Duplicate) or error.put_code is None or self.call.bulk:
            return []
        keys = sorted({key for keys in self.keys for key in keys})
        if not journal.in_doubt(self.ledger, self.caller, self.who, self.section, keys):
            return []
        return sorted(
            journal.free_put_codes(self.ledger, self.caller, self.who, self.section, [error.put_code])
        )

    def _lost(self, error: Transient, token: Secret) -> Relayed:
        """No answer, or none that can be read: what was added is looked for before the caller hears of it."""
        arrived = self._arrived(token) if error.doubt and self.call.method == "POST" else []
        if arrived and not self.call.bulk:
            return self._done(HTTPStatus.CREATED, None, arrived)
        doubt = error.doubt and self.call.writes
        with self.ledger.transaction(self.caller.role) as connection:
            journal.end(connection, self.caller, self.use, "doubt" if doubt else "failed", error.status)
            if arrived:
                journal.keep_put_codes(connection, self.caller, self.who, self.section, arrived)
        raise error

    def _arrived(self, token: Secret) -> list[int]:
        """Our client's entries that nobody owns and that carry the identifiers of exactly one item that was sent."""
        try:
            activities = self.client.read_activities(self.who.orcid, token)
        except SyncError:
            return []
        standing = {
            item.put_code: {key for key, sameness in keys_of(item).items() if sameness == "self"}
            for item in activities.section(self.section)
            if item.written_by(self.caller.api_client)
        }
        free = journal.free_put_codes(self.ledger, self.caller, self.who, self.section, list(standing))
        found = []
        for keys in self.keys:
            fits = [code for code in sorted(free) if keys & standing[code]]
            found += fits if len(fits) == 1 else []
        return sorted(set(found))

    def _close(self, connection: Any, because: str) -> None:
        assert self.call.put_code is not None
        journal.close_put_code(connection, self.caller, self.who, self.section, self.call.put_code, because)

    def _flag(self) -> None:
        """The mirror is older than what stands there now."""
        with self.ledger.transaction() as connection:
            connection.execute(
                "UPDATE record SET flagged_at = now() WHERE orcid = %s AND client_id = %s",
                (self.who.orcid, self.caller.api_client),
            )


def _keys(section: str, item: dict[str, Any]) -> frozenset[str]:
    """What would tell an item on the record again. A content of any shape may come; one that has none gets none."""
    try:
        parsed = parse_item(section, {**item, "put-code": 0})
        return frozenset(key for key, sameness in keys_of(parsed).items() if sameness == "self")
    except (SyncError, TypeError, ValueError, AttributeError, KeyError):
        return frozenset()
