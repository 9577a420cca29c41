"""Rows of an uploaded file of affiliations: read, checked and brought into the shape of the contract.

The columns are those of ORCID's Affiliation Manager, so that a file made for it can be uploaded as it is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from orcid_sync.model import vocabulary
from orcid_sync.model.affiliation_payloads import qualification_payload
from orcid_sync.model.dates import InvalidDateError, from_parts
from orcid_sync.model.identifiers import clean
from orcid_sync.model.inputs import Qualification
from orcid_sync.model.organizations import disambiguated
from orcid_sync.model.payload import Refusal
from orcid_sync.model.sections import AFFILIATIONS

FIELDS: Final[Mapping[str, str]] = {
    "department-name": "department_name",
    "role-title": "role_title",
    "org-name": "organization_name",
    "org-country": "organization_country",
    "org-city": "organization_city",
    "org-region": "organization_region",
    "disambiguated-organization-identifier": "disambiguated_organization_identifier",
    "disambiguation-source": "disambiguation_source",
    "external-id": "external_id_value",
    "external-id-type": "external_id_type",
    "external-id-url": "external_id_url",
    "url": "url",
}
"""The file's columns that are fields of the contract."""
PERSON: Final = ("person-id", "orcid", "email")
"""The columns that say whose affiliation it is; the first that is filled counts."""
NEEDED: Final = ("affiliation-section", "org-name")
"""The columns that a file has to have."""
COLUMNS: Final = (*PERSON, "affiliation-section", *FIELDS, "start-date", "end-date", "id", "delete")
"""All columns; those that are not needed may be missing, and others are passed over."""

_COLUMN_OF: Final = {
    **{field: column for column, field in FIELDS.items()},
    "organization.disambiguated-organization": "disambiguated-organization-identifier",
    "organization.address": "org-city",
    "organization.address.country": "org-country",
    "organization": "org-name",
    "start_date": "start-date",
    "end_date": "end-date",
}
_DATE: Final = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?")
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")
_YES: Final = frozenset({"yes", "y", "true", "1", "x", "delete"})


_FORMULA: Final = re.compile(r"[=+\-@\t\r]")


def shown_in_a_spreadsheet(value: str) -> str:
    """The value as a cell that no spreadsheet takes for a formula; `read_row` takes the sign before it away again."""
    return f"'{value}" if _FORMULA.match(value) else value


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one row: the column, why, and what helps. No value of the row is quoted."""

    field: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class UploadedRow:
    """One row that may be taken. `person` is the column that names somebody and its value; None only for a removal."""

    key: str
    person: tuple[str, str] | None
    section: str | None
    data: Mapping[str, Any]
    delete: bool = False


def read_row(row: Mapping[str, str], today: dt.date) -> UploadedRow | list[RowProblem]:
    """The row in the contract's shape, or everything that is wrong with it."""
    row = {
        name: value[1:] if _FORMULA.match(value, 1) and value[0] == "'" else value
        for name, value in row.items()
    }
    key, given = row.get("id", ""), {name: value for name, value in row.items() if value and name != "id"}
    if key and not _ID.fullmatch(key):
        return [
            RowProblem("id", "it is no row id", "Leave it empty for a new row, or use the id of the download")
        ]
    if row.get("delete", "").lower() in _YES or (key and not given):
        if not key:
            return [RowProblem("id", "a row to be deleted needs its id", "Take the id from the download")]
        return UploadedRow(key, None, None, {}, delete=True)
    person = next(((name, row[name]) for name in PERSON if row.get(name)), None)
    found = list(_problems(row, person))
    section = row.get("affiliation-section", "").strip().lower().replace("_", "-")
    data = {
        "affiliation_type": section,
        **{field: row[column] for column, field in FIELDS.items() if row.get(column)},
        **_date(row, "start"),
        **_date(row, "end"),
    }
    if not found:
        found = _refusal(data, today)
    if found or person is None:
        return found
    return UploadedRow(key or _key(person, data), person, section, data)


def _problems(row: Mapping[str, str], person: tuple[str, str] | None) -> Iterator[RowProblem]:
    if person is None:
        yield RowProblem("person-id", "it names nobody", "Fill person-id, orcid or email")
    section = row.get("affiliation-section", "").strip().lower().replace("_", "-")
    if section not in AFFILIATIONS:
        yield RowProblem(
            "affiliation-section", "it is none of ORCID's", f"Known are {', '.join(sorted(AFFILIATIONS))}"
        )
    if not row.get("org-name"):
        yield RowProblem("org-name", "the organisation is missing", "Fill it")
    if row.get("org-country") and vocabulary.country(row["org-country"]) is None:
        yield RowProblem("org-country", "it is no country", "Write its two letters, GB for instance")
    identifier, source = row.get("disambiguated-organization-identifier"), row.get("disambiguation-source")
    if identifier and disambiguated(identifier, source) is None:
        yield RowProblem(
            "disambiguated-organization-identifier",
            "it is no valid identifier of its source",
            "Use a ROR id (https://ror.org/0...), or name the right disambiguation-source",
        )
    for column in ("url", "external-id-url"):
        if row.get(column) and clean("uri", row[column]) is None:
            yield RowProblem(column, "it is no web address", "Write it like https://www.example.org/page")
    if bool(row.get("external-id")) != bool(row.get("external-id-type")):
        yield RowProblem(
            "external-id-type", "an external id needs both type and value", "Fill both, or neither"
        )
    for name in ("start", "end"):
        text = row.get(f"{name}-date")
        if text and not _valid_date(text):
            yield RowProblem(f"{name}-date", "it is no date", "Write it like 2020, 2020-09 or 2020-09-01")


def _refusal(data: Mapping[str, Any], today: dt.date) -> list[RowProblem]:
    """What the registry would refuse although each column by itself is right."""
    made = qualification_payload(Qualification.from_row(data), item_uri=None, today=today)
    if not isinstance(made, Refusal):
        return []
    return [RowProblem(_COLUMN_OF.get(made.field, made.field), made.message, "Correct the row")]


def _valid_date(text: str) -> bool:
    match = _DATE.fullmatch(text.strip())
    try:
        return (
            match is not None
            and from_parts(*(int(part) if part else None for part in match.groups())) is not None
        )
    except InvalidDateError:
        return False


def _date(row: Mapping[str, str], name: str) -> dict[str, int]:
    match = _DATE.fullmatch(row.get(f"{name}-date", "").strip())
    if match is None:
        return {}
    parts = zip(("year", "month", "day"), match.groups(), strict=True)
    return {f"{name}_{part}": int(number) for part, number in parts if number}


def _key(person: tuple[str, str], data: Mapping[str, Any]) -> str:
    """The key of a row without an id: the same row uploaded again is the same row."""
    text = orjson.dumps([person[0], person[1].strip().lower(), data], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:24]
