"""Identifiers as entered in a CRIS, made into the identifiers that are sent.

`clean` is the only entrance. It repeats one pass until nothing changes, which is what makes it idempotent:
a value that was escaped twice, or that hides a label behind a URL, is peeled layer by layer. A value that is
not certainly one identifier of its type ends as None: a wrong identifier on a record is worse than none.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

from stdnum import isbn as _stdnum_isbn
from stdnum import ismn as _stdnum_ismn
from stdnum import issn as _stdnum_issn

from orcid_sync.model.identifier_types import IDENTIFIER_TYPES, canonical_type

_MAX_PASSES = 12
_MAX_LENGTH = 2000
"""No identifier is longer; what is was pasted into the wrong column."""

_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|shy|ndash|mdash|hyphen|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
)
_SPREADSHEET_ESCAPE = re.compile(r"_x00(?:0[9aAdD]|[aA]0)_")
_HYPHEN_RUN = re.compile(
    r"[-\u00ad\u2010-\u2015\u2212\ufe63\uff0d]*[\u00ad\u2010-\u2015\u2212\ufe63\uff0d][-\u00ad\u2010-\u2015\u2212\ufe63\uff0d]*"
)
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00a0\u2028\u2029]+")
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_PLACEHOLDER = re.compile(
    r"(?:n\.?/?a\.?|none|null|nil|unknown|undefined|tba|tbd|pending|no|0+|[-._?/ ]*)", re.IGNORECASE
)
_URL = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_PLAIN_DOI = re.compile(r"10\.[0-9]{4,9}/[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]")

_NEVER_LAST = ".,;:'\"`\u201d\u2019\u2026 ([{<"
_PLAIN_URI = re.compile(
    r"https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:/[A-Za-z0-9/_~%.?&=:+-]*[A-Za-z0-9/_~=-])?/?"
)

_OPENING = {")": "(", "]": "[", ">": "<", "}": "{"}


def clean(id_type: str, value: str) -> str | None:
    """What would be sent for `value` as an identifier of type `id_type`; None if it is not a valid one.

    `id_type` may be any spelling that `canonical_type` knows. Case is kept as entered. Idempotent.
    """
    name = canonical_type(id_type)
    if name is None or not value or len(value) > _MAX_LENGTH:
        return None
    if name == "doi" and _PLAIN_DOI.fullmatch(value):
        return value
    if name == "uri" and _PLAIN_URI.fullmatch(value):
        return value
    if name == "issn":
        return _issn(value)
    return _to_a_fixed_point(_CLEANERS[name], value)


def _to_a_fixed_point(rule: Callable[[str], str | None], value: str) -> str | None:
    for _ in range(_MAX_PASSES):
        cleaned = rule(value)
        if cleaned is None or cleaned == value:
            return cleaned
        value = cleaned
    return None


def tidy(value: str) -> str:
    """Undo what copying, spreadsheets and typesetting do to an identifier; blanks are folded, ends stripped."""
    if value.isascii() and value.isalnum():
        return value
    text = unicodedata.normalize("NFKC", _HYPHEN_RUN.sub(_one_hyphen, value))
    text = _HYPHEN_RUN.sub(_one_hyphen, text)
    text = _SPREADSHEET_ESCAPE.sub(" ", text)
    while "&" in text and (unescaped := _ENTITY.sub(lambda m: html.unescape(m.group()), text)) != text:
        text = unescaped
    text = _INVISIBLE.sub("", text)
    return _BLANKS.sub(" ", text).strip(" \"'`\u201c\u201d\u2018\u2019\u00ab\u00bb")


def _one_hyphen(run: re.Match[str]) -> str:
    """A soft hyphen alone says nothing; any run with a visible dash was one hyphen, broken by typesetting."""
    return "" if not run.group().strip("\u00ad") else "-"


def strip_trailing_punctuation(text: str) -> str:
    """Without sentence punctuation and closing brackets that nothing opened; SICI brackets stay."""
    while text:
        last = text[-1]
        opening = _OPENING.get(last)
        unopened = opening is not None and text.count(opening) < text.count(last)
        if not unopened and last not in _NEVER_LAST:
            break
        text = text[:-1]
    return text


def percent_decoded(text: str) -> str:
    """Percent-decoded once where it is escaped at all and the bytes are UTF-8."""
    if not _PERCENT.search(text):
        return text
    decoded = unquote(text, errors="replace")
    return text if "\ufffd" in decoded else decoded


_DOI_START = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*/")
_SECOND_DOI = re.compile(
    r"(?:(?<=[\s;,|&+/])(?:doi[:\s]*)?10\.[0-9]{4,9}(?:\.[0-9]+)*/|[\s;,|]*https?:/|[;,|](?:doi|pmid|pmcid)\b)",
    re.IGNORECASE,
)
_DOI = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*/[^\s\"&'][^\s\"]*")
_LANDING_SUFFIX = re.compile(
    r"(?:/(?:full(?:text)?|abstract|pdf|epdf|pdfdirect|epub|html|meta|summary|references|figures|suppinfo)(?:/html|/pdf)?"
    r"|\.(?:full|abstract|short)(?:\.pdf|-text)?|\.pdf|\.html?)/*$",
    re.IGNORECASE,
)
_BIORXIV_VERSION = re.compile(r"^(10\.(?:1101|64898)/[0-9.]+)v[0-9]+$")
_CONTINUES = re.compile(r"[^\s(\[]*[0-9]")
_LABEL_AFTER = re.compile(r"(?:pmid|pmcid|pmc|doi|issn|isbn|arxiv|https?)\b", re.IGNORECASE)


def _doi(value: str) -> str | None:
    text = percent_decoded_if_bare(tidy(value).replace("\\", ""))
    start = _DOI_START.search(text)
    if start is None:
        return None
    before, text = text[: start.start()], text[start.start() :]
    if "://" in before or "/" in before:
        text = _from_url(before, text)
    text = percent_decoded(text).split('"', 1)[0]
    prefix_end = start.end() - start.start()
    suffix = text[prefix_end:].lstrip(" ")
    second = _SECOND_DOI.search(suffix)
    if second:
        suffix = suffix[: second.start()].rstrip("/")
    suffix, _, rest = suffix.partition(" ")
    if rest and _is_torn(suffix, rest):
        return None
    cleaned = strip_trailing_punctuation(text[:prefix_end] + suffix)
    return cleaned if _DOI.fullmatch(cleaned) else None


def percent_decoded_if_bare(text: str) -> str:
    """Decoded where the slash itself is escaped; within a URL decoding has to wait until its query is cut."""
    return percent_decoded(text) if "%2f" in text.lower() else text


def _from_url(before: str, text: str) -> str:
    """The DOI inside a URL, without query and fragment, and without a publisher's page suffixes."""
    text = re.split(r"[?#]", text, maxsplit=1)[0].rstrip("/")
    if "doi.org/" not in before.lower():
        text = _LANDING_SUFFIX.sub("", text)
        text = _BIORXIV_VERSION.sub(r"\1", text)
    return text


