"""Real records of others, where they are present: nothing raises, nothing is lost, the samples read well."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from orcid_sync.model.identifiers import clean, match_key, normalize
from orcid_sync.model.orcid_id import parse_orcid
from orcid_sync.model.organizations import ror_url
from orcid_sync.model.payloads import Contributor, Identifier, Payload, Publication, Refusal, work_payload
from orcid_sync.model.text import plain_text
from orcid_sync.model.validation import problems, same_meaning

pytestmark = pytest.mark.realdata

REPOSITORY = Path(__file__).parents[2]


def _folder(variable: str, name: str) -> Path:
    folder = Path(os.environ.get(variable, REPOSITORY.parent / "shared" / name))
    if not folder.is_dir():
        pytest.skip(f"no real input: set {variable} to its folder")
    return folder


@pytest.fixture(scope="module")
def real() -> Path:
    return _folder("ORCID_SYNC_REALDATA", "real-data")


@pytest.fixture(scope="module")
def samples() -> Path:
    return _folder("ORCID_SYNC_ORCID_SAMPLES", "orcid-samples")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _crossref(work: dict[str, Any]) -> Payload | Refusal:
    key = work["DOI"]
    year, month, day = (*((work.get("issued") or {}).get("date-parts") or [[None]])[0], None, None, None)[:3]
    names = [
        Contributor(
            key,
            at,
            role,
            one.get("name") or ", ".join(filter(None, (one.get("family"), one.get("given")))),
            contributor_orcid=one.get("ORCID"),
            contributor_orcid_authenticated=True,
        )
        for role in ("author", "editor")
        for at, one in enumerate(work.get(role) or (), 1)
    ]
    ids = [("doi", key), *(("issn", issn) for issn in work.get("ISSN") or ())]
    ids += [("isbn", isbn) for isbn in work.get("ISBN") or ()]
    publication = Publication(
        key,
        " ".join(work.get("title") or ()),
        work["type"],
        "crossref",
        journal_title=next(iter(work.get("container-title") or ()), None),
        publication_year=year,
        publication_month=month,
        publication_day=day,
        language_code=work.get("language"),
        short_description=work.get("abstract"),
        url=work.get("URL"),
    )
    return work_payload(publication, names, [Identifier(key, at, *pair) for at, pair in enumerate(ids, 1)])


def test_every_crossref_work_is_a_payload_or_a_refusal_that_says_why(real: Path) -> None:
    results = [_crossref(work) for work in _lines(real / "crossref_works.jsonl")]
    reasons = Counter(result.reason if isinstance(result, Refusal) else "made" for result in results)
    assert reasons["made"] > 1250
    assert set(reasons) <= {"made", "type_not_mapped", "invalid_field", "no_usable_identifier"}
    for result in results:
        if isinstance(result, Payload):
            assert problems("work", result.content) == []
            assert json.loads(json.dumps(result.content)) == result.content


def test_every_biotools_publication_is_a_payload_or_lacks_an_identifier(real: Path) -> None:
    reasons: Counter[str] = Counter()
    for row in _lines(real / "biotools_publications.jsonl"):
        ids = [(kind, row.get(name)) for kind, name in (("doi", "doi"), ("pmid", "pmid"), ("pmcid", "pmcid"))]
        year, month, day = (int(part) for part in (row.get("date") or "0-0-0")[:10].split("-"))
        result = work_payload(
            Publication(
                row["id"],
                row.get("title") or "",
                "article",
                "eprints",
                journal_title=row.get("journal"),
                publication_year=year,
                publication_month=month,
                publication_day=day,
                short_description=row.get("abstract"),
            ),
            [Contributor(row["id"], a["order"], "author", a["name"]) for a in row.get("authors") or ()],
            [Identifier(row["id"], at, kind, value) for at, (kind, value) in enumerate(ids) if value],
        )
        reasons[result.reason if isinstance(result, Refusal) else "made"] += 1
    assert sum(reasons.values()) == 11861
    assert reasons["made"] > 9000
    assert set(reasons) <= {"made", "invalid_field", "no_usable_identifier"}


def test_every_messy_doi_becomes_one_that_the_registry_can_normalise_or_none(real: Path) -> None:
    rows = list(csv.DictReader((real / "messy_dois.csv").open(encoding="utf-8", newline="")))
    lost: Counter[str] = Counter()
    for row in rows:
        entered = row["doi_as_entered"]
        cleaned = clean("doi", entered)
        if cleaned is None:
            lost[row["pattern"]] += 1
            continue
        assert clean("doi", cleaned) == cleaned
        assert normalize("doi", cleaned) == cleaned.lower()
        assert match_key("doi", cleaned) == f"doi:{cleaned.lower()}"
    assert sum(lost.values()) < 40, lost
    assert set(lost) <= {
        *("lost_leading_1", "inner_space", "inner_space+uppercase", "inner_space+url", "other", "dx_url"),
    }


def test_titles_and_names_are_plain_after_one_pass(real: Path) -> None:
    texts = [row.get("title") or "" for row in _lines(real / "biotools_publications.jsonl")]
    for work in _lines(real / "crossref_works.jsonl"):
        texts += [
            *(work.get("title") or ()),
            *(work.get("container-title") or ()),
            work.get("abstract") or "",
        ]
    tree = ET.parse(real / "eprints_sample.xml")  # noqa: S314 - a file of our own choosing
    texts += [element.text or "" for element in tree.iter()]
    for text in texts:
        plain = plain_text(text)
        assert plain_text(plain) == plain
        assert "<jats:" not in plain
        assert "&lt;" not in plain
        assert "\ufeff" not in plain


def test_ids_of_people_and_organisations_are_read(real: Path) -> None:
    people = list(csv.DictReader((real / "biotools_persons.csv").open(encoding="utf-8", newline="")))
    for row in people:
        valid = row["checksum_ok"].lower() in ("true", "1", "yes")
        assert (parse_orcid(row["orcid_as_entered"]) is not None) is valid, row["orcid_as_entered"]
    for row in csv.DictReader((real / "ror_organizations.csv").open(encoding="utf-8", newline="")):
        assert ror_url(row["ror_id"]) == row["ror_id"]


def test_the_registrys_own_samples_pass_where_its_rules_let_them(samples: Path) -> None:
    folder = samples / "orcid-model" / "record_3.0" / "samples" / "write_samples"
    for section in (
        "employment",
        "education",
        "qualification",
        "distinction",
        "invited-position",
        "membership",
    ):
        content = json.loads((folder / f"{section}-3.0.json").read_text(encoding="utf-8"))
        assert problems(section, content) == [], section
        assert same_meaning(section, content, content)
    full = json.loads((folder / "work-full-3.0.json").read_text(encoding="utf-8"))
    found = [problem.field for problem in problems("work", full)]
    assert found == ["contributors[0].contributor-email"], (
        "the sample's address is the one thing we never send"
    )
