"""Which organisations a row speaks of."""

from __future__ import annotations

from orcid_sync.model.inputs import Funding, Organization, PeerReview, Qualification, ResearchResource
from orcid_sync.model.organization_directory import Mention
from orcid_sync.model.organizations import disambiguated


def of_unit(unit: Organization) -> Mention:
    """A unit. The name of a department is found in many universities: that of the top, or of one outside, counts alone."""
    own = disambiguated(unit.ror_id, "ROR") or (
        unit.disambiguated_organization_identifier,
        unit.disambiguation_source,
    )
    by_name = unit.parent_unit_id is None or unit.is_internal is False
    return Mention(unit.name if by_name else None, unit.city, unit.region, unit.country, *own)


def of_qualification(row: Qualification) -> Mention:
    """Who gave a degree, or where an uploaded affiliation is."""
    return Mention(
        row.organization_name,
        row.organization_city,
        row.organization_region,
        row.organization_country,
        row.disambiguated_organization_identifier,
        row.disambiguation_source,
    )


def of_funding(funding: Funding) -> Mention:
    """The funder."""
    return Mention(
        funding.funder_name,
        funding.funder_city,
        None,
        funding.funder_country,
        funding.funder_identifier,
        funding.funder_identifier_source,
    )


def of_review(review: PeerReview) -> Mention:
    """Who convened a review."""
    return Mention(
        review.convening_organization_name,
        review.convening_city,
        None,
        review.convening_country,
        review.convening_identifier,
        review.convening_identifier_source,
    )


def of_host(row: ResearchResource) -> Mention:
    """Who grants the use of something."""
    return Mention(
        row.host_name,
        row.host_city,
        None,
        row.host_country,
        row.host_identifier,
        row.host_identifier_source,
    )
