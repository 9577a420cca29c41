"""What can be searched: the public data of each record, as fields."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orcid_simulator.model import Item, Record
from orcid_simulator.sections import AFFILIATION_NAMES

TOKEN = re.compile(r"\w+")
HIDDEN_STATUSES = frozenset({"deprecated", "locked", "deactivated", "unclaimed"})
EXACT_SUFFIXES = ("-self", "-part-of", "-version-of", "-funded-by", "-org-id")
EXACT_FIELDS = frozenset(
    {
        "orcid",
        "email",
        "external-id-type-and-value",
        "digital-object-ids",
        "grant-numbers",
        "peer-review-type",
        "peer-review-role",
        "peer-review-group-id",
    }
)
DATE_FIELDS = frozenset({"profile-submission-date", "profile-last-modified-date"})


@dataclass
class Content:
    """The searchable texts of one record, and the columns of the result lists."""

    given_names: str | None = None
    family_names: str | None = None
    credit_name: str | None = None
    other_names: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    current_institutions: list[str] = field(default_factory=list)
    past_institutions: list[str] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def institutions(self) -> list[str]:
        """Every employer, current ones first, each once."""
        return list(dict.fromkeys([*self.current_institutions, *self.past_institutions]))


class Document:
    """One record in the index: its dates at hand, its texts read when a query first asks for them.

    A query by date alone, the usual way to find changed records, so never reads a record.
    """

    __slots__ = ("_content", "_read", "dates", "orcid")

    def __init__(self, orcid: str, created: int, modified: int, read: Callable[[str], Content]) -> None:
        self.orcid = orcid
        self.dates = {"profile-submission-date": created, "profile-last-modified-date": modified}
        self._read = read
        self._content: Content | None = None

    @property
    def content(self) -> Content:
        """The texts, as they were when they were first asked for."""
        if self._content is None:
            self._content = self._read(self.orcid)
        return self._content

    @property
    def texts(self) -> dict[str, list[str]]:
        """The texts by field."""
        return self.content.texts


def is_exact(name: str) -> bool:
    """Whether a field is compared as a whole string rather than by its words."""
    return name in EXACT_FIELDS or name.endswith(EXACT_SUFFIXES)


def words(text: str) -> list[str]:
    """The words of a text as they are compared."""
    return TOKEN.findall(text.lower())


def content_of(record: Record, now: float) -> Content:
    """The public data of a record."""
    names_public = record.profile.get("names_visibility", "public") == "public"
    public = [item for item in record.items.values() if item.visibility == "public"]
    employments = [item for item in public if item.section == "employment"]
    content = Content(
        record.given_names if names_public else None,
        record.family_name if names_public else None,
        record.profile.get("credit_name") if names_public else None,
        [item.content["content"] for item in public if item.section == "other-name"],
        [
            entry["email"]
            for entry in record.profile.get("emails", [])
            if entry.get("verified", True) and entry.get("visibility", "private") == "public"
        ],
        [_organization(item) for item in employments if not _has_ended(item, now)],
        [_organization(item) for item in employments if _has_ended(item, now)],
    )
    _add_person(content, record)
    for item in public:
        _add_item(content, item)
    content.texts["text"] = [text for texts in content.texts.values() for text in texts]
    return content


def _add_person(content: Content, record: Record) -> None:
    texts = content.texts
    texts["orcid"].append(record.orcid)
    for name, value in (
        ("given-names", content.given_names),
        ("family-name", content.family_names),
        ("credit-name", content.credit_name),
    ):
        if value:
            texts[name].append(value)
    both = " ".join(filter(None, (content.given_names, content.family_names)))
    if both:
        texts["given-and-family-names"].append(both)
    texts["other-names"] += content.other_names
    texts["email"] += content.emails
    biography = record.profile.get("biography") or {}
    if biography.get("content") and biography.get("visibility", "public") == "public":
        texts["biography"].append(biography["content"])
    texts["current-institution-affiliation-name"] += content.current_institutions
    texts["past-institution-affiliation-name"] += content.past_institutions


def _add_item(document: Content, item: Item) -> None:
    texts = document.texts
    content = item.content
    for identifier in item.ids:
        relationship = identifier.relationship or "self"
        values = {identifier.value, identifier.normalized or identifier.value}
        texts[f"{identifier.kind}-{relationship}"] += values
        texts[identifier.kind] += values
    if item.section in AFFILIATION_NAMES:
        texts["affiliation-org-name"].append(_organization(item))
        _add_organization(document, content.get("organization"))
    elif item.section == "work":
        texts["work-titles"] += _titles(content["title"])
        texts["digital-object-ids"] += [
            value
            for entry in item.ids
            if entry.kind == "doi"
            for value in {entry.value, entry.normalized or ""}
        ]
    elif item.section == "funding":
        texts["funding-titles"] += _titles(content["title"])
        texts["grant-numbers"] += [entry.value for entry in item.ids]
        _add_organization(document, content.get("organization"))
    elif item.section == "peer-review":
        texts["peer-review-type"].append(content["review-type"])
        texts["peer-review-role"].append(content["reviewer-role"])
        texts["peer-review-group-id"].append(content["review-group-id"])
    elif item.section == "research-resource":
        texts["research-resource-proposal-title"] += _titles(content["proposal"]["title"])
        texts["research-resource-item-name"] += [entry["resource-name"] for entry in content["resource-item"]]
    elif item.section == "keyword":
        texts["keyword"].append(content["content"])
    elif item.section == "external-identifier":
        kind, value = content["external-id-type"], content["external-id-value"]
        texts["external-id-reference"].append(value)
        texts["external-id-type-and-value"].append(f"{kind}={value}")


def _add_organization(document: Content, organization: dict[str, object] | None) -> None:
    disambiguated = (organization or {}).get("disambiguated-organization")
    if isinstance(disambiguated, dict):
        source = str(disambiguated["disambiguation-source"] or "").lower()
        document.texts[f"{source}-org-id"].append(str(disambiguated["disambiguated-organization-identifier"]))


def _titles(titles: dict[str, object] | None) -> list[str]:
    parts = (titles or {}).values()
    return [str(part["value"]) for part in parts if isinstance(part, dict) and part.get("value")]


def _organization(item: Item) -> str:
    return str((item.content.get("organization") or {}).get("name") or "")


def _has_ended(item: Item, now: float) -> bool:
    end = item.content.get("end-date")
    if not end or not (end.get("year") or {}).get("value"):
        return False
    today = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    written = "-".join((end[part] or {}).get("value") or "" for part in ("year", "month", "day")).rstrip("-")
    return written < today[: len(written)]
