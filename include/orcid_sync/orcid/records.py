"""What stands on a record, parsed from the registry's JSON into flat values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orcid_sync.errors import ServerError
from orcid_sync.model.sections import ACTIVITIES, AFFILIATIONS, OF_PERSON, SECTIONS

# An answer without these isn't a record's: taking it for an empty record would look like a removal of everything.
REQUIRED_SECTIONS = ("works", "employments")


@dataclass(frozen=True)
class ExternalId:
    """An identifier of a record item; `normalized` is None where the registry can't normalise it."""

    type: str
    value: str
    relationship: str | None
    normalized: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Organisation:
    """The organisation of an affiliation, a funding or a peer review."""

    name: str
    city: str | None = None
    region: str | None = None
    country: str | None = None
    disambiguated_id: str | None = None
    disambiguation_source: str | None = None


@dataclass(frozen=True)
class RecordItem:
    """One record item, whoever added it.

    `date` is the publication, start or completion date as far as it is known (`2020`, `2020-05`, `2020-05-01`).
    `title` of an affiliation is its role. `type` of an affiliation is its section.
    """

    section: str
    put_code: int
    title: str | None
    type: str | None
    date: str | None
    identifiers: tuple[ExternalId, ...]
    visibility: str | None
    display_index: int | None
    created: dt.datetime | None
    last_modified: dt.datetime | None
    source_client_id: str | None = None
    source_orcid: str | None = None
    source_name: str | None = None
    assertion_origin_client_id: str | None = None
    assertion_origin_orcid: str | None = None
    assertion_origin_name: str | None = None
    end_date: str | None = None
    organisation: Organisation | None = None
    department: str | None = None
    role_title: str | None = None
    container: str | None = None
    url: str | None = None

    def written_by(self, client_id: str) -> bool:
        """Whether this client alone is the item's source: what it added on behalf of another isn't its own."""
        origin = self.assertion_origin_client_id or self.assertion_origin_orcid
        return self.source_client_id == client_id and not origin


@dataclass(frozen=True)
class Activities:
    """All items of a record that a permission can see, section by section in the registry's order.

    `of_person`: the sections of the person were read as well.
    """

    orcid: str
    items: tuple[RecordItem, ...]
    last_modified: dt.datetime | None = None
    of_person: bool = False

    def section(self, name: str) -> tuple[RecordItem, ...]:
        """The items of one section, in the API's singular ("work")."""
        return tuple(item for item in self.items if item.section == name)


def parse_activities(orcid: str, body: object) -> Activities:
    """Read the answer of `/{orcid}/activities`, or `activities-summary` of a record. Raises ServerError."""
    summary = _object(body)
    missing = [key for key in REQUIRED_SECTIONS if key not in summary]
    path = summary.get("path")
    if missing or (isinstance(path, str) and orcid not in path):
        raise unreadable("it isn't the activities of the record that was asked for")
    items = tuple(
        parse_item(section, item)
        for section, declared in ACTIVITIES.items()
        for item in _summaries(section, summary.get(declared.plural))
    )
    return Activities(orcid, items, _moment(summary.get("last-modified-date")))


def parse_record(orcid: str, body: object) -> Activities:
    """Read the answer of `/{orcid}/record`: the activities, and what the sections of the person hold. Raises ServerError."""
    record = _object(body)
    activities = parse_activities(orcid, record.get("activities-summary"))
    person = _object(record.get("person"))
    items = [
        parse_item(section, item)
        for section in sorted(OF_PERSON)
        for item in _objects(_listing(person, SECTIONS[section].plural).get(section))
    ]
    return replace(activities, items=(*activities.items, *items), of_person=True)


