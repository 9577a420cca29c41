"""Answers as XML: the same model that is sent as JSON, in the order of the published schema."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from orcid_simulator import messages
from orcid_simulator.schema import COMMON, NAMESPACE, Field, Struct, qualified, xml_safe
from orcid_simulator.sections import (
    ACTIVITIES,
    AFFILIATION_NAMES,
    BY_PLURAL,
    BY_SINGULAR,
    PEER_REVIEW,
    PERSON,
    Section,
)

Json = dict[str, Any]
Element = etree._Element
PREFIXES = (
    "common", "record", "activities", "person", "personal-details", "history", "preferences", "error", "bulk",
    "work", "funding", "peer-review", "research-resource", "group-id", "search", "expanded-search", "client",
    "summary", "notification", "email", "address", "keyword", "other-name", "researcher-url", "external-identifier",
    *sorted(AFFILIATION_NAMES),
)  # fmt: skip
PREFIX_MAP = {prefix: NAMESPACE + prefix for prefix in PREFIXES}
PERSON_ROOTS = {"other-name": "other-names", "researcher-url": "researcher-urls", "address": "addresses",
                "keyword": "keywords", "external-identifier": "external-identifiers"}  # fmt: skip
CREATION_METHODS = {"MEMBER_REFERRED": "Member-referred", "DIRECT": "Direct", "API": "API"}


def document(root: str, body: Any) -> bytes:
    """The message as an XML document; `root` names the message."""
    writer = _WRITERS[root]
    holder = etree.Element("holder", nsmap=PREFIX_MAP)
    writer(body, holder)
    element = holder[0]
    holder.remove(element)
    etree.cleanup_namespaces(element)
    return etree.tostring(element, xml_declaration=True, encoding="UTF-8", standalone=True)


def _child(parent: Element, tag: str, ns: str, text: Any = None) -> Element:
    element = etree.SubElement(parent, qualified(tag, ns))
    if text is not None:
        element.text = xml_safe(str(text))
    return element


def _set_meta(element: Element, item: Json) -> None:
    for name in ("put-code", "visibility", "display-index", "path"):
        if item.get(name) is not None:
            element.set(name, str(item[name]))


def _date(parent: Element, tag: str, stamp: Json | None, ns: str = COMMON) -> None:
    if stamp is not None:
        moment = datetime.fromtimestamp(stamp["value"] / 1000, UTC)
        _child(parent, tag, ns, moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _identifier(parent: Element, tag: str, identifier: Json | None) -> None:
    if identifier is None:
        return
    element = _child(parent, tag, COMMON)
    for name in ("uri", "path", "host"):
        _child(element, name, COMMON, identifier[name])


def _source(parent: Element, source: Json | None) -> None:
    if source is None:
        return
    element = _child(parent, "source", COMMON)
    _identifier(element, "source-orcid", source["source-orcid"])
    _identifier(element, "source-client-id", source["source-client-id"])
    if source["source-name"]:
        _child(element, "source-name", COMMON, source["source-name"]["value"])
    _identifier(element, "assertion-origin-orcid", source["assertion-origin-orcid"])
    _identifier(element, "assertion-origin-client-id", source["assertion-origin-client-id"])
    if source["assertion-origin-name"]:
        _child(element, "assertion-origin-name", COMMON, source["assertion-origin-name"]["value"])


def _head(element: Element, item: Json) -> None:
    _date(element, "created-date", item["created-date"])
    _date(element, "last-modified-date", item["last-modified-date"])
    _source(element, item["source"])


def _item_writer(section: Section) -> Callable[[Json, Element], None]:
    def write(item: Json, parent: Element) -> None:
        element = _child(parent, section.singular, section.ns)
        _set_meta(element, item)
        _head(element, item)
        section.message.fill_xml(item, element)

    return write


def _summary_struct(section: Section) -> Struct:
    """A summary's fields: those of the item, some of them under another name."""
    fields = []
    for name, item_name in section.summary:
        source = section.message.by_name[item_name]
        ns = COMMON if name == "external-ids" else source.ns
        fields.append(Field(name, source.node, ns=ns))
    return Struct(tuple(fields), ns=section.message.ns)


