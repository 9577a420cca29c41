"""The registry itself: what happens to records when somebody reads or writes, apart from HTTP and from storage."""

from __future__ import annotations

import copy
import random
import string
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from orcid_simulator import groups, organizations, scopes
from orcid_simulator.errors import ApiError, refusal
from orcid_simulator.identifiers import make_orcid
from orcid_simulator.model import Client, DuplicateKey, IdKey, Item, Record, Source, Token
from orcid_simulator.rules import Submission
from orcid_simulator.sections import AFFILIATION_NAMES, WORK, Section
from orcid_simulator.settings import Settings
from orcid_simulator.store import Store

Content = dict[str, Any]
CLAIM_DAYS = 10
MILLISECONDS_A_DAY = 86_400_000
API_DISPLAY_INDEX = 1
FIRST_ORCID, ORCIDS = 15_000_000, 20_000_000
"""The block of iDs that people have: 0000-0001-5... to 0000-0003-4..."""
CLIENT_ALPHABET = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Caller:
    """Who calls: an API client by a token, or anybody on the public API (neither)."""

    client: Client | None = None
    token: Token | None = None

    @property
    def source(self) -> Source:
        """How this caller stands as the source of what it writes."""
        client_id = self.client.client_id if self.client else None
        return Source(
            client_id=client_id, origin_client_id=self.token.origin_client_id if self.token else None
        )

    @property
    def granted(self) -> frozenset[str]:
        """Every scope of the token and what it implies."""
        return scopes.closure(self.token.scope) if self.token else frozenset()

    @property
    def is_public(self) -> bool:
        """Whether this is the public API."""
        return self.token is None


@dataclass(frozen=True)
class Message:
    """A parsed body: the content of an item and the fields around it. `fault` is a bulk item that cannot be taken."""

    content: Content
    put_code: int | None = None
    visibility: str | None = None
    fault: ApiError | None = None


