"""The affiliation that a post, a degree or another distinction would be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from orcid_sync.model import vocabulary
from orcid_sync.model.digests import content_digest
from orcid_sync.model.identifiers import clean, match_key
from orcid_sync.model.inputs import Employment, Organization, Qualification
from orcid_sync.model.mentions import of_qualification, of_unit
from orcid_sync.model.organization_directory import NOTHING_LISTED, Directory
from orcid_sync.model.payload import (
    Payload,
    Refusal,
    Refused,
    external_id,
    fuzzy_date,
    line,
    organization_shape,
    refuse_problems,
)
from orcid_sync.model.sections import AFFILIATIONS


def employment_payload(
    employment: Employment,
    organization: Organization | Sequence[Organization],
    *,
    item_uri: str | None,
    today: dt.date,
    unknown_dates: Collection[dt.date] = frozenset(),
    directory: Directory = NOTHING_LISTED,
) -> Payload | Refusal:
    """The affiliation that a post would be on its holder's record.

    `organization` is the institution, or the path from the post's unit up to it: the nearest one with an
    identifier is named as the organisation, the unit itself as the department. `item_uri` becomes the stable `self`
    identifier. An end that may lie after `today` is not sent; a start on one of `unknown_dates` is unknown.
    """
    path = (organization,) if isinstance(organization, Organization) else tuple(organization)
    try:
        named, department = _institution(employment, path, directory)
        return _affiliation(employment, named, department, item_uri, today, unknown_dates)
    except Refused as refused:
        return refused.refusal


def qualification_payload(
    qualification: Qualification,
    *,
    item_uri: str | None,
    today: dt.date,
    unknown_dates: Collection[dt.date] = frozenset(),
    directory: Directory = NOTHING_LISTED,
) -> Payload | Refusal:
    """The affiliation of a row that names its organisation itself: a degree, a qualification, an uploaded row.

    `item_uri` becomes the stable `self` identifier; an identifier of the row's own (a certificate's) goes beside it.
    Dates as for posts.
    """
    try:
        department = line(qualification.department_name, vocabulary.DEPARTMENT_LIMIT)
        found = directory.find(of_qualification(qualification))
        organization = organization_shape(qualification.organization_name, found.address, found.known)
        return _affiliation(qualification, organization, department, item_uri, today, unknown_dates)
    except Refused as refused:
        return refused.refusal


def _affiliation(
    row: Employment | Qualification,
    organization: dict[str, Any],
    department: str | None,
    item_uri: str | None,
    today: dt.date,
    unknown_dates: Collection[dt.date],
) -> Payload:
    section = (row.affiliation_type or "employment").strip().lower().replace("_", "-")
    if section not in AFFILIATIONS:
        raise Refused(
            "type_not_mapped", "affiliation_type", f"{section!r} is not a kind of affiliation on ORCID"
        )
    content: dict[str, Any] = {}
    if department:
        content["department-name"] = department
    role = line(row.role_title, vocabulary.ROLE_TITLE_LIMIT)
    if role:
        content["role-title"] = role
    start = fuzzy_date(row, "start", frozenset(day.isoformat() for day in unknown_dates))
    end = fuzzy_date(row, "end")
    if start:
        content["start-date"] = start.to_json()
    if end and end.last_day() <= today:
        content["end-date"] = end.to_json()
    content["organization"] = organization
    if row.url and (url := clean("uri", row.url)):
        content["url"] = {"value": url}
    ids, self_keys = _identifiers(row, item_uri)
    if ids:
        content["external-ids"] = {"external-id": ids}

    refuse_problems(section, content)
    return Payload(
        section=section,
        content=content,
        digest=content_digest(section, content),
        self_keys=self_keys,
        other_keys=(),
        title=", ".join(filter(None, (role, department, organization["name"]))),
        type=section,
        year=start.year if start else None,
    )


def _identifiers(
    row: Employment | Qualification, item_uri: str | None
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The stable uri and the row's own identifier, with the match keys of the `self` ones."""
    ids = [external_id("uri", item_uri, "self")] if item_uri else []
    if isinstance(row, Qualification) and row.external_id_type and row.external_id_value:
        id_type = row.external_id_type.strip().lower()
        value = clean(id_type, row.external_id_value) or row.external_id_value.strip()
        related = (row.external_id_relationship or "self").strip().lower()
        if id_type and value:
            ids.append(external_id(id_type, value, related, row.external_id_url))
    keys = (
        match_key(one["external-id-type"], one["external-id-value"])
        for one in ids
        if one["external-id-relationship"] == "self"
    )
    return ids, tuple(dict.fromkeys(keys))


def _institution(
    employment: Employment, path: tuple[Organization, ...], directory: Directory
) -> tuple[dict[str, Any], str | None]:
    """The organisation in the API's shape and the name of the department, if the unit is not the organisation."""
    for at, unit in enumerate(path):
        found = directory.find(of_unit(unit))
        if found.known and line(unit.name, vocabulary.ORGANIZATION_LIMIT):
            address = _address(path[at:], directory)
            return organization_shape(unit.name, address, found.known), _department(employment, path[:at])
    raise Refused(
        "organisation_unknown",
        "ror_id",
        "neither its unit nor one above it has a valid ROR id (or GRID, Ringgold, Funder Registry, LEI): add one",
    )


def _department(employment: Employment, below: tuple[Organization, ...]) -> str | None:
    named = line(employment.department_name, vocabulary.DEPARTMENT_LIMIT)
    return named or (line(below[0].name, vocabulary.DEPARTMENT_LIMIT) if below else None)


def _address(upwards: Sequence[Organization], directory: Directory) -> dict[str, str]:
    """City, region and country of the organisation, or of the nearest one above that knows them."""
    for unit in upwards:
        address = directory.find(of_unit(unit)).address
        if "city" in address:
            return address
    raise Refused(
        "organisation_unknown", "city", "its organisation has no city and country: add them to units"
    )