def _is_torn(suffix: str, rest: str) -> bool:
    """Whether the blank probably stands *inside* the DOI, so that cutting there would name another work.

    A remark after a DOI begins with a bracket, a label or a word without digits, or follows a comma or stop.
    """
    if not suffix or suffix[-1] in ",;" or _LABEL_AFTER.match(rest):
        return False
    return _CONTINUES.match(rest) is not None


_PMID = re.compile(
    r"(?:(?:https?://)?(?:[\w.-]+/)*?(?:pubmed(?:\.ncbi\.nlm\.nih\.gov)?|med|entry|articles?)/)?"
    r"(?:(?:pubmed|medline)?\s*(?:pmid|id)?\s*[:=]?\s*)?0*([1-9][0-9]{0,7})(?:\.0)?/?(.*)",
    re.IGNORECASE | re.DOTALL,
)
_AFTER_NUMBER = re.compile(
    r"(?:[?#].*|\s*[;,|/]\s*(?:[0-9]{6,8}\b.*|[^\s0-9].*)?|\s+(?:[0-9]{6,8}\b.*|[^\s0-9].*)|\s*[(\[].*|[.;,]\s*)?",
    re.DOTALL,
)


def _pmid(value: str) -> str | None:
    match = _PMID.fullmatch(tidy(value))
    return match.group(1) if match and _AFTER_NUMBER.fullmatch(match.group(2)) else None


