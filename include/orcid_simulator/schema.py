"""A small schema language in which each message is declared once.

From one declaration come: reading JSON, reading XML, writing XML, and the checks that the published XSD makes. The
canonical value of a message is the JSON that the registry returns: every declared field present, None where absent.

Reading is lenient about values (the bulk endpoints skip the schema) and strict about structure; `check` adds what the
schema says about values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from lxml import etree

COMMON = "common"
NAMESPACE = "http://www.orcid.org/ns/"


@dataclass
class Violation(Exception):
    """A message that does not fit its declaration.

    `kind` is "structure" (cannot be read at all), "enum" (value not in its list) or "schema" (any other constraint).
    """

    kind: str
    path: str
    reason: str
    value: str = ""
    too_long: bool = False

    def __str__(self) -> str:
        return f"{self.path or '/'}: {self.reason}"


class Node(Protocol):
    """What every part of a declaration can do."""

    def read_json(self, value: Any, path: str) -> Any:
        """The canonical value of parsed JSON; raises Violation."""

    def read_xml(self, element: etree._Element, path: str, *, strict: bool = True) -> Any:
        """The canonical value of an XML element; raises Violation.

        Unless strict, unknown elements are passed over and any order is taken, as by a reader without a schema.
        """

    def check(self, value: Any, path: str) -> None:
        """Raise Violation where the value breaks the schema."""

    def write_xml(self, value: Any, parent: etree._Element, tag: str, ns: str) -> None:
        """Append the value to its parent."""


@dataclass(frozen=True)
class Text:
    """A string. `whole` limits it to an integer in a range, as the XSD does with years, months and days."""

    max: int | None = None
    nonblank: bool = False
    pattern: re.Pattern[str] | None = None
    enum: frozenset[str] | None = None
    aliases: tuple[tuple[str, str], ...] = ()
    whole: tuple[int, int] | None = None
    name: str = "value"

    def read_json(self, value: Any, path: str) -> str | None:
        """Numbers and booleans become text; objects and arrays are refused."""
        if value is None or isinstance(value, str):
            text = value
        elif isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, (int, float)):
            text = str(value)
        else:
            raise Violation("structure", path, "a string is expected")
        return self._resolved(text)

    def read_xml(self, element: etree._Element, path: str, *, strict: bool = True) -> str | None:
        """The element's text; child elements are refused."""
        if strict and any(isinstance(child.tag, str) for child in element):
            raise Violation("schema", path, "no child elements are allowed here")
        text = "".join(map(str, element.itertext()))
        return self._resolved(text.strip() if self.whole else text)

    def check(self, value: Any, path: str) -> None:
        """Length, blankness, pattern, list and range."""
        if value is None:
            return
        if self.enum is not None and value not in self.enum:
            raise Violation("enum", path, f"'{value}' is not one of the {self.name} values", value)
        if self.max is not None and len(value) > self.max:
            raise Violation("schema", path, f"longer than {self.max} characters", too_long=True)
        if self.nonblank and not value.strip():
            raise Violation("schema", path, "must not be blank")
        if self.pattern is not None and not self.pattern.fullmatch(value):
            raise Violation("schema", path, f"'{value}' does not have the expected form")
        if self.whole is not None:
            self._check_whole(value, path)

    def write_xml(self, value: Any, parent: etree._Element, tag: str, ns: str) -> None:
        """An element with the text."""
        if value is not None:
            etree.SubElement(parent, qualified(tag, ns)).text = xml_safe(str(value))

    def _resolved(self, text: str | None) -> str | None:
        if text is None or not self.aliases:
            return text
        return dict(self.aliases).get(text, text)

    def _check_whole(self, value: str, path: str) -> None:
        low, high = self.whole or (0, 0)
        if not re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value) or not low <= int(value) <= high:
            raise Violation("schema", path, f"'{value}' is not a whole number from {low} to {high}")


@dataclass(frozen=True)
class Wrapped:
    """Text in an object: `{"value": "..."}`, with further keys that are attributes in XML."""

    text: Text = field(default_factory=Text)
    attributes: tuple[tuple[str, Text, bool], ...] = ()

    def read_json(self, value: Any, path: str) -> dict[str, Any] | None:
        """An object with `value` and the declared attributes; a plain string stands for its value."""
        if value is None:
            return None
        if isinstance(value, str):
            value = {"value": value}
        if not isinstance(value, dict):
            raise Violation("structure", path, 'an object {"value": ...} is expected')
        result: dict[str, Any] = {"value": self.text.read_json(value.get("value"), f"{path}/value")}
        known = {"value"}
        for name, node, _ in self.attributes:
            result[name] = node.read_json(value.get(name), f"{path}/{name}")
            known.add(name)
        refuse_unknown(value, known, path)
        return result

    def read_xml(self, element: etree._Element, path: str, *, strict: bool = True) -> dict[str, Any]:
        """The element's text and attributes."""
        result: dict[str, Any] = {"value": self.text.read_xml(element, path, strict=strict)}
        for name, _, _ in self.attributes:
            result[name] = element.get(name)
        return result

    def check(self, value: Any, path: str) -> None:
        """The text and the attributes, required ones present."""
        if value is None:
            return
        self.text.check(value["value"] or "", path)
        for name, node, required in self.attributes:
            if required and value[name] is None:
                raise Violation("schema", f"{path}/{name}", "is required")
            node.check(value[name], f"{path}/{name}")

    def write_xml(self, value: Any, parent: etree._Element, tag: str, ns: str) -> None:
        """An element with text and attributes."""
        if value is None or value.get("value") is None:
            return
        element = etree.SubElement(parent, qualified(tag, ns))
        element.text = xml_safe(str(value["value"]))
        for name, _, _ in self.attributes:
            if value.get(name) is not None:
                element.set(name, xml_safe(str(value[name])))