def _listing(person: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if key not in person:
        raise unreadable(f"its person has no {key}")
    return _object(person[key])


def parse_item(section: str, body: object) -> RecordItem:
    """Read a summary or a full item of a section. Raises ServerError where it has no put code."""
    item = _object(body)
    put_code = item.get("put-code")
    if not isinstance(put_code, int):
        raise unreadable("an item has no put code")
    source = _object(item.get("source"))
    # A research resource keeps what describes it in its proposal.
    about = _object(item.get("proposal")) if section == "research-resource" else item
    return RecordItem(
        section=section,
        put_code=put_code,
        title=_title(section, item, about),
        type=section if section in AFFILIATIONS else item.get("type") or item.get("review-type"),
        date=_first_date(
            about, "publication-date", "start-date", "completion-date", "review-completion-date"
        ),
        end_date=_first_date(about, "end-date"),
        identifiers=_of_the_person(section, item)
        or _identifiers(about.get("external-ids") or about.get("review-identifiers")),
        visibility=item.get("visibility"),
        display_index=_integer(item.get("display-index")),
        created=_moment(item.get("created-date")),
        last_modified=_moment(item.get("last-modified-date")),
        source_client_id=_path(source.get("source-client-id")),
        source_orcid=_path(source.get("source-orcid")),
        source_name=_value(source.get("source-name")),
        assertion_origin_client_id=_path(source.get("assertion-origin-client-id")),
        assertion_origin_orcid=_path(source.get("assertion-origin-orcid")),
        assertion_origin_name=_value(source.get("assertion-origin-name")),
        organisation=_organisation(item.get("organization") or item.get("convening-organization")),
        department=item.get("department-name"),
        role_title=item.get("role-title"),
        container=_value(item.get("journal-title")) or item.get("review-group-id"),
        url=_value(about.get("url") or item.get("review-url")),
    )


def unreadable(why: str, *, doubt: bool = False) -> ServerError:
    """The error for an answer that isn't what the registry promises."""
    return ServerError("The registry's answer can't be read", why=why, doubt=doubt)


def _summaries(section: str, body: object) -> Iterator[Mapping[str, Any]]:
    listing = _object(body)
    groups = "affiliation-group" if section in AFFILIATIONS else "group"
    if listing and groups not in listing:
        raise unreadable(f"its {section} section has no {groups}")
    if section in AFFILIATIONS:
        for group in _objects(listing.get("affiliation-group")):
            for wrapped in _objects(group.get("summaries")):
                yield _object(wrapped.get(f"{section}-summary"))
        return
    for group in _objects(listing.get("group")):
        # Peer reviews are grouped twice: by what they were done for, then by identifier.
        inner = _objects(group.get("peer-review-group")) if section == "peer-review" else iter((group,))
        for members in inner:
            yield from _objects(members.get(f"{section}-summary"))


def _title(section: str, item: Mapping[str, Any], about: Mapping[str, Any]) -> str | None:
    if section in AFFILIATIONS:
        return item.get("role-title")
    if section == "researcher-url":
        return item.get("url-name") or _value(item.get("url"))
    if section == "external-identifier":
        return f"{item.get('external-id-type')}: {item.get('external-id-value')}"
    title = about.get("subject-name") if section == "peer-review" else about.get("title")
    return _value(_object(title).get("title"))


def _of_the_person(section: str, item: Mapping[str, Any]) -> tuple[ExternalId, ...]:
    """What a page or an identifier of the person is known by."""
    if section == "researcher-url":
        return (ExternalId("uri", str(_value(item.get("url")) or ""), "self"),)
    if section == "external-identifier":
        kind, value = item.get("external-id-type"), item.get("external-id-value")
        return (
            ExternalId(str(kind or ""), str(value or ""), "self", url=_value(item.get("external-id-url"))),
        )
    return ()


def _identifiers(body: object) -> tuple[ExternalId, ...]:
    return tuple(
        ExternalId(
            type=str(entry.get("external-id-type") or ""),
            value=str(entry.get("external-id-value") or ""),
            relationship=entry.get("external-id-relationship"),
            normalized=_value(entry.get("external-id-normalized")),
            url=_value(entry.get("external-id-url")),
        )
        for entry in _objects(_object(body).get("external-id"))
    )


def _organisation(body: object) -> Organisation | None:
    organisation = _object(body)
    if not organisation:
        return None
    address = _object(organisation.get("address"))
    disambiguated = _object(organisation.get("disambiguated-organization"))
    return Organisation(
        name=str(organisation.get("name") or ""),
        city=address.get("city"),
        region=address.get("region"),
        country=address.get("country"),
        disambiguated_id=disambiguated.get("disambiguated-organization-identifier"),
        disambiguation_source=disambiguated.get("disambiguation-source"),
    )


def _first_date(item: Mapping[str, Any], *keys: str) -> str | None:
    for key in keys:
        date = _object(item.get(key))
        parts: list[str] = []
        for unit in ("year", "month", "day"):
            part = _value(date.get(unit))
            if not part:
                break
            parts.append(part)
        if parts:
            return "-".join(parts)
    return None


def _moment(body: object) -> dt.datetime | None:
    millis = _object(body).get("value")
    return dt.datetime.fromtimestamp(millis / 1000, dt.UTC) if isinstance(millis, int) else None


def _value(body: object) -> str | None:
    value = _object(body).get("value")
    return None if value is None else str(value)


def _path(body: object) -> str | None:
    path = _object(body).get("path")
    return None if path is None else str(path)


def _integer(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _object(body: object) -> Mapping[str, Any]:
    return body if isinstance(body, dict) else {}


def _objects(body: object) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in body if isinstance(entry, dict)) if isinstance(body, list) else iter(())