_PMC = re.compile(
    r"(?:pmc\s*id\s*[:=]?\s*)?(?:pmc)?[\s:_-]*([0-9]{5,9})(?:\.[0-9]{1,2})?(.*)", re.IGNORECASE | re.DOTALL
)
_PMC_PATH = re.compile(r"/(?=pmc-?[0-9])", re.IGNORECASE)


def _pmc(value: str) -> str | None:
    match = _PMC.fullmatch(_PMC_PATH.split(tidy(value), maxsplit=1)[-1])
    return f"PMC{match.group(1)}" if match and _AFTER_NUMBER.fullmatch(match.group(2)) else None


_ARXIV_NEW = r"[0-9]{2}(?:0[1-9]|1[0-2])\.[0-9]{4,5}(?:v[0-9]{1,2})?"
_ARXIV_OLD = r"[a-z][a-z-]+(?:\.[a-z]{2})?/[0-9]{7}(?:v[0-9]{1,2})?"
_ARXIV = re.compile(
    r"(?:https?://)?(?:(?:[a-z]+\.)?arxiv\.org/(?:abs|pdf|html|format|ps)/|(?:(?:dx\.)?doi\.org/)?10\.48550/arxiv\.)?"
    rf"(?:arxiv\s*(?:id)?\s*[:.]?\s*)?({_ARXIV_NEW}|{_ARXIV_OLD})(?:\.pdf)?(?:[?#].*|/|[\s,;(\[].*|\.)?",
    re.IGNORECASE | re.DOTALL,
)


def _arxiv(value: str) -> str | None:
    match = _ARXIV.fullmatch(percent_decoded(tidy(value)))
    return f"arXiv:{match.group(1)}" if match else None


_ISBN_RUN = re.compile(r"(?<![0-9])(?:97[89][- ]?)?[0-9](?:[- ]?[0-9]){8}[- ]?[0-9Xx](?![0-9])")


def _isbn(value: str) -> str | None:
    """The first number in the cell whose check digit holds, without dashes; ISBN-10 stays an ISBN-10."""
    text = re.sub(r"isbn(?:[- ]?1[03])?\s*:?", " ", tidy(value), flags=re.IGNORECASE)
    for run in _ISBN_RUN.findall(text):
        compact = run.replace("-", "").replace(" ", "").upper()
        if _stdnum_isbn.is_valid(compact) and len(set(compact)) > 1:
            return str(compact)
    return None


_ISSN_RUN = re.compile(r"(?<![0-9A-Za-z])([0-9]{4})\s?-?\s?([0-9]{3}[0-9Xx])(?![0-9A-Za-z-])")


@lru_cache(maxsize=65536)
def _issn(value: str) -> str | None:
    """The first ISSN in the cell whose check digit holds, as `dddd-dddX`. Journals repeat: hence the cache."""
    text = re.sub(r"\b[ep]?-?issn(?:-l)?", " ", tidy(value), flags=re.IGNORECASE)
    for first, second in _ISSN_RUN.findall(text):
        compact = f"{first}{second.upper()}"
        if compact != "00000000" and _stdnum_issn.is_valid(compact):
            return f"{first}-{second.upper()}"
    return None


def _ismn(value: str) -> str | None:
    text = re.sub(r"^ismn\s*:?\s*", "", tidy(value), flags=re.IGNORECASE)
    return str(_stdnum_ismn.to_ismn13(text)) if _stdnum_ismn.is_valid(text) else None


_HANDLE = re.compile(r"[0-9A-Za-z]+(?:\.[0-9A-Za-z_-]+)*/[^\s\"<>]+")
_HANDLE_PREFIX = re.compile(
    r"^(?:(?:https?:)?(?://)?(?:hdl\.handle\.net|(?:[^/\s]+/)+?handle)/|(?:urn:)?(?:hdl|handle)\s*[:/]?\s*/?)+",
    re.IGNORECASE,
)


