"""iDs in the spellings that HR systems, CRISs and people use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orcid_sync.model.orcid_id import is_client_id, parse_orcid

CANONICAL = "0000-0002-1825-0097"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0000-0002-1825-0097", id="canonical"),
        pytest.param("https://orcid.org/0000-0002-1825-0097", id="https"),
        pytest.param("http://orcid.org/0000-0002-1825-0097", id="http"),
        pytest.param("https://sandbox.orcid.org/0000-0002-1825-0097", id="sandbox"),
        pytest.param("https://www.orcid.org/0000-0002-1825-0097/", id="www and slash"),
        pytest.param("orcid.org/0000-0002-1825-0097", id="bare host"),
        pytest.param("https://orcid.org/0000-0002-1825-0097?lang=en", id="query"),
        pytest.param("https://orcid.org/0000-0002-1825-0097/print", id="page of the record"),
        pytest.param("  0000-0002-1825-0097\t", id="blanks around"),
        pytest.param("\u00a00000-0002-1825-0097\u00a0", id="no-break spaces around"),
        pytest.param("0000000218250097", id="no dashes"),
        pytest.param("0000 0002 1825 0097", id="blanks for dashes"),
        pytest.param("0000\u20110002\u20111825\u20110097", id="no-break hyphens"),
        pytest.param("0000\u20130002\u20131825\u20130097", id="en dashes"),
        pytest.param("ORCID: 0000-0002-1825-0097", id="label"),
        pytest.param("ORCID iD: https://orcid.org/0000-0002-1825-0097", id="label and URL"),
        pytest.param("orcid:0000-0002-1825-0097", id="curie"),
        pytest.param("<https://orcid.org/0000-0002-1825-0097>", id="angle brackets"),
        pytest.param("\ufeff0000-0002-1825-0097", id="byte order mark"),
        pytest.param("\uff10\uff10\uff10\uff10-0002-1825-0097", id="full-width digits"),
    ],
)
def test_an_orcid_id_in_any_spelling_becomes_canonical(text: str) -> None:
    assert parse_orcid(text) == CANONICAL


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("0000-0002-1825-0098", id="wrong check digit"),
        pytest.param("1122-1299-6202-2731", id="another wrong check digit"),
        pytest.param("0000-0002-1825-009", id="too short"),
        pytest.param("0000-0002-1825-00977", id="too long"),
        pytest.param("0000-0002-1825-0097; 0000-0001-5109-3700", id="two iDs"),
        pytest.param("https://example.org/0000-0002-1825-0097", id="another host"),
        pytest.param("https://notorcid.org.example/0000-0002-1825-0097", id="host that only looks like it"),
        pytest.param("n/a", id="placeholder"),
        pytest.param("0000-0002-18X5-0097", id="x in the middle"),
    ],
)
def test_what_is_not_one_valid_orcid_id_is_none(text: str | None) -> None:
    assert parse_orcid(text) is None


def test_a_check_character_x_is_accepted_in_lower_case() -> None:
    assert parse_orcid("0000-0002-1694-233x") == "0000-0002-1694-233X"


@given(st.text(max_size=60))
def test_parsing_never_raises_and_is_idempotent(text: str) -> None:
    parsed = parse_orcid(text)
    assert parsed is None or parse_orcid(parsed) == parsed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("APP-0123456789ABCDEF", True),
        ("APP-ABCDEFGHIJKLMNOP", True),
        ("0000-0002-1825-0097", True),
        ("APP-123", False),
        ("app-0123456789ABCDEF", False),
        ("", False),
        (None, False),
    ],
)
def test_client_ids_are_told_from_other_text(text: str | None, expected: bool) -> None:
    assert is_client_id(text) is expected