_SUMMARIES = {section.singular: _summary_struct(section) for section in ACTIVITIES}


def _write_summary(section: Section, summary: Json, parent: Element) -> None:
    element = _child(parent, section.summary_key, section.ns)
    _set_meta(element, summary)
    _head(element, summary)
    _SUMMARIES[section.singular].fill_xml(summary, element)


def _write_group(section: Section, group: Json, parent: Element, tag: str) -> None:
    element = _child(parent, tag, "activities")
    _date(element, "last-modified-date", group["last-modified-date"])
    messages.EXTERNAL_IDS.write_xml(group["external-ids"], element, "external-ids", COMMON)
    if section is PEER_REVIEW and "peer-review-group" in group:
        for inner in group["peer-review-group"]:
            _write_group(section, inner, element, "peer-review-group")
        return
    if section.singular in AFFILIATION_NAMES:
        summaries = [entry[section.summary_key] for entry in group["summaries"]]
    else:
        summaries = group[section.summary_key]
    for summary in summaries:
        _write_summary(section, summary, element)


def _section_writer(section: Section) -> Callable[[Json, Element], None]:
    def write(body: Json, parent: Element) -> None:
        element = _child(parent, section.plural, "activities")
        element.set("path", body["path"])
        _date(element, "last-modified-date", body["last-modified-date"])
        for group in body[section.group_key]:
            _write_group(section, group, element, section.group_key)

    return write


def _person_section_writer(section: Section) -> Callable[[Json, Element], None]:
    write_item = _item_writer(section)

    def write(body: Json, parent: Element) -> None:
        element = _child(parent, PERSON_ROOTS[section.singular], section.ns)
        element.set("path", body["path"])
        _date(element, "last-modified-date", body["last-modified-date"])
        for item in body[section.singular]:
            write_item(item, element)

    return write


def _write_activities(body: Json, parent: Element) -> None:
    element = _child(parent, "activities-summary", "activities")
    element.set("path", body["path"])
    _date(element, "last-modified-date", body["last-modified-date"])
    for section in ACTIVITIES:
        _section_writer(section)(body[section.plural], element)


def _write_name(body: Json | None, parent: Element, ns: str = "personal-details") -> None:
    if body is None:
        return
    element = _child(parent, "name", ns)
    _set_meta(element, body)
    _date(element, "created-date", body["created-date"])
    _date(element, "last-modified-date", body["last-modified-date"])
    for name in ("given-names", "family-name", "credit-name"):
        if body[name] and body[name]["value"]:
            _child(element, name, "personal-details", body[name]["value"])


def _write_biography(body: Json | None, parent: Element, ns: str = "personal-details") -> None:
    if body is None:
        return
    element = _child(parent, "biography", ns)
    _set_meta(element, body)
    _date(element, "created-date", body["created-date"])
    _date(element, "last-modified-date", body["last-modified-date"])
    _child(element, "content", "personal-details", body["content"])


def _write_emails(body: Json, parent: Element) -> None:
    element = _child(parent, "emails", "email")
    element.set("path", body["path"])
    _date(element, "last-modified-date", body["last-modified-date"])
    for email in body["email"]:
        entry = _child(element, "email", "email")
        _set_meta(entry, email)
        entry.set("verified", str(email["verified"]).lower())
        entry.set("primary", str(email["primary"]).lower())
        _head(entry, email)
        _child(entry, "email", "email", email["email"])