@dataclass(frozen=True)
class Ignored:
    """Sent by the registry, ignored when a client sends it back."""

    def read_json(self, value: Any, path: str) -> None:
        """Nothing is kept."""

    def read_xml(self, element: etree._Element, path: str, *, strict: bool = True) -> None:
        """Nothing is kept."""

    def check(self, value: Any, path: str) -> None:
        """Anything goes."""

    def write_xml(self, value: Any, parent: etree._Element, tag: str, ns: str) -> None:
        """Values that the registry fills in: text, or an object with `value` or an error, marked transient."""
        if value is None:
            return
        element = etree.SubElement(parent, qualified(tag, ns))
        if isinstance(value, dict):
            element.set("transient", "true")
            if "value" in value:
                element.text = xml_safe(str(value["value"]))
            for name in ("error-code", "error-message"):
                if name in value:
                    etree.SubElement(element, qualified(name, ns)).text = xml_safe(str(value[name]))
        else:
            element.text = xml_safe(str(value))


@dataclass(frozen=True)
class Field:
    """A named part of a Struct."""

    name: str
    node: Node
    required: bool = False
    ns: str | None = None
    """Namespace of the XML element; None is that of the struct around it."""
    kept: bool = True
    """False for values that are accepted and never returned."""
    empty: bool = False
    """Return an empty list instead of null when absent."""
    xml: str | None = None
    """Name of the XML element where it is not that of the JSON property."""
    alias: str | None = None
    """Another name of the JSON property that is accepted."""

    @property
    def tag(self) -> str:
        """Name of the XML element."""
        return self.xml or self.name


@dataclass(frozen=True)
class Struct:
    """An object with declared fields, in the order of the XML schema."""

    fields: tuple[Field, ...]
    ns: str = COMMON
    ignored: frozenset[str] = frozenset()
    """JSON properties (XML attributes, elements) that are accepted and dropped."""
    by_name: dict[str, Field] = field(init=False, repr=False, compare=False, default_factory=dict)
    names: set[str] = field(init=False, repr=False, compare=False, default_factory=set)

    def __post_init__(self) -> None:
        self.by_name.update({entry.name: entry for entry in self.fields})
        self.names.update(name for entry in self.fields for name in (entry.name, entry.alias) if name)

    def read_json(self, value: Any, path: str) -> dict[str, Any] | None:
        """Every declared field in order; unknown ones are refused."""
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Violation("structure", path, "an object is expected")
        result: dict[str, Any] = {}
        for entry in self.fields:
            sent = value.get(entry.name)
            if sent is None and entry.alias is not None:
                sent = value.get(entry.alias)
            result[entry.name] = None if sent is None else entry.node.read_json(sent, f"{path}/{entry.name}")
        for name in value:
            if name not in self.names and name not in self.ignored:
                raise Violation("structure", f"{path}/{name}", "unknown property")
        return result

    def read_xml(self, element: etree._Element, path: str, *, strict: bool = True) -> dict[str, Any]:
        """Child elements in the declared order, each at most once; others are refused."""
        result: dict[str, Any] = dict.fromkeys(self.by_name)
        place = 0
        if strict and (element.text or "").strip():
            raise Violation("schema", path, "text is not allowed here")
        for child in child_elements(element):
            name, ns = local_name(child)
            if name in self.ignored and name not in self.by_name:
                continue
            if not strict:
                place = 0
                if not any((entry.tag, entry.ns or self.ns) == (name, ns) for entry in self.fields):
                    continue
            place = self._place(name, ns, place, path)
            entry = self.fields[place - 1]
            result[entry.name] = entry.node.read_xml(child, f"{path}/{name}", strict=strict)
        return result

    def check(self, value: Any, path: str) -> None:
        """Required fields present, each field by its own rules."""
        if value is None:
            return
        for entry in self.fields:
            part = value[entry.name]
            if part is None:
                if entry.required:
                    raise Violation("schema", f"{path}/{entry.name}", "is required")
            else:
                entry.node.check(part, f"{path}/{entry.name}")

    def write_xml(self, value: Any, parent: etree._Element, tag: str, ns: str) -> None:
        """An element with the fields as children."""
        if value is None:
            return
        self.fill_xml(value, etree.SubElement(parent, qualified(tag, ns)))

    def fill_xml(self, value: Any, element: etree._Element) -> None:
        """Append the fields to an element that exists."""
        for entry in self.fields:
            part = value.get(entry.name)
            if part is not None and entry.kept:
                entry.node.write_xml(part, element, entry.tag, entry.ns or self.ns)

    def _place(self, name: str, ns: str, start: int, path: str) -> int:
        for place in range(start, len(self.fields)):
            entry = self.fields[place]
            if entry.tag == name and (entry.ns or self.ns) == ns:
                return place + 1
        known = any(entry.tag == name for entry in self.fields)
        reason = "is out of order or repeated" if known else "is not allowed here"
        raise Violation("schema", f"{path}/{name}", reason)


