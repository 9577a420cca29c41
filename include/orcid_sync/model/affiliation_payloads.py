"""The affiliation that a post would be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from orcid_sync.model import vocabulary
from orcid_sync.model.digests import content_digest
from orcid_sync.model.identifiers import clean, match_key
from orcid_sync.model.inputs import Employment, Organization
from orcid_sync.model.organizations import disambiguated
from orcid_sync.model.payload import Payload, Refusal, Refused, external_id, fuzzy_date, line
from orcid_sync.model.validation import problems


def employment_payload(
    employment: Employment,
    organization: Organization | Sequence[Organization],
    *,
    item_uri: str | None,
    today: dt.date,
    unknown_dates: Collection[dt.date] = frozenset(),
) -> Payload | Refusal:
    """The affiliation that a post would be on its holder's record.

    `organization` is the institution, or the path from the post's unit up to it: the nearest one with an
    identifier is named as the organisation, the unit itself as the department. `item_uri` becomes the stable `self`
    identifier. An end that may lie after `today` is not sent; a start on one of `unknown_dates` is unknown.
    """
    path = (organization,) if isinstance(organization, Organization) else tuple(organization)
    try:
        return _affiliation(
            employment, path, item_uri, today, frozenset(day.isoformat() for day in unknown_dates)
        )
    except Refused as refused:
        return refused.refusal


def _affiliation(
    employment: Employment,
    path: tuple[Organization, ...],
    item_uri: str | None,
    today: dt.date,
    unknown_dates: frozenset[str],
) -> Payload:
    section = (employment.affiliation_type or "employment").strip().lower().replace("_", "-")
    if section not in vocabulary.AFFILIATION_SECTIONS:
        raise Refused(
            "type_not_mapped", "affiliation_type", f"{section!r} is not a kind of affiliation on ORCID"
        )
    content: dict[str, Any] = {}
    organization, department = _institution(employment, path)
    if department:
        content["department-name"] = department
    role = line(employment.role_title, vocabulary.ROLE_TITLE_LIMIT)
    if role:
        content["role-title"] = role
    start = fuzzy_date(employment, "start", unknown_dates)
    end = fuzzy_date(employment, "end")
    if start:
        content["start-date"] = start.to_json()
    if end and end.last_day() <= today:
        content["end-date"] = end.to_json()
    content["organization"] = organization
    if employment.url and (url := clean("uri", employment.url)):
        content["url"] = {"value": url}
    self_keys: tuple[str, ...] = ()
    if item_uri:
        content["external-ids"] = {"external-id": [external_id("uri", item_uri, "self")]}
        self_keys = (match_key("uri", item_uri),)

    found = problems(section, content)
    if found:
        reason = "organisation_unknown" if found[0].field.startswith("organization") else "invalid_field"
        raise Refused(reason, found[0].field, f"{found[0].field}: {found[0].message}")
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


def _institution(employment: Employment, path: tuple[Organization, ...]) -> tuple[dict[str, Any], str | None]:
    """The organisation in the API's shape and the name of the department, if the unit is not the organisation."""
    for at, unit in enumerate(path):
        known = disambiguated(unit.ror_id, "ROR") or disambiguated(
            unit.disambiguated_organization_identifier, unit.disambiguation_source
        )
        name = line(unit.name, vocabulary.ORGANIZATION_LIMIT)
        if known and name:
            shape = {
                "name": name,
                "address": _address(path[at:]),
                "disambiguated-organization": {
                    "disambiguated-organization-identifier": known[0],
                    "disambiguation-source": known[1],
                },
            }
            return shape, _department(employment, path[:at])
    raise Refused(
        "organisation_unknown",
        "ror_id",
        "neither its unit nor one above it has a valid ROR id (or GRID, Ringgold, Funder Registry, LEI): add one",
    )


def _department(employment: Employment, below: tuple[Organization, ...]) -> str | None:
    named = line(employment.department_name, vocabulary.DEPARTMENT_LIMIT)
    return named or (line(below[0].name, vocabulary.DEPARTMENT_LIMIT) if below else None)


def _address(upwards: Sequence[Organization]) -> dict[str, str]:
    """City, region and country of the organisation, or of the nearest one above that knows them."""
    for unit in upwards:
        city, country = line(unit.city, vocabulary.ORGANIZATION_LIMIT), vocabulary.country(unit.country)
        if city and country:
            region = line(unit.region, vocabulary.ORGANIZATION_LIMIT)
            return {"city": city, **({"region": region} if region else {}), "country": country}
    raise Refused(
        "organisation_unknown", "city", "its organisation has no city and country: add them to units"
    )
