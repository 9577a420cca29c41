"""The funding and the peer review that a row of the CRIS would be."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from orcid_sync.model import vocabulary
from orcid_sync.model.activity_terms import map_term
from orcid_sync.model.digests import content_digest
from orcid_sync.model.identifiers import canonical_type, clean, match_key
from orcid_sync.model.inputs import Funding, PeerReview
from orcid_sync.model.mentions import of_funding, of_review
from orcid_sync.model.organization_directory import NOTHING_LISTED, Directory
from orcid_sync.model.payload import (
    Payload,
    Refusal,
    Refused,
    agreed_period,
    external_id,
    fuzzy_date,
    line,
    organization_shape,
    refuse_problems,
)


def funding_payload(
    funding: Funding, *, item_uri: str | None, directory: Directory = NOTHING_LISTED
) -> Payload | Refusal:
    """The funding on a holder's record, the same for all of its holders.

    Its identifiers are the grant's number and DOI; `item_uri` stands in where it has neither. An end that lies
    ahead goes out all the same: a grant's end is an agreed one.
    """
    try:
        return _funding(funding, item_uri, directory)
    except Refused as refused:
        return refused.refusal


def _funding(funding: Funding, item_uri: str | None, directory: Directory) -> Payload:
    funding_type = map_term("funding-type", funding.funding_type)
    if funding_type is None:
        raise Refused(
            "type_not_mapped", "funding_type", f"{funding.funding_type!r} is no type of funding we map"
        )
    title = line(funding.title, vocabulary.TITLE_LIMIT)
    if not title:
        raise Refused("invalid_field", "title", "the title is blank")
    titles: dict[str, Any] = {"title": {"value": title}}
    translated = line(funding.translated_title, vocabulary.TITLE_LIMIT)
    language = vocabulary.language(funding.translated_title_language)
    if translated and language:
        titles["translated-title"] = {"value": translated, "language-code": language}
    content: dict[str, Any] = {"type": funding_type, "title": titles}
    description = line(funding.short_description, vocabulary.DESCRIPTION_LIMIT)
    if description:
        content["short-description"] = description
    amount = _amount(funding)
    if amount:
        content["amount"] = amount
    if funding.url and (url := clean("uri", funding.url)):
        content["url"] = {"value": url}
    start = fuzzy_date(funding, "start")
    content |= agreed_period(start, fuzzy_date(funding, "end"))
    ids = _funding_identifiers(funding, item_uri)
    content["external-ids"] = {"external-id": ids}
    funder = directory.find(of_funding(funding), funder=True)
    content["organization"] = organization_shape(
        funding.funder_name, funder.address, funder.known, required="funder_identifier"
    )
    refuse_problems("funding", content)
    return Payload(
        section="funding",
        content=content,
        digest=content_digest("funding", content),
        self_keys=tuple(match_key(one["external-id-type"], one["external-id-value"]) for one in ids),
        other_keys=(),
        title=title,
        type=funding_type,
        year=start.year if start else None,
    )


def _funding_identifiers(funding: Funding, item_uri: str | None) -> list[dict[str, Any]]:
    ids = []
    if funding.grant_number and funding.grant_number.strip():
        ids.append(external_id("grant_number", funding.grant_number.strip(), "self", funding.url))
    if funding.grant_doi and (doi := clean("doi", funding.grant_doi)):
        ids.append(external_id("doi", doi, "self"))
    if not ids and item_uri:
        ids.append(external_id("uri", item_uri, "self"))
    if not ids:
        raise Refused(
            "no_usable_identifier",
            "grant_number",
            "it has neither a grant number nor a DOI: enter one of them",
        )
    return ids


def _amount(funding: Funding) -> dict[str, str] | None:
    """The amount with its currency; one without the other is left out, since the registry refuses it."""
    if funding.amount is None or not vocabulary.is_currency(funding.currency_code):
        return None
    try:
        number = Decimal(str(funding.amount))
    except InvalidOperation:
        return None
    if not number.is_finite() or number <= 0:
        return None
    return {
        "value": format(number.quantize(Decimal("0.01")), "f"),
        "currency-code": str(funding.currency_code),
    }


def peer_review_payload(
    review: PeerReview, *, item_uri: str | None, directory: Directory = NOTHING_LISTED
) -> Payload | Refusal:
    """The peer review on its reviewer's record.

    It is identified by what the source gives, else by `item_uri`, else by its own id. What was reviewed is told
    only where the source tells it: most reviews are blind.
    """
    try:
        return _peer_review(review, item_uri, directory)
    except Refused as refused:
        return refused.refusal


def _peer_review(review: PeerReview, item_uri: str | None, directory: Directory) -> Payload:
    role = map_term("reviewer-role", review.reviewer_role)
    kind = map_term("review-type", review.review_type)
    if role is None or kind is None:
        field = "reviewer_role" if role is None else "review_type"
        raise Refused("type_not_mapped", field, f"{getattr(review, field)!r} is no term that we map")
    completed = fuzzy_date(review, "completion")
    if completed is None:
        raise Refused("invalid_field", "completion_year", "the date of completion is missing")
    own = _review_identifier(review, item_uri)
    content: dict[str, Any] = {
        "reviewer-role": role,
        "review-identifiers": {"external-id": [own]},
        "review-type": kind,
        "review-completion-date": completed.to_json(),
        "review-group-id": _group_id(review.review_group_id),
    }
    if review.review_url and (url := clean("uri", review.review_url)):
        content["review-url"] = {"value": url}
    subject_type = canonical_type(review.subject_external_id_type)
    if subject_type and review.subject_external_id_value:
        subject = clean(subject_type, review.subject_external_id_value)
        if subject:
            content["subject-external-identifier"] = external_id(subject_type, subject, "self")
    container = line(review.subject_container_name, vocabulary.TITLE_LIMIT)
    if container:
        content["subject-container-name"] = {"value": container}
    convener = directory.find(of_review(review))
    content["convening-organization"] = organization_shape(
        review.convening_organization_name, convener.address, convener.known
    )
    refuse_problems("peer-review", content)
    return Payload(
        section="peer-review",
        content=content,
        digest=content_digest("peer-review", content),
        self_keys=(match_key(own["external-id-type"], own["external-id-value"]),),
        other_keys=(),
        title=container or f"{content['convening-organization']['name']}, {content['review-group-id']}",
        type=kind,
        year=completed.year,
    )


def _review_identifier(review: PeerReview, item_uri: str | None) -> dict[str, Any]:
    id_type = canonical_type(review.review_identifier_type)
    if (
        id_type
        and review.review_identifier_value
        and (value := clean(id_type, review.review_identifier_value))
    ):
        return external_id(id_type, value, "self", review.review_url)
    if item_uri:
        return external_id("uri", item_uri, "self")
    return external_id("source-work-id", review.review_id, "self", review.review_url)


def _group_id(text: str) -> str:
    """The group id as the registry spells it: its prefix in lower case, an ISSN with its dash."""
    prefix, colon, rest = (text or "").strip().partition(":")
    if colon and prefix.strip().lower() == "issn":
        issn = clean("issn", rest)
        if issn is None:
            raise Refused("invalid_field", "review_group_id", f"{rest.strip()!r} is not a valid ISSN")
        return f"issn:{issn}"
    return f"{prefix.strip().lower()}:{rest.strip()}" if colon else text
