"""The OpenAPI description, made from the declarations of the sections."""

from __future__ import annotations

from typing import Any

from orcid_simulator.schema import Ignored, Items, Listing, Node, Struct, Text, Wrapped
from orcid_simulator.sections import SECTIONS, WORK, Section

Json = dict[str, Any]
JSON_TYPE, XML_TYPE = "application/json", "application/xml"
ORCID = {"name": "orcid", "in": "path", "required": True, "schema": {"type": "string"}}
PUT_CODE = {"name": "putCode", "in": "path", "required": True, "schema": {"type": "integer"}}
ERROR_STATUSES = ("400", "401", "403", "404", "405", "406", "409", "415", "503")


def description(base_url: str) -> Json:
    """The document for the registry at this address."""
    paths: Json = {
        "/oauth/token": _token(),
        "/oauth/revoke": _revoke(),
        "/v3.0/status": {"get": _operation("status", "200")},
    }
    for section in SECTIONS:
        paths.update(_section_paths(section))
    for name in ("record", "activities", "person", "personal-details", "biography", "email", "summary"):
        paths[f"/v3.0/{{orcid}}/{name}"] = {"parameters": [ORCID], "get": _operation(f"read-{name}", "200")}
    for name in ("search", "expanded-search", "csv-search"):
        query = {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}
        numbers = [
            {"name": number, "in": "query", "schema": {"type": "integer"}} for number in ("start", "rows")
        ]
        paths[f"/v3.0/{name}"] = {"get": {**_operation(name, "200"), "parameters": [query, *numbers]}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ORCID registry simulator", "version": "3.0"},
        "servers": [{"url": base_url}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {section.singular: _object(section.message) for section in SECTIONS}
            | {"error": _ERROR},
        },
    }


_ERROR: Json = {
    "type": "object",
    "properties": {
        "response-code": {"type": "integer"},
        "developer-message": {"type": "string"},
        "user-message": {"type": "string"},
        "error-code": {"type": "integer"},
        "more-info": {"type": "string"},
    },
}


def _section_paths(section: Section) -> Json:
    base = f"/v3.0/{{orcid}}/{section.item_segment}"
    create = {**_operation(f"add-{section.singular}", "201"), "requestBody": _body(section.singular)}
    paths: Json = {
        f"/v3.0/{{orcid}}/{section.plural}": {
            "parameters": [ORCID],
            "get": _operation(f"read-section-{section.plural}", "200"),
        },
        f"{base}/{{putCode}}": {
            "parameters": [ORCID, PUT_CODE],
            "get": _operation(f"read-{section.singular}", "200"),
            "put": {
                **_operation(f"update-{section.singular}", "200"),
                "requestBody": _body(section.singular),
            },
            "delete": _operation(f"delete-{section.singular}", "204"),
        },
    }
    paths.setdefault(base, {"parameters": [ORCID]})["post"] = create
    if section.family == "activity":
        summary = {
            "parameters": [ORCID, PUT_CODE],
            "get": _operation(f"summary-of-{section.singular}", "200"),
        }
        paths[f"{base}/summary/{{putCode}}"] = summary
    if section is WORK:
        entry = {"type": "object", "properties": {"work": {"$ref": "#/components/schemas/work"}}}
        bulk = {"type": "object", "properties": {"bulk": {"type": "array", "items": entry, "maxItems": 100}}}
        paths["/v3.0/{orcid}/works"]["post"] = {
            **_operation("add-works", "200"),
            "requestBody": {"required": True, "content": {JSON_TYPE: {"schema": bulk}, XML_TYPE: {}}},
        }
    return paths


def _operation(name: str, success: str) -> Json:
    error = {
        "description": "refused",
        "content": {JSON_TYPE: {"schema": {"$ref": "#/components/schemas/error"}}},
    }
    return {
        "operationId": name,
        "responses": {success: {"description": "done"}, **dict.fromkeys(ERROR_STATUSES, error)},
    }


def _body(name: str) -> Json:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"required": True, "content": {JSON_TYPE: {"schema": schema}, XML_TYPE: {}}}


def _token() -> Json:
    fields = ("grant_type", "client_id", "client_secret", "code", "redirect_uri", "refresh_token", "scope")
    return {"post": _form_operation("token", fields)}


def _revoke() -> Json:
    return {"post": _form_operation("revoke", ("client_id", "client_secret", "token"))}


def _form_operation(name: str, fields: tuple[str, ...]) -> Json:
    schema = {"type": "object", "properties": {field: {"type": "string"} for field in fields}}
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {**_operation(name, "200"), "security": [], "requestBody": {"required": True, "content": content}}


def _object(struct: Struct) -> Json:
    properties = {
        entry.name: _node(entry.node) for entry in struct.fields if not isinstance(entry.node, Ignored)
    }
    schema: Json = {"type": "object", "properties": properties}
    required = [entry.name for entry in struct.fields if entry.required]
    if required:
        schema["required"] = required
    return schema


def _node(node: Node) -> Json:
    match node:
        case Text():
            return _text(node)
        case Wrapped():
            properties = {
                "value": _text(node.text),
                **{name: _text(text) for name, text, _ in node.attributes},
            }
            return {"type": "object", "properties": properties}
        case Struct():
            return _object(node)
        case Items():
            return {"type": "object", "properties": {node.key: {"type": "array", "items": _node(node.node)}}}
        case Listing():
            return {"type": "array", "items": _node(node.items.node)}
    return {}


def _text(text: Text) -> Json:
    schema: Json = {"type": "string"}
    if text.max is not None:
        schema["maxLength"] = text.max
    if text.enum is not None:
        schema["enum"] = sorted(text.enum)
    return schema
