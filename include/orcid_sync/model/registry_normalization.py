"""How the registry itself normalises external identifiers before it compares or groups them.

These are ORCID-Source's own rules, kept to the letter even where they look odd, because equality on the
registry decides what is a duplicate: a case-insensitive type is lower-cased first, then the first match of
its pattern *anywhere* in the text is the normalised value. Java's character classes are ASCII.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

CASE_SENSITIVE_TYPES: Final = frozenset(
    {"ark", "bibcode", "cgn", "emdb", "empiar", "ethos", "k10plus", "ol", "rrid", "uri"}
)

_DOI = re.compile(r"10(?:\.[0-9a-zA-Z]+)+/[^ \t\n\x0b\f\r\"&']+")
_XML_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|#[0-9]+|#[xX][0-9a-fA-F]+);")
_PMID = re.compile(
    r"(?:^\s*|pmid:?\s*|pubmed/|med/|pubmed\.ncbi\.nlm\.nih\.gov/)([0-9]+)(?:$|[^a-zA-Z0-9.\-])", re.ASCII
)
_PMC = re.compile(r"(?:^|pmc-?/?)\s*([0-9]{5,9})\b", re.ASCII)
_ARXIV = re.compile(r"(?:arxiv:)?([0-9]{4}\.[0-9]{4,5}(?:v[0-9])?|[\w.\-]+/[0-9]{7}(?:v[0-9])?)", re.ASCII)
_ISBN = re.compile(r"([0-9][-0-9 ]{8,15}[0-9xX])(?:$|[^0-9])")
_ISSN = re.compile(r"(?:^|[^0-9])([0-9]{4} ?[-\u2013]? ?[0-9]{3}[0-9xX])(?:$|[^-0-9])")
_BIBCODE = re.compile(
    r"(?:^|[Bb][Ii][Bb][Cc][Oo][Dd][Ee]:?\s*|[^a-zA-Z0-9.])([0-9]{4}[.a-zA-Z0-9]{15})(?:$|[^a-zA-Z0-9.])",
    re.ASCII,
)
_RRID = re.compile(
    r"(?:RRID:)?(AB_[0-9]{6}|CVCL_[0-9A-Z]{4}|SCR_[0-9]{6}|IMSR_JAX:[0-9]{6}|Addgene_[0-9]{5}"
    r"|SAMN[0-9]{8}|MMRRC_[0-9]{6}-UCD)"
)
_URL_SCHEME = re.compile(r"^(?:ht|f)tps?://")


# A value is asked for several times while its payload is made: for its link, its key and the digest.
@lru_cache(maxsize=4096)
def normalize(id_type: str, value: str) -> str | None:
    """The registry's normalised form of `value`; None where it cannot be normalised and is compared raw."""
    if not value:
        return None
    text = value if id_type in CASE_SENSITIVE_TYPES else value.lower()
    rule = _RULES.get(id_type)
    return (text if rule is None else rule(text)) or None


def _doi(text: str) -> str | None:
    if "&" in text and ";" in text:
        text = _unescape_xml(text)
    match = _DOI.search(text)
    return match.group() if match else None


def _unescape_xml(text: str) -> str:
    while (shorter := _XML_ENTITY.sub(lambda m: html.unescape(m.group()), text)) != text:
        text = shorter
    return text


def _pmid(text: str) -> str | None:
    return _first_group(_PMID, text)


def _pmc(text: str) -> str | None:
    return _first_group(_PMC, text)


def _arxiv(text: str) -> str | None:
    found = _first_group(_ARXIV, text)
    return f"arXiv:{found}" if found else None


def _isbn(text: str) -> str | None:
    found = _first_group(_ISBN, text)
    if not found:
        return None
    compact = found.replace("-", "").replace(" ", "").upper()
    return compact if len(compact) in (10, 13) else None


def _issn(text: str) -> str | None:
    found = _first_group(_ISSN, text)
    if not found:
        return None
    compact = re.sub("[- \u2013]", "", found).upper()
    return f"{compact[:4]}-{compact[4:]}"


def _bibcode(text: str) -> str | None:
    return _first_group(_BIBCODE, text)


def _rrid(text: str) -> str | None:
    found = _first_group(_RRID, text)
    return f"RRID:{found}" if found else None


def _uri(text: str) -> str:
    return text if _URL_SCHEME.match(text) else f"http://{text}"


def _first_group(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match.group(1) if match else None


_RULES: Final[dict[str, Callable[[str], str | None]]] = {
    "doi": _doi,
    "pmid": _pmid,
    "pmc": _pmc,
    "arxiv": _arxiv,
    "isbn": _isbn,
    "issn": _issn,
    "bibcode": _bibcode,
    "rrid": _rrid,
    "uri": _uri,
}
