"""External identifiers: what the registry makes of them, what is sent, when two are the same work's.

>>> clean("doi", "https://doi.org/10.1038%2FNature12373.")
'10.1038/Nature12373'
>>> match_key("doi", "10.1038/Nature12373")
'doi:10.1038/nature12373'
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from orcid_sync.model import cleaning, registry_normalization
from orcid_sync.model.cleaning import clean
from orcid_sync.model.identifier_types import IDENTIFIER_TYPES, IdentifierType, canonical_type

__all__ = [
    "IDENTIFIER_TYPES",
    "IdentifierType",
    "canonical_type",
    "clean",
    "detect",
    "is_preprint_identifier",
    "link",
    "match_key",
    "normalize",
    "relationship",
]

_CONTAINED_TYPES: Final = frozenset(
    {
        "book-chapter", "book-review", "conference-abstract", "conference-output", "conference-paper",
        "conference-poster", "conference-presentation", "dictionary-entry", "encyclopedia-entry", "journal-article",
        "magazine-article", "newsletter-article", "newspaper-article", "preprint", "review",
    }
)  # fmt: skip
_PREPRINT_WORK_TYPES: Final = frozenset({"preprint", "working-paper"})
_PREPRINT_ID_TYPES: Final = frozenset({"arxiv", "ppr", "ssrn"})
_RELATIONSHIPS: Final = frozenset({"self", "part-of", "version-of", "funded-by"})

# Registrants that register preprints, and nothing but preprints under the pattern given. 10.1101 is shared by
# bioRxiv and medRxiv (digits) with Cold Spring Harbor's journals (letters); Copernicus marks discussion papers
# by a `d` after the journal's short name or by year-number instead of volume-page-year.
_PREPRINT_DOI: Final = re.compile(
    r"10\.48550/arxiv\."
    r"|10\.(?:1101|64898)/[0-9]"
    r"|10\.26434/chemrxiv"
    r"|10\.(?:312(?:19|2[0-9]|3[0-9])|35542|33767|31730|32942|37044)/"
    r"|10\.20944/preprints"
    r"|10\.2139/ssrn\."
    r"|10\.21203/rs\."
    r"|10\.36227/techrxiv"
    r"|10\.22541/"
    r"|10\.1002/essoar\."
    r"|10\.7287/peerj\.preprints\."
    r"|10\.1590/scielopreprints\."
    r"|10\.2196/preprints\."
    r"|10\.3762/bxiv\."
    r"|10\.33774/"
    r"|10\.32388/"
    r"|10\.51094/jxiv\."
    r"|10\.14293/(?:pr2199|s2199-1006\.1\.sor-?\.?pp)"
    r"|10\.5194/egusphere-[0-9]{4}-"
    r"|10\.5194/(?!(?:essd|gmd|esd|wcd|sd)-)[a-z]+d-[0-9]"
    r"|10\.5194/[a-z]+-[0-9]{4}-[0-9]+$"
)

_URL_SAFE: Final = re.compile(r"[A-Za-z0-9/:;.,_~()!*@+=$-]*")
_LABELLED: Final = re.compile(
    r"^\s*(doi|pmid|pmcid|arxiv|isbn|issn|e-?issn|hdl|handle|eid|wos|isi|urn|ark)\b", re.IGNORECASE
)
_SELF_EVIDENT: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("doi", re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*(?:/|%2f)|doi\.org/", re.IGNORECASE)),
    ("arxiv", re.compile(r"arxiv\.org/", re.IGNORECASE)),
    ("pmc", re.compile(r"/pmc/|^\s*pmc-?[0-9]{5,}|pmc\.ncbi", re.IGNORECASE)),
    ("pmid", re.compile(r"pubmed|/med/[0-9]", re.IGNORECASE)),
    ("handle", re.compile(r"hdl\.handle\.net/|/handle/[0-9]", re.IGNORECASE)),
    ("eid", re.compile(r"2-s2\.0-[0-9]", re.IGNORECASE)),
    ("wosuid", re.compile(r"^\s*wos:", re.IGNORECASE)),
    ("urn", re.compile(r"urn:[a-z]+:", re.IGNORECASE)),
    ("uri", re.compile(r"^\s*(?:https?|ftp)://|^\s*www\.", re.IGNORECASE)),
    ("isbn", re.compile(r"^\s*97[89](?:[- ]?[0-9]){10}\s*$")),
    ("issn", re.compile(r"^\s*[0-9]{4}-[0-9]{3}[0-9Xx]\s*$")),
)  # fmt: skip


def normalize(id_type: str, value: str) -> str | None:
    """The registry's normalised form of `value`; None where the registry can't normalise it (or it is empty)."""
    return registry_normalization.normalize(canonical_type(id_type) or id_type, value)


def match_key(id_type: str, value: str) -> str:
    """`type:value` such that two identifiers are the same to the registry exactly if their keys are equal.

    The value is the normalised one, or the raw one where it can't be normalised. The registry returns types of
    affiliations and fundings with `_` for `-`: both spellings give the same key.
    """
    name = id_type if id_type in IDENTIFIER_TYPES else _known_spelling(id_type)
    return f"{name}:{registry_normalization.normalize(name, value) or value}"


def _known_spelling(id_type: str) -> str:
    dashed = id_type.strip().lower().replace("_", "-")
    if dashed in IDENTIFIER_TYPES:
        return dashed
    return "grant_number" if dashed == "grant-number" else dashed


def link(id_type: str, value: str) -> str | None:
    """A resolvable URL for a cleaned identifier, built as the registry builds it; None for types without one."""
    name = canonical_type(id_type)
    if name is None or not value:
        return None
    if name == "uri":
        return value
    prefix = IDENTIFIER_TYPES[name].link_prefix
    if prefix is None:
        return None
    local = (registry_normalization.normalize(name, value) or value).removeprefix("arXiv:")
    return prefix + (local if _URL_SAFE.fullmatch(local) else quote(local, safe="/:;.,-_~()!*@+=$"))


def detect(value: str) -> tuple[str, str] | None:
    """Type and cleaned value of an identifier that came without a type, or None where the value doesn't tell.

    Bare numbers are never guessed at: a PMID, a Scopus number and a local key look the same.
    """
    tidied = cleaning.tidy(value) if value else ""
    label = _LABELLED.match(tidied)
    if label:
        name = canonical_type(label.group(1))
        cleaned = clean(name, tidied) if name else None
        if name and cleaned:
            return name, cleaned
    for name, pattern in _SELF_EVIDENT:
        if pattern.search(tidied) and (cleaned := clean(name, tidied)):
            return name, cleaned
    return None


def is_preprint_identifier(id_type: str, value: str) -> bool:
    """Whether the identifier names a preprint by itself: arXiv, SSRN, Europe PMC preprints, preprint DOIs."""
    if id_type in _PREPRINT_ID_TYPES:
        return True
    return id_type == "doi" and _PREPRINT_DOI.match(value.lower()) is not None


def relationship(work_type: str, id_type: str, given: str | None, value: str | None = None) -> str:
    """How an identifier relates to a work of this type: self, part-of, version-of or funded-by.

    What the source says stands, with three exceptions where `self` would merge different works on the record:
    an ISSN names the serial and is always part-of; an ISBN (ISMN) is part-of for what is contained in a book
    or proceedings; a preprint's identifier on a published work is version-of (needs `value` for DOIs).
    """
    said = given.strip().lower().replace("_", "-") if given else "self"
    if said not in _RELATIONSHIPS:
        said = "self"
    if said != "self":
        return said
    if id_type == "issn":
        return "part-of"
    if id_type in ("isbn", "ismn") and work_type in _CONTAINED_TYPES:
        return "part-of"
    if work_type not in _PREPRINT_WORK_TYPES and is_preprint_identifier(id_type, value or ""):
        return "version-of"
    return "self"
