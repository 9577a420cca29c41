"""The business rules of each section: what a message must say beyond its schema.

A rule raises an `ApiError`; the order of the checks in a function is the registry's, so the first failure wins.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from orcid_simulator import vocabularies as words
from orcid_simulator.errors import refusal
from orcid_simulator.identifiers import TYPES
from orcid_simulator.model import Item

Content = dict[str, Any]


@dataclass(frozen=True)
class Submission:
    """A message as a client sent it. `existing` is the stored item of an update, None when one is created."""

    content: Content
    put_code: int | None
    visibility: str | None
    existing: Item | None
    knows_organization: Callable[[str, str], bool]
    needs_group: Callable[[str], str]
    """The canonical id of an existing (or, for valid ISSNs, created) peer-review group; raises ApiError."""


Rule = Callable[[Submission], None]

_ORCID_URI = re.compile(r"https://([^/]*orcid\.org|localhost.*/orcid-web)/(\d{4}-){3}\d{3}[\dX]", re.ASCII)
_ORCID_PATH = re.compile(r"(\d{4}-){3}\d{3}[\dX]", re.ASCII)
_WORK_ROLES = frozenset((*words.LEGACY_WORK_ROLES, *words.CREDIT_ROLES))
_FUNDING_ROLES = frozenset((*words.FUNDING_ROLES, *words.CREDIT_ROLES))
_AMOUNT = re.compile(r"[+-]?(\d{1,3}(,?\d{3})*|\d+)(\.\d+)?", re.ASCII)


def validate_work(sent: Submission) -> None:
    """Works, by POST, PUT and bulk."""
    work = sent.content
    titles = work["title"] or {}
    if _is_blank(_value(titles.get("title"))):
        raise refusal(9022)
    if work["country"] is not None and _value(work["country"]) not in words.COUNTRIES:
        raise _not_listed("country", words.COUNTRIES)
    _check_translated_title(titles.get("translated-title"))
    if work["type"] not in words.WORK_TYPES:
        raise _not_listed("work type", words.WORK_TYPES)
    if work["language-code"] is not None and work["language-code"] not in words.LANGUAGES:
        raise _not_listed("language code", words.LANGUAGES)
    fuzzy_date(work["publication-date"])
    _check_citation(work["citation"])
    ids = identifiers_in(work["external-ids"])
    if not ids:
        raise refusal(9023)
    for identifier in ids:
        if (
            identifier["external-id-relationship"] == "funded-by"
            and identifier["external-id-type"] not in words.FUNDED_BY_TYPES
        ):
            raise refusal(9020, "funded-by is allowed for grant_number, proposal-id, uri and doi only")
    _check_contributors(work["contributors"])
    check_own_fields(sent)
    check_identifiers(ids, self_required=True)
    _check_roles(work["contributors"], _WORK_ROLES)


def validate_education_or_employment(sent: Submission) -> None:
    """Educations and employments: organisation with id, city and country."""
    organization = sent.content["organization"]
    if organization is None or _is_blank(organization["name"]):
        raise refusal(9046)
    if not _organization_id(organization):
        raise refusal(9045)
    address = organization["address"] or {}
    if _is_blank(address.get("city")) or _is_blank(address.get("country")):
        raise refusal(9060)
    _check_known_organization(organization, sent)
    _check_affiliation_dates(sent.content)
    check_own_fields(sent)


def validate_professional_activity(sent: Submission) -> None:
    """Distinctions, invited positions, memberships, qualifications and services."""
    organization = sent.content["organization"]
    if organization is None or (_is_blank(organization["name"]) and not _organization_id(organization)):
        raise refusal(9046)
    if not _organization_id(organization) and not identifiers_in(sent.content["external-ids"]):
        raise refusal(9062)
    address = organization["address"] or {}
    if _is_blank(address.get("country")) and not (
        _is_blank(address.get("city")) and _is_blank(address.get("region"))
    ):
        raise refusal(9061)
    _check_known_organization(organization, sent)
    _check_affiliation_dates(sent.content)
    check_own_fields(sent)


def validate_funding(sent: Submission) -> None:
    """Fundings."""
    funding = sent.content
    titles = funding["title"] or {}
    if _is_blank(_value(titles.get("title"))):
        raise refusal(9022)
    _check_translated_title(titles.get("translated-title"))
    check_own_fields(sent)
    ids = identifiers_in(funding["external-ids"])
    if not ids:
        raise refusal(9023)
    check_identifiers(ids)
    _check_amount(funding["amount"])
    _check_required_organization(funding["organization"], sent)
    fuzzy_date(funding["start-date"])
    fuzzy_date(funding["end-date"])
    if funding["end-date"] is not None and funding["start-date"] is None:
        raise refusal(9050)
    _check_roles(funding["contributors"], _FUNDING_ROLES)


def validate_peer_review(sent: Submission) -> None:
    """Peer reviews; the review group is looked up last and its id brought into its canonical form."""
    review = sent.content
    ids = identifiers_in(review["review-identifiers"])
    if not ids:
        raise refusal(9023)
    check_identifiers(ids)
    relationships = {identifier["external-id-relationship"] for identifier in ids}
    if "version-of" in relationships and "self" not in relationships:
        raise refusal(9023, "a version-of identifier needs a self identifier beside it")
    if review["subject-external-identifier"] is not None:
        check_identifiers([review["subject-external-identifier"]])
    check_own_fields(sent)
    if review["review-type"] not in words.REVIEW_TYPES:
        raise _not_listed("peer review type", words.REVIEW_TYPES)
    organization = review["convening-organization"] or {}
    if organization.get("disambiguated-organization") is not None:
        if not _organization_id(organization):
            raise refusal(9045)
        _check_known_organization(organization, sent)
    fuzzy_date(review["review-completion-date"])
    review["review-group-id"] = sent.needs_group(review["review-group-id"] or "")


def validate_research_resource(sent: Submission) -> None:
    """Research resources: identifiers and hosts of the proposal and of each resource."""
    proposal = sent.content["proposal"]
    for part in (proposal, *sent.content["resource-item"]):
        ids = identifiers_in(part["external-ids"])
        if not ids:
            raise refusal(9023)
        check_identifiers(ids)
        for organization in part["hosts"]["organization"]:
            _check_required_organization(organization, sent)
    _check_translated_title(proposal["title"].get("translated-title"))
    fuzzy_date(proposal["start-date"])
    fuzzy_date(proposal["end-date"])
    if proposal["end-date"] is not None and proposal["start-date"] is None:
        raise refusal(9050)
    check_own_fields(sent)


def validate_content(sent: Submission) -> None:
    """Other names and keywords."""
    check_own_fields(sent)
    if _is_blank(sent.content["content"]):
        raise refusal(9020, "content is empty")


def validate_researcher_url(sent: Submission) -> None:
    """Researcher URLs."""
    check_own_fields(sent)
    url = _value(sent.content["url"])
    if _is_blank(url):
        raise refusal(9020, "url is empty")
    if len(url or "") > 2000:
        raise refusal(9020, "url is longer than 2000 characters")


def validate_address(sent: Submission) -> None:
    """Addresses: a country."""
    check_own_fields(sent)
    if _is_blank(_value(sent.content["country"])):
        raise refusal(9020, "country is empty")


def validate_external_identifier(sent: Submission) -> None:
    """External identifiers of a person: free type, a URL, relationship self."""
    check_own_fields(sent)
    for name in ("external-id-type", "external-id-value"):
        value = sent.content[name]
        if _is_blank(value):
            raise refusal(9020, f"{name} is empty")
        if len(value) > 255:
            raise refusal(9020, f"{name} is longer than 255 characters")
    if _is_blank(_value(sent.content["external-id-url"])):
        raise refusal(9020, "external-id-url is empty")
    if sent.content["external-id-relationship"] != "self":
        raise refusal(9020, "the relationship of a person's identifier is self")


def check_own_fields(sent: Submission) -> None:
    """No put code on create; the visibility of a stored item is its owner's."""
    if sent.existing is None:
        if sent.put_code is not None:
            raise refusal(9024)
    elif sent.visibility is not None and sent.visibility != sent.existing.visibility:
        raise refusal(9035)