def _write_person(body: Json, parent: Element) -> None:
    element = _child(parent, "person", "person")
    element.set("path", body["path"])
    _date(element, "last-modified-date", body["last-modified-date"])
    by_singular = {section.singular: _person_section_writer(section) for section in PERSON}
    _write_name(body["name"], element, "person")
    by_singular["other-name"](body["other-names"], element)
    _write_biography(body["biography"], element, "person")
    by_singular["researcher-url"](body["researcher-urls"], element)
    _write_emails(body["emails"], element)
    by_singular["address"](body["addresses"], element)
    by_singular["keyword"](body["keywords"], element)
    by_singular["external-identifier"](body["external-identifiers"], element)


def _write_personal_details(body: Json, parent: Element) -> None:
    element = _child(parent, "personal-details", "personal-details")
    element.set("path", body["path"])
    _date(element, "last-modified-date", body["last-modified-date"])
    _write_name(body["name"], element)
    _person_section_writer(BY_SINGULAR["other-name"])(body["other-names"], element)
    _write_biography(body["biography"], element)


def _write_history(body: Json, parent: Element) -> None:
    element = _child(parent, "history", "history")
    _child(element, "creation-method", "history", CREATION_METHODS[body["creation-method"]])
    _date(element, "completion-date", body["completion-date"], "history")
    _date(element, "submission-date", body["submission-date"], "history")
    _date(element, "last-modified-date", body["last-modified-date"])
    _child(element, "claimed", "history", str(body["claimed"]).lower())
    _source(element, body["source"])
    _date(element, "deactivation-date", body["deactivation-date"], "history")
    for name in ("verified-email", "verified-primary-email"):
        _child(element, name, "history", str(body[name]).lower())


def _write_record(body: Json, parent: Element) -> None:
    element = _child(parent, "record", "record")
    element.set("path", body["path"])
    _identifier(element, "orcid-identifier", body["orcid-identifier"])
    _child(
        _child(element, "preferences", "preferences"), "locale", "preferences", body["preferences"]["locale"]
    )
    _write_history(body["history"], element)
    _write_person(body["person"], element)
    _write_activities(body["activities-summary"], element)


def _write_error(body: Json, parent: Element) -> None:
    element = _child(parent, "error", "error")
    for name in ("response-code", "developer-message", "user-message", "error-code", "more-info"):
        if body.get(name) is not None:
            _child(element, name, "error", body[name])


def _write_bulk(body: Json, parent: Element) -> None:
    element = _child(parent, "bulk", "bulk")
    write_work = _item_writer(BY_SINGULAR["work"])
    for slot in body["bulk"]:
        if "work" in slot:
            write_work(slot["work"], element)
        else:
            _write_error(slot["error"], element)


def _write_group_record(body: Json, parent: Element) -> None:
    element = _child(parent, "group-id-record", "group-id")
    _set_meta(element, {"put-code": body["put-code"]})
    messages.GROUP_ID_RECORD.fill_xml(body, element)


def _write_group_records(body: Json, parent: Element) -> None:
    element = _child(parent, "group-id-records", "group-id")
    _date(element, "last-modified-date", body["last-modified-date"])
    for name in ("total", "page", "page-size"):
        _child(element, name, "group-id", body[name])
    for group in body["group-id-record"]:
        _write_group_record(group, element)


def _write_search(body: Json, parent: Element) -> None:
    element = _child(parent, "search", "search")
    element.set("num-found", str(body["num-found"]))
    for result in body["result"] or []:
        _identifier(_child(element, "result", "search"), "orcid-identifier", result["orcid-identifier"])


def _write_expanded_search(body: Json, parent: Element) -> None:
    element = _child(parent, "expanded-search", "expanded-search")
    element.set("num-found", str(body["num-found"]))
    for result in body["expanded-result"] or []:
        entry = _child(element, "expanded-result", "expanded-search")
        for name, value in result.items():
            for part in value if isinstance(value, list) else [value]:
                if part is not None:
                    _child(entry, name, "expanded-search", part)


def _write_client(body: Json, parent: Element) -> None:
    element = _child(parent, "client", "client")
    _child(element, "name", "client", body["name"])
    _child(element, "description", "client", body["description"])


