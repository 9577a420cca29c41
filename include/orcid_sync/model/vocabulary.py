"""The registry's closed lists, and how the words of sources map to them.

ORCID-Source: enumerations of record 3.0, its language list (which keeps old ISO codes) and its text limits.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import Final


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


WORK_TYPES: Final = _words(
    """annotation artistic-performance blog-post book book-chapter book-review cartographic-material clinical-study
    conference-abstract conference-output conference-paper conference-poster conference-presentation
    conference-proceedings data-management-plan data-set design dictionary-entry disclosure dissertation-thesis
    edited-book encyclopedia-entry image invention journal-article journal-issue learning-object lecture-speech license
    magazine-article manual moving-image musical-composition newsletter-article newspaper-article online-resource other
    patent physical-object preprint public-speech registered-copyright report research-technique research-tool review
    software sound spin-off-company standards-and-policy supervised-student-publication technical-standard test
    trademark transcription translation undefined website working-paper"""
)
READ_ONLY_WORK_TYPES: Final = frozenset({"undefined"})
"""Types that the registry returns but that nobody should write."""
WRITABLE_WORK_TYPES: Final = WORK_TYPES - READ_ONLY_WORK_TYPES
_WORK_TYPE_ALIASES: Final = MappingProxyType(
    {
        "article-journal": "journal-article",
        "chapter": "book-chapter",
        "dataset": "data-set",
        "standard": "standards-and-policy",
        "dissertation": "dissertation-thesis",
    }
)

RELATIONSHIPS: Final = frozenset({"self", "part-of", "version-of", "funded-by"})
FUNDED_BY_TYPES: Final = frozenset({"grant_number", "proposal-id", "uri", "doi"})
"""Identifier types that may be `funded-by` on a work."""
VISIBILITIES: Final = frozenset({"public", "limited", "private", "registered-only"})
CITATION_TYPES: Final = frozenset(
    {"bibtex", "ris"}
    | {
        f"formatted-{style}"
        for style in ("apa", "chicago", "harvard", "ieee", "mla", "vancouver", "unspecified")
    }
)
CONTRIBUTOR_SEQUENCES: Final = frozenset({"first", "additional"})
FUNDING_TYPES: Final = frozenset({"grant", "contract", "award", "salary-award"})
REVIEWER_ROLES: Final = frozenset({"reviewer", "editor", "member", "chair", "organizer"})
REVIEW_TYPES: Final = frozenset({"review", "evaluation"})
DISAMBIGUATION_SOURCES: Final = frozenset({"ROR", "FUNDREF", "RINGGOLD", "GRID", "LEI"})

URL_NAME_LIMIT: Final = 350
URL_LIMIT: Final = 2000
PERSON_ID_LIMIT: Final = 255
RESOURCE_TYPES: Final = frozenset({"infrastructures", "collections", "equipment", "services"})
TITLE_LIMIT: Final = 1000
SUBTITLE_LIMIT: Final = 1000
JOURNAL_TITLE_LIMIT: Final = 1000
DESCRIPTION_LIMIT: Final = 5000
CREDIT_NAME_LIMIT: Final = 150
ORGANIZATION_LIMIT: Final = 4000
DEPARTMENT_LIMIT: Final = 4000
ROLE_TITLE_LIMIT: Final = 4000
DISAMBIGUATION_LIMIT: Final = 500

LEGACY_ROLES: Final = _words(
    """author assignee editor chair-or-translator co-investigator co-inventor graduate-student other-inventor
    principal-investigator postdoctoral-researcher support-staff"""
)
_CREDIT_SLUGS: Final = _words(
    """conceptualization data-curation formal-analysis funding-acquisition investigation methodology
    project-administration resources software supervision validation visualization writing-original-draft
    writing-review-editing"""
)
_CREDIT_BASE: Final = "http://credit.niso.org/contributor-roles/"
CREDIT_ROLES: Final = frozenset(f"{_CREDIT_BASE}{slug}/" for slug in _CREDIT_SLUGS)
CONTRIBUTOR_ROLES: Final = LEGACY_ROLES | CREDIT_ROLES
FUNDING_ROLES: Final = frozenset({"lead", "co-lead", "supported-by", "other-contribution"}) | CREDIT_ROLES

_RETIRED_CURRENCIES: Final = _words(
    "ADP ATS BEF BGN CYP DEM EEK ESP FIM FRF GRD HRK IEP ITL LTL LUF LVL MTL NLG PTE ROL SIT SKK TRL VEF ZMK ZWL"
)

_ROLE_TERMS: Final = MappingProxyType(
    {
        "aut": "author",
        "authors": "author",
        "creator": "author",
        "creators": "author",
        "cre": "author",
        "writer": "author",
        "first-author": "author",
        "corresponding-author": "author",
        "authorship": "author",
        "publication-user-authorship": "author",
        "edt": "editor",
        "editors": "editor",
        "ed": "editor",
        "editorship": "editor",
        "book-editor": "editor",
        "guest-editor": "editor",
        "series-editor": "editor",
        "publication-user-editorship": "editor",
        "chair": "chair-or-translator",
        "translator": "chair-or-translator",
        "translators": "chair-or-translator",
        "trl": "chair-or-translator",
        "translation": "chair-or-translator",
        "publication-user-translation": "chair-or-translator",
        "inventor": "co-inventor",
        "inventors": "co-inventor",
        "inv": "co-inventor",
        "applicant": "assignee",
        "owner": "assignee",
        "asg": "assignee",
        "supervisor": f"{_CREDIT_BASE}supervision/",
        "advisor": f"{_CREDIT_BASE}supervision/",
        "thesis-advisor": f"{_CREDIT_BASE}supervision/",
        "ths": f"{_CREDIT_BASE}supervision/",
        "dgs": f"{_CREDIT_BASE}supervision/",
        "programmer": f"{_CREDIT_BASE}software/",
        "developer": f"{_CREDIT_BASE}software/",
        "prg": f"{_CREDIT_BASE}software/",
        "dtc": f"{_CREDIT_BASE}data-curation/",
        "data-curator": f"{_CREDIT_BASE}data-curation/",
        "writing-original-draft-preparation": f"{_CREDIT_BASE}writing-original-draft/",
        "writing-review-and-editing": f"{_CREDIT_BASE}writing-review-editing/",
        "pi": "principal-investigator",
        "coi": "co-investigator",
    }
)

LANGUAGES: Final = _words(
    """ab aa af ak sq am ar an hy as av ae ay az bm ba eu be bn bh bi bs br bg my ca ch ce zh_CN zh_TW cu cv kw co cr hr
    cs da dv nl dz en eo et ee fo fj fi fr fy ff gl lg ka de el kl gn gu ht ha iw hz hi ho hu is io ig in ia ie iu ik ga
    it ja jv kn kr ks kk km ki rw ky kv kg ko ku kj lo la lv li ln lt lu lb mk mg ms ml mt gv mi mr mh mo mn na nv ng ne
    nd se no nb nn ny oc oj or om os pi pa fa pl pt ps qu rm ro rn ru sm sg sa sc gd sr sn ii sd si sk sl so nr st es su
    sw ss sv tl ty tg ta tt te th bo ti to ts tn tr tk tw ug uk ur uz ve vi vo wa cy wo xh ji yo za zu"""
)
_RENAMED_LANGUAGES: Final = MappingProxyType(
    {"he": "iw", "id": "in", "yi": "ji", "zh": "zh_CN", "cmn": "zh_CN"}
)
_TRADITIONAL_CHINESE: Final = frozenset({"tw", "hant", "hk", "mo"})

_COUNTRY_NAMES: Final = MappingProxyType(
    {
        "uk": "GB",
        "england": "GB",
        "scotland": "GB",
        "wales": "GB",
        "northern ireland": "GB",
        "great britain": "GB",
        "el": "GR",
        "usa": "US",
        "u.s.a.": "US",
        "u.s.": "US",
        "kosovo": "XK",
        "xkx": "XK",
        "russia": "RU",
        "turkey": "TR",
        "the netherlands": "NL",
        "holland": "NL",
        "czech republic": "CZ",
        "south korea": "KR",
        "ivory coast": "CI",
        "macedonia": "MK",
        "swaziland": "SZ",
    }
)


def work_type(text: str | None) -> str | None:
    """The writable ORCID work type that `text` names, by its API name or an alias that the registry takes."""
    if not text:
        return None
    name = text.strip().lower().replace("_", "-").replace(" ", "-")
    name = _WORK_TYPE_ALIASES.get(name, name)
    return name if name in WRITABLE_WORK_TYPES else None


@lru_cache(maxsize=4096)
def contributor_role(term: str | None) -> str | None:
    """The registry's role for a source's term, or None where it has none that fits.

    Of a path or URI (`/dk/atira/.../author`, `dc.contributor.editor`) the last part counts.
    """
    if not term:
        return None
    lowered = term.strip().lower()
    if lowered in CREDIT_ROLES:
        return lowered
    last = lowered.rstrip("/").rsplit("/", 1)[-1].rsplit(".", 1)[-1].rsplit("::", 1)[-1]
    name = "-".join(last.replace("_", " ").replace("-", " ").replace("\u2013", " ").replace("&", " ").split())
    if name in LEGACY_ROLES:
        return name
    if name in _CREDIT_SLUGS:
        return f"{_CREDIT_BASE}{name}/"
    return _ROLE_TERMS.get(name)


@lru_cache(maxsize=4096)
def language(code_or_name: str | None) -> str | None:
    """The registry's code for an ISO 639 code, a locale or an English name; None if its list lacks the language."""
    if not code_or_name:
        return None
    text = code_or_name.strip()
    if text in LANGUAGES:
        return text
    base, *variants = text.lower().replace("_", "-").split("-")
    if base in ("zh", "zho", "chi", "cmn"):
        return "zh_TW" if _TRADITIONAL_CHINESE & set(variants) else "zh_CN"
    known = _RENAMED_LANGUAGES.get(base, base)
    if known in LANGUAGES:
        return known
    alpha_2 = _two_letters(base) or _two_letters(text)
    if alpha_2 is None:
        return None
    known = _RENAMED_LANGUAGES.get(alpha_2, alpha_2)
    return known if known in LANGUAGES else None


def _two_letters(code_or_name: str) -> str | None:
    # Loading pycountry's tables takes a moment, and most sources send codes that need none of it.
    import pycountry

    if len(code_or_name) < 3:
        return None
    try:
        found = pycountry.languages.lookup(code_or_name)
    except LookupError:
        return None
    alpha_2: str | None = getattr(found, "alpha_2", None)
    return alpha_2


@lru_cache(maxsize=4096)
def country(code_or_name: str | None) -> str | None:
    """ISO 3166-1 alpha-2 (or XK) for a code of two or three letters or an English name; None if there is none."""
    if not code_or_name:
        return None
    text = code_or_name.strip()
    known = _COUNTRY_NAMES.get(text.lower())
    if known or text.upper() == "XK":
        return known or "XK"
    import pycountry

    try:
        found = pycountry.countries.lookup(text)
    except LookupError:
        return None
    alpha_2: str = found.alpha_2
    return alpha_2


@lru_cache(maxsize=1024)
def is_currency(code: object) -> bool:
    """Whether it is an ISO 4217 code, retired ones included (amounts of old grants are in them)."""
    import pycountry

    if not isinstance(code, str):
        return False
    return pycountry.currencies.get(alpha_3=code) is not None or code in _RETIRED_CURRENCIES
