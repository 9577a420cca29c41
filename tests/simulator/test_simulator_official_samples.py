"""The registry's own schemas and samples: every message of ours validates, every sample of theirs survives."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree
from orcid_simulator import parsing, xml_output
from orcid_simulator.errors import ApiError
from orcid_simulator.identifiers import TYPES
from orcid_simulator.sections import BY_SINGULAR, Section

from tests.simulator.support import SAMPLES, Member, external_id, funding, ids, peer_review, work

MODEL = (Path(__file__).parents[2] / "../shared/orcid-samples/orcid-model").resolve()
READ, WRITE = MODEL / "record_3.0/samples/read_samples", MODEL / "record_3.0/samples/write_samples"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(
        not MODEL.is_dir(), reason="the registry's schemas and samples are not beside the repository"
    ),
]
XML = "application/xml"


@functools.cache
def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(MODEL / name))


def assert_valid(xml: bytes, name: str) -> None:
    checker = schema(name)
    checker.validate(etree.fromstring(xml))
    assert not checker.error_log, f"{checker.error_log}\n{xml.decode()}"


FULL_WORK = work(
    **{
        "journal-title": {"value": "Nature"},
        "short-description": "Short.",
        "citation": {"citation-type": "bibtex", "citation-value": "@article{a}"},
        "publication-date": {"year": {"value": "2020"}, "month": {"value": "02"}, "day": {"value": "03"}},
        "url": {"value": "https://example.org/1"},
        "contributors": {
            "contributor": [
                {
                    "contributor-orcid": {"uri": "https://orcid.org/0000-0002-1825-0097"},
                    "credit-name": {"value": "A. B."},
                    "contributor-attributes": {"contributor-sequence": "first", "contributor-role": "author"},
                }
            ]
        },
        "language-code": "en",
        "country": {"value": "GB"},
        "external-ids": ids(
            external_id(), external_id("issn", "0028-0836", "part-of"), external_id("doi", "junk")
        ),
    }
)
FULL: dict[str, Any] = {
    **{name: build() for name, build in SAMPLES.items()},
    "work": FULL_WORK,
    "funding": funding(amount={"value": "10.50", "currency-code": "EUR"}),
    "peer-review": peer_review(
        **{"subject-type": "journal-article", "subject-url": {"value": "https://a.org"}}
    ),
}


@pytest.fixture
def full(member: Member) -> Member:
    """A record with one item in every section."""
    for section, item in FULL.items():
        member.add(section, item)
    member.add("other-names", {"content": "Jo"})
    member.add("keywords", {"content": "physics"})
    member.add("researcher-urls", {"url-name": "Home", "url": {"value": "https://a.org"}})
    member.add("address", {"country": {"value": "GB"}})
    member.add(
        "external-identifiers",
        {
            "external-id-type": "Scopus",
            "external-id-value": "1",
            "external-id-url": {"value": "https://a.org/1"},
            "external-id-relationship": "self",
        },
    )
    member.registry.control.patch_record(
        member.orcid, biography="A life.", emails=[{"email": "jo@example.org", "visibility": "public"}]
    )
    return member


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/record", "record_3.0/record-3.0.xsd"),
        ("/activities", "record_3.0/activities-3.0.xsd"),
        ("/works", "record_3.0/activities-3.0.xsd"),
        ("/employments", "record_3.0/activities-3.0.xsd"),
        ("/invited-positions", "record_3.0/activities-3.0.xsd"),
        ("/fundings", "record_3.0/activities-3.0.xsd"),
        ("/peer-reviews", "record_3.0/activities-3.0.xsd"),
        ("/research-resources", "record_3.0/activities-3.0.xsd"),
        ("/person", "record_3.0/person-3.0.xsd"),
        ("/personal-details", "record_3.0/personal-details-3.0.xsd"),
        ("/biography", "record_3.0/personal-details-3.0.xsd"),
        ("/email", "record_3.0/email-3.0.xsd"),
        ("/other-names", "record_3.0/other-name-3.0.xsd"),
        ("/keywords", "record_3.0/keyword-3.0.xsd"),
        ("/researcher-urls", "record_3.0/researcher-url-3.0.xsd"),
        ("/address", "record_3.0/address-3.0.xsd"),
        ("/external-identifiers", "record_3.0/person-external-identifier-3.0.xsd"),
        ("/work/0", "record_3.0/error-3.0.xsd"),
    ],
)
def test_an_answer_is_valid_by_the_official_schema(full: Member, path: str, name: str) -> None:
    assert_valid(full.get(path, Accept=XML).content, name)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/search?q=*:*", "record_3.0/search-3.0.xsd"),
        ("/search?q=nobody", "record_3.0/search-3.0.xsd"),
        ("/expanded-search?q=*:*", "record_3.0/expanded-search-3.0.xsd"),
        ("/client/{client}", "client_3.0/client-3.0.xsd"),
        ("/{orcid}/summary", "summary_3.0/summary-3.0.xsd"),
    ],
)
def test_an_answer_beside_the_record_is_valid_by_the_official_schema(
    full: Member, path: str, name: str
) -> None:
    filled = path.replace("{client}", full.client.client_id).replace("{orcid}", full.orcid)
    xml = full.call("GET", filled, absolute=True, Accept=XML).content
    # The published schema of the summary misspells this one value.
    assert_valid(xml.replace(b"<summary:type>invited-position<", b"<summary:type>invited-postition<"), name)


def test_a_group_and_a_list_of_groups_are_valid_by_the_official_schema(full: Member) -> None:
    groups = full.with_scope("/group-id-record/read", for_client=True)
    listed = groups.call("GET", "/group-id-record", absolute=True).json()["group-id-record"]
    for path in ("/group-id-record", f"/group-id-record/{listed[0]['put-code']}"):
        assert_valid(
            groups.call("GET", path, absolute=True, Accept=XML).content, "group-id-3.0/group-id-3.0.xsd"
        )


@pytest.mark.parametrize("section", sorted(FULL))
def test_an_item_and_its_summary_are_valid_by_the_official_schema(member: Member, section: str) -> None:
    put_code = member.add(section, FULL[section])
    name = f"record_3.0/{section}-3.0.xsd"
    assert_valid(member.get(f"/{section}/{put_code}", Accept=XML).content, name)
    assert_valid(member.get(f"/{section}/summary/{put_code}", Accept=XML).content, name)


def test_a_bulk_answer_is_valid_by_the_official_schema(member: Member) -> None:
    answer = member.post("/works", {"bulk": [{"work": FULL_WORK}, {"work": {}}]}, Accept=XML)
    assert_valid(answer.content, "record_3.0/bulk-3.0.xsd")


def test_the_keys_of_a_record_are_those_of_the_official_json_sample_in_their_order(full: Member) -> None:
    official = orjson.loads((READ / "record-full-3.0.json").read_bytes())
    assert_same_keys(official, full.get("/record").json(), "")


def assert_same_keys(theirs: Any, ours: Any, path: str) -> None:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        assert list(ours) == list(theirs), path
        for name in theirs:
            assert_same_keys(theirs[name], ours[name], f"{path}/{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and theirs and ours:
        assert_same_keys(theirs[0], ours[0], f"{path}[0]")


def test_the_identifier_types_are_those_of_the_registry() -> None:
    official = orjson.loads((MODEL.parent / "derived/identifier-types.json").read_bytes())
    assert {name: (known.prefix, known.case_sensitive) for name, known in TYPES.items()} == {
        entry["name"]: (entry["resolution-prefix"], entry["case-sensitive"]) for entry in official
    }


def written_samples(suffix: str) -> list[Path]:
    return sorted(WRITE.glob(f"*{suffix}")) if MODEL.is_dir() else []


def section_of(path: Path) -> Section | None:
    names = sorted(BY_SINGULAR, key=len, reverse=True)
    plain = path.name.replace("other-names", "other-name").replace("keywords", "keyword")
    return next((BY_SINGULAR[name] for name in names if plain.startswith(name)), None)


@pytest.mark.parametrize(
    "path", written_samples(".xml") + written_samples(".json"), ids=lambda path: path.name
)
def test_a_write_sample_is_accepted_read_back_and_compared(member: Member, path: Path) -> None:
    media = "xml" if path.suffix == ".xml" else "json"
    content_type = f"application/{media}"
    if path.name.startswith("bulk"):
        sent = [entry for entry in parsing.bulk(path.read_bytes(), media) if entry.fault is None]
        answer = member.post("/works", path.read_bytes(), Content_Type=content_type)
        assert answer.status_code == 200
        assert len(answer.json()["bulk"]) >= len(sent)
        return
    section = section_of(path)
    if section is None or "group-id" in path.name:
        assert "group-id" in path.name
        return
    expected = parsing.single(path.read_bytes(), media, section.message, section.singular, section.ns)
    section.settle(expected.content)
    if section.singular == "peer-review":
        group = expected.content["review-group-id"]
        groups = member.registry.control.token(member.client.client_id, None, "/group-id-record/update")
        creator = Member(member.registry, member.client, member.orcid, groups["access_token"])
        body = {"name": "G", "group-id": group, "description": "D", "type": "journal"}
        creator.call("POST", "/group-id-record", body, absolute=True)
    answer = member.post(f"/{section.item_segment}", path.read_bytes(), Content_Type=content_type)
    assert answer.status_code == 201, answer.text
    put_code = answer.headers["location"].rsplit("/", 1)[1]
    read = member.get(f"/{section.item_segment}/{put_code}").json()
    assert {name: read[name] for name in expected.content} == expected.content


ITEM_SAMPLES = [
    path
    for path in (sorted(READ.glob("*.xml")) if MODEL.is_dir() else [])
    if (section := section_of(path))
    and path.name.startswith((f"{section.singular}-3", f"{section.singular}-full"))
]


@pytest.mark.parametrize("path", ITEM_SAMPLES, ids=lambda path: path.name)
def test_a_read_sample_survives_reading_and_writing(path: Path) -> None:
    section = section_of(path)
    assert section is not None
    xml = path.read_bytes()
    try:
        parsed = parsing.single(xml, "xml", section.message, section.singular, section.ns)
    except ApiError:
        if schema(f"record_3.0/{schema_name(section)}-3.0.xsd").validate(etree.fromstring(xml)):
            raise
        return
    section.settle(parsed.content)
    body = dict.fromkeys(("created-date", "last-modified-date", "source")) | parsed.content
    again = parsing.single(
        xml_output.document(section.singular, body), "xml", section.message, section.singular, section.ns
    )
    section.settle(again.content)
    assert again.content == parsed.content


def schema_name(section: Section) -> str:
    return "person-external-identifier" if section.singular == "external-identifier" else section.singular