def check_identifiers(ids: Iterable[Content], *, self_required: bool = False) -> None:
    """Known type, value and relationship on each; one of them self where that is required."""
    faults: list[str] = []
    relationships = set()
    for identifier in ids:
        kind = identifier["external-id-type"]
        if kind not in TYPES:
            faults.append(f"type {kind or '(none)'}")
        if _is_blank(identifier["external-id-value"]):
            faults.append("value")
        if identifier["external-id-relationship"] not in words.RELATIONSHIPS:
            faults.append("relationship")
        relationships.add(identifier["external-id-relationship"])
    if faults:
        raise refusal(9023, f"invalid {', '.join(faults)}")
    if self_required and "self" not in relationships:
        raise refusal(9023, "at least one external identifier must have the relationship self")


def fuzzy_date(date: Content | None) -> tuple[int, ...] | None:
    """The parts of a date that are present: (year), (year, month) or (year, month, day).

    Raises:
        ApiError: 9049 unless it reads yyyy, yyyy-MM or yyyy-MM-dd and the day exists.
    """
    if date is None:
        return None
    parts = [_value(date[name]) for name in ("year", "month", "day")]
    written = "-".join(part or "" for part in parts).rstrip("-")
    if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", written, re.ASCII):
        raise refusal(9049, dateString=written)
    numbers = tuple(int(part) for part in written.split("-"))
    if len(numbers) > 1 and not 1 <= numbers[1] <= 12:
        raise refusal(9049, dateString=written)
    if len(numbers) > 2 and not 1 <= numbers[2] <= _days_in(numbers[0], numbers[1]):
        raise refusal(9049, dateString=written)
    return numbers


