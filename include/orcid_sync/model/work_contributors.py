"""A publication's contributors: all of them, in order, with the iDs that may be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from orcid_sync.model import vocabulary
from orcid_sync.model.inputs import Contributor
from orcid_sync.model.orcid_id import parse_orcid
from orcid_sync.model.payload import line


def work_contributors(
    contributors: Sequence[Contributor],
    authenticated: Mapping[str, str],
    web_base: str,
    warnings: list[str],
    notes: list[str],
) -> list[dict[str, Any]]:
    """The contributors in the API's shape; `contributors` in order of their sequence."""
    people: list[dict[str, Any]] = []
    orcids = _orcids(contributors, authenticated, warnings)
    for contributor, orcid in zip(contributors, orcids, strict=True):
        name = _credit_name(contributor)
        if name is None:
            notes.append(f"contributor {contributor.contributor_seq} has no name: left out")
            continue
        person: dict[str, Any] = {}
        if orcid:
            person["contributor-orcid"] = {
                "uri": f"{web_base}/{orcid}",
                "path": orcid,
                "host": web_base.partition("//")[2],
            }
        person["credit-name"] = {"value": name}
        attributes = {"contributor-sequence": "additional" if people else "first"}
        role = vocabulary.contributor_role(contributor.contributor_role)
        if role:
            attributes["contributor-role"] = role
        person["contributor-attributes"] = attributes
        people.append(person)
    return people


def _orcids(
    contributors: Sequence[Contributor], authenticated: Mapping[str, str], warnings: list[str]
) -> list[str | None]:
    """Each contributor's iD, if it may be sent. One iD on two people is nobody's."""
    orcids = [_orcid(one, authenticated) for one in contributors]
    if sum(orcid is not None for orcid in orcids) < 2:
        return orcids
    owners = {
        (orcid, one.person_id or one.credit_name) for orcid, one in zip(orcids, contributors, strict=True)
    }
    claimed = Counter(orcid for orcid, _ in owners if orcid)
    shared = {orcid for orcid, people in claimed.items() if people > 1}
    if shared:
        warnings.append("one ORCID iD stands on two contributors: sent for neither")
    return [None if orcid in shared else orcid for orcid in orcids]


def _orcid(contributor: Contributor, authenticated: Mapping[str, str]) -> str | None:
    if contributor.is_group:
        return None
    if (contributor.claim_status or "approved") != "approved" or (
        contributor.visibility or "public"
    ) != "public":
        return None
    if contributor.person_id is not None and (own := authenticated.get(contributor.person_id)):
        return own
    return parse_orcid(contributor.contributor_orcid) if contributor.contributor_orcid_authenticated else None


def _credit_name(contributor: Contributor) -> str | None:
    name = line(contributor.credit_name, vocabulary.CREDIT_NAME_LIMIT)
    if name:
        return name
    parts = filter(None, (contributor.given_names, contributor.family_names))
    return line(" ".join(parts), vocabulary.CREDIT_NAME_LIMIT)
