from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orcid_simulator.identifiers import TYPES, is_valid_issn, make_orcid, normalize


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("doi", "10.1/ABC", "10.1/abc"),
        ("doi", "https://doi.org/10.1000/XYZ.1", "10.1000/xyz.1"),
        ("doi", "doi:10.5555/12345.", "10.5555/12345."),
        ("doi", "10.1/a) and more", "10.1/a)"),
        ("doi", "10.1002/(sici)1096&lt;1::aid&gt;3.0.co;2-x", "10.1002/(sici)1096<1::aid>3.0.co;2-x"),
        ("doi", "10.1/a&amp;lt;b;", "10.1/a<b;"),
        ("doi", '10.1/a"b', "10.1/a"),
        ("doi", "not a doi", None),
        ("doi", "10.1000", None),
        ("pmid", "12345", "12345"),
        ("pmid", "PMID: 12345", "12345"),
        ("pmid", "https://pubmed.ncbi.nlm.nih.gov/12345/", "12345"),
        ("pmid", "https://europepmc.org/article/med/12345", "12345"),
        ("pmid", "12345a", None),
        ("pmid", "x 12345", None),
        ("pmc", "PMC1234567", "1234567"),
        ("pmc", "1234567", "1234567"),
        ("pmc", "pmc/articles", None),
        ("pmc", "PMC1234", None),
        ("arxiv", "arXiv:1501.00001v1", "arXiv:1501.00001v1"),
        ("arxiv", "https://arxiv.org/abs/0706.0001", "arXiv:0706.0001"),
        ("arxiv", "math.CA/0611800v2", "arXiv:math.ca/0611800v2"),
        ("arxiv", "nothing", None),
        ("isbn", "978-3-16-148410-0", "9783161484100"),
        ("isbn", "0 306 40615 x", "030640615X"),
        ("isbn", "12345678901", None),
        ("issn", "0028 0836", "0028-0836"),
        ("issn", "2434561x", "2434-561X"),
        ("issn", "0028\u20130836", "0028-0836"),
        ("issn", "10028-0836", None),
        ("bibcode", "2010ApJ...123..456A", "2010ApJ...123..456A"),
        ("bibcode", "short", None),
        ("rrid", "SCR_007358", "RRID:SCR_007358"),
        ("rrid", "RRID:AB_123456", "RRID:AB_123456"),
        ("rrid", "rrid:ab_123456", None),
        ("uri", "https://Example.org/A/", "https://Example.org/A/"),
        ("uri", "ftp://example.org", "ftp://example.org"),
        ("uri", "example.org/a", "http://example.org/a"),
        ("handle", "10261/ABC ", "10261/abc "),
        ("eid", "2-S2.0-1", "2-s2.0-1"),
        ("other-id", "ABC", "abc"),
        ("ark", "ark:/12345/ABC", "ark:/12345/ABC"),
        ("cgn", "HH1-ABC", "HH1-ABC"),
        ("other-id", "", None),
    ],
)
def test_a_value_is_normalised_by_its_types_rule(kind: str, value: str, expected: str | None) -> None:
    assert normalize(kind, value) == expected


def test_there_are_52_types_and_grant_number_alone_has_an_underscore() -> None:
    assert len(TYPES) == 52
    assert [name for name in TYPES if "_" in name] == ["grant_number"]


@given(st.sampled_from(sorted(TYPES)), st.text())
def test_a_normal_form_stays_as_it_is_when_normalised_again(kind: str, value: str) -> None:
    normal = normalize(kind, value)
    if normal is not None and kind not in ("doi", "arxiv"):
        assert normalize(kind, normal) in (normal, normal.lower())


@pytest.mark.parametrize(
    ("issn", "valid"), [("0028-0836", True), ("2434-561X", True), ("0028-0837", False), ("abcd-efgh", False)]
)
def test_an_issn_is_valid_if_its_check_character_is_right(issn: str, valid: bool) -> None:
    assert is_valid_issn(issn) is valid


def test_a_made_up_id_has_the_right_check_character() -> None:
    assert make_orcid(21825009) == "0000-0002-1825-0097"
