"""What the registry would refuse in fundings and peer reviews.

ORCID-Source: the business rules of these sections, and the limits of the schema of record 3.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from orcid_sync.model import vocabulary
from orcid_sync.model.validation_parts import (
    Content,
    Problem,
    check_date,
    check_fields,
    check_identifier,
    check_identifiers,
    check_organization,
    check_period,
    check_text,
    check_titles,
    check_url,
    check_wrapped,
    items_of,
    known_of,
    value_of,
)

_FUNDING_FIELDS: Final = frozenset(
    {
        *("type", "organization-defined-type", "title", "short-description", "amount", "url", "start-date"),
        *("end-date", "external-ids", "contributors", "organization"),
    }
)
_PEER_REVIEW_FIELDS: Final = frozenset(
    {
        *("reviewer-role", "review-identifiers", "review-url", "review-type", "review-completion-date"),
        *("review-group-id", "subject-external-identifier", "subject-container-name", "subject-type"),
        *("subject-name", "subject-url", "convening-organization"),
    }
)
GROUP_ID: Final = re.compile(
    r"(?:ringgold:|issn:|orcid-generated:|fundref:|publons:)[0-9a-zA-Z^._~:/?#\[\]@!$&'()*+,;=-]{2,}"
)


def funding_problems(content: Content) -> Iterator[Problem]:
    """Everything that the registry would refuse in a new funding."""
    yield from check_fields(content, _FUNDING_FIELDS)
    if content.get("type") not in vocabulary.FUNDING_TYPES:
        yield Problem("type", f"{content.get('type')!r} is not a funding type")
    yield from check_titles(content.get("title"))
    description = content.get("short-description")
    if description is not None:
        yield from check_text("short-description", description, vocabulary.DESCRIPTION_LIMIT)
    yield from _amount(content.get("amount"))
    yield from check_period(content)
    if content.get("end-date") and not content.get("start-date"):
        yield Problem("start-date", "is required where an end is given")
    yield from check_identifiers("external-ids", content.get("external-ids"), "funding")
    yield from check_organization("organization", content.get("organization"))
    if not known_of(content.get("organization")):
        yield Problem("organization.disambiguated-organization", "is required")
    yield from check_url("url", content.get("url"))
    for at, one in enumerate(items_of(content.get("contributors"), "contributor")):
        role = (one.get("contributor-attributes") or {}).get("contributor-role")
        if role not in vocabulary.FUNDING_ROLES:
            yield Problem(f"contributors[{at}].contributor-role", f"{role!r} is not a funding role")
        yield from check_wrapped(
            f"contributors[{at}].credit-name", one.get("credit-name"), vocabulary.CREDIT_NAME_LIMIT
        )


def _amount(amount: Any) -> Iterator[Problem]:
    if amount is None:
        return
    try:
        number = Decimal(str(value_of(amount)))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        yield Problem("amount", "is not a number")
    if not vocabulary.is_currency(amount.get("currency-code")):
        yield Problem("amount.currency-code", "is missing or not an ISO 4217 code")


def peer_review_problems(content: Content) -> Iterator[Problem]:
    """Everything that the registry would refuse in a new peer review, but for a group id that it doesn't know."""
    yield from check_fields(content, _PEER_REVIEW_FIELDS)
    if content.get("reviewer-role") not in vocabulary.REVIEWER_ROLES:
        yield Problem("reviewer-role", f"{content.get('reviewer-role')!r} is not a reviewer's role")
    if content.get("review-type") not in vocabulary.REVIEW_TYPES:
        yield Problem("review-type", f"{content.get('review-type')!r} is not a kind of review")
    ids = content.get("review-identifiers")
    yield from check_identifiers("review-identifiers", ids, "peer review")
    related = {item.get("external-id-relationship") for item in items_of(ids, "external-id")}
    if "version-of" in related and "self" not in related:
        yield Problem("review-identifiers", "a version-of identifier needs a self identifier beside it")
    subject = content.get("subject-external-identifier")
    if subject is not None:
        yield from check_identifier("subject-external-identifier", subject)
    if not content.get("review-completion-date"):
        yield Problem("review-completion-date", "is required")
    yield from check_date("review-completion-date", content.get("review-completion-date"))
    if not GROUP_ID.fullmatch(str(content.get("review-group-id") or "")):
        yield Problem(
            "review-group-id", "is not a group id: issn:, ringgold:, fundref:, publons:, orcid-generated:"
        )
    yield from check_organization("convening-organization", content.get("convening-organization"))
    yield from check_wrapped(
        "subject-container-name", content.get("subject-container-name"), vocabulary.TITLE_LIMIT
    )
    yield from check_url("review-url", content.get("review-url"))
