"""The closed lists of the registry's messages."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WORK_TYPES = _words(
    """
    annotation artistic-performance blog-post book-chapter book-review book cartographic-material
    clinical-study conference-abstract conference-output conference-paper conference-poster
    conference-presentation conference-proceedings data-management-plan data-set design dictionary-entry
    disclosure dissertation-thesis edited-book encyclopedia-entry image invention journal-article
    journal-issue learning-object lecture-speech license magazine-article manual moving-image
    musical-composition newsletter-article newspaper-article online-resource other patent physical-object
    preprint public-speech registered-copyright report research-technique research-tool review software
    sound spin-off-company standards-and-policy supervised-student-publication technical-standard test
    trademark transcription translation website working-paper undefined
    """
)
WORK_TYPE_ALIASES = {
    "article-journal": "journal-article",
    "chapter": "book-chapter",
    "dataset": "data-set",
    "standard": "standards-and-policy",
}
RELATIONSHIPS = ("self", "part-of", "version-of", "funded-by")
VISIBILITIES = ("public", "limited", "private", "registered-only")
CITATION_TYPES = (
    "bibtex",
    "ris",
    "formatted-apa",
    "formatted-chicago",
    "formatted-harvard",
    "formatted-ieee",
    "formatted-mla",
    "formatted-vancouver",
    "formatted-unspecified",
)
CONTRIBUTOR_SEQUENCES = ("first", "additional")
LEGACY_WORK_ROLES = (
    "author",
    "assignee",
    "editor",
    "chair-or-translator",
    "co-investigator",
    "co-inventor",
    "graduate-student",
    "other-inventor",
    "principal-investigator",
    "postdoctoral-researcher",
    "support-staff",
)
CREDIT_ROLES = tuple(
    f"http://credit.niso.org/contributor-roles/{slug}/"
    for slug in (
        "conceptualization",
        "data-curation",
        "formal-analysis",
        "funding-acquisition",
        "investigation",
        "methodology",
        "project-administration",
        "resources",
        "software",
        "supervision",
        "validation",
        "visualization",
        "writing-original-draft",
        "writing-review-editing",
    )
)
FUNDING_ROLES = ("lead", "co-lead", "supported-by", "other-contribution")
FUNDING_TYPES = ("grant", "contract", "award", "salary-award")
REVIEWER_ROLES = ("reviewer", "editor", "member", "chair", "organizer")
REVIEW_TYPES = ("review", "evaluation")
SUBJECT_TYPES = (*WORK_TYPES, *FUNDING_TYPES, "research-resource-proposal")
RESOURCE_TYPES = ("infrastructures", "collections", "equipment", "services")
NOTIFICATION_ITEM_TYPES = (
    "employment",
    "education",
    "qualification",
    "invited-position",
    "distinction",
    "membership",
    "service",
    "funding",
    "work",
    "peer-review",
)
GROUP_TYPES = (
    "publisher",
    "institution",
    "journal",
    "conference",
    "newspaper",
    "newsletter",
    "magazine",
    "peer-review service",
)
DISAMBIGUATION_SOURCES = ("ROR", "FUNDREF", "RINGGOLD", "GRID", "LEI")
FUNDED_BY_TYPES = frozenset({"grant_number", "proposal-id", "uri", "doi"})

LANGUAGES = frozenset(
    _words(
        """
    ab aa af ak sq am ar an hy as av ae ay az bm ba eu be bn bh bi bs br bg my ca ch ce zh_CN zh_TW cu cv
    kw co cr hr cs da dv nl dz en eo et ee fo fj fi fr fy ff gl lg ka de el kl gn gu ht ha iw hz hi ho hu
    is io ig in ia ie iu ik ga it ja jv kn kr ks kk km ki rw ky kv kg ko ku kj lo la lv li ln lt lu lb mk
    mg ms ml mt gv mi mr mh mo mn na nv ng ne nd se no nb nn ny oc oj or om os pi pa fa pl pt ps qu rm ro
    rn ru sm sg sa sc gd sr sn ii sd si sk sl so nr st es su sw ss sv tl ty tg ta tt te th bo ti to ts tn
    tr tk tw ug uk ur uz ve vi vo wa cy wo xh ji yo za zu
    """
    )
)
COUNTRIES = frozenset(
    _words(
        """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES
    ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE
    IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY
    MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU
    NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM
    SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE
    VG VI VN VU WF WS XK YE YT ZA ZM ZW
    """
    )
)
CURRENCIES = frozenset(
    _words(
        """
    ADP AED AFA AFN ALL AMD ANG AOA ARS ATS AUD AWG AYM AZM AZN BAM BBD BDT BEF BGL BGN BHD BIF BMD BND
    BOB BOV BRL BSD BTN BWP BYB BYN BYR BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CSD CUC CUP CVE
    CYP CZK DEM DJF DKK DOP DZD EEK EGP ERN ESP ETB EUR FIM FJD FKP FRF GBP GEL GHC GHS GIP GMD GNF GRD
    GTQ GWP GYD HKD HNL HRK HTG HUF IDR IEP ILS INR IQD IRR ISK ITL JMD JOD JPY KES KGS KHR KMF KPW KRW
    KWD KYD KZT LAK LBP LKR LRD LSL LTL LUF LVL LYD MAD MDL MGA MGF MKD MMK MNT MOP MRO MRU MTL MUR MVR
    MWK MXN MXV MYR MZM MZN NAD NGN NIO NLG NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PTE PYG QAR ROL RON
    RSD RUB RUR RWF SAR SBD SCR SDD SDG SEK SGD SHP SIT SKK SLE SLL SOS SRD SRG SSP STD STN SVC SYP SZL
    THB TJS TMM TMT TND TOP TPE TRL TRY TTD TWD TZS UAH UGX USD USN USS UYI UYU UZS VEB VED VEF VES VND
    VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XDR XFO XFU XOF XPD XPF XPT XSU XTS XUA XXX YER YUM ZAR ZMK
    ZMW ZWD ZWL ZWN ZWR
    """
    )
)