@dataclass(frozen=True)
class Items:
    """A list under one key: `{"external-id": [...]}`; a single value stands for a list of one."""

    key: str
    node: Node
    ns: str = COMMON
    least: int = 0
    most: int | None = None

    def read_json(self, value: Any, path: str) -> dict[str, list[Any]] | None:
        """The list with each entry read."""
        if value is None:
            return None
        if not isinstance(value, dict):
            raise Violation("structure", path, f'an object {{"{self.key}": [...]}} is expected')
        refuse_unknown(value, {self.key}, path)
        sent = value.get(self.key)
        entries = [] if sent is None else sent if isinstance(sent, list) else [sent]
        return {
            self.key: [
                self.node.read_json(entry, f"{path}/{self.key}[{place}]")
                for place, entry in enumerate(entries)
                if entry is not None
            ]
        }

    def read_xml(self, element: etree._Element, path: str, *, strict: bool = True) -> dict[str, list[Any]]:
        """The child elements, all of the one kind."""
        entries = []
        for place, child in enumerate(child_elements(element)):
            if local_name(child) != (self.key, self.ns):
                if not strict:
                    continue
                raise Violation("schema", f"{path}/{local_name(child)[0]}", "is not allowed here")
            entries.append(self.node.read_xml(child, f"{path}/{self.key}[{place}]", strict=strict))
        return {self.key: entries}

    def check(self, value: Any, path: str) -> None:
        """Each entry, and their number."""
        if value is None:
            return
        entries = value[self.key]
        if len(entries) < self.least:
            raise Violation("schema", path, f"at least {self.least} {self.key} is required")
        if self.most is not None and len(entries) > self.most:
            raise Violation("schema", path, f"at most {self.most} {self.key} are allowed")
        for place, entry in enumerate(entries):
            self.node.check(entry, f"{path}/{self.key}[{place}]")

    def write_xml(self, value: Any, parent: etree._Element, tag: str, ns: str) -> None:
        """An element with one child for each entry."""
        if value is None:
            return
        element = etree.SubElement(parent, qualified(tag, ns))
        for entry in value[self.key]:
            self.node.write_xml(entry, element, self.key, self.ns)


@dataclass(frozen=True)
class Listing:
    """A list that is bare in JSON and has an element around it in XML."""

    items: Items

    def read_json(self, value: Any, path: str) -> list[Any]:
        """The list; one in an object, as in XML, is accepted too."""
        wrapped = value if isinstance(value, dict) and self.items.key in value else {self.items.key: value}
        read = self.items.read_json(wrapped, path) or {}
        return list(read.get(self.items.key, []))

    def read_xml(self, element: etree._Element, path: str, *, strict: bool = True) -> list[Any]:
        """The child elements."""
        return self.items.read_xml(element, path, strict=strict)[self.items.key]

    def check(self, value: Any, path: str) -> None:
        """Each entry, and their number."""
        self.items.check({self.items.key: value}, path)

    def write_xml(self, value: Any, parent: etree._Element, tag: str, ns: str) -> None:
        """An element with one child for each entry."""
        self.items.write_xml({self.items.key: value}, parent, tag, ns)


def refuse_unknown(value: dict[str, Any], known: set[str], path: str) -> None:
    """Raise Violation for the first key that is not declared."""
    for name in value:
        if name not in known:
            raise Violation("structure", f"{path}/{name}", "unknown property")


def qualified(tag: str, ns: str) -> str:
    """The tag in lxml's notation."""
    return f"{{{NAMESPACE}{ns}}}{tag}"


def local_name(element: etree._Element) -> tuple[str, str]:
    """Local name and short namespace ("common", "work"); a foreign namespace is returned whole."""
    name = etree.QName(element)
    namespace = name.namespace or ""
    return name.localname, namespace.removeprefix(NAMESPACE)


def child_elements(element: etree._Element) -> Iterator[etree._Element]:
    """The children that are elements: no comments, no processing instructions."""
    return (child for child in element if isinstance(child.tag, str))


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_safe(text: str) -> str:
    """The text without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub("", text)
