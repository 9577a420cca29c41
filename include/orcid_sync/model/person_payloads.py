"""What the institution says of a person: the page about them, and the number they have there."""

from __future__ import annotations

from typing import Any

from orcid_sync.model import vocabulary
from orcid_sync.model.digests import content_digest
from orcid_sync.model.identifiers import clean, match_key
from orcid_sync.model.inputs import PersonIdentifier, ResearcherUrl
from orcid_sync.model.payload import Payload, Refusal, Refused, line, refuse_problems


def researcher_url_payload(row: ResearcherUrl) -> Payload | Refusal:
    """A page about the researcher; its address is what it is known by."""
    url = clean("uri", row.url or "")
    if url is None:
        return Refusal("invalid_field", "url", "it is no web address")
    content: dict[str, Any] = {"url": {"value": url}}
    name = line(row.url_name, vocabulary.URL_NAME_LIMIT)
    if name:
        content["url-name"] = name
    return _payload("researcher-url", content, match_key("uri", url), name or url)


def person_identifier_payload(row: PersonIdentifier) -> Payload | Refusal:
    """An identifier of the researcher, of a type in the institution's own words."""
    id_type = line(row.external_id_type, vocabulary.PERSON_ID_LIMIT)
    value = (row.external_id_value or "").strip()
    url = clean("uri", row.external_id_url or "")
    if not id_type or not value or url is None:
        field = "external_id_type" if not id_type else "external_id_value" if not value else "external_id_url"
        return Refusal("invalid_field", field, "type, value and a web address are needed")
    content: dict[str, Any] = {
        "external-id-type": id_type,
        "external-id-value": value,
        "external-id-url": {"value": url},
        "external-id-relationship": "self",
    }
    return _payload("external-identifier", content, match_key(id_type, value), f"{id_type}: {value}")


def _payload(section: str, content: dict[str, Any], key: str, title: str) -> Payload | Refusal:
    try:
        refuse_problems(section, content)
    except Refused as refused:
        return refused.refusal
    return Payload(
        section=section,
        content=content,
        digest=content_digest(section, content),
        self_keys=(key,),
        other_keys=(),
        title=title,
        type=section,
    )
