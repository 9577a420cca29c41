"""Endpoints that are no part of a record: API clients, peer-review groups, identifier types."""

from __future__ import annotations

import copy
from typing import Any

from orcid_simulator import groups, messages, parsing
from orcid_simulator.errors import refusal
from orcid_simulator.groups import Group
from orcid_simulator.identifiers import TYPES
from orcid_simulator.member_api import Answer, Call, Route
from orcid_simulator.model import Source
from orcid_simulator.registry import Caller, Registry
from orcid_simulator.render import Renderer, stamp
from orcid_simulator.scopes import READ_PUBLIC

READ_GROUPS, WRITE_GROUPS = "/group-id-record/read", "/group-id-record/update"
MAX_PAGE_SIZE = 100
JSON_ONLY = ("application/json",)


class CollectionsApi:
    """`/client`, `/group-id-record` and `/identifiers`."""

    def __init__(self, registry: Registry, renderer: Renderer) -> None:
        self._registry = registry
        self._renderer = renderer

    def clients(self, rest: list[str], public: bool) -> Route | None:
        """`/client/{id}`."""
        return Route("/client/{id}", {"GET": self._read_client}, rest=rest[0]) if len(rest) == 1 else None

    def groups(self, rest: list[str], public: bool) -> Route | None:
        """`/group-id-record` and `/group-id-record/{put-code}`; member API only."""
        if public:
            return None
        if not rest:
            return Route("/group-id-record", {"GET": self._list_groups, "POST": self._create_group})
        if len(rest) > 1:
            return None
        handlers = {"GET": self._read_group, "PUT": self._update_group, "DELETE": self._delete_group}
        return Route("/group-id-record/{put-code}", handlers, rest=rest[0])

    def identifiers(self, rest: list[str], public: bool) -> Route | None:
        """`/identifiers`; public API only."""
        if rest or not public:
            return None
        return Route("/identifiers", {"GET": self._list_identifiers}, offered=JSON_ONLY)

    def _read_client(self, call: Call) -> Answer:
        if not call.caller.is_public:
            self._registry.require_scope(call.caller, READ_PUBLIC)
        client = self._registry.store.client(call.rest)
        if client is None:
            raise refusal(9027, client=call.rest)
        return Answer(200, {"name": client.name, "description": client.description or ""}, "client")

    def _list_groups(self, call: Call) -> Answer:
        self._registry.require_scope(call.caller, READ_GROUPS)
        query = call.request.query
        number, size = _natural(query.get("page", "1")), _natural(query.get("page-size", str(MAX_PAGE_SIZE)))
        if "group-id" in query:
            found = self._by_id(query["group-id"])
        elif "name" in query:
            found = groups.by_name(self._registry, query["name"])
        else:
            found = groups.page(self._registry, number, min(size, MAX_PAGE_SIZE))
        body = {
            "last-modified-date": stamp(max((group.modified for group in found), default=None)),
            "total": len(found),
            "page": number,
            "page-size": size,
            "group-id-record": [self._group(group) for group in found],
        }
        return Answer(200, body, "group-id-records")

    def _by_id(self, group_id: str) -> list[Group]:
        if group_id.lower().startswith(groups.ISSN_PREFIX):
            return [groups.issn_group(self._registry, group_id)]
        found = groups.find(self._registry, group_id)
        return [found] if found else []

    def _create_group(self, call: Call) -> Answer:
        content = self._content(call)[0]
        self._registry.require_scope(call.caller, WRITE_GROUPS)
        if self._content(call)[1] is not None:
            raise refusal(9024)
        group = groups.create(self._registry, content, _client_id(call.caller))
        return Answer(201, headers=(("location", f"{call.api_base}/v3.0/group-id-record/{group.put_code}"),))

    def _read_group(self, call: Call) -> Answer:
        put_code = call.number()
        self._registry.require_scope(call.caller, READ_GROUPS)
        return Answer(200, self._group(groups.by_put_code(self._registry, put_code)), "group-id-record")

    def _update_group(self, call: Call) -> Answer:
        content, body_code = self._content(call)
        put_code = call.number()
        self._registry.require_scope(call.caller, WRITE_GROUPS)
        if body_code != put_code:
            raise refusal(9019, urlPutCode=put_code, bodyPutCode="null" if body_code is None else body_code)
        group = groups.by_put_code(self._registry, put_code)
        changed = groups.update(self._registry, group, content, _client_id(call.caller))
        return Answer(200, self._group(changed), "group-id-record")

    def _delete_group(self, call: Call) -> Answer:
        put_code = call.number()
        self._registry.require_scope(call.caller, WRITE_GROUPS)
        groups.delete(self._registry, groups.by_put_code(self._registry, put_code), _client_id(call.caller))
        return Answer(204)

    def _content(self, call: Call) -> tuple[dict[str, Any], int | None]:
        message = parsing.single(
            call.request.body, call.body_media, messages.GROUP_ID_RECORD, "group-id-record", "group-id"
        )
        return copy.deepcopy(message.content), message.put_code

    def _group(self, group: Group) -> dict[str, Any]:
        source = Source(client_id=group.source_client) if group.source_client else Source()
        return {
            "created-date": stamp(group.created),
            "last-modified-date": stamp(group.modified),
            "source": self._renderer.source(source),
            "put-code": group.put_code,
            **group.content,
        }

    @staticmethod
    def _list_identifiers(call: Call) -> Answer:
        body = [
            {
                "name": known.name,
                "put-code": None,
                "description": known.description,
                "resolution-prefix": known.prefix,
                "deprecated": False,
                "case-sensitive": known.case_sensitive,
                "primary-use": "work",
            }
            for known in TYPES.values()
        ]
        return Answer(200, body, "identifiers")


def _natural(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < len(text) < 10 or int(text) < 1:
        raise refusal(9006, f"'{text}' is not a positive whole number")
    return int(text)


def _client_id(caller: Caller) -> str:
    return caller.client.client_id if caller.client else ""