def identifiers_in(ids: Content | None) -> list[Content]:
    """The list inside an external-ids message, empty where there is none."""
    return [] if ids is None else list(ids["external-id"])


def _days_in(year: int, month: int) -> int:
    return calendar.monthrange(max(year, 1), month)[1]


def _check_affiliation_dates(affiliation: Content) -> None:
    start, end = fuzzy_date(affiliation["start-date"]), fuzzy_date(affiliation["end-date"])
    if start is None or end is None:
        return
    shared = min(len(start), len(end))
    if start[:shared] > end[:shared]:
        raise refusal(9055)


def _check_translated_title(translated: Content | None) -> None:
    if translated is None:
        return
    language = translated.get("language-code")
    if _is_blank(translated["value"]):
        if not _is_blank(language):
            raise refusal(9020, "a translated title has a language and no text")
    elif language not in words.LANGUAGES:
        raise _not_listed("translated title language code", words.LANGUAGES)


def _check_citation(citation: Content | None) -> None:
    if citation is None:
        return
    if citation["citation-type"] not in words.CITATION_TYPES:
        raise _not_listed("citation type", words.CITATION_TYPES)
    if _is_blank(citation["citation-value"]):
        raise refusal(9020, "the citation is empty")


def _check_contributors(contributors: Content | None) -> None:
    for contributor in (contributors or {}).get("contributor", []):
        identifier = contributor["contributor-orcid"]
        if identifier is not None:
            uri, path = identifier["uri"], identifier["path"]
            if uri is not None and not _ORCID_URI.fullmatch(uri):
                raise refusal(9020, "contributor-orcid uri is not that of an iD")
            if path is not None and not _ORCID_PATH.fullmatch(path):
                raise refusal(9020, "contributor-orcid path is not an iD")
        for name in ("credit-name", "contributor-email"):
            if contributor[name] is not None and _is_blank(_value(contributor[name])):
                raise refusal(9020, f"{name} is empty")


def _check_roles(contributors: Content | None, allowed: frozenset[str]) -> None:
    for contributor in (contributors or {}).get("contributor", []):
        role = (contributor["contributor-attributes"] or {}).get("contributor-role")
        if role is not None and role.lower() not in allowed:
            raise refusal(9058, role=role, validRoles=", ".join(sorted(allowed)))


def _check_amount(amount: Content | None) -> None:
    if amount is None:
        return
    value, currency = amount["value"], amount["currency-code"]
    if _is_blank(value) or _is_blank(currency):
        raise refusal(9020, "an amount needs a currency and a currency an amount")
    if currency not in words.CURRENCIES:
        raise _not_listed("currency", words.CURRENCIES)
    if not _AMOUNT.fullmatch(value.strip()):
        raise refusal(9054)


def _check_required_organization(organization: Content | None, sent: Submission) -> None:
    if organization is None:
        raise refusal(9046)
    if not _organization_id(organization):
        raise refusal(9045)
    _check_known_organization(organization, sent)


def _check_known_organization(organization: Content, sent: Submission) -> None:
    disambiguated = organization["disambiguated-organization"]
    if disambiguated is None:
        return
    source = disambiguated["disambiguation-source"] or ""
    identifier = disambiguated["disambiguated-organization-identifier"] or ""
    if not identifier:
        return
    if not sent.knows_organization(source, identifier):
        raise refusal(9045, f"{source} {identifier} is not in the organisations table")


def _organization_id(organization: Content) -> str | None:
    disambiguated = organization.get("disambiguated-organization") or {}
    return disambiguated.get("disambiguated-organization-identifier") or None


def _not_listed(name: str, values: Iterable[str]) -> Exception:
    return refusal(9037, type=name, values=", ".join(sorted(values)))


def _value(wrapped: Content | None) -> str | None:
    return None if wrapped is None else wrapped["value"]


def _is_blank(value: str | None) -> bool:
    return value is None or not value.strip()
