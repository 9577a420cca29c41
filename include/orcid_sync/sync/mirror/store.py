"""Readings of records into the ledger: set-based, one transaction for many records, with what follows from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from orcid_sync.ledger.session import Connection
from orcid_sync.model.affiliation_keys import content_key, standing_near_keys
from orcid_sync.model.identifiers import is_preprint_identifier, match_key
from orcid_sync.model.sections import AFFILIATIONS, OF_PERSON
from orcid_sync.orcid.records import Activities, Organisation, RecordItem
from orcid_sync.vault.permissions import clear_suspicion

_STORE: Final = resources.files("orcid_sync.sync.mirror") / "store.sql"
_TEMPORARY: Final = "read_record, read_item, read_key, not_read, vanished, emptied, removed, touched"
_STAGING: Final = """
CREATE TEMP TABLE read_record (orcid text, client_id text, permission_id bigint, started timestamptz, works integer,
    of_person boolean, known boolean NOT NULL DEFAULT false) ON COMMIT DROP;
CREATE TEMP TABLE read_item (orcid text, section text, put_code bigint, client_id text, source_client_id text,
    self_claimed boolean, source_name text, title text, type text, is_preprint boolean, visibility text,
    created_on_record timestamptz, display_index integer) ON COMMIT DROP;
CREATE TEMP TABLE read_key (orcid text, section text, put_code bigint, client_id text, key text, relationship text)
    ON COMMIT DROP;
"""


@dataclass(frozen=True)
class Reading:
    """A complete reading (status 200) of one record. `started` is a moment of the database's clock before the call."""

    permission_id: int
    client_id: str
    orcid: str
    started: dt.datetime
    activities: Activities


@dataclass(frozen=True)
class Stored:
    """What storing came to, in records; `removed_by_researcher` in items."""

    read: int = 0
    unchanged: int = 0
    emptied: int = 0
    removed_by_researcher: int = 0


def store_readings(connection: Connection, readings: Sequence[Reading]) -> Stored:
    """Replace the mirror of these records, and draw the conclusions. Call it in a transaction of its own.

    A live put code of ours that is absent is closed and its item gets a tombstone, if the record was active at this
    reading and at the one before and the item was written before this reading began. If more than half of ours (and
    more than five) are absent at once nothing is concluded: the record's status is `emptied`.
    """
    connection.execute(_STAGING)
    with connection.cursor() as cursor:
        with cursor.copy(
            "COPY read_record (orcid, client_id, permission_id, started, works, of_person) FROM STDIN"
        ) as copy:
            for reading in readings:
                copy.write_row(_record_row(reading))
        with cursor.copy("COPY read_item FROM STDIN") as copy:
            for reading in readings:
                for item in reading.activities.items:
                    copy.write_row(_item_row(reading, item))
        with cursor.copy("COPY read_key FROM STDIN") as copy:
            for reading in readings:
                for item in reading.activities.items:
                    for key, relationship in keys_of(item).items():
                        copy.write_row(
                            (reading.orcid, item.section, item.put_code, reading.client_id, key, relationship)
                        )
    connection.execute(
        "SELECT set_config('orcid_sync.of_person', %s, true) AS sections", (",".join(OF_PERSON),)
    )
    connection.execute(_STORE.read_text())
    clear_suspicion(connection, [reading.permission_id for reading in readings])
    row = connection.execute(
        "SELECT (SELECT count(*) FROM read_record) AS read, "
        "(SELECT count(*) FROM read_record WHERE known AND NOT EXISTS (SELECT FROM touched "
        "WHERE touched.orcid = read_record.orcid AND touched.client_id = read_record.client_id)) AS unchanged, "
        "(SELECT count(*) FROM emptied) AS emptied, (SELECT count(*) FROM removed) AS removed"
    ).fetchone()
    assert row is not None
    # At once, for a caller may store another record in the same transaction.
    connection.execute(f"DROP TABLE {_TEMPORARY}")
    return Stored(row.read, row.unchanged, row.emptied, row.removed)


def keys_of(item: RecordItem) -> dict[str, str]:
    """The match keys of a record item, each with what it says of sameness: self, version-of or near.

    Identifiers that are part-of or funded-by say nothing. Affiliations have keys of their content beside.
    """
    keys: dict[str, str] = {}
    for identifier in item.identifiers:
        # The registry groups by identifiers without a relationship as it does by `self`.
        relationship = identifier.relationship or "self"
        if relationship in ("self", "version-of") and identifier.value:
            key = match_key(identifier.type, identifier.value)
            if keys.get(key) != "self":
                keys[key] = relationship
    if item.section in AFFILIATIONS:
        content = _affiliation_content(item)
        keys[content_key(content)] = "self"
        keys |= dict.fromkeys(standing_near_keys(item.section, content), "near")
    return keys


def _record_row(reading: Reading) -> tuple[Any, ...]:
    works = len(reading.activities.section("work"))
    activities = reading.activities
    return (
        reading.orcid,
        reading.client_id,
        reading.permission_id,
        reading.started,
        works,
        activities.of_person,
    )


def _item_row(reading: Reading, item: RecordItem) -> tuple[Any, ...]:
    # What a client added on behalf of another is neither's alone: not one of ours, and not self-claimed.
    on_behalf = item.assertion_origin_client_id or item.assertion_origin_orcid
    return (
        reading.orcid,
        item.section,
        item.put_code,
        reading.client_id,
        None if on_behalf else item.source_client_id,
        item.source_client_id is None and not on_behalf,
        item.source_name,
        item.title,
        item.type,
        item.section == "work" and _is_preprint(item),
        item.visibility,
        item.created,
        item.display_index,
    )


def _is_preprint(item: RecordItem) -> bool:
    """By its type, or because it has no identifier of its own but a preprint's."""
    own = [identifier for identifier in item.identifiers if (identifier.relationship or "self") == "self"]
    return item.type == "preprint" or (
        bool(own) and all(is_preprint_identifier(identifier.type, identifier.value) for identifier in own)
    )


def _affiliation_content(item: RecordItem) -> Mapping[str, Any]:
    """The parts that content keys are made of, in the API's shape."""
    return {
        "department-name": item.department,
        "role-title": item.role_title,
        "start-date": dict(_date_parts(item.date)),
        "organization": _organization(item.organisation),
    }


def _date_parts(date: str | None) -> Iterator[tuple[str, dict[str, str]]]:
    for name, value in zip(("year", "month", "day"), (date or "").split("-"), strict=False):
        if value:
            yield name, {"value": value}


def _organization(organisation: Organisation | None) -> dict[str, Any]:
    if organisation is None:
        return {}
    return {
        "name": organisation.name,
        "disambiguated-organization": {
            "disambiguated-organization-identifier": organisation.disambiguated_id,
            "disambiguation-source": organisation.disambiguation_source,
        },
    }