def _handle(value: str) -> str | None:
    text = tidy(value)
    bare = _HANDLE_PREFIX.sub("", text, count=1)
    if _URL.match(bare):
        return None
    if bare != text:
        bare = re.split(r"[?#]", bare, maxsplit=1)[0].rstrip("/")
    bare = strip_trailing_punctuation(percent_decoded(bare).split(" ", 1)[0])
    return bare if _HANDLE.fullmatch(bare) and any(c.isdigit() for c in bare.split("/", 1)[0]) else None


_EID = re.compile(
    r"(?:.*[?&/]eid=)?(?:(?:scopus[\s_-]*(?:id)?|eid)\s*[:=]\s*)?(?:2-s2\.0-)?([0-9]{8,12})(?:[&?#;,(\s].*|\.)?",
    re.IGNORECASE,
)


def _eid(value: str) -> str | None:
    match = _EID.fullmatch(tidy(value))
    return f"2-s2.0-{match.group(1)}" if match else None


_WOS_COLLECTION = (
    r"WOS|MEDLINE|BCI|KJD|SCIELO|RSCI|CCC|DRCI|INSPEC|CABI|FSTA|ZOOREC|ZOOR|PPRN|BIOSIS|CSCD|GCI|DIIDW"
)
_WOS = re.compile(
    r"(?:.*(?:full-record/|KeyUT=|UT=))?(?:(?:ut|wosuid|isi|wos\s*id|accession number)\s*[:=]?\s*)*"
    rf"(?:({_WOS_COLLECTION})\s*:\s*)*((?:[A-Z]{{3,6}}:)?[A-Z0-9.-]+)(?:[&?#;,(\s].*)?",
    re.IGNORECASE,
)


def _wosuid(value: str) -> str | None:
    """`WOS:` and 15 characters, or another Web of Science collection's own form; the prefix is added if lost."""
    match = _WOS.fullmatch(tidy(value))
    if not match:
        return None
    collection, number = (match.group(1) or "WOS").upper(), match.group(2).upper()
    if ":" in number:
        inner, rest = number.split(":", 1)
        if collection == inner or inner == "ISI":
            number = rest
    if collection == "WOS" and not re.fullmatch(r"[A-Z0-9]{15}", number):
        return None
    return f"{collection}:{number}" if re.search("[0-9]", number) else None


def _uri(value: str) -> str | None:
    text = _BLANKS.sub(" ", _INVISIBLE.sub("", value)).strip(" \"'<>").split(" ", 1)[0]
    text = strip_trailing_punctuation(text)
    if text.lower().startswith("www."):
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        host = parts.hostname
        has_credentials = parts.username is not None
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https", "ftp", "ftps") or not host or has_credentials:
        return None
    if re.search(r"[<>\"{}|\\^`]", text) or not (("." in host) or host == "localhost" or ":" in host):
        return None
    return text


_URN = re.compile(r"(?:.*/)?(urn:[a-z0-9][a-z0-9-]{0,31}:[^\s?#]+)(?:[\s?#].*)?", re.IGNORECASE)


def _urn(value: str) -> str | None:
    match = _URN.fullmatch(percent_decoded(tidy(value)))
    return (strip_trailing_punctuation(match.group(1)) or None) if match else None


_ARK = re.compile(r"(?:.*/)?(ark:/?[0-9a-z]+/[^\s?#]+)(?:[\s?#].*)?", re.IGNORECASE)


def _ark(value: str) -> str | None:
    match = _ARK.fullmatch(percent_decoded(tidy(value)))
    return (strip_trailing_punctuation(match.group(1)) or None) if match else None


_BIBCODE = re.compile(
    r"(?:.*/abs/|bibcode\s*:?\s*)?([12][0-9]{3}[A-Za-z0-9.&]{14}[A-Za-z.])(?:[/?#].*)?", re.IGNORECASE
)


def _bibcode(value: str) -> str | None:
    match = _BIBCODE.fullmatch(percent_decoded(tidy(value)))
    return match.group(1) if match else None


