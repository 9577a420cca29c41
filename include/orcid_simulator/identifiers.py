"""External identifier types and the registry's normalisation of their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class IdentifierType:
    """One type of external identifier as the registry's list describes it."""

    name: str
    description: str
    prefix: str = ""
    case_sensitive: bool = False


_TYPES = (
    IdentifierType("agr", "agr: Agricola"),
    IdentifierType("ark", "ark: Archival Resource Key Identifier", case_sensitive=True),
    IdentifierType("arxiv", "arxiv: ArXiv", "https://arxiv.org/abs/"),
    IdentifierType("asin", "asin: Amazon Standard Identification Number", "http://www.amazon.com/dp/"),
    IdentifierType("asin-tld", "asin-tld: ASIN top-level domain"),
    IdentifierType("authenticusid", "authenticusid: AuthenticusID", "https://www.authenticus.pt/"),
    IdentifierType("bibcode", "Bibcode", "http://adsabs.harvard.edu/abs/", case_sensitive=True),
    IdentifierType("cba", "cba: Chinese Biological Abstracts"),
    IdentifierType("cgn", "cgn: Culturegraph Number", "https://id.culturegraph.org/", case_sensitive=True),
    IdentifierType("cienciaiul", "cienciaiul: Ciência-IUL Identifier", "https://ciencia.iscte-iul.pt/id/"),
    IdentifierType("cit", "cit: CiteSeer"),
    IdentifierType("cstr", "cstr: Science and technology resource identification", "https://www.cstr.cn/"),
    IdentifierType("ctx", "ctx: CiteExplore submission"),
    IdentifierType("dnb", "dnb: German National Library identifier", "https://d-nb.info/"),
    IdentifierType("doi", "doi: Digital object identifier", "https://doi.org/"),
    IdentifierType("eid", "Scopus Identifier"),
    IdentifierType(
        "emdb", "emdb: Electron Microscopy Data Bank", "https://www.ebi.ac.uk/emdb/", case_sensitive=True
    ),
    IdentifierType(
        "empiar",
        "empiar: Electron Microscopy Public Image Archive",
        "https://www.ebi.ac.uk/empiar/",
        case_sensitive=True,
    ),
    IdentifierType(
        "ethos", "ethos: EThOS Persistent ID", "http://ethos.bl.uk/OrderDetails.do?uin=", case_sensitive=True
    ),
    IdentifierType("grant_number", "grant_number"),
    IdentifierType("hal", "hal: Hyper Articles en Ligne", "https://hal.archives-ouvertes.fr/view/resolver/"),
    IdentifierType("handle", "handle: Handle", "http://hdl.handle.net/"),
    IdentifierType("hir", "hir: NHS Evidence"),
    IdentifierType("isbn", "isbn: International Standard Book Number", "https://www.worldcat.org/isbn/"),
    IdentifierType("ismn", "ismn: International Standard Music Number"),
    IdentifierType(
        "issn",
        "issn: International Standard Serial Number. Includes print and electronic ISSN.",
        "https://portal.issn.org/resource/ISSN/",
    ),
    IdentifierType(
        "jfm",
        "jfm: Jahrbuch über die Fortschritte der Mathematik",
        "http://zbmath.org/?format=complete&q=an%3A",
    ),
    IdentifierType("jstor", "jstor: JSTOR abstract", "http://www.jstor.org/stable/"),
    IdentifierType(
        "k10plus", "k10plus: K10plus", "https://opac.k10plus.de/DB=2.299/PPNSET?PPN=", case_sensitive=True
    ),
    IdentifierType("kuid", "kuid: KoreaMed Unique Identifier", "https://koreamed.org/article/"),
    IdentifierType("lccn", "lccn: Library of Congress Control Number", "http://lccn.loc.gov/"),
    IdentifierType("lensid", "lensid: Lens ID", "https://www.lens.org/"),
    IdentifierType("mr", "mr: Mathematical Reviews", "http://www.ams.org/mathscinet-getitem?mr="),
    IdentifierType("oclc", "oclc: Online Computer Library Center", "http://www.worldcat.org/oclc/"),
    IdentifierType("ol", "ol: Open Library", "http://openlibrary.org/b/", case_sensitive=True),
    IdentifierType(
        "osti", "osti: Office of Scientific and Technical Information", "https://www.osti.gov/biblio/"
    ),
    IdentifierType("other-id", "Other identifier type"),
    IdentifierType("pat", "Patent number"),
    IdentifierType("pdb", "pdb: Protein Data Bank identifier", "http://identifiers.org/pdb/"),
    IdentifierType("pmc", "pmc: PubMed Central article number", "https://europepmc.org/article/pmc/"),
    IdentifierType("pmid", "pmid: PubMed Unique Identifier", "https://pubmed.ncbi.nlm.nih.gov/"),
    IdentifierType("ppr", "ppr: Europe PMC Preprint Identifier", "https://europepmc.org/article/PPR/"),
    IdentifierType("proposal-id", "Proposal ID"),
    IdentifierType("raid", "raid: Research Activity Identifier", "https://raid.org/"),
    IdentifierType("rfc", "rfc: Request for Comments", "https://tools.ietf.org/html/"),
    IdentifierType(
        "rrid", "rrid: Research Resource IDentifier", "https://identifiers.org/rrid/", case_sensitive=True
    ),
    IdentifierType("source-work-id", "Non-standard ID from work data source"),
    IdentifierType("ssrn", "ssrn: Social Science Research Network", "http://papers.ssrn.com/abstract_id="),
    IdentifierType("uri", "uri: URI", case_sensitive=True),
    IdentifierType("urn", "urn: URN"),
    IdentifierType("wosuid", "wosuid: Web of Science identifier"),
    IdentifierType("zbl", "zbl: Zentralblatt MATH", "http://zbmath.org/?format=complete&q="),
)
TYPES: Mapping[str, IdentifierType] = {entry.name: entry for entry in _TYPES}

