"""The member and the public API: from a path to the registry and back, checks in the registry's order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orcid_simulator import parsing, scopes
from orcid_simulator.errors import ApiError, refusal
from orcid_simulator.media import negotiate_request, negotiate_response
from orcid_simulator.model import Item, Record
from orcid_simulator.record_summary import record_summary
from orcid_simulator.registry import Caller, Message, Registry
from orcid_simulator.render import Renderer
from orcid_simulator.sections import BY_PLURAL, BY_SINGULAR, WORK, Section
from orcid_simulator.web import Cut, Request

ORCID = re.compile(r"(\d{4}-){3}\d{3}[\dX]", re.ASCII)
PUT_CODE = re.compile(r"-?\d{1,18}", re.ASCII)
MAX_BULK = 100


@dataclass(frozen=True)
class Answer:
    """An answer before it is written. `root` says which message a body is, for XML."""

    status: int
    body: Any = None
    root: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    text: str | None = None


@dataclass
class Call:
    """A request on its way through the pipeline."""

    request: Request
    caller: Caller
    orcid: str = ""
    section: Section | None = None
    rest: str = ""
    body_media: str = "json"
    api_base: str = ""

    def number(self) -> int:
        """The put code in the path; 9034 if it is no number."""
        if not PUT_CODE.fullmatch(self.rest):
            raise refusal(9034)
        return int(self.rest)

    def of_section(self) -> Section:
        """The section in the path."""
        if self.section is None:
            raise refusal(9001, status=404)
        return self.section


Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    """What a path means. `endpoint` names it in counts."""

    endpoint: str
    handlers: Mapping[str, Handler]
    orcid: str = ""
    section: Section | None = None
    rest: str = ""
    offered: tuple[str, ...] = ()
    """Media types other than the usual ones."""


class MemberApi:
    """The record endpoints. Other endpoints are added by `extend`."""

    def __init__(self, registry: Registry, renderer: Renderer) -> None:
        self._registry = registry
        self._renderer = renderer
        self._collections: dict[str, Callable[[list[str], bool], Route | None]] = {}
        self._record_routes: dict[str, Callable[[str, list[str], bool], Route | None]] = {}
        self._sections = {
            "activity": {"GET": self._read_section},
            "works": {"GET": self._read_section, "POST": self._create_bulk},
            "bulk": {"GET": self._read_bulk},
            "new": {"POST": self._create},
            "person": {"GET": self._read_section, "POST": self._create},
            "item": {"GET": self._read_item, "PUT": self._update, "DELETE": self._delete},
            "summary": {"GET": self._read_summary},
        }
        self._reads: dict[str, Handler] = {
            "record": self._read_record,
            "activities": self._read_activities,
            "person": self._read_person,
            "personal-details": self._read_personal_details,
            "biography": self._read_biography,
            "email": self._read_emails,
            "summary": self._read_record_summary,
        }

    def extend(
        self,
        *,
        collections: Mapping[str, Callable[[list[str], bool], Route | None]] | None = None,
        records: Mapping[str, Callable[[str, list[str], bool], Route | None]] | None = None,
    ) -> None:
        """Add endpoints: below the version (`search`) or below a record (`notification-permission`)."""
        self._collections.update(collections or {})
        self._record_routes.update(records or {})

    def route(self, segments: list[str], *, public: bool) -> Route:
        """What a path (below the version) means; 404 with 9001 if nothing."""
        found = self._find(segments, public)
        if found is None:
            raise refusal(9001, "there is no such path", status=404)
        return found

    def respond(self, route: Route, request: Request, caller: Caller) -> tuple[Answer, str]:
        """The answer and its media type, from the check of the method on.

        Raises:
            ApiError: any refusal of the registry.
        """
        handler = route.handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            raise refusal(
                9001,
                f"{request.method} is not allowed here",
                status=405,
                headers={"allow": ", ".join(sorted(route.handlers))},
            )
        content_type = request.content_type()
        body_media = negotiate_request(content_type) if request.method in ("POST", "PUT") else "json"
        media = negotiate_response(request.headers.get("accept"), content_type, route.offered)
        token = caller.token
        if route.orcid and token is not None and token.orcid is not None and token.orcid != route.orcid:
            raise refusal(9017)
        api_base = self._registry.settings.api_base or request.base_url
        call = Call(request, caller, route.orcid, route.section, route.rest, body_media, api_base)
        return handler(call), media

    def _find(self, segments: list[str], public: bool) -> Route | None:
        if not segments:
            return None
        first = segments[0]
        if first in self._collections:
            return self._collections[first](segments[1:], public)
        if not ORCID.fullmatch(first):
            return None
        if len(segments) == 1:
            return self._reading("record", first, {"GET": self._read_record})
        name, rest = segments[1], segments[2:]
        if name in self._record_routes:
            return self._record_routes[name](first, rest, public)
        if not rest and name in self._reads and not (public and name == "summary"):
            return self._reading(name, first, {"GET": self._reads[name]})
        found = self._find_section(first, name, rest)
        if found is None or not public:
            return found
        readable = {method: handler for method, handler in found.handlers.items() if method == "GET"}
        return Route(found.endpoint, readable, found.orcid, found.section, found.rest) if readable else None

    def _find_section(self, orcid: str, name: str, rest: list[str]) -> Route | None:
        plural = BY_PLURAL.get(name)
        if plural is not None and plural.family == "person":
            if not rest:
                return Route(f"/{name}", self._sections["person"], orcid, plural)
            return (
                Route(f"/{name}/{{put-code}}", self._sections["item"], orcid, plural, rest[0])
                if len(rest) == 1
                else None
            )
        if plural is not None:
            if not rest:
                kind = "works" if plural is WORK else "activity"
                return Route(f"/{name}", self._sections[kind], orcid, plural)
            if plural is WORK and len(rest) == 1:
                return Route("/works/{put-codes}", self._sections["bulk"], orcid, plural, rest[0])
            return None
        section = BY_SINGULAR.get(name)
        if section is None or section.family == "person":
            return None
        if not rest:
            return Route(f"/{name}", self._sections["new"], orcid, section)
        if len(rest) == 1:
            return Route(f"/{name}/{{put-code}}", self._sections["item"], orcid, section, rest[0])
        if len(rest) == 2 and rest[0] == "summary":
            return Route(f"/{name}/summary/{{put-code}}", self._sections["summary"], orcid, section, rest[1])
        return None

    @staticmethod
    def _reading(endpoint: str, orcid: str, handlers: Mapping[str, Handler]) -> Route:
        return Route(f"/{endpoint}", handlers, orcid)

    def record_of(self, call: Call) -> Record:
        """The record in the path, in a state that allows calls; a merged one redirects a GET and refuses the rest."""
        try:
            return self._registry.require_record(call.orcid, call.caller)
        except ApiError as error:
            if error.code == 9007:
                error.status = 301 if call.request.method in ("GET", "HEAD") else 409
                primary = str(error.params["orcid"])
                error.headers["location"] = (
                    f"{call.api_base}{call.request.raw_path.replace(call.orcid, primary, 1)}"
                )
            raise

    def require_readable(self, call: Call, read_scope: str) -> None:
        """A token that reads neither public nor limited data reads no section at all (9038)."""
        if not call.caller.is_public and not {scopes.READ_PUBLIC, read_scope} & call.caller.granted:
            raise refusal(9038)

    def _create(self, call: Call) -> Answer:
        section = call.of_section()
        call.request.note.items = 1
        message = parsing.single(
            call.request.body, call.body_media, section.message, section.singular, section.ns
        )
        record = self.record_of(call)
        self._registry.require_scope(call.caller, section.write_scope)
        item = self._registry.create(record, section, message, call.caller)
        location = f"{call.api_base}/v3.0/{record.orcid}/{section.item_segment}/{item.put_code}"
        return Answer(201, headers=(("location", location),))

    def _create_bulk(self, call: Call) -> Answer:
        messages = parsing.bulk(call.request.body, call.body_media)
        call.request.note.items = len(messages)
        record = self.record_of(call)
        self._registry.require_scope(call.caller, WORK.write_scope)
        self._registry.require_room_for(record, len(messages))
        if len(messages) > MAX_BULK:
            raise refusal(9006, f"a bulk holds at most {MAX_BULK} works")
        stop_after = call.request.note.stop_after_items
        results = self._registry.create_bulk(record, messages, call.caller, stop_after)
        if stop_after is not None:
            raise Cut
        return Answer(200, {"bulk": [self._bulk_slot(result) for result in results]}, "bulk")

    def _bulk_slot(self, result: Item | ApiError) -> dict[str, Any]:
        if isinstance(result, ApiError):
            return {"error": result.body()}
        return {"work": self._renderer.item(WORK, result, with_path=False)}

    def _read_bulk(self, call: Call) -> Answer:
        texts = call.rest.split(",")
        if len(texts) > MAX_BULK:
            raise refusal(9042)
        if not all(PUT_CODE.fullmatch(text.strip()) for text in texts):
            raise refusal(9006, "put-codes are whole numbers separated by commas")
        wanted = dict.fromkeys(int(text) for text in texts)
        call.request.note.items = len(wanted)
        record = self.record_of(call)
        works = record.of(WORK.singular)
        found = [works[put_code] for put_code in sorted(wanted) if put_code in works]
        slots = [self._bulk_slot_read(item, call.caller) for item in found]
        for put_code in wanted:
            if put_code not in works:
                error = refusal(9034, f"'{put_code}' is not a valid put code")
                slots.append({"error": error.body()})
        return Answer(200, {"bulk": slots}, "bulk")

    def _bulk_slot_read(self, item: Item, caller: Caller) -> dict[str, Any]:
        hidden = self._registry.hidden_reason(item.visibility, item.source, WORK.read_scope, caller)
        if hidden is not None:
            return {"error": hidden.body()}
        return {"work": self._renderer.item(WORK, item)}

    def _update(self, call: Call) -> Answer:
        section = call.of_section()
        call.request.note.items = 1
        message = parsing.single(
            call.request.body, call.body_media, section.message, section.singular, section.ns
        )
        put_code = call.number()
        record = self.record_of(call)
        self._registry.require_scope(call.caller, section.write_scope)
        self._require_same_put_code(message, put_code, call.caller)
        item = self._registry.update(record, section, put_code, message, call.caller)
        return Answer(200, self._renderer.item(section, item), section.singular)

    def _delete(self, call: Call) -> Answer:
        section = call.of_section()
        call.request.note.items = 1
        put_code = call.number()
        record = self.record_of(call)
        self._registry.require_scope(call.caller, section.delete_scope or section.write_scope)
        self._registry.delete(record, section, put_code, call.caller)
        return Answer(204)

    def _read_item(self, call: Call) -> Answer:
        section = call.of_section()
        put_code = call.number()
        record = self.record_of(call)
        item = self._registry.read(record, section, put_code, call.caller)
        return Answer(200, self._renderer.item(section, item), section.singular)

    def _read_summary(self, call: Call) -> Answer:
        section = call.of_section()
        put_code = call.number()
        record = self.record_of(call)
        item = self._registry.read(record, section, put_code, call.caller)
        return Answer(200, self._renderer.summary(section, item), section.summary_key)

    def _read_section(self, call: Call) -> Answer:
        section = call.of_section()
        record = self.record_of(call)
        self.require_readable(call, section.read_scope)
        root = "addresses" if section.singular == "address" else section.plural
        return Answer(200, self._renderer.section(record, section, call.caller), root)

    def _read_activities(self, call: Call) -> Answer:
        record = self.record_of(call)
        self.require_readable(call, "/activities/read-limited")
        return Answer(200, self._renderer.activities(record, call.caller), "activities-summary")

    def _read_record(self, call: Call) -> Answer:
        record = self.record_of(call)
        self.require_readable(call, "/read-limited")
        return Answer(200, self._renderer.record(record, call.caller), "record")

    def _read_record_summary(self, call: Call) -> Answer:
        record = self.record_of(call)
        self._registry.require_scope(call.caller, scopes.READ_PUBLIC)
        summary = record_summary(self._registry, self._renderer, record, call.caller)
        return Answer(200, summary, "record-summary")

    def _read_person(self, call: Call) -> Answer:
        record = self.record_of(call)
        self.require_readable(call, "/person/read-limited")
        return Answer(200, self._renderer.person(record, call.caller), "person")

    def _read_personal_details(self, call: Call) -> Answer:
        record = self.record_of(call)
        self.require_readable(call, "/person/read-limited")
        return Answer(200, self._renderer.personal_details(record, call.caller), "personal-details")

    def _read_biography(self, call: Call) -> Answer:
        record = self.record_of(call)
        biography = self._renderer.biography(record)
        if biography is None:
            raise refusal(9041)
        hidden = self._renderer.biography_hidden(record, call.caller)
        if hidden is not None:
            raise hidden
        return Answer(200, biography, "biography")

    def _read_emails(self, call: Call) -> Answer:
        record = self.record_of(call)
        self.require_readable(call, "/person/read-limited")
        return Answer(200, self._renderer.emails(record, call.caller), "emails")

    def _require_same_put_code(self, message: Message, put_code: int, caller: Caller) -> None:
        if message.put_code != put_code:
            name = caller.client.name if caller.client else ""
            body_code = "null" if message.put_code is None else message.put_code
            raise refusal(9019, urlPutCode=put_code, bodyPutCode=body_code, clientName=name)
