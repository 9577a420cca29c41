"""Bodies of requests: JSON or XML in, messages out, with the registry's errors."""

from __future__ import annotations

from typing import Any

import orjson
from lxml import etree

from orcid_simulator import vocabularies
from orcid_simulator.errors import KINDS, ApiError, refusal
from orcid_simulator.registry import Message
from orcid_simulator.schema import Struct, Violation, local_name
from orcid_simulator.sections import WORK

MAX_PUT_CODE = 2**63 - 1
BULK_NS = "bulk"
_PARSER_OPTIONS: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


def single(body: bytes, media: str, message: Struct, root: str, ns: str) -> Message:
    """One item, checked against its schema; `media` is json or xml.

    Raises:
        ApiError: 9001 not JSON or XML at all, 9047 or 9012/9051 for what does not fit the schema.
    """
    if media == "xml":
        return _single_xml(_xml(body), message, root, ns)
    value = _json(body)
    try:
        parsed = _message(value, message, "")
        message.check(parsed.content, "")
    except Violation as violation:
        raise _json_refusal(violation) from violation
    _check_visibility(parsed.visibility, "json")
    return parsed


def bulk(body: bytes, media: str) -> list[Message]:
    """The works of a bulk; values are not checked against the schema, and what is too long fails alone.

    Raises:
        ApiError: 9001 or 9047/9012 where the bulk as a whole cannot be read.
    """
    if media == "xml":
        return _bulk_xml(_xml(body))
    value = _json(body)
    if not isinstance(value, dict) or set(value) - {"bulk"}:
        raise refusal(9047, "a bulk is an object with the one key bulk", error="not a bulk")
    entries = value.get("bulk")
    entries = [] if entries is None else entries if isinstance(entries, list) else [entries]
    return [_bulk_entry(entry, place) for place, entry in enumerate(entries)]


def _bulk_entry(entry: Any, place: int) -> Message:
    path = f"/bulk[{place}]"
    if not isinstance(entry, dict) or len(entry) != 1 or not set(entry) <= {"work", "error"}:
        raise refusal(9047, f"{path}: an object with the one key work is expected", error="not a bulk")
    if "error" in entry:
        return _passed_error(entry["error"])
    try:
        parsed = _message(entry["work"], WORK.message, f"{path}/work")
    except Violation as violation:
        raise _json_refusal(violation) from violation
    return _failing_alone(parsed)


def _failing_alone(parsed: Message) -> Message:
    """The message, marked as failing if a text is longer than the database takes (the schema would have told)."""
    try:
        WORK.message.check(parsed.content, "")
    except Violation as violation:
        if violation.too_long:
            return Message(parsed.content, parsed.put_code, parsed.visibility, refusal(9008, str(violation)))
    if parsed.visibility is not None and parsed.visibility not in vocabularies.VISIBILITIES:
        return Message(
            parsed.content, parsed.put_code, None, refusal(9037, type="visibility", values="public...")
        )
    return parsed


def _passed_error(error: Any) -> Message:
    """An error inside a request's bulk comes back as it went in."""
    error = error if isinstance(error, dict) else {}
    code, status = error.get("error-code"), error.get("response-code")
    code = code if isinstance(code, int) and code in KINDS else 9008
    status = status if isinstance(status, int) and 100 <= status <= 599 else None
    fault = refusal(code, status=status)
    fault.verbatim = error
    return Message({}, fault=fault)


def _message(value: Any, message: Struct, path: str) -> Message:
    if not isinstance(value, dict):
        raise Violation("structure", path, "an object is expected")
    content = message.read_json(value, path)
    if content is None:
        raise Violation("structure", path, "an object is expected")
    visibility = value.get("visibility")
    if visibility is not None and not isinstance(visibility, str):
        raise Violation("structure", f"{path}/visibility", "a string is expected")
    return Message(content, _put_code(value.get("put-code"), path), visibility)


def _put_code(value: Any, path: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Violation("structure", f"{path}/put-code", "a whole number is expected")
    try:
        number = int(value)
    except ValueError:
        raise Violation("structure", f"{path}/put-code", "a whole number is expected") from None
    if abs(number) > MAX_PUT_CODE:
        raise Violation("structure", f"{path}/put-code", "the number is too large")
    return number


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise refusal(9001, str(error)) from error


def _json_refusal(violation: Violation) -> ApiError:
    return refusal(9047, str(violation), error=str(violation))


def _check_visibility(visibility: str | None, media: str) -> None:
    if visibility is None or visibility in vocabularies.VISIBILITIES:
        return
    if media == "xml":
        raise refusal(9051, value=visibility, enum="visibility")
    raise refusal(9047, f"'{visibility}' is not a visibility", error="visibility")


def _xml(body: bytes) -> etree._Element:
    try:
        root = etree.fromstring(body, etree.XMLParser(**_PARSER_OPTIONS))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refusal(9001, str(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise refusal(9001, "a document type definition is not allowed")
    return root


def _single_xml(root: etree._Element, message: Struct, name: str, ns: str) -> Message:
    if local_name(root) != (name, ns):
        raise refusal(9012, f"<{name}> is expected, not <{local_name(root)[0]}>")
    try:
        parsed = _xml_message(root, message, f"/{name}")
        message.check(parsed.content, f"/{name}")
    except Violation as violation:
        raise _xml_refusal(violation) from violation
    _check_visibility(parsed.visibility, "xml")
    return parsed


def _xml_message(element: etree._Element, message: Struct, path: str, *, strict: bool = True) -> Message:
    content = message.read_xml(element, path, strict=strict)
    return Message(content, _put_code(element.get("put-code"), path), element.get("visibility"))


def _xml_refusal(violation: Violation) -> ApiError:
    if violation.kind == "enum":
        return refusal(9051, str(violation), value=violation.value, enum=violation.path.rsplit("/", 1)[-1])
    return refusal(9012, str(violation))


def _bulk_xml(root: etree._Element) -> list[Message]:
    if local_name(root) != ("bulk", BULK_NS):
        raise refusal(9012, f"<bulk> is expected, not <{local_name(root)[0]}>")
    messages = []
    for place, child in enumerate(root):
        name = local_name(child)
        if name == ("error", "error"):
            messages.append(_passed_error({local_name(part)[0]: _number_or_text(part) for part in child}))
            continue
        if name != ("work", "work"):
            raise refusal(9012, f"<{name[0]}> is not allowed in a bulk")
        try:
            messages.append(
                _failing_alone(_xml_message(child, WORK.message, f"/bulk[{place}]/work", strict=False))
            )
        except Violation as violation:
            raise _xml_refusal(violation) from violation
    return messages


def _number_or_text(element: etree._Element) -> int | str:
    text = "".join(map(str, element.itertext()))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