class Registry:
    """All rules about records, on one store."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.random = random.Random(settings.seed)  # noqa: S311 - reproducible on purpose
        self.changed: list[Callable[[str], None]] = []
        """Called with the iD inside the transaction of each change (webhooks, search index)."""
        self._latest = 0

    def now(self) -> int:
        """Epoch milliseconds; never before a moment that was given out, so that "up to now" holds all that happened."""
        self._latest = max(self._latest, int(self.clock() * 1000))
        return self._latest

    def new_orcid(self) -> str:
        """An iD that nobody has."""
        while True:
            orcid = make_orcid(FIRST_ORCID + self.random.randrange(ORCIDS))
            if not self.store.has_record(orcid):
                return orcid

    def new_client_id(self) -> str:
        """A client id that nobody has."""
        while True:
            client_id = "APP-" + "".join(self.random.choices(CLIENT_ALPHABET, k=16))
            if self.store.client(client_id) is None:
                return client_id

    def require_record(self, orcid: str, caller: Caller, *, deactivated_allowed: bool = False) -> Record:
        """The record, if it is there and in a state that allows calls.

        Raises:
            ApiError: 9016 unknown, 9007 merged, 9036 unclaimed, 9018 locked, 9044 deactivated; in this order.
        """
        record = self.store.record(orcid)
        if record is None:
            raise refusal(9016)
        if record.status == "active":
            return record
        if record.status == "deprecated":
            raise refusal(9007, orcid=record.primary, deprecated_orcid=orcid)
        if record.status == "unclaimed":
            self._require_claimed(record, caller)
        elif record.status == "locked":
            raise refusal(9018, orcid=orcid)
        elif record.status == "deactivated" and not deactivated_allowed:
            raise refusal(9044, orcid=orcid)
        return record

    def create(self, record: Record, section: Section, message: Message, caller: Caller) -> Item:
        """Add one item for an API client.

        Raises:
            ApiError: a rule of the section, 9021 or 9030 for a duplicate, 9048 for too many works.
        """
        self._require_room(record, section, 1)
        with self.store.transaction():
            item = self._create(record, section, message, caller, also_version_of=False)
            self._touch(record)
        return item

    def create_bulk(
        self, record: Record, messages: Iterable[Message], caller: Caller, stop_after: int | None = None
    ) -> list[Item | ApiError]:
        """Add works one after the other; a refused one is its error in the result and does not touch its neighbours.

        `stop_after` ends the work early with what was added so far committed.
        """
        results: list[Item | ApiError] = []
        with self.store.transaction():
            for message in messages:
                if stop_after is not None and len(results) >= stop_after:
                    break
                try:
                    if message.fault is not None:
                        results.append(message.fault)
                        continue
                    results.append(self._create(record, WORK, message, caller, also_version_of=True))
                except ApiError as error:
                    results.append(error)
            if any(isinstance(result, Item) for result in results):
                self._touch(record)
        return results

    def update(
        self, record: Record, section: Section, put_code: int, message: Message, caller: Caller
    ) -> Item:
        """Replace an item; the checks run in the section's own order.

        Raises:
            ApiError: 9016 unknown put code, 9010 or 9014 other source, 9035 visibility, 9021 duplicate, rules.
        """
        existing = self.find(
            record, section, put_code, any_affiliation=self.settings.affiliation_put_changes_type
        )
        incoming = section.compared(message.content)
        for check in section.update_order:
            if check == "unchanged":
                if self._is_unchanged(existing, section, message):
                    if existing.source != caller.source:
                        raise refusal(9014)
                    return existing
            elif check == "source":
                self._require_source(existing, section, caller)
            elif check == "validate":
                section.validate(self._submission(section, message, existing, caller))
            elif check == "duplicates":
                self._refuse_duplicate(
                    record, section, message.content, incoming, caller.source, existing.put_code
                )
        kept = message.content
        section.settle(kept)
        updated = replace(
            existing, section=section.singular, modified=self.now(), content=kept, ids=section.compared(kept)
        )
        with self.store.transaction():
            self.store.replace_item(record, existing, updated)
            self._touch(record)
        return updated

    def delete(self, record: Record, section: Section, put_code: int, caller: Caller) -> None:
        """Remove an item of the caller's own.

        Raises:
            ApiError: 9016 unknown put code, 9010 other source.
        """
        item = self.find(record, section, put_code, any_affiliation=True)
        self._require_source(item, section, caller)
        self.remove(record, item, notify=1)

    def find(self, record: Record, section: Section, put_code: int, *, any_affiliation: bool = False) -> Item:
        """The item with this put code in this section; 9016 otherwise."""
        item = record.items.get(put_code)
        if item is not None and (
            item.section == section.singular
            or (any_affiliation and {item.section, section.singular} <= AFFILIATION_NAMES)
        ):
            return item
        raise refusal(9016)

    def read(self, record: Record, section: Section, put_code: int, caller: Caller) -> Item:
        """One item, if the caller may see it.

        Raises:
            ApiError: 9016, or why it may not be seen (9039, 9038, 9013).
        """
        item = self.find(record, section, put_code)
        hidden = self.hidden_reason(item.visibility, item.source, section.read_scope, caller)
        if hidden is not None:
            raise hidden
        return item

    def readable(self, record: Record, section: Section, caller: Caller) -> list[Item]:
        """The items of a section that the caller may see, oldest first."""
        items = record.of(section.singular).values()
        if caller.is_public:
            return [item for item in items if item.visibility == "public"]
        granted, own = caller.granted, caller.source
        sees_public = scopes.READ_PUBLIC in granted
        sees_limited = section.read_scope in granted
        return [
            item
            for item in items
            if item.source == own
            or (sees_public and item.visibility == "public")
            or (sees_limited and item.visibility != "private")
        ]

    @staticmethod
    def hidden_reason(
        visibility: str, source: Source | None, read_scope: str, caller: Caller
    ) -> ApiError | None:
        """Why the caller may not see something, None if it may."""
        if caller.is_public:
            return None if visibility == "public" else refusal(9039)
        granted = caller.granted
        if visibility == "public" and scopes.READ_PUBLIC in granted:
            return None
        if source is not None and source == caller.source:
            return None
        if read_scope not in granted:
            return refusal(9038)
        return refusal(9013) if visibility == "private" else None

    def require_scope(self, caller: Caller, scope: str) -> None:
        """Raise 9038 unless the token carries the scope, directly or by implication."""
        if scope not in caller.granted:
            raise refusal(9038, f"one of {', '.join(sorted(scopes.family(scope)))} is needed")

    def add_as(
        self,
        record: Record,
        section: Section,
        message: Message,
        source: Source,
        visibility: str,
        display_index: int,
    ) -> Item:
        """Put an item on a record for anybody, without rules: the researcher at the keyboard, or another system."""
        section.settle(message.content)
        now = self.now()
        item = Item(
            0,
            record.orcid,
            section.singular,
            source,
            visibility,
            display_index,
            now,
            now,
            message.content,
            section.compared(message.content),
        )
        with self.store.transaction():
            self.store.add_item(record, item)
            self._touch(record, notify=0)
        return item

    def remove(self, record: Record, item: Item, *, notify: int = 0) -> None:
        """Take an item off a record, whoever asks."""
        with self.store.transaction():
            self.store.delete_item(record, item)
            self._touch(record, notify=notify)

    def change_as_researcher(self, record: Record, item: Item, **changes: Any) -> Item:
        """Change visibility, display index or content of an item as the researcher."""
        updated = replace(item, modified=self.now(), **changes)
        with self.store.transaction():
            self.store.replace_item(record, item, updated)
            self._touch(record, notify=0)
        return updated

    def save(self, record: Record) -> None:
        """Keep a change of the record's own fields."""
        with self.store.transaction():
            self.store.save_record(record)
            self._touch(record, notify=0)

    def set_status(self, record: Record, status: str, primary: str | None) -> None:
        """Change a record's state; merging it into another empties it and kills its tokens."""
        with self.store.transaction():
            record.status = status
            record.primary = primary if status == "deprecated" else None
            if status == "deprecated":
                self._empty(record)
            self.store.save_record(record)
            self._touch(record, notify=0)

    def source_name(self, source: Source) -> str | None:
        """The name that is shown for a source."""
        if source.client_id is not None:
            client = self.store.client(source.client_id)
            return client.name if client else None
        record = self.store.record(source.orcid) if source.orcid else None
        return record.display_name if record else None

    def _create(
        self, record: Record, section: Section, message: Message, caller: Caller, *, also_version_of: bool
    ) -> Item:
        section.validate(self._submission(section, message, None, caller))
        incoming = section.compared(message.content)
        source = caller.source
        self._refuse_duplicate(record, section, message.content, incoming, source, None, also_version_of)
        section.settle(message.content)
        now = self.now()
        item = Item(
            0,
            record.orcid,
            section.singular,
            source,
            self._new_visibility(record, message),
            API_DISPLAY_INDEX,
            now,
            now,
            message.content,
            section.compared(message.content) if section.underscored else incoming,
        )
        self.store.add_item(record, item)
        return item

    def _submission(
        self, section: Section, message: Message, existing: Item | None, caller: Caller
    ) -> Submission:
        return Submission(
            message.content,
            message.put_code,
            message.visibility,
            existing,
            self._knows_organization,
            lambda group_id: groups.require(self, group_id),
        )

    def _knows_organization(self, source: str, identifier: str) -> bool:
        source, identifier = source.strip(), identifier.strip()
        if self.store.knows_organization(source, identifier):
            return True
        return not self.settings.strict_organizations and organizations.is_well_formed(source, identifier)

    def _new_visibility(self, record: Record, message: Message) -> str:
        if record.status == "unclaimed":
            return message.visibility or "private"
        return record.default_visibility

    def _require_room(self, record: Record, section: Section, more: int) -> None:
        if section is WORK and len(record.of("work")) + more > self.settings.max_works:
            raise refusal(9048, limit=f"{self.settings.max_works:,}")

    def require_room_for(self, record: Record, works: int) -> None:
        """Raise 9048 if so many more works are too many."""
        self._require_room(record, WORK, works)

    def _require_source(self, item: Item, section: Section, caller: Caller) -> None:
        if item.source != caller.source:
            raise refusal(9010, activity=section.singular)

    def _require_claimed(self, record: Record, caller: Caller) -> None:
        young = self.now() - record.created < CLAIM_DAYS * MILLISECONDS_A_DAY
        is_creator = caller.client is not None and caller.client.client_id == record.creator
        if young and not is_creator:
            raise refusal(9036)

    @staticmethod
    def _is_unchanged(existing: Item, section: Section, message: Message) -> bool:
        kept = copy.deepcopy(message.content)
        try:
            section.settle(kept)
        except (TypeError, AttributeError):
            return False
        return existing.content == kept and message.visibility in (None, existing.visibility)

    def _refuse_duplicate(
        self,
        record: Record,
        section: Section,
        content: Content,
        incoming: Iterable[IdKey],
        source: Source,
        updated: int | None,
        also_version_of: bool = False,
    ) -> None:
        if section.duplicates == "content":
            self._refuse_equal_content(record, section, content, source, updated)
        if section.duplicates != "ids":
            return
        for key in _conflict_keys(section, source, incoming, also_version_of=also_version_of):
            others = record.duplicates.get(key, set()) - {updated}
            if others:
                raise refusal(9021, putCode=min(others), clientName=self.source_name(source) or "")

    @staticmethod
    def _refuse_equal_content(
        record: Record, section: Section, content: Content, source: Source, updated: int | None
    ) -> None:
        if section.describe is None:
            return
        described = section.describe(content)
        for item in record.of(section.singular).values():
            if (
                item.put_code != updated
                and item.source == source
                and section.describe(item.content) == described
            ):
                raise refusal(9030, type=described[0], value=described[1])

    def _touch(self, record: Record, *, notify: int = 1) -> None:
        # Strictly later each time: whoever polls the date must not miss a change within one millisecond.
        self._latest = max(self.now(), record.modified + 1)
        self.store.touch(record, self._latest, notify)
        for listener in self.changed:
            listener(record.orcid)

    def _empty(self, record: Record) -> None:
        for item in list(record.items.values()):
            self.store.delete_item(record, item)
        record.profile = {}
        record.given_names = record.family_name = ""
        for token in self.store.tokens_of(record.orcid):
            if token.state in ("live", "user_revoked"):
                self.store.save_token(replace(token, state="disabled"))


def _conflict_keys(
    section: Section, source: Source, incoming: Iterable[IdKey], *, also_version_of: bool
) -> Iterable[DuplicateKey]:
    """Under which keys an existing item would conflict with these identifiers.

    Single calls compare self with self and none with none; bulk compares an incoming self with self and version-of.
    """
    for identifier in incoming:
        if identifier.relationship not in ("self", None):
            continue
        against: tuple[str | None, ...] = (identifier.relationship,)
        if also_version_of and identifier.relationship == "self":
            against = ("self", "version-of")
        how, value = (
            ("normalized", identifier.normalized)
            if identifier.normalized is not None
            else ("raw", identifier.value)
        )
        for relationship in against:
            yield (section.singular, source, relationship, identifier.kind, how, value)