_NAMED_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ENTITY = re.compile(r"&(lt|gt|amp|quot|apos|#\d{1,7}|#x[0-9a-f]{1,6});", re.ASCII)
_DOI = re.compile(r"10(?:\.[a-z0-9]+)+/[^\s\"&']+")
_PMID = re.compile(
    r"(?:^\s*|pmid:?\s*|pubmed/|med/|pubmed\.ncbi\.nlm\.nih\.gov/)(\d+)(?=$|[^a-z0-9.\-])", re.ASCII
)
_PMC = re.compile(r"(?:^|pmc[-/\s]*)(\d{5,9})\b", re.ASCII)
_ARXIV = re.compile(r"(?:arxiv:)?(\d{4}\.\d{4,5}(?:v\d)?|[\w.\-]+/\d{7}(?:v\d)?)", re.ASCII)
_ISBN = re.compile(r"\d[\d\-\s]{8,15}[\dx](?=$|\D)", re.ASCII)
_ISSN = re.compile(r"(?<![\d\-])(\d{4})\s?[-\u2013]?\s?(\d{3}[\dx])(?![\d\-])", re.ASCII)
_BIBCODE = re.compile(r"(?:(?<![.\w])|bibcode:?\s*)(\d{4}[.a-zA-Z0-9]{15})(?![.\w])", re.ASCII)
_RRID = re.compile(
    r"(?:RRID:)?(AB_\d{6}|CVCL_[A-Z0-9]{4}|SCR_\d{6}|IMSR_JAX:\d{6}|Addgene_\d{5}|SAMN\d{8}|MMRRC_\d{6}-UCD)",
    re.ASCII,
)
_SCHEME = re.compile(r"(?:https?|ftps?)://")


def normalize(kind: str, value: str) -> str | None:
    """The registry's normal form of an identifier, None where it cannot be normalised.

    Types without a rule of their own are lower-cased (unless case counts for them) and otherwise left alone.
    """
    known = TYPES.get(kind)
    text = value if known is not None and known.case_sensitive else value.lower()
    rule = _RULES.get(kind)
    return (rule(text) if rule else text) or None


def _doi(text: str) -> str:
    if "&" in text and ";" in text:
        while (unescaped := _ENTITY.sub(_unescape_one, text)) != text:
            text = unescaped
    found = _DOI.search(text)
    return found[0].lower() if found else ""


def _unescape_one(entity: re.Match[str]) -> str:
    name = entity[1]
    if name in _NAMED_ENTITIES:
        return _NAMED_ENTITIES[name]
    number = int(name[2:], 16) if name.startswith("#x") else int(name[1:])
    return chr(number) if number < 0x110000 else entity[0]


def _first_group(pattern: re.Pattern[str], prefix: str = "") -> Callable[[str], str]:
    def rule(text: str) -> str:
        found = pattern.search(text)
        return prefix + found[1] if found else ""

    return rule


def _isbn(text: str) -> str:
    found = _ISBN.search(text)
    if not found:
        return ""
    isbn = re.sub(r"[-\s]", "", found[0]).upper()
    return isbn if len(isbn) in (10, 13) else ""


def _issn(text: str) -> str:
    found = _ISSN.search(text)
    return f"{found[1]}-{found[2].upper()}" if found else ""


def _uri(text: str) -> str:
    if not text or _SCHEME.match(text):
        return text
    return f"http://{text}"


_RULES: Mapping[str, Callable[[str], str]] = {
    "doi": _doi,
    "pmid": _first_group(_PMID),
    "pmc": _first_group(_PMC),
    "arxiv": _first_group(_ARXIV, "arXiv:"),
    "isbn": _isbn,
    "issn": _issn,
    "bibcode": _first_group(_BIBCODE),
    "rrid": _first_group(_RRID, "RRID:"),
    "uri": _uri,
}


def is_valid_issn(issn: str) -> bool:
    """Whether `dddd-dddX` carries the right check character (modulus 11)."""
    digits = issn.replace("-", "").upper()
    if not re.fullmatch(r"\d{7}[\dX]", digits):
        return False
    total = sum((8 - place) * int(digit) for place, digit in enumerate(digits[:7]))
    check = (11 - total % 11) % 11
    return digits[7] == ("X" if check == 10 else str(check))


def orcid_check_character(base: str) -> str:
    """ISO 7064 MOD 11-2 over the first 15 digits of an iD."""
    total = 0
    for digit in base:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return "X" if check == 10 else str(check)


def make_orcid(number: int) -> str:
    """The iD with this number (15 digits at most) as its body."""
    base = f"{number:015d}"
    digits = base + orcid_check_character(base)
    return "-".join(digits[place : place + 4] for place in range(0, 16, 4))
