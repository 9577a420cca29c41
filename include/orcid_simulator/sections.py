"""One declaration for each section of a record: everything that makes it different from the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orcid_simulator import messages, rules
from orcid_simulator.identifiers import normalize
from orcid_simulator.model import IdKey
from orcid_simulator.schema import Struct

Content = dict[str, Any]

META_FIRST = ("put-code", "created-date", "last-modified-date", "source")
AFFILIATION_META = ("created-date", "last-modified-date", "source", "put-code")
HEAD = ("created-date", "last-modified-date", "source")


@dataclass(frozen=True)
class Section:
    """A section. `update_order` names the checks of a PUT after the item was found, in the registry's order."""

    singular: str
    plural: str
    message: Struct
    ns: str
    validate: rules.Rule
    update_order: tuple[str, ...]
    write_scope: str
    read_scope: str
    delete_scope: str | None = None
    family: str = "activity"
    """activity or person."""
    ids_path: tuple[str, ...] = ("external-ids",)
    """Where the item's own external identifiers are; empty if it has none."""
    normalised: bool = True
    """Whether identifiers are compared, grouped and returned in their normal form."""
    underscored: bool = False
    """Whether the dashes of identifier types come back as underscores."""
    duplicates: str = "ids"
    """ids, content, or none."""
    summary: tuple[tuple[str, str], ...] = ()
    """(key in the summary, key in the item), in order."""
    head: tuple[str, ...] = HEAD
    summary_head: tuple[str, ...] = HEAD
    tail: tuple[str, ...] = ("visibility", "put-code", "path", "display-index")
    summary_tail: tuple[str, ...] = ("visibility", "put-code", "path", "display-index")
    group_key: str = "group"
    path_segment: str | None = None
    """Segment of an item's path, where it is not the singular."""
    display_index_as_text: bool = True
    describe: Callable[[Content], tuple[str, str]] | None = None
    """Type and value of a person item, for the duplicate message."""
    empty_fields: tuple[tuple[str, str], ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        empty = tuple((entry.name, entry.node.key) for entry in self.message.fields if entry.empty)  # type: ignore[attr-defined]
        object.__setattr__(self, "empty_fields", empty)

    @property
    def summary_key(self) -> str:
        """Name of a summary in JSON and XML."""
        return f"{self.singular}-summary"

    @property
    def item_segment(self) -> str:
        """The path segment before an item's put code."""
        return self.path_segment or self.singular

    def identifiers(self, content: Content) -> list[Content]:
        """The item's own external identifiers, as they stand in its message."""
        part: Any = content
        for step in self.ids_path:
            part = part.get(step) if part else None
        return rules.identifiers_in(part) if self.ids_path else []

    def compared(self, content: Content) -> tuple[IdKey, ...]:
        """The identifiers of a message as they are compared: before `settle` with the types that the client sent."""
        if self.family == "person":
            return ()
        return tuple(
            IdKey(
                identifier["external-id-type"],
                identifier["external-id-value"],
                normalize(identifier["external-id-type"], identifier["external-id-value"])
                if self.normalised
                else None,
                identifier["external-id-relationship"],
            )
            for identifier in self.identifiers(content)
        )

    def settle(self, content: Content) -> None:
        """Bring a new message into the form in which it is kept and returned."""
        for name, key in self.empty_fields:
            if content[name] is None:
                content[name] = {key: []}
        _drop_unreturned(content)
        if self.family == "activity":
            for identifier in _all_identifiers(content):
                self._annotate(identifier)

    def _annotate(self, identifier: Content) -> None:
        kind, value = identifier["external-id-type"], identifier["external-id-value"]
        identifier["external-id-normalized"] = identifier["external-id-normalized-error"] = None
        if self.normalised:
            normal = normalize(kind, value)
            if normal is not None:
                identifier["external-id-normalized"] = {"value": normal, "transient": True}
            else:
                identifier["external-id-normalized-error"] = {
                    "error-code": "8001",
                    "error-message": f"The value {value} of type {kind} cannot be normalised",
                    "transient": True,
                }
        if self.underscored:
            identifier["external-id-type"] = kind.lower().replace("-", "_")


def _drop_unreturned(content: Content) -> None:
    """Blank what a client may send and nobody gets back (contributors' e-mail addresses)."""
    contributors = content.get("contributors")
    if contributors:
        for contributor in contributors["contributor"]:
            contributor["contributor-email"] = None


def _all_identifiers(part: Any) -> list[Content]:
    """Every external identifier anywhere in a message."""
    found: list[Content] = []
    if isinstance(part, dict):
        if "external-id-type" in part:
            return [part]
        for value in part.values():
            if isinstance(value, (dict, list)):
                found += _all_identifiers(value)
    elif isinstance(part, list):
        for value in part:
            found += _all_identifiers(value)
    return found


def _same(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, name) for name in names)


ACTIVITY_WRITE, ACTIVITY_READ = "/activities/update", "/activities/read-limited"
PERSON_WRITE, PERSON_READ = "/person/update", "/person/read-limited"

WORK = Section(
    singular="work",
    plural="works",
    message=messages.WORK,
    ns="work",
    validate=rules.validate_work,
    update_order=("unchanged", "validate", "duplicates", "source"),
    write_scope="/orcid-works/update",
    read_scope="/orcid-works/read-limited",
    head=("created-date", "last-modified-date", "source", "put-code", "path"),
    tail=("visibility",),
    summary_head=META_FIRST,
    summary=_same("title", "external-ids", "url", "type", "publication-date", "journal-title"),
    summary_tail=("visibility", "path", "display-index"),
)