_SSRN = re.compile(
    r"(?:.*abstract(?:_id)?=|.*10\.2139/ssrn\.|ssrn\s*(?:id)?\s*[:#]?\s*)?([0-9]{4,9})(?:[&?#].*|\.)?",
    re.IGNORECASE,
)


def _ssrn(value: str) -> str | None:
    match = _SSRN.fullmatch(tidy(value))
    return match.group(1) if match else None


_HAL = re.compile(
    r"(?:https?://[^/]+/(?:[a-z]+/)*)?([a-z]+[-_][0-9]{8}(?:v[0-9]+)?)(?:[/?#].*)?", re.IGNORECASE
)


def _hal(value: str) -> str | None:
    match = _HAL.fullmatch(tidy(value))
    return match.group(1) if match else None


_RRID = re.compile(
    r"(?:.*/)?(?:rrid\s*:\s*)*([A-Za-z]+(?:[_:][A-Za-z0-9:_-]+|[0-9]+[A-Za-z0-9_-]*))", re.IGNORECASE
)


def _rrid(value: str) -> str | None:
    match = _RRID.fullmatch(tidy(value))
    return f"RRID:{match.group(1)}" if match else None


class _Generic:
    """Types without rules of their own: label and link base off, blanks folded, the form checked if known."""

    def __init__(self, name: str) -> None:
        base = IDENTIFIER_TYPES[name].link_prefix
        host = re.sub(r"^https?://(?:www\.)?", "", base) if base else None
        link = rf"(?:https?://)?(?:www\.)?{re.escape(host)}" if host else r"(?!)"
        label = re.escape(name).replace("_", "[-_ ]").replace(r"\-", "[-_ ]")
        self._prefix = re.compile(rf"^(?:{link}|{label}\s*:\s*)+", re.IGNORECASE)
        self._form = _FORMS.get(name)

    def __call__(self, value: str) -> str | None:
        text = tidy(value)
        bare = self._prefix.sub("", text, count=1)
        bare = strip_trailing_punctuation(bare) if self._form else bare
        if not bare or _PLACEHOLDER.fullmatch(bare):
            return None
        return bare if self._form is None or self._form.fullmatch(bare) else None


_FORMS: Final[dict[str, re.Pattern[str]]] = {
    "asin": re.compile(r"[A-Z0-9]{10}", re.IGNORECASE),
    "emdb": re.compile(r"EMD-[0-9]{4,6}"),
    "empiar": re.compile(r"EMPIAR-[0-9]{4,6}"),
    "ethos": re.compile(r"uk\.bl\.ethos\.[0-9]+"),
    "jstor": re.compile(r"[0-9A-Za-z./-]*[0-9][0-9A-Za-z./-]*"),
    "lensid": re.compile(r"[0-9]{3}-[0-9]{3}-[0-9]{3}-[0-9]{3}-[0-9]{2}[0-9X]", re.IGNORECASE),
    "mr": re.compile(r"(?:MR)?[0-9]{5,8}", re.IGNORECASE),
    "oclc": re.compile(r"(?:\(OCoLC\)|ocm|ocn|on)?[0-9]+", re.IGNORECASE),
    "osti": re.compile(r"[0-9]+"),
    "pdb": re.compile(r"[0-9][A-Z0-9]{3}|pdb_[0-9a-z]{8}", re.IGNORECASE),
    "ppr": re.compile(r"PPR[0-9]+", re.IGNORECASE),
    "rfc": re.compile(r"(?:RFC\s?)?[0-9]{1,5}", re.IGNORECASE),
}

_CLEANERS: Final[dict[str, Callable[[str], str | None]]] = {
    name: _Generic(name) for name in IDENTIFIER_TYPES
} | {
    "doi": _doi,
    "pmid": _pmid,
    "pmc": _pmc,
    "arxiv": _arxiv,
    "isbn": _isbn,
    "ismn": _ismn,
    "handle": _handle,
    "eid": _eid,
    "wosuid": _wosuid,
    "uri": _uri,
    "urn": _urn,
    "ark": _ark,
    "bibcode": _bibcode,
    "ssrn": _ssrn,
    "hal": _hal,
    "rrid": _rrid,
}
