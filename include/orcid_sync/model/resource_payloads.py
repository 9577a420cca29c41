"""The research resource that a row of the CRIS would be: what somebody was granted the use of."""

from __future__ import annotations

from typing import Any

from orcid_sync.model import vocabulary
from orcid_sync.model.activity_terms import map_term
from orcid_sync.model.digests import content_digest
from orcid_sync.model.identifiers import canonical_type, clean, match_key
from orcid_sync.model.inputs import ResearchResource
from orcid_sync.model.mentions import of_host
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


def research_resource_payload(
    row: ResearchResource, *, directory: Directory = NOTHING_LISTED
) -> Payload | Refusal:
    """The proposal with what may be used for it; its host is the host of each thing. An agreed end goes out ahead."""
    try:
        return _research_resource(row, directory)
    except Refused as refused:
        return refused.refusal


def _research_resource(row: ResearchResource, directory: Directory) -> Payload:
    title = line(row.proposal_title, vocabulary.TITLE_LIMIT)
    if not title:
        raise Refused("invalid_field", "proposal_title", "the title is blank")
    found = directory.find(of_host(row))
    hosts = {
        "organization": [
            organization_shape(row.host_name, found.address, found.known, required="host_identifier")
        ]
    }
    own = _identifier(
        row.proposal_id_type or "proposal-id", row.proposal_id_value, "proposal_id_value", row.proposal_url
    )
    proposal: dict[str, Any] = {
        "title": {"title": {"value": title}},
        "hosts": hosts,
        "external-ids": {"external-id": [own]},
    }
    start = fuzzy_date(row, "start")
    proposal |= agreed_period(start, fuzzy_date(row, "end"))
    if row.proposal_url and (url := clean("uri", row.proposal_url)):
        proposal["url"] = {"value": url}
    items = _items(row, hosts)
    content = {"proposal": proposal, "resource-item": items}
    refuse_problems("research-resource", content)
    return Payload(
        section="research-resource",
        content=content,
        digest=content_digest("research-resource", content),
        self_keys=(match_key(own["external-id-type"], own["external-id-value"]),),
        other_keys=(),
        title=title,
        type=items[0]["resource-type"],
        year=start.year if start else None,
    )


def _items(row: ResearchResource, hosts: dict[str, Any]) -> list[dict[str, Any]]:
    types = row.resource_id_types or [None] * len(row.resource_names)
    items = []
    for name, kind, id_type, value in zip(
        row.resource_names, row.resource_types, types, row.resource_id_values, strict=True
    ):
        resource_type = map_term("resource-type", kind)
        if resource_type is None:
            raise Refused("type_not_mapped", "resource_types", f"{kind!r} is no kind of resource that we map")
        items.append(
            {
                "resource-name": line(name, vocabulary.TITLE_LIMIT) or "",
                "resource-type": resource_type,
                "hosts": hosts,
                "external-ids": {
                    "external-id": [_identifier(id_type or "other-id", value, "resource_id_values", None)]
                },
            }
        )
    return items


def _identifier(id_type: str, value: str, field: str, url: str | None) -> dict[str, Any]:
    known = canonical_type(id_type)
    cleaned = clean(known, value) if known and value else None
    if not known or not cleaned:
        raise Refused("no_usable_identifier", field, f"{value!r} is no {id_type} that ORCID takes")
    return external_id(known, cleaned, "self", url)
