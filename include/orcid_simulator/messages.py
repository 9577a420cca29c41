"""The registry's messages, each declared once: field order, limits and lists as in the published 3.0 schema."""

from __future__ import annotations

import re

from orcid_simulator import vocabularies as words
from orcid_simulator.schema import COMMON, Field, Ignored, Items, Listing, Node, Struct, Text, Wrapped

_META = frozenset(
    {"created-date", "last-modified-date", "source", "put-code", "path", "visibility", "display-index"}
)
"""What the registry sets itself and ignores inside messages."""

_ORCID_URI = re.compile(r"https://([^/]*orcid\.org|localhost.*/orcid-web)/(\d{4}-){3,}\d{3}[\dX]", re.ASCII)
_ORCID_PATH = re.compile(r"(\d{4}-){3,}\d{3}[\dX]", re.ASCII)
_EMAIL = re.compile(r"[^@]+@[^.]+\..+")
GROUP_ID_PATTERN = re.compile(
    r"(ringgold:|issn:|orcid-generated:|fundref:|publons:)([0-9a-zA-Z^._~:/?#\[\]@!$&'()*+,;=-]){2,}",
    re.ASCII,
)


def text(limit: int | None = None, *, nonblank: bool = True) -> Text:
    """A string of the schema's `string-N` kind."""
    return Text(max=limit, nonblank=nonblank)


def listed(
    name: str, values: tuple[str, ...] | frozenset[str], aliases: dict[str, str] | None = None
) -> Text:
    """A string from a closed list."""
    return Text(enum=frozenset(values), name=name, aliases=tuple((aliases or {}).items()))


def wrapped(limit: int | None = None, *, nonblank: bool = True) -> Wrapped:
    """`{"value": string}`."""
    return Wrapped(text(limit, nonblank=nonblank))


ANY_URI = Wrapped(Text())
RELATIONSHIP = listed("relationship", words.RELATIONSHIPS)
COUNTRY = listed("country", words.COUNTRIES)
LONG_TEXT = text(4000)

FUZZY_DATE = Struct(
    (
        Field("year", Wrapped(Text(whole=(1900, 2100))), required=True),
        Field("month", Wrapped(Text(whole=(1, 12)))),
        Field("day", Wrapped(Text(whole=(1, 31)))),
    )
)

EXTERNAL_ID = Struct(
    (
        Field("external-id-type", text(), required=True),
        Field("external-id-value", text(), required=True),
        Field("external-id-normalized", Ignored()),
        Field("external-id-normalized-error", Ignored()),
        Field("external-id-url", ANY_URI),
        Field("external-id-relationship", RELATIONSHIP),
    ),
    ignored=_META,
)
EXTERNAL_IDS = Items("external-id", EXTERNAL_ID)

ORGANIZATION = Struct(
    (
        Field("name", LONG_TEXT, required=True),
        Field(
            "address",
            Struct((Field("city", LONG_TEXT), Field("region", LONG_TEXT), Field("country", COUNTRY))),
            required=True,
        ),
        Field(
            "disambiguated-organization",
            Struct(
                (
                    Field("disambiguated-organization-identifier", text(500, nonblank=False), required=True),
                    Field("disambiguation-source", text(500, nonblank=False), required=True),
                ),
                ignored=frozenset({"id", "external-identifier", "external-identifiers"}),
            ),
        ),
    )
)

ORCID_ID = Struct(
    (
        Field("uri", Text(pattern=_ORCID_URI)),
        Field("path", Text(pattern=_ORCID_PATH)),
        Field("host", Text()),
    )
)

TRANSLATED_TITLE = Wrapped(text(1000), (("language-code", Text(), True),))
TITLE = Field("title", wrapped(1000), required=True, ns=COMMON)
SUBTITLE = Field("subtitle", wrapped(1000, nonblank=False), ns=COMMON)
TRANSLATED = Field("translated-title", TRANSLATED_TITLE, ns=COMMON)


def title_group(ns: str, *, subtitle: bool) -> Struct:
    """Title, subtitle where the section has one, translated title."""
    return Struct((TITLE, SUBTITLE, TRANSLATED) if subtitle else (TITLE, TRANSLATED), ns=ns)


def contributors(ns: str, *, sequence: bool) -> Items:
    """The people of a work or funding; their e-mail addresses are accepted and never returned."""
    role = Field("contributor-role", Text())
    position = Field("contributor-sequence", listed("contributor-sequence", words.CONTRIBUTOR_SEQUENCES))
    attributes = Struct((position, role) if sequence else (role,), ns=ns)
    contributor = Struct(
        (
            Field("contributor-orcid", ORCID_ID, ns=COMMON),
            Field("credit-name", wrapped(150)),
            Field("contributor-email", Wrapped(Text(max=350, pattern=_EMAIL)), kept=False),
            Field("contributor-attributes", attributes),
        ),
        ns=ns,
    )
    return Items("contributor", contributor, ns=ns)


def common(name: str, node: Node, *, required: bool = False) -> Field:
    """A field whose XML element is in the common namespace."""
    return Field(name, node, required=required, ns=COMMON)


WORK = Struct(
    (
        Field("title", title_group("work", subtitle=True), required=True),
        Field("journal-title", wrapped(1000)),
        Field("short-description", text(5000, nonblank=False)),
        Field(
            "citation",
            Struct(
                (
                    Field("citation-type", listed("citation-type", words.CITATION_TYPES), required=True),
                    Field("citation-value", Text(), required=True),
                ),
                ns="work",
            ),
        ),
        Field("type", listed("work type", words.WORK_TYPES, words.WORK_TYPE_ALIASES), required=True),
        common("publication-date", FUZZY_DATE),
        common("external-ids", EXTERNAL_IDS),
        common("url", ANY_URI),
        Field("contributors", contributors("work", sequence=True), empty=True),
        common("language-code", Text()),
        common("country", Wrapped(Text())),
    ),
    ns="work",
    ignored=_META,
)

