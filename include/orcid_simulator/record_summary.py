"""`/{iD}/summary`: counts and the newest entries of a record's public side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orcid_simulator.model import Item, Record
from orcid_simulator.registry import Caller, Registry
from orcid_simulator.render import Renderer, stamp
from orcid_simulator.sections import BY_SINGULAR

Json = dict[str, Any]
SHOWN = 3
PROFESSIONAL = ("distinction", "invited-position", "membership", "service")
EDUCATION = ("education", "qualification")


def record_summary(registry: Registry, renderer: Renderer, record: Record, caller: Caller) -> Json:
    """What the caller may see, counted; validated is what the researcher did not type in."""

    def items(*sections: str) -> list[Item]:
        found = [item for name in sections for item in registry.readable(record, BY_SINGULAR[name], caller)]
        return sorted(found, key=_start, reverse=True)

    name = renderer.name(record, caller)
    credit = (name or {}).get("credit-name") or {}
    shown_name = credit.get("value") or (record.display_name if name else None)
    identifiers = items("external-identifier")
    return {
        "created-date": stamp(record.created),
        "last-modified-date": stamp(record.modified),
        "credit-name": shown_name,
        "orcid-identifier": renderer.orcid_id(record.orcid),
        "external-identifiers": {"external-identifier": [_identifier(item) for item in identifiers]},
        "employments": _affiliations("employment", items("employment")),
        "professional-activities": _affiliations("professional-activity", items(*PROFESSIONAL)),
        "fundings": _counts(items("funding")),
        "works": _counts(items("work")),
        "peer-reviews": _reviews(items("peer-review")),
        "education-qualifications": _affiliations("education-qualification", items(*EDUCATION)),
        "research-resources": _counts(items("research-resource")),
        "email-domains": {"count": 0, "email-domain": []},
    }


def _validated(item: Item) -> bool:
    return item.source.orcid is None


def _counts(items: list[Item]) -> Json:
    validated = sum(map(_validated, items))
    return {"self-asserted-count": len(items) - validated, "validated-count": validated}


def _reviews(items: list[Item]) -> Json:
    groups = {item.content["review-group-id"] for item in items}
    return {
        "peer-review-publication-grants": len(groups),
        "self-asserted-count": sum(not _validated(item) for item in items),
        "total": len(items),
    }


def _affiliations(name: str, items: Iterable[Item]) -> Json:
    listed = list(items)
    return {"count": len(listed), name: [_affiliation(item) for item in listed[:SHOWN]]}


def _affiliation(item: Item) -> Json:
    content = item.content
    return {
        "put-code": item.put_code,
        "type": item.section,
        "organization-name": (content["organization"] or {}).get("name"),
        "role": content["role-title"],
        "url": (content["url"] or {}).get("value"),
        "start-date": content["start-date"],
        "end-date": content["end-date"],
        "validated": _validated(item),
    }


def _identifier(item: Item) -> Json:
    content = item.content
    return {
        "put-code": item.put_code,
        "external-id-type": content["external-id-type"],
        "external-id-value": content["external-id-value"],
        "external-id-url": (content["external-id-url"] or {}).get("value"),
        "validated": _validated(item),
    }


def _start(item: Item) -> tuple[str, int]:
    date = item.content.get("start-date") or {}
    written = "-".join((date.get(part) or {}).get("value") or "" for part in ("year", "month", "day"))
    return written, item.put_code
