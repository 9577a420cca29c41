"""From rows of the CRIS to what the registry would get, or the reason why it gets nothing.

Payloads are made once for a publication or post, whoever its researchers are. They never carry visibility (it is
the researcher's), put codes (they belong to a change) or e-mail addresses. A co-author's iD is sent only if its
owner authenticated it, here or by the source's declaration, and stands by the claim to this publication.
"""

from __future__ import annotations

from typing import Final

from orcid_sync.model import work_types
from orcid_sync.model.affiliation_payloads import employment_payload
from orcid_sync.model.digests import content_digest
from orcid_sync.model.inputs import Contributor, Employment, Identifier, Organization, Publication
from orcid_sync.model.payload import Payload, Refusal
from orcid_sync.model.work_payloads import work_payload

__all__ = [
    "VERSION",
    "Contributor",
    "Employment",
    "Identifier",
    "Organization",
    "Payload",
    "Publication",
    "Refusal",
    "content_digest",
    "employment_payload",
    "work_payload",
]

VERSION: Final = f"1.{work_types.VERSION}"
"""Of the rules that make payloads, the table of types included: payloads made by another version are made anew."""
