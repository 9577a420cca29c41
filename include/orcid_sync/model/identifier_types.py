"""The registry's external identifier types, and the other names under which sources know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orcid_sync.model.registry_normalization import CASE_SENSITIVE_TYPES


@dataclass(frozen=True, slots=True)
class IdentifierType:
    """One type of the registry: its API name, the base of its links (or none) and whether case counts."""

    name: str
    link_prefix: str | None
    case_sensitive: bool


_LINK_PREFIXES: Final[dict[str, str | None]] = {
    "agr": None,
    "ark": None,
    "arxiv": "https://arxiv.org/abs/",
    "asin": "http://www.amazon.com/dp/",
    "asin-tld": None,
    "authenticusid": "https://www.authenticus.pt/",
    "bibcode": "http://adsabs.harvard.edu/abs/",
    "cba": None,
    "cgn": "https://id.culturegraph.org/",
    "cienciaiul": "https://ciencia.iscte-iul.pt/id/",
    "cit": None,
    "cstr": "https://www.cstr.cn/",
    "ctx": None,
    "dnb": "https://d-nb.info/",
    "doi": "https://doi.org/",
    "eid": None,
    "emdb": "https://www.ebi.ac.uk/emdb/",
    "empiar": "https://www.ebi.ac.uk/empiar/",
    "ethos": "http://ethos.bl.uk/OrderDetails.do?uin=",
    "grant_number": None,
    "hal": "https://hal.archives-ouvertes.fr/view/resolver/",
    "handle": "http://hdl.handle.net/",
    "hir": None,
    "isbn": "https://www.worldcat.org/isbn/",
    "ismn": None,
    "issn": "https://portal.issn.org/resource/ISSN/",
    "jfm": "http://zbmath.org/?format=complete&q=an%3A",
    "jstor": "http://www.jstor.org/stable/",
    "k10plus": "https://opac.k10plus.de/DB=2.299/PPNSET?PPN=",
    "kuid": "https://koreamed.org/article/",
    "lccn": "http://lccn.loc.gov/",
    "lensid": "https://www.lens.org/",
    "mr": "http://www.ams.org/mathscinet-getitem?mr=",
    "oclc": "http://www.worldcat.org/oclc/",
    "ol": "http://openlibrary.org/b/",
    "osti": "https://www.osti.gov/biblio/",
    "other-id": None,
    "pat": None,
    "pdb": "http://identifiers.org/pdb/",
    "pmc": "https://europepmc.org/article/pmc/",
    "pmid": "https://pubmed.ncbi.nlm.nih.gov/",
    "ppr": "https://europepmc.org/article/PPR/",
    "proposal-id": None,
    "raid": "https://raid.org/",
    "rfc": "https://tools.ietf.org/html/",
    "rrid": "https://identifiers.org/rrid/",
    "source-work-id": None,
    "ssrn": "http://papers.ssrn.com/abstract_id=",
    "uri": None,
    "urn": None,
    "wosuid": None,
    "zbl": "http://zbmath.org/?format=complete&q=",
}

IDENTIFIER_TYPES: Final[dict[str, IdentifierType]] = {
    name: IdentifierType(name, prefix, name in CASE_SENSITIVE_TYPES)
    for name, prefix in _LINK_PREFIXES.items()
}

_SOURCE_NAMES: Final[dict[str, str]] = {
    "eissn": "issn",
    "e-issn": "issn",
    "pissn": "issn",
    "p-issn": "issn",
    "issn-l": "issn",
    "issnl": "issn",
    "lissn": "issn",
    "electronic-issn": "issn",
    "print-issn": "issn",
    "eisbn": "isbn",
    "e-isbn": "isbn",
    "pisbn": "isbn",
    "isbn-10": "isbn",
    "isbn-13": "isbn",
    "isbn10": "isbn",
    "isbn13": "isbn",
    "electronic-isbn": "isbn",
    "print-isbn": "isbn",
    "pmcid": "pmc",
    "pmc-id": "pmc",
    "pubmedcentral": "pmc",
    "pubmed-central": "pmc",
    "pubmed": "pmid",
    "pubmed-id": "pmid",
    "pubmedid": "pmid",
    "medline": "pmid",
    "scopus": "eid",
    "scopus-id": "eid",
    "scopusid": "eid",
    "scopus-eid": "eid",
    "isi": "wosuid",
    "isi-id": "wosuid",
    "ut": "wosuid",
    "wos": "wosuid",
    "wos-id": "wosuid",
    "wosid": "wosuid",
    "wos-uid": "wosuid",
    "wos-ut": "wosuid",
    "web-of-science": "wosuid",
    "hdl": "handle",
    "url": "uri",
    "urn-nbn": "urn",
    "arxiv-id": "arxiv",
    "arxivid": "arxiv",
    "digital-object-identifier": "doi",
    "worldcat": "oclc",
    "oclcnum": "oclc",
    "oclc-number": "oclc",
    "mrnumber": "mr",
    "mathscinet": "mr",
    "zblnumber": "zbl",
    "zbmath": "zbl",
    "patent": "pat",
    "patentno": "pat",
    "patent-number": "pat",
    "grant-number": "grant_number",
    "source-id": "source-work-id",
    "other": "other-id",
    "pmid-pubmed": "pmid",
}

_BY_SPELLING: Final[dict[str, str]] = _SOURCE_NAMES | {name: name for name in IDENTIFIER_TYPES}


def canonical_type(source_type: str | None) -> str | None:
    """The registry's API name for a source's type name, or None where the registry has no such type.

    Case, blanks, dashes and underscores don't matter; a Dublin Core path such as `dc.identifier.doi` counts
    by its last part.
    """
    if not source_type:
        return None
    if source_type in IDENTIFIER_TYPES:
        return source_type
    name = source_type.strip().lower().rsplit(".", 1)[-1]
    return _BY_SPELLING.get("-".join(name.replace("_", " ").replace("-", " ").replace(":", " ").split()))
