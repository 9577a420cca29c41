"""The control API: plays the researchers, the other organisations, the administrators and the accidents."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from orcid_simulator import parsing, scopes, vocabularies
from orcid_simulator.errors import ApiError, ControlRefusal, OAuthError
from orcid_simulator.model import Client, Record, Source
from orcid_simulator.sections import BY_SINGULAR, Section
from orcid_simulator.tokens import Grant
from orcid_simulator.web import Request, Response, json_response

if TYPE_CHECKING:
    from orcid_simulator.app import Parts

CLIENT_KINDS = ("member", "premium", "public")
STATUSES = ("active", "locked", "deactivated", "deprecated", "unclaimed")
VISIBILITIES = ("public", "limited", "private")
PROFILE_KEYS = (
    "credit_name", "biography", "emails", "names_visibility", "locale", "accepts_notifications", "password",
)  # fmt: skip
CLIENT_ID = re.compile(r"APP-[0-9A-Za-z]{16}|(\d{4}-){3}\d{3}[\dX]", re.ASCII)
ORCID = re.compile(r"(\d{4}-){3}\d{3}[\dX]", re.ASCII)
Body = dict[str, Any]


class Control:
    """`/control/*`. Every method takes the parsed body and answers with JSON."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._registry = parts.registry
        self._store = parts.registry.store
        self._token = parts.registry.settings.control_token

    def handle(self, request: Request, segments: list[str]) -> Response | Awaitable[Any]:
        """Answer a call on `/control/{segments}`; an awaitable yields the JSON of a 200."""
        if not self._is_allowed(request):
            return json_response(
                403, {"error": "the control API answers on the loopback interface, or with its token"}
            )
        try:
            body = self._body(request)
            return self._dispatch(request, segments, body)
        except ControlRefusal as refused:
            return json_response(refused.status, {"error": str(refused)})
        except OAuthError as refused:
            return json_response(refused.status, refused.body())
        except ApiError as refused:
            return json_response(
                400, {"error": refused.body()["developer-message"], "error_code": refused.code}
            )

    def _dispatch(self, request: Request, segments: list[str], body: Body) -> Response | Awaitable[Any]:
        query = request.query
        match (request.method, *segments):
            case ("POST", "clients"):
                return json_response(201, self._add_client(body))
            case ("PATCH", "clients", client_id):
                return json_response(200, self._change_client(client_id, body))
            case ("POST", "records"):
                return json_response(201, {"orcid": self._add_record(body).orcid})
            case ("PATCH", "records", orcid):
                return json_response(200, self._change_record(orcid, body))
            case ("GET", "records", orcid):
                return json_response(200, self.describe(self._record(orcid)))
            case ("POST", "records", orcid, section):
                return json_response(201, {"put_code": self._add_item(orcid, section, body)})
            case ("PATCH", "records", orcid, section, put_code):
                return json_response(200, self._change_item(orcid, section, put_code, body))
            case ("DELETE", "records", orcid, section, put_code):
                self._remove_item(orcid, section, put_code)
                return Response(204)
            case ("POST", "tokens"):
                return json_response(201, self._add_token(body))
            case ("DELETE", "tokens", token):
                self._revoke(token, query.get("by", "client"))
                return Response(204)
            case ("POST", "codes"):
                return json_response(201, {"code": self._add_code(body)})
            case ("POST", "faults"):
                fault = self._parts.faults.plan(body)
                return json_response(201, {"kind": fault.kind, "times": fault.times})
            case ("DELETE", "faults"):
                self._parts.faults.clear()
                return Response(204)
            case ("GET", "calls"):
                return json_response(200, self._parts.calls.since(_whole(query.get("since", "0"), "since")))
            case ("GET", "summary"):
                return json_response(200, self._summary())
            case ("POST", "organizations"):
                return json_response(201, {"added": self._add_organizations(body)})
            case ("POST", "reset"):
                self._parts.reset()
                return Response(204)
            case (method, *path) if handler := self._parts.control_extras.get((method, "/".join(path))):
                answer = handler(body)
                return answer if isinstance(answer, Awaitable) else json_response(200, answer)
        raise ControlRefusal(f"the control API has no {request.method} /control/{'/'.join(segments)}", 404)

    def describe(self, record: Record) -> Body:
        """The whole record as somebody who sees everything sees it."""
        return {
            "orcid": record.orcid,
            "status": record.status,
            "primary": record.primary,
            "given_names": record.given_names,
            "family_name": record.family_name,
            "default_visibility": record.default_visibility,
            "created": record.created,
            "last_modified": record.modified,
            "notifications": record.notifications,
            "creator": record.creator,
            "profile": {name: value for name, value in record.profile.items() if name != "password"},
            "items": [
                {
                    "section": item.section,
                    "put_code": item.put_code,
                    "source": item.source.client_id or "user",
                    "visibility": item.visibility,
                    "display_index": item.display_index,
                    "created": item.created,
                    "last_modified": item.modified,
                    "item": item.content,
                }
                for item in record.items.values()
            ],
        }

    def _is_allowed(self, request: Request) -> bool:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if self._token and scheme.lower() == "bearer" and secrets.compare_digest(value.strip(), self._token):
            return True
        try:
            return ipaddress.ip_address(request.peer).is_loopback and "x-forwarded-for" not in request.headers
        except ValueError:
            return False

    @staticmethod
    def _body(request: Request) -> Body:
        if not request.body:
            return {}
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise ControlRefusal(f"the body is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise ControlRefusal("the body must be a JSON object")
        return body

    def _add_client(self, body: Body) -> Body:
        _refuse_others(
            body,
            {"name", "kind", "redirect_uris", "client_id", "client_secret", "website", "description"},
        )
        kind = _one_of(body.get("kind") or "member", CLIENT_KINDS, "kind")
        client_id = body.get("client_id") or self._registry.new_client_id()
        if not isinstance(client_id, str) or not CLIENT_ID.fullmatch(client_id):
            raise ControlRefusal("client_id is APP- and 16 letters or digits, or an iD")
        redirect_uris = body.get("redirect_uris") or []
        if not isinstance(redirect_uris, list) or not all(isinstance(uri, str) for uri in redirect_uris):
            raise ControlRefusal("redirect_uris is a list of strings")
        client = Client(
            client_id,
            _text(body.get("client_secret"), "client_secret") or secrets.token_hex(16),
            _text(body.get("name"), "name") or "An organisation",
            kind,
            tuple(redirect_uris),
            website=_text(body.get("website"), "website"),
            description=_text(body.get("description"), "description"),
        )
        with self._store.transaction():
            self._store.save_client(client)
        return {"client_id": client.client_id, "client_secret": client.secret}

    def _change_client(self, client_id: str, body: Body) -> Body:
        _refuse_others(body, {"name", "locked"})
        client = self._client(client_id)
        changes: Body = {}
        if "locked" in body:
            changes["locked"] = bool(body["locked"])
        if body.get("name"):
            changes["name"] = _text(body["name"], "name")
        changed = replace(client, **changes)
        with self._store.transaction():
            self._store.save_client(changed)
        return {"client_id": client_id, "name": changed.name, "locked": changed.locked}

    def _add_record(self, body: Body) -> Record:
        _refuse_others(
            body,
            {"given_names", "family_name", "orcid", "default_visibility", "creator", "status", *PROFILE_KEYS},
        )
        orcid = body.get("orcid") or self._registry.new_orcid()
        if not isinstance(orcid, str) or not ORCID.fullmatch(orcid):
            raise ControlRefusal("orcid has the form 0000-0000-0000-000X")
        if self._store.has_record(orcid):
            raise ControlRefusal(f"{orcid} exists already", 409)
        visibility = _one_of(body.get("default_visibility") or "public", VISIBILITIES, "default_visibility")
        now = self._registry.now()
        record = Record(
            orcid,
            _text(body.get("given_names"), "given_names") or "",
            _text(body.get("family_name"), "family_name") or "",
            _one_of(body.get("status") or "active", ("active", "unclaimed"), "status"),
            visibility,
            now,
            now,
            creator=_text(body.get("creator"), "creator"),
            profile=_profile(body),
        )
        self._registry.save(record)
        return record

    def _change_record(self, orcid: str, body: Body) -> Body:
        _refuse_others(
            body,
            {
                "status", "primary", "default_visibility", "created", "given_names", "family_name", "creator",
                *PROFILE_KEYS,
            },
        )  # fmt: skip
        record = self._record(orcid)
        if body.get("default_visibility"):
            record.default_visibility = _one_of(
                body["default_visibility"], VISIBILITIES, "default_visibility"
            )
        for name in ("given_names", "family_name", "creator"):
            if body.get(name) is not None:
                setattr(record, name, _text(body[name], name))
        if body.get("created") is not None:
            record.created = _whole(str(body["created"]), "created")
        record.profile.update(_profile(body))
        self._registry.save(record)
        if body.get("status"):
            self._change_status(record, body)
        return self.describe(record)

    def _change_status(self, record: Record, body: Body) -> None:
        status = _one_of(body["status"], STATUSES, "status")
        primary = body.get("primary")
        if status == "deprecated" and (
            not isinstance(primary, str) or primary == record.orcid or not self._store.has_record(primary)
        ):
            raise ControlRefusal("a deprecated record needs primary, the iD of another record")
        self._registry.set_status(record, status, primary)

    def _add_item(self, orcid: str, section_name: str, body: Body) -> int:
        _refuse_others(body, {"item", "source", "visibility", "display_index"})
        record, section = self._record(orcid), self._section(section_name)
        message = parsing.single(
            orjson.dumps(body.get("item")), "json", section.message, section.singular, section.ns
        )
        source = body.get("source") or "user"
        if source == "user":
            origin, index = Source(orcid=orcid), 0
        else:
            origin, index = Source(client_id=self._client(source).client_id), 1
        visibility = _one_of(body.get("visibility") or record.default_visibility, VISIBILITIES, "visibility")
        if body.get("display_index") is not None:
            index = _whole(str(body["display_index"]), "display_index")
        return self._registry.add_as(record, section, message, origin, visibility, index).put_code

    def _change_item(self, orcid: str, section_name: str, put_code: str, body: Body) -> Body:
        """The researcher changes visibility or preference of an item, or its content."""
        _refuse_others(body, {"visibility", "display_index", "item"})
        record, section = self._record(orcid), self._section(section_name)
        item = self._registry.find(record, section, _whole(put_code, "put_code"))
        changes: Body = {}
        if body.get("visibility"):
            changes["visibility"] = _one_of(body["visibility"], VISIBILITIES, "visibility")
        if body.get("display_index") is not None:
            changes["display_index"] = _whole(str(body["display_index"]), "display_index")
        if body.get("item") is not None:
            message = parsing.single(
                orjson.dumps(body["item"]), "json", section.message, section.singular, section.ns
            )
            section.settle(message.content)
            changes.update(content=message.content, ids=section.compared(message.content))
        self._registry.change_as_researcher(record, item, **changes)
        return {"put_code": item.put_code}

    def _remove_item(self, orcid: str, section_name: str, put_code: str) -> None:
        record, section = self._record(orcid), self._section(section_name)
        try:
            item = self._registry.find(record, section, _whole(put_code, "put_code"))
        except ApiError as missing:
            raise ControlRefusal(f"{orcid} has no {section_name} {put_code}", 404) from missing
        self._registry.remove(record, item)

    def _add_token(self, body: Body) -> Body:
        _refuse_others(body, {"client_id", "orcid", "scope", "expires_in"})
        client = self._client(body.get("client_id") or "")
        scope = scopes.parse(_text(body.get("scope"), "scope") or "")
        strange = scopes.unknown(scope)
        if strange or not scope:
            raise ControlRefusal(
                f"scope is a list of known scopes; unknown: {', '.join(strange) or '(none given)'}"
            )
        orcid = body.get("orcid") or None
        if orcid is not None:
            orcid = self._record(orcid).orcid
        lifetime = (
            float(_whole(str(body["expires_in"]), "expires_in"))
            if body.get("expires_in") is not None
            else None
        )
        token = self._parts.tokens.issue(Grant(client.client_id, orcid, scope, lifetime))
        return dict(self._parts.tokens.answer(token))

    def _add_code(self, body: Body) -> str:
        _refuse_others(body, {"client_id", "orcid", "scope", "redirect_uri", "nonce"})
        client = self._client(body.get("client_id") or "")
        record = self._record(body.get("orcid") or "")
        scope = scopes.parse(_text(body.get("scope"), "scope") or "")
        redirect_uri = _text(body.get("redirect_uri"), "redirect_uri") or ""
        return self._parts.tokens.new_code(client, record.orcid, scope, redirect_uri, body.get("nonce")).code

    def _revoke(self, token: str, by: str) -> None:
        states = {"user": "user_revoked", "client": "client_revoked"}
        if by not in states:
            raise ControlRefusal("by is user or client")
        if not self._parts.tokens.revoke(token, states[by]):
            raise ControlRefusal("there is no such token", 404)

    def _summary(self) -> Body:
        calls = self._parts.calls
        return {
            "calls": calls.api_calls,
            "by_endpoint": dict(sorted(calls.by_endpoint.items())),
            "refused_for_rate": calls.refused_for_rate,
            "busiest_second": calls.busiest_second,
            "notifications": self._store.notification_counts(),
        }

    def _add_organizations(self, body: Body) -> int:
        rows = body.get("organizations")
        if not isinstance(rows, list):
            raise ControlRefusal("organizations is a list of {source, identifier, name}")
        try:
            parsed = [(str(row["source"]), str(row["identifier"]), str(row.get("name", ""))) for row in rows]
        except (TypeError, KeyError, AttributeError) as error:
            raise ControlRefusal("organizations is a list of {source, identifier, name}") from error
        self._store.add_organizations(parsed)
        return len(parsed)

    def _record(self, orcid: str) -> Record:
        record = self._store.record(orcid) if isinstance(orcid, str) else None
        if record is None:
            raise ControlRefusal(f"there is no record {orcid}", 404)
        return record

    def _client(self, client_id: str) -> Client:
        client = self._store.client(client_id) if isinstance(client_id, str) else None
        if client is None:
            raise ControlRefusal(f"there is no client {client_id}", 404)
        return client

    @staticmethod
    def _section(name: str) -> Section:
        section = BY_SINGULAR.get(name)
        if section is None:
            raise ControlRefusal(
                f"there is no section {name}; use the singular: {', '.join(BY_SINGULAR)}", 404
            )
        return section


ControlHandler = Callable[[Body], Any]


def _profile(body: Body) -> Body:
    profile = {name: body[name] for name in PROFILE_KEYS if body.get(name) is not None}
    biography = profile.get("biography")
    if isinstance(biography, str):
        profile["biography"] = {"content": biography, "visibility": "public"}
    elif biography is not None and not isinstance(biography, dict):
        raise ControlRefusal("biography is a text or {content, visibility}")
    emails = profile.get("emails")
    if emails is not None:
        if not isinstance(emails, list) or not all(isinstance(entry, (str, dict)) for entry in emails):
            raise ControlRefusal("emails is a list of addresses or {email, visibility, verified, primary}")
        profile["emails"] = [{"email": entry} if isinstance(entry, str) else entry for entry in emails]
        if not all(isinstance(entry.get("email"), str) for entry in profile["emails"]):
            raise ControlRefusal("each of emails has an email")
    for name in ("credit_name", "locale", "password"):
        _text(profile.get(name), name)
    if "names_visibility" in profile:
        _one_of(profile["names_visibility"], vocabularies.VISIBILITIES, "names_visibility")
    return profile


def _refuse_others(body: Body, known: set[str]) -> None:
    strange = sorted(set(body) - known)
    if strange:
        raise ControlRefusal(f"unknown: {', '.join(strange)}; known: {', '.join(sorted(known))}")


def _one_of(value: Any, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        raise ControlRefusal(f"{name} is one of {', '.join(allowed)}")
    return str(value)


def _text(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ControlRefusal(f"{name} is a text")
    return value


def _whole(text: str, name: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise ControlRefusal(f"{name} is a whole number")
    return int(text)