AFFILIATION = Struct(
    (
        common("department-name", LONG_TEXT),
        common("role-title", LONG_TEXT),
        common("start-date", FUZZY_DATE),
        common("end-date", FUZZY_DATE),
        common("organization", ORGANIZATION),
        common("url", ANY_URI),
        common("external-ids", EXTERNAL_IDS),
    ),
    ignored=_META,
)

FUNDING = Struct(
    (
        Field("type", listed("funding type", words.FUNDING_TYPES), required=True),
        Field("organization-defined-type", wrapped(255, nonblank=False)),
        Field("title", title_group("funding", subtitle=False)),
        Field("short-description", text(5000, nonblank=False)),
        Field("amount", Wrapped(Text(), (("currency-code", Text(), True),))),
        common("url", ANY_URI),
        common("start-date", FUZZY_DATE),
        common("end-date", FUZZY_DATE),
        common("external-ids", EXTERNAL_IDS),
        Field("contributors", contributors("funding", sequence=False), empty=True),
        common("organization", ORGANIZATION, required=True),
    ),
    ns="funding",
    ignored=_META,
)

PEER_REVIEW = Struct(
    (
        Field("reviewer-role", listed("reviewer role", words.REVIEWER_ROLES), required=True),
        Field("review-identifiers", EXTERNAL_IDS, required=True),
        Field("review-url", ANY_URI),
        Field("review-type", listed("review type", words.REVIEW_TYPES), required=True),
        Field("review-completion-date", FUZZY_DATE, required=True),
        Field("review-group-id", Text(max=1000, nonblank=True, pattern=GROUP_ID_PATTERN), required=True),
        Field("subject-external-identifier", EXTERNAL_ID),
        Field("subject-container-name", wrapped(1000)),
        Field("subject-type", listed("subject type", words.SUBJECT_TYPES, words.WORK_TYPE_ALIASES)),
        Field("subject-name", title_group("peer-review", subtitle=True)),
        Field("subject-url", ANY_URI),
        Field("convening-organization", ORGANIZATION, required=True),
    ),
    ns="peer-review",
    ignored=_META,
)

_HOSTS = Items("organization", ORGANIZATION, least=1, most=10)
_RESOURCES = Items(
    "resource-item",
    Struct(
        (
            Field("resource-name", text(1000), required=True),
            Field("resource-type", listed("resource type", words.RESOURCE_TYPES), required=True),
            Field("hosts", _HOSTS, required=True),
            common("external-ids", EXTERNAL_IDS, required=True),
            common("url", ANY_URI),
        ),
        ns="research-resource",
    ),
    ns="research-resource",
    least=1,
)
RESEARCH_RESOURCE = Struct(
    (
        Field(
            "proposal",
            Struct(
                (
                    Field("title", title_group("research-resource", subtitle=False), required=True),
                    Field("hosts", _HOSTS, required=True),
                    common("external-ids", EXTERNAL_IDS, required=True),
                    common("start-date", FUZZY_DATE),
                    common("end-date", FUZZY_DATE),
                    common("url", ANY_URI),
                ),
                ns="research-resource",
            ),
            required=True,
        ),
        Field(
            "resource-item", Listing(_RESOURCES), required=True, xml="resource-items", alias="resource-items"
        ),
    ),
    ns="research-resource",
    ignored=_META,
)

OTHER_NAME = Struct(
    (Field("content", text(255, nonblank=False), required=True),), ns="other-name", ignored=_META
)
KEYWORD = Struct((Field("content", text(255, nonblank=False), required=True),), ns="keyword", ignored=_META)
RESEARCHER_URL = Struct(
    (Field("url-name", text(350)), Field("url", ANY_URI, required=True)),
    ns="researcher-url",
    ignored=_META,
)
ADDRESS = Struct((Field("country", Wrapped(COUNTRY), required=True),), ns="address", ignored=_META)
EXTERNAL_IDENTIFIER = Struct(
    (
        Field("external-id-type", text(), required=True),
        Field("external-id-value", text(), required=True),
        Field("external-id-url", ANY_URI),
        Field("external-id-relationship", RELATIONSHIP),
    ),
    ignored=_META | {"external-id-normalized", "external-id-normalized-error"},
)

GROUP_ID_RECORD = Struct(
    (
        Field("name", text(1000), required=True),
        Field("group-id", Text(max=1000, nonblank=True), required=True),
        Field("description", text(1000), required=True),
        Field("type", listed("group type", words.GROUP_TYPES), required=True),
    ),
    ns="group-id",
    ignored=_META,
)

NOTIFICATION_ITEM = Struct(
    (
        Field("item-type", listed("item type", words.NOTIFICATION_ITEM_TYPES), required=True),
        Field("item-name", text(1000), required=True),
        Field("external-id", EXTERNAL_ID, ns=COMMON),
    ),
    ns="notification",
    ignored=_META | {"additional-info", "action-type"},
)

NOTIFICATION = Struct(
    (
        Field("notification-type", listed("notification type", ("permission",)), required=True),
        Field(
            "authorization-url",
            Struct((Field("uri", Text()), Field("path", Text()), Field("host", Text())), ns="notification"),
            required=True,
        ),
        Field("notification-subject", Text(), required=True),
        Field("notification-intro", text(1000, nonblank=False), required=True),
        Field("items", Items("item", NOTIFICATION_ITEM, ns="notification", least=1), required=True),
    ),
    ns="notification",
    ignored=_META | {"sent-date", "read-date", "actioned-date", "archived-date", "overwritten-put-code"},
)
