"""What stands on a record comes out flat, section by section, with source and identifiers."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest
from orcid_sync.errors import ServerError
from orcid_sync.model.sections import ACTIVITIES
from orcid_sync.orcid.records import ExternalId, Organisation, parse_activities, parse_item

ORCID = "0000-0002-1825-0097"
CLIENT_ID = "APP-0000000000000001"
MILLIS = 1559917017189
MOMENT = dt.datetime(2019, 6, 7, 14, 16, 57, 189000, tzinfo=dt.UTC)


def linked(path: str) -> dict[str, str]:
    return {"uri": f"https://orcid.org/{path}", "path": path, "host": "orcid.org"}


def source(
    client_id: str | None = CLIENT_ID, orcid: str | None = None, origin: str | None = None
) -> dict[str, Any]:
    return {
        "source-orcid": linked(orcid) if orcid else None,
        "source-client-id": linked(client_id) if client_id else None,
        "source-name": {"value": "Example University"},
        "assertion-origin-orcid": None,
        "assertion-origin-client-id": linked(origin) if origin else None,
        "assertion-origin-name": {"value": "Another Client"} if origin else None,
    }


def identifiers(kind: str = "doi", value: str = "10.1000/ABC", relationship: str = "self") -> dict[str, Any]:
    return {
        "external-id": [
            {
                "external-id-type": kind,
                "external-id-value": value,
                "external-id-normalized": {"value": value.lower(), "transient": True},
                "external-id-normalized-error": None,
                "external-id-url": {"value": f"https://doi.org/{value}"},
                "external-id-relationship": relationship,
            }
        ]
    }


def date(year: str, month: str | None = None, day: str | None = None) -> dict[str, Any]:
    return {
        "year": {"value": year},
        "month": {"value": month} if month else None,
        "day": {"value": day} if day else None,
    }


ORGANISATION = {
    "name": "Example University",
    "address": {"city": "Lund", "region": None, "country": "SE"},
    "disambiguated-organization": {
        "disambiguated-organization-identifier": "https://ror.org/012a77v79",
        "disambiguation-source": "ROR",
    },
}


def summary(put_code: int, **fields: Any) -> dict[str, Any]:
    return {
        "put-code": put_code,
        "created-date": {"value": MILLIS},
        "last-modified-date": {"value": MILLIS},
        "source": source(),
        "external-ids": identifiers(),
        "visibility": "public",
        "path": f"/{ORCID}/x/{put_code}",
        "display-index": "1",
        **fields,
    }


WORK = summary(
    11,
    title={"title": {"value": "On Cracks"}, "subtitle": None, "translated-title": None},
    type="journal-article",
    **{"publication-date": date("2012", "10"), "journal-title": {"value": "Crockery"}, "url": None},
)
EMPLOYMENT = summary(
    12,
    organization=ORGANISATION,
    url={"value": "https://example.edu"},
    **{
        "department-name": "Physics",
        "role-title": "Lecturer",
        "start-date": date("2020", "01", "02"),
        "end-date": date("2021"),
        "external-ids": None,
    },
)
FUNDING = summary(
    13,
    title={"title": {"value": "A Grant"}},
    type="grant",
    organization=ORGANISATION,
    **{"start-date": date("2000", "02", "02"), "end-date": None},
)
PEER_REVIEW = summary(
    14,
    **{
        "review-type": "review",
        "reviewer-role": "reviewer",
        "completion-date": date("2012", "08", "01"),
        "review-group-id": "issn:1741-4857",
        "review-url": {"value": "https://alt.example"},
        "convening-organization": ORGANISATION,
    },
)
RESOURCE = summary(
    15,
    proposal={
        "title": {"title": {"value": "Beam Time"}, "translated-title": None},
        "hosts": {"organization": [ORGANISATION]},
        "external-ids": identifiers("proposal-id", "P-1"),
        "start-date": date("1999"),
        "end-date": None,
        "url": None,
    },
)


def activities() -> dict[str, Any]:
    body: dict[str, Any] = {"last-modified-date": {"value": MILLIS}, "path": f"/{ORCID}/activities"}
    for section, declared in ACTIVITIES.items():
        listing = "affiliation-group" if section in AFFILIATED else "group"
        body[declared.plural] = {"last-modified-date": None, listing: []}
    second = {**WORK, "put-code": 21, "source": source(client_id=None, orcid=ORCID), "display-index": "0"}
    body["works"]["group"] = [{"external-ids": identifiers(), "work-summary": [WORK, second]}]
    body["employments"]["affiliation-group"] = [{"summaries": [{"employment-summary": EMPLOYMENT}]}]
    body["fundings"]["group"] = [{"funding-summary": [FUNDING]}]
    body["peer-reviews"]["group"] = [{"peer-review-group": [{"peer-review-summary": [PEER_REVIEW]}]}]
    body["research-resources"]["group"] = [{"research-resource-summary": [RESOURCE]}]
    return body


AFFILIATED = {
    "employment",
    "education",
    "qualification",
    "distinction",
    "invited-position",
    "membership",
    "service",
}


def test_all_sections_come_out_of_one_answer() -> None:
    parsed = parse_activities(ORCID, activities())
    assert parsed.orcid == ORCID
    assert parsed.last_modified == MOMENT
    assert [(item.section, item.put_code) for item in parsed.items] == [
        ("work", 11),
        ("work", 21),
        ("employment", 12),
        ("funding", 13),
        ("peer-review", 14),
        ("research-resource", 15),
    ]
    assert [item.put_code for item in parsed.section("work")] == [11, 21]


def test_a_work_is_read_with_source_identifiers_and_dates() -> None:
    item = parse_item("work", WORK)
    assert item.title == "On Cracks"
    assert item.type == "journal-article"
    assert item.date == "2012-10"
    assert item.container == "Crockery"
    assert item.identifiers == (
        ExternalId("doi", "10.1000/ABC", "self", "10.1000/abc", "https://doi.org/10.1000/ABC"),
    )
    assert (item.visibility, item.display_index) == ("public", 1)
    assert (item.created, item.last_modified) == (MOMENT, MOMENT)
    assert (item.source_client_id, item.source_orcid, item.source_name) == (
        CLIENT_ID,
        None,
        "Example University",
    )
    assert item.organisation is None


def test_an_employment_is_read_with_its_organisation() -> None:
    item = parse_item("employment", EMPLOYMENT)
    assert (item.type, item.title, item.department, item.role_title) == (
        "employment",
        "Lecturer",
        "Physics",
        "Lecturer",
    )
    assert (item.date, item.end_date) == ("2020-01-02", "2021")
    assert item.organisation == Organisation(
        "Example University", "Lund", None, "SE", "https://ror.org/012a77v79", "ROR"
    )
    assert item.identifiers == ()


def test_the_other_sections_keep_what_describes_them() -> None:
    funding = parse_item("funding", FUNDING)
    assert (funding.title, funding.type, funding.date) == ("A Grant", "grant", "2000-02-02")
    review = parse_item("peer-review", PEER_REVIEW)
    assert (review.type, review.date, review.container) == ("review", "2012-08-01", "issn:1741-4857")
    assert review.organisation is not None
    resource = parse_item("research-resource", RESOURCE)
    assert (resource.title, resource.date, resource.identifiers[0].type) == (
        "Beam Time",
        "1999",
        "proposal-id",
    )


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (source(), True),
        (source(client_id="APP-0000000000000002"), False),
        (source(client_id=None, orcid=ORCID), False),
        (source(origin="APP-0000000000000002"), False),
    ],
    ids=["ours", "another client's", "the researcher's", "ours on behalf of another"],
)
def test_written_by_means_this_client_and_nobody_else(given: dict[str, Any], ours: bool) -> None:
    assert parse_item("work", {**WORK, "source": given}).written_by(CLIENT_ID) is ours


def test_an_empty_record_has_no_items() -> None:
    body = {"path": f"/{ORCID}/activities", "works": {"group": []}, "employments": {"affiliation-group": []}}
    assert parse_activities(ORCID, body).items == ()


def without(key: str) -> dict[str, Any]:
    body = copy.deepcopy(activities())
    del body[key]
    return body


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        "x",
        without("works"),
        without("employments"),
        {**activities(), "path": "/0000-0001-5109-3700/activities"},
        {**activities(), "works": {"items": []}},
        {**activities(), "works": {"group": [{"work-summary": [{"title": None}]}]}},
    ],
    ids=[
        "none",
        "list",
        "empty",
        "text",
        "no works",
        "no employments",
        "another record",
        "other shape",
        "no put code",
    ],
)
def test_an_answer_that_is_no_record_is_never_taken_for_an_empty_one(body: object) -> None:
    with pytest.raises(ServerError, match="can't be read"):
        parse_activities(ORCID, body)
