"""Records as the registry returns them: the JSON model that is then written as JSON or as XML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from orcid_simulator import grouping
from orcid_simulator.errors import ApiError
from orcid_simulator.model import Item, Record, Source
from orcid_simulator.registry import Caller, Registry
from orcid_simulator.sections import ACTIVITIES, AFFILIATION_NAMES, PEER_REVIEW, PERSON, WORK, Section

Json = dict[str, Any]


def stamp(milliseconds: int | None) -> Json | None:
    """A date of record-keeping."""
    return None if milliseconds is None else {"value": milliseconds}


class Renderer:
    """Builds answers for one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._base = registry.settings.uri_base.rstrip("/")
        self._host = urlsplit(self._base).netloc
        self._sources: dict[tuple[Source, str | None], Json] = {}

    def forget(self) -> None:
        """Drop what was kept (after a reset)."""
        self._sources.clear()

    def orcid_id(self, orcid: str) -> Json:
        """An iD as URI, path and host."""
        return {"uri": f"{self._base}/{orcid}", "path": orcid, "host": self._host}

    def client_id(self, client_id: str) -> Json:
        """An API client as URI, path and host."""
        return {"uri": f"{self._base}/client/{client_id}", "path": client_id, "host": self._host}

    def source(self, source: Source) -> Json:
        """Who asserted an item, with names."""
        name = self._registry.source_name(source)
        known = self._sources.get((source, name))
        if known is None:
            if len(self._sources) > 10_000:
                self._sources.clear()
            origin = Source(source.origin_client_id, source.origin_orcid)
            origin_name = self._registry.source_name(origin)
            known = {
                "source-orcid": self.orcid_id(source.orcid) if source.orcid else None,
                "source-client-id": self.client_id(source.client_id) if source.client_id else None,
                "source-name": {"value": name} if name else None,
                "assertion-origin-orcid": self.orcid_id(source.origin_orcid) if source.origin_orcid else None,
                "assertion-origin-client-id": self.client_id(source.origin_client_id)
                if source.origin_client_id
                else None,
                "assertion-origin-name": {"value": origin_name} if origin_name else None,
            }
            self._sources[source, name] = known
        return known

    def item(self, section: Section, item: Item, *, with_path: bool = True) -> Json:
        """One item in full. Bulk answers carry no path."""
        meta = self._meta(section, item, with_path=with_path)
        return {
            **{key: meta[key] for key in section.head},
            **item.content,
            **{key: meta[key] for key in section.tail},
        }

    def summary(self, section: Section, item: Item) -> Json:
        """One item as it stands in its section."""
        meta = self._meta(section, item)
        return {
            **{key: meta[key] for key in section.summary_head},
            **{key: item.content[name] for key, name in section.summary},
            **{key: meta[key] for key in section.summary_tail},
        }

    def section(self, record: Record, section: Section, caller: Caller) -> Json:
        """A whole section: what the caller may see of it, grouped."""
        items = self._registry.readable(record, section, caller)
        if section.family == "person":
            return self._person_section(record, section, items)
        if section is PEER_REVIEW:
            groups = self._review_groups(items)
        else:
            groups = [self._group(section, members) for members in self._grouped(section, items)]
        return {
            "last-modified-date": latest(items),
            section.group_key: groups,
            "path": f"/{record.orcid}/{section.plural}",
        }

    def activities(self, record: Record, caller: Caller) -> Json:
        """Every activity section."""
        parts = {section.plural: self.section(record, section, caller) for section in ACTIVITIES}
        dates = [part["last-modified-date"]["value"] for part in parts.values() if part["last-modified-date"]]
        return {
            "last-modified-date": stamp(max(dates, default=None)),
            **parts,
            "path": f"/{record.orcid}/activities",
        }

    def person(self, record: Record, caller: Caller) -> Json:
        """Names, biography, e-mail addresses and the person sections."""
        sections = {section.singular: self.section(record, section, caller) for section in PERSON}
        parts: Json = {
            "name": self.name(record, caller),
            "other-names": sections["other-name"],
            "biography": self.biography_or_none(record, caller),
            "researcher-urls": sections["researcher-url"],
            "emails": self.emails(record, caller),
            "addresses": sections["address"],
            "keywords": sections["keyword"],
            "external-identifiers": sections["external-identifier"],
        }
        dates = [
            part["last-modified-date"]["value"]
            for part in parts.values()
            if part and part["last-modified-date"]
        ]
        return {
            "last-modified-date": stamp(max(dates, default=None)),
            **parts,
            "path": f"/{record.orcid}/person",
        }

    def personal_details(self, record: Record, caller: Caller) -> Json:
        """Names, other names and biography."""
        person = self.person(record, caller)
        parts = {name: person[name] for name in ("name", "other-names", "biography")}
        dates = [
            part["last-modified-date"]["value"]
            for part in parts.values()
            if part and part["last-modified-date"]
        ]
        return {
            "last-modified-date": stamp(max(dates, default=None)),
            **parts,
            "path": f"/{record.orcid}/personal-details",
        }

    def name(self, record: Record, caller: Caller) -> Json | None:
        """The names, if the caller may see them."""
        visibility = record.profile.get("names_visibility", "public")
        if self._hidden(visibility, caller) is not None:
            return None
        credit = record.profile.get("credit_name")
        return {
            "created-date": stamp(record.created),
            "last-modified-date": stamp(record.profile.get("names_modified", record.created)),
            "given-names": {"value": record.given_names},
            "family-name": {"value": record.family_name} if record.family_name else None,
            "credit-name": {"value": credit} if credit else None,
            "source": None,
            "visibility": visibility,
            "path": record.orcid,
        }

    def biography(self, record: Record) -> Json | None:
        """The biography, None if there is none."""
        biography = record.profile.get("biography")
        if not biography or not biography.get("content"):
            return None
        return {
            "created-date": stamp(record.created),
            "last-modified-date": stamp(biography.get("modified", record.created)),
            "content": biography["content"],
            "visibility": biography.get("visibility", "public"),
            "path": f"/{record.orcid}/biography",
        }

    def biography_hidden(self, record: Record, caller: Caller) -> ApiError | None:
        """Why the caller may not see the biography."""
        biography = record.profile.get("biography") or {}
        return self._hidden(biography.get("visibility", "public"), caller)

    def biography_or_none(self, record: Record, caller: Caller) -> Json | None:
        """The biography if there is one that the caller may see."""
        return None if self.biography_hidden(record, caller) else self.biography(record)

    def emails(self, record: Record, caller: Caller) -> Json:
        """The verified addresses that the caller may see; `/email/read-private` shows all of them."""
        shown = []
        for email in record.profile.get("emails", []):
            private_allowed = "/email/read-private" in caller.granted
            if not email.get("verified", True):
                continue
            if private_allowed or self._hidden(email.get("visibility", "private"), caller) is None:
                shown.append(self._email(record, email))
        return {
            "last-modified-date": stamp(
                max((email["last-modified-date"]["value"] for email in shown), default=None)
            ),
            "email": shown,
            "path": f"/{record.orcid}/email",
        }

    def record(self, record: Record, caller: Caller) -> Json:
        """The whole record."""
        verified = [email for email in record.profile.get("emails", []) if email.get("verified", True)]
        return {
            "orcid-identifier": self.orcid_id(record.orcid),
            "preferences": {"locale": record.profile.get("locale", "en")},
            "history": {
                "creation-method": "MEMBER_REFERRED" if record.creator else "DIRECT",
                "completion-date": None,
                "submission-date": stamp(record.created),
                "last-modified-date": stamp(record.modified),
                "claimed": record.status != "unclaimed",
                "source": self.source(Source(client_id=record.creator)) if record.creator else None,
                "deactivation-date": stamp(record.modified) if record.status == "deactivated" else None,
                "verified-email": bool(verified),
                "verified-primary-email": any(email.get("primary") for email in verified),
            },
            "person": self.person(record, caller),
            "activities-summary": self.activities(record, caller),
            "path": f"/{record.orcid}",
        }

    def _meta(self, section: Section, item: Item, *, with_path: bool = True) -> Json:
        index = str(item.display_index) if section.display_index_as_text else item.display_index
        return {
            "put-code": item.put_code,
            "created-date": {"value": item.created},
            "last-modified-date": {"value": item.modified},
            "source": self.source(item.source),
            "visibility": item.visibility,
            "path": f"/{item.orcid}/{section.item_segment}/{item.put_code}" if with_path else None,
            "display-index": index,
        }

    def _hidden(self, visibility: str, caller: Caller) -> ApiError | None:
        return self._registry.hidden_reason(visibility, None, "/orcid-bio/read-limited", caller)

    @staticmethod
    def _grouped(section: Section, items: Iterable[Item]) -> list[list[Item]]:
        groups = grouping.group(items)
        return grouping.order_works(groups) if section is WORK else groups

    def _group(self, section: Section, members: list[Item]) -> Json:
        summaries: list[Json] = [self.summary(section, item) for item in members]
        group: Json = {
            "last-modified-date": latest(members),
            "external-ids": {"external-id": self._union(section, members)},
        }
        if section.singular in AFFILIATION_NAMES:
            group["summaries"] = [{section.summary_key: summary} for summary in summaries]
        else:
            group[section.summary_key] = summaries
        return group

    def _review_groups(self, reviews: list[Item]) -> list[Json]:
        by_group: dict[str, list[Item]] = {}
        for review in reviews:
            by_group.setdefault(review.content["review-group-id"], []).append(review)
        return [
            {
                "last-modified-date": latest(members),
                "external-ids": {"external-id": [_review_group_identifier(group_id)]},
                "peer-review-group": [self._group(PEER_REVIEW, inner) for inner in grouping.group(members)],
            }
            for group_id, members in by_group.items()
        ]

    @staticmethod
    def _union(section: Section, members: list[Item]) -> list[Any]:
        return grouping.union_of_identifiers(members, lambda item: section.identifiers(item.content))

    def _person_section(self, record: Record, section: Section, items: list[Item]) -> Json:
        ordered = sorted(items, key=lambda item: (-item.display_index, item.created, item.put_code))
        return {
            "last-modified-date": latest(items),
            section.singular: [self.item(section, item) for item in ordered],
            "path": f"/{record.orcid}/{section.plural}",
        }

    def _email(self, record: Record, email: Json) -> Json:
        return {
            "created-date": stamp(record.created),
            "last-modified-date": stamp(email.get("modified", record.created)),
            "source": self.source(Source(orcid=record.orcid)),
            "email": email["email"],
            "path": None,
            "visibility": email.get("visibility", "private"),
            "verified": email.get("verified", True),
            "primary": email.get("primary", False),
            "put-code": None,
        }


def latest(items: Iterable[Item]) -> Json | None:
    """The date of the last change among items."""
    return stamp(max((item.modified for item in items), default=None))


def _review_group_identifier(group_id: str) -> Json:
    return {
        "external-id-type": "peer-review",
        "external-id-value": group_id,
        "external-id-normalized": None,
        "external-id-normalized-error": None,
        "external-id-url": None,
        "external-id-relationship": None,
    }