def _affiliation(singular: str, rule: rules.Rule) -> Section:
    return Section(
        singular=singular,
        plural=f"{singular}s",
        message=messages.AFFILIATION,
        ns=singular,
        validate=rule,
        update_order=("source", "validate", "duplicates"),
        write_scope="/affiliations/update",
        read_scope="/affiliations/read-limited",
        underscored=True,
        head=AFFILIATION_META,
        summary_head=AFFILIATION_META,
        summary=_same(*(entry.name for entry in messages.AFFILIATION.fields)),
        tail=("display-index", "visibility", "path"),
        summary_tail=("display-index", "visibility", "path"),
        group_key="affiliation-group",
    )


AFFILIATIONS = tuple(
    _affiliation(singular, rule)
    for singular, rule in (
        ("distinction", rules.validate_professional_activity),
        ("education", rules.validate_education_or_employment),
        ("employment", rules.validate_education_or_employment),
        ("invited-position", rules.validate_professional_activity),
        ("membership", rules.validate_professional_activity),
        ("qualification", rules.validate_professional_activity),
        ("service", rules.validate_professional_activity),
    )
)
FUNDING = Section(
    singular="funding",
    plural="fundings",
    message=messages.FUNDING,
    ns="funding",
    validate=rules.validate_funding,
    update_order=("validate", "duplicates", "source"),
    write_scope="/funding/update",
    read_scope="/funding/read-limited",
    normalised=False,
    underscored=True,
    summary=_same("title", "external-ids", "url", "type", "start-date", "end-date", "organization"),
)
PEER_REVIEW = Section(
    singular="peer-review",
    plural="peer-reviews",
    message=messages.PEER_REVIEW,
    ns="peer-review",
    validate=rules.validate_peer_review,
    update_order=("validate", "duplicates", "source"),
    write_scope="/peer-review/update",
    read_scope="/peer-review/read-limited",
    ids_path=("review-identifiers",),
    summary=(
        ("reviewer-role", "reviewer-role"),
        ("external-ids", "review-identifiers"),
        ("review-url", "review-url"),
        ("review-type", "review-type"),
        ("completion-date", "review-completion-date"),
        ("review-group-id", "review-group-id"),
        ("convening-organization", "convening-organization"),
    ),
)
RESEARCH_RESOURCE = Section(
    singular="research-resource",
    plural="research-resources",
    message=messages.RESEARCH_RESOURCE,
    ns="research-resource",
    validate=rules.validate_research_resource,
    update_order=("validate", "source"),
    write_scope="/affiliations/update",
    read_scope="/affiliations/read-limited",
    ids_path=("proposal", "external-ids"),
    summary=_same("proposal"),
)


def _person(
    singular: str,
    plural: str,
    message: Struct,
    rule: rules.Rule,
    describe: Callable[[Content], tuple[str, str]],
    **more: Any,
) -> Section:
    settings: dict[str, Any] = {
        "update_order": ("validate", "duplicates", "source"),
        "write_scope": "/orcid-bio/update",
        "duplicates": "content",
        **more,
    }
    return Section(
        singular=singular,
        plural=plural,
        message=message,
        ns=singular,
        validate=rule,
        read_scope="/orcid-bio/read-limited",
        family="person",
        ids_path=(),
        tail=("visibility", "path", "put-code", "display-index"),
        display_index_as_text=False,
        path_segment=plural,
        describe=describe,
        **settings,
    )


OTHER_NAME = _person(
    "other-name",
    "other-names",
    messages.OTHER_NAME,
    rules.validate_content,
    lambda content: ("other-name", content["content"]),
)
KEYWORD = _person(
    "keyword",
    "keywords",
    messages.KEYWORD,
    rules.validate_content,
    lambda content: ("keyword", content["content"]),
)
RESEARCHER_URL = _person(
    "researcher-url",
    "researcher-urls",
    messages.RESEARCHER_URL,
    rules.validate_researcher_url,
    lambda content: ("researcher-url", content["url"]["value"]),
)
ADDRESS = _person(
    "address",
    "address",
    messages.ADDRESS,
    rules.validate_address,
    lambda content: ("address", content["country"]["value"]),
    update_order=("source", "validate"),
    duplicates="none",
)
EXTERNAL_IDENTIFIER = _person(
    "external-identifier",
    "external-identifiers",
    messages.EXTERNAL_IDENTIFIER,
    rules.validate_external_identifier,
    lambda content: (content["external-id-type"], content["external-id-value"]),
    write_scope="/orcid-bio/external-identifiers/create",
    delete_scope="/orcid-bio/update",
)

ACTIVITIES = tuple(
    sorted((WORK, FUNDING, PEER_REVIEW, RESEARCH_RESOURCE, *AFFILIATIONS), key=lambda s: s.plural)
)
"""In the order of the activities message, which is alphabetical."""
PERSON = (OTHER_NAME, RESEARCHER_URL, ADDRESS, KEYWORD, EXTERNAL_IDENTIFIER)
SECTIONS = (*ACTIVITIES, *PERSON)
BY_SINGULAR: Mapping[str, Section] = {section.singular: section for section in SECTIONS}
BY_PLURAL: Mapping[str, Section] = {section.plural: section for section in SECTIONS}
AFFILIATION_NAMES = frozenset(section.singular for section in AFFILIATIONS)
