"""What comes out of the rules that make payloads, and what their steps share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orcid_sync.model import vocabulary
from orcid_sync.model.dates import FuzzyDate, InvalidDateError, from_parts
from orcid_sync.model.identifiers import clean, link
from orcid_sync.model.text import plain_text, truncate
from orcid_sync.model.validation import problems


@dataclass(frozen=True, slots=True)
class Payload:
    """What one item would be on a record.

    `content` is the API's JSON. `self_keys` are the match keys of its `self` identifiers, `other_keys` pairs of
    match key and relationship of the rest. `warnings` need a person's eye, `notes` say what was left out harmlessly.
    """

    section: str
    content: dict[str, Any]
    digest: str
    self_keys: tuple[str, ...]
    other_keys: tuple[tuple[str, str], ...]
    title: str
    type: str
    year: int | None = None
    is_preprint: bool = False
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing would be sent: a reason of the closed list, the column it is about, what is wrong and what helps.

    Reasons: no_usable_identifier, type_not_mapped, not_published, retracted, invalid_field, organisation_unknown.
    """

    reason: str
    field: str
    message: str


class Refused(Exception):
    """Carries a refusal out of the steps that make a payload."""

    def __init__(self, reason: str, field: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, field, message)


def line(markup: str | None, limit: int) -> str | None:
    """Plain text within the registry's limit, or None where nothing remains."""
    if not markup:
        return None
    return truncate(plain_text(markup), limit) or None


def fuzzy_date(row: Any, prefix: str, unknown: frozenset[str] = frozenset()) -> FuzzyDate | None:
    """The date in the columns `<prefix>_year`, `_month`, `_day`; None where it is one of the `unknown` ones."""
    parts = (getattr(row, f"{prefix}_{part}") for part in ("year", "month", "day"))
    try:
        return from_parts(*parts, placeholder_dates=unknown)
    except InvalidDateError as error:
        raise Refused("invalid_field", f"{prefix}_date", f"{prefix} date: {error}") from error


def agreed_period(start: FuzzyDate | None, end: FuzzyDate | None) -> dict[str, Any]:
    """The dates of something whose end was agreed beforehand, so that it goes out ahead.

    The registry takes no end without a start.
    """
    if start is None:
        return {}
    return {"start-date": start.to_json()} | ({"end-date": end.to_json()} if end else {})


def external_id(id_type: str, value: str, related: str, given_url: str | None = None) -> dict[str, Any]:
    """A cleaned identifier in the API's shape, with the link the registry would build, else the one given."""
    item: dict[str, Any] = {"external-id-type": id_type, "external-id-value": value}
    url = link(id_type, value) or (clean("uri", given_url) if given_url else None)
    if url:
        item["external-id-url"] = {"value": url}
    item["external-id-relationship"] = related
    return item


def place(city: str | None, region: str | None, country: str | None) -> dict[str, str]:
    """An organisation's address as far as it may be sent: without a country, neither city nor region may be."""
    code = vocabulary.country(country)
    if code is None:
        return {}
    parts = {
        "city": line(city, vocabulary.ORGANIZATION_LIMIT),
        "region": line(region, vocabulary.ORGANIZATION_LIMIT),
    }
    return {**{name: text for name, text in parts.items() if text}, "country": code}


def organization_shape(
    name: str | None, address: dict[str, str], known: tuple[str, str] | None, *, required: str | None = None
) -> dict[str, Any]:
    """An organisation in the API's shape. Refused without a name, or without an identifier where one is `required`."""
    shown = line(name, vocabulary.ORGANIZATION_LIMIT)
    if not shown:
        raise Refused("organisation_unknown", "organization", "it names no organisation")
    if known is None and required:
        raise Refused(
            "organisation_unknown",
            required,
            f"{shown} has no valid identifier (ROR, Funder Registry...): add one",
        )
    shape: dict[str, Any] = {"name": shown, "address": address}
    if known:
        shape["disambiguated-organization"] = {
            "disambiguated-organization-identifier": known[0],
            "disambiguation-source": known[1],
        }
    return shape


def refuse_problems(section: str, content: dict[str, Any]) -> None:
    """Refused with the first thing that the registry would refuse in the content."""
    found = problems(section, content)
    if found:
        about_organization = "organization" in found[0].field or "hosts" in found[0].field
        reason = "organisation_unknown" if about_organization else "invalid_field"
        raise Refused(reason, found[0].field, f"{found[0].field}: {found[0].message}")