def _write_notification(body: Json, parent: Element) -> None:
    element = _child(parent, "notification", "notification")
    _set_meta(element, {"put-code": body["put-code"]})
    messages.NOTIFICATION.fill_xml(body, element)
    _date(element, "created-date", body["created-date"])
    _date(element, "sent-date", body["sent-date"])
    _date(element, "read-date", body["read-date"])
    _date(element, "actioned-date", body["actioned-date"], "notification")
    _date(element, "archived-date", body["archived-date"])
    _source(element, body["source"])


def _write_notifications(body: Json, parent: Element) -> None:
    element = _child(parent, "notifications", "notification")
    for notification in body["notifications"]:
        _write_notification(notification, element)


def _write_summary_of_record(body: Json, parent: Element) -> None:
    element = _child(parent, "record-summary", "summary")
    _date(element, "created-date", body["created-date"])
    _date(element, "last-modified-date", body["last-modified-date"])
    if body["credit-name"]:
        _child(element, "credit-name", "summary", body["credit-name"])
    _identifier(element, "orcid-identifier", body["orcid-identifier"])
    for name, part in body.items():
        if name in _SUMMARY_PARTS and part is not None:
            _write_summary_part(name, part, element)


_SUMMARY_PARTS = {
    "external-identifiers": "external-identifier",
    "employments": "employment",
    "professional-activities": "professional-activity",
    "fundings": None,
    "works": None,
    "peer-reviews": None,
    "education-qualifications": "education-qualification",
    "research-resources": None,
    "email-domains": "email-domain",
}


def _write_summary_part(name: str, part: Json, parent: Element) -> None:
    entry_name = _SUMMARY_PARTS[name]
    if entry_name is not None and not part[entry_name]:
        return
    element = _child(parent, name, "summary")
    for key, value in part.items():
        if key != entry_name:
            _child(element, key, "summary", value)
    for entry in part[entry_name] if entry_name else []:
        child = _child(element, entry_name or "", "summary")
        for key, value in entry.items():
            _write_summary_value(key, value, child)


def _write_summary_value(key: str, value: Any, parent: Element) -> None:
    if value is None:
        return
    if key in ("start-date", "end-date"):
        messages.FUZZY_DATE.write_xml(value, parent, key, COMMON)
    elif key in ("created-date", "last-modified-date"):
        _date(parent, key, value)
    else:
        text = value["value"] if isinstance(value, dict) else value
        _child(parent, key, "summary", str(text).lower() if isinstance(text, bool) else text)


_WRITERS: dict[str, Callable[[Any, Element], None]] = {
    **{section.singular: _item_writer(section) for section in BY_SINGULAR.values()},
    **{
        section.plural: _section_writer(section)
        for section in BY_PLURAL.values()
        if section.family == "activity"
    },
    "other-names": _person_section_writer(BY_SINGULAR["other-name"]),
    "keywords": _person_section_writer(BY_SINGULAR["keyword"]),
    "researcher-urls": _person_section_writer(BY_SINGULAR["researcher-url"]),
    "external-identifiers": _person_section_writer(BY_SINGULAR["external-identifier"]),
    "addresses": _person_section_writer(BY_SINGULAR["address"]),
    "activities-summary": _write_activities,
    "person": _write_person,
    "personal-details": _write_personal_details,
    "biography": _write_biography,
    "emails": _write_emails,
    "record": _write_record,
    "error": _write_error,
    "bulk": _write_bulk,
    "group-id-record": _write_group_record,
    "group-id-records": _write_group_records,
    "search": _write_search,
    "expanded-search": _write_expanded_search,
    "client": _write_client,
    "notification": _write_notification,
    "notifications": _write_notifications,
    "record-summary": _write_summary_of_record,
}


def _summary_writer(section: Section) -> Callable[[Json, Element], None]:
    return lambda summary, parent: _write_summary(section, summary, parent)


_WRITERS.update({section.summary_key: _summary_writer(section) for section in ACTIVITIES})
