"""What the registry would refuse is found here first; and what it says back is recognised."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from orcid_sync.model.validation import problems, same_meaning

Edit = Callable[[dict[str, Any]], None]


def work() -> dict[str, Any]:
    return {
        "title": {"title": {"value": "A title"}, "subtitle": {"value": "and more"}},
        "type": "journal-article",
        "publication-date": {"year": {"value": "2020"}, "month": {"value": "05"}},
        "journal-title": {"value": "A journal"},
        "short-description": "Some words",
        "citation": {"citation-type": "bibtex", "citation-value": "@article{x}"},
        "url": {"value": "https://example.org/1"},
        "external-ids": {
            "external-id": [
                {
                    "external-id-type": "doi",
                    "external-id-value": "10.1000/x",
                    "external-id-url": {"value": "https://doi.org/10.1000/x"},
                    "external-id-relationship": "self",
                },
                {
                    "external-id-type": "source-work-id",
                    "external-id-value": "17",
                    "external-id-relationship": "self",
                },
            ]
        },
        "contributors": {
            "contributor": [
                {
                    "contributor-orcid": {
                        "uri": "https://orcid.org/0000-0002-1825-0097",
                        "path": "0000-0002-1825-0097",
                        "host": "orcid.org",
                    },
                    "credit-name": {"value": "J. Carberry"},
                    "contributor-attributes": {"contributor-sequence": "first", "contributor-role": "author"},
                }
            ]
        },
        "language-code": "en",
        "country": {"value": "GB"},
    }


def employment() -> dict[str, Any]:
    return {
        "department-name": "Physics",
        "role-title": "Lecturer",
        "start-date": {"year": {"value": "2020"}},
        "end-date": {"year": {"value": "2021"}, "month": {"value": "01"}},
        "organization": {
            "name": "University of Examples",
            "address": {"city": "Exampleton", "country": "GB"},
            "disambiguated-organization": {
                "disambiguated-organization-identifier": "https://ror.org/05qwgg493",
                "disambiguation-source": "ROR",
            },
        },
        "url": {"value": "https://example.org/"},
        "external-ids": {
            "external-id": [
                {
                    "external-id-type": "source-work-id",
                    "external-id-value": "17",
                    "external-id-relationship": "self",
                }
            ]
        },
    }


def put(*path: str | int, value: Any) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        at: Any = content
        for step in path[:-1]:
            at = at[step]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value

    return edit


IDS = ("external-ids", "external-id")
PEOPLE = ("contributors", "contributor", 0)


def test_a_proper_work_and_affiliation_have_no_problems() -> None:
    assert problems("work", work()) == []
    assert problems("employment", employment()) == []


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (put("title", value=None), "title"),
        (put("title", "title", value={"value": "  "}), "title"),
        (put("title", "title", value={"value": "x" * 1001}), "title.title"),
        (put("title", "subtitle", value={"value": "\U0001f600" * 501}), "title.subtitle"),
        (put("title", "title", value={"value": "a\x00b"}), "title.title"),
        (put("title", "translated-title", value={"value": "X"}), "title.translated-title"),
        (put("title", "translated-title", value={"value": "X", "language-code": "he"}), "title.translated-title"),
        (put("title", "translated-title", value={"value": "", "language-code": "en"}), "title.translated-title"),
        (put("type", value=None), "type"),
        (put("type", value="undefined"), "type"),
        (put("type", value="JOURNAL_ARTICLE"), "type"),
        (put("language-code", value="zh"), "language-code"),
        (put("country", value={"value": "UK"}), "country"),
        (put("country", value={"value": ""}), "country"),
        (put("publication-date", "month", value={"value": "5"}), "publication-date"),
        (put("publication-date", "month", value={"value": "13"}), "publication-date"),
        (put("publication-date", "year", value={"value": "1899"}), "publication-date"),
        (put("publication-date", "year", value=None), "publication-date"),
        (put("citation", "citation-type", value="BIBTEX"), "citation.citation-type"),
        (put("citation", "citation-value", value=" "), "citation.citation-value"),
        (put("journal-title", value={"value": ""}), "journal-title"),
        (put("short-description", value="x" * 5001), "short-description"),
        (put("url", value={"value": "no url"}), "url"),
        (put("external-ids", value=None), "external-ids"),
        (put(*IDS, value=[]), "external-ids"),
        (put(*IDS, 0, "external-id-type", value="shelfmark"), "external-ids[0]"),
        (put(*IDS, 0, "external-id-type", value="source_work_id"), "external-ids[0]"),
        (put(*IDS, 0, "external-id-value", value=" "), "external-ids[0]"),
        (put(*IDS, 0, "external-id-relationship", value=None), "external-ids[0]"),
        (put(*IDS, 1, "external-id-relationship", value="funded-by"), "external-ids[1]"),
        (put(*IDS, 0, "external-id-url", value={"value": "not a url"}), "external-ids[0].external-id-url"),
        (put(*PEOPLE, "credit-name", value={"value": "x" * 151}), "contributors[0].credit-name"),
        (put(*PEOPLE, "credit-name", value={"value": " "}), "contributors[0].credit-name"),
        (put(*PEOPLE, "contributor-orcid", "path", value="0000-0002-1825-0098"), "contributors[0].contributor-orcid"),
        (put(*PEOPLE, "contributor-orcid", "uri", value="http://orcid.org/0000-0002-1825-0097"),
         "contributors[0].contributor-orcid"),
        (put(*PEOPLE, "contributor-attributes", "contributor-role", value="poet"), "contributors[0].contributor-role"),
        (put(*PEOPLE, "contributor-attributes", "contributor-sequence", value="second"),
         "contributors[0].contributor-sequence"),
        (put(*PEOPLE, "contributor-email", value={"value": "a@b.c"}), "contributors[0].contributor-email"),
        (put("visibility", value="public"), "visibility"),
        (put("put-code", value=1), "put-code"),
        (put("volume", value="1"), "volume"),
    ],
)  # fmt: skip
def test_what_the_registry_would_refuse_in_a_work_is_found_and_named(edit: Edit, field: str) -> None:
    content = work()
    edit(content)
    assert field in [problem.field for problem in problems("work", content)]


def test_a_work_needs_a_self_identifier() -> None:
    content = work()
    for item in content["external-ids"]["external-id"]:
        item["external-id-relationship"] = "part-of"
    assert [problem.field for problem in problems("work", content)] == ["external-ids"]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (put("organization", value=None), "organization"),
        (put("organization", "name", value=" "), "organization"),
        (put("organization", "name", value="x" * 4001), "organization.name"),
        (put("organization", "address", value=None), "organization.address"),
        (put("organization", "address", "city", value=None), "organization.address"),
        (put("organization", "address", "country", value=None), "organization.address"),
        (put("organization", "address", "country", value="XX"), "organization.address.country"),
        (put("organization", "disambiguated-organization", value=None), "organization.disambiguated-organization"),
        (put("organization", "disambiguated-organization", "disambiguation-source", value="ror"),
         "organization.disambiguated-organization"),
        (put("role-title", value="x" * 4001), "role-title"),
        (put("department-name", value=""), "department-name"),
        (put("start-date", value={"year": {"value": "2022"}}), "end-date"),
        (put("start-date", value={"year": {"value": "22"}}), "start-date"),
        (put(*IDS, 0, "external-id-value", value=""), "external-ids[0].external-id-value"),
        (put("journal-title", value={"value": "x"}), "journal-title"),
    ],
)  # fmt: skip
def test_what_the_registry_would_refuse_in_an_employment_is_found_and_named(edit: Edit, field: str) -> None:
    content = employment()
    edit(content)
    assert field in [problem.field for problem in problems("employment", content)]


def test_an_end_without_a_start_is_accepted() -> None:
    content = employment()
    del content["start-date"]
    assert problems("employment", content) == []


def test_the_freer_affiliations_need_an_organisation_id_or_an_identifier() -> None:
    content = employment()
    del content["organization"]["disambiguated-organization"]
    assert problems("service", content) == []
    del content["external-ids"]
    assert [p.field for p in problems("service", content)] == ["organization.disambiguated-organization"]


def test_a_city_without_a_country_is_refused_for_the_freer_affiliations() -> None:
    content = employment()
    del content["organization"]["address"]["country"]
    assert [p.field for p in problems("membership", content)] == ["organization.address.country"]


def test_a_section_without_rules_is_an_error() -> None:
    with pytest.raises(ValueError, match="haiku"):
        problems("haiku", {})
    with pytest.raises(ValueError, match="haiku"):
        same_meaning("haiku", {}, {})


def read_back(section: str, sent: dict[str, Any]) -> dict[str, Any]:
    """What the registry returns for an item: more fields, nulls, normalised values, other spellings."""
    read = copy.deepcopy(sent)
    read |= {
        "put-code": 17,
        "source": {"source-client-id": {"path": "APP-0123456789ABCDEF"}},
        "created-date": {"value": 1},
        "last-modified-date": {"value": 2},
        "path": f"/0000-0002-1825-0097/{section}/17",
        "visibility": "limited",
        "display-index": "1",
        "unknown-of-old": None,
    }
    for item in read["external-ids"]["external-id"]:
        item |= {
            "external-id-normalized": {"value": "x", "transient": True},
            "external-id-normalized-error": None,
        }
        item.setdefault("external-id-url", None)
        if section != "work":
            item["external-id-type"] = item["external-id-type"].replace("-", "_")
    read["external-ids"]["external-id"].reverse()
    return read


@pytest.mark.parametrize(("section", "make"), [("work", work), ("employment", employment)])
def test_an_item_read_back_means_what_was_sent(section: str, make: Callable[[], dict[str, Any]]) -> None:
    read = read_back(section, make())
    if section == "work":
        read["title"]["translated-title"] = None
        read["contributors"]["contributor"][0]["contributor-orcid"]["host"] = "qa.orcid.org"
        read["contributors"]["contributor"][0]["contributor-email"] = None
    assert same_meaning(section, make(), read)


@pytest.mark.parametrize(
    "edit",
    [
        put("title", "title", value={"value": "Another title"}),
        put("title", "subtitle", value=None),
        put("type", value="preprint"),
        put("publication-date", "month", value=None),
        put(*IDS, 0, "external-id-value", value="10.1000/y"),
        put(*IDS, 0, "external-id-relationship", value="version-of"),
        put("contributors", value=None),
        put(*PEOPLE, "contributor-orcid", value=None),
        put("short-description", value="Other words"),
        put("citation", value=None),
        put("language-code", value="de"),
    ],
)
def test_an_item_that_says_something_else_is_told_apart(edit: Edit) -> None:
    read = read_back("work", work())
    read["external-ids"]["external-id"].reverse()
    edit(read)
    assert not same_meaning("work", work(), read)
