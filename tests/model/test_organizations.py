"""Organisation identifiers in any spelling."""

from __future__ import annotations

import pytest
from orcid_sync.model.organizations import disambiguated, ror_url


@pytest.mark.parametrize(
    "text",
    ["https://ror.org/05qwgg493", "http://ror.org/05qwgg493", "ror.org/05qwgg493", "05qwgg493", " 05QWGG493 ",
     "https://www.ror.org/05qwgg493/"],
)  # fmt: skip
def test_a_ror_id_in_any_spelling_becomes_its_url(text: str) -> None:
    assert ror_url(text) == "https://ror.org/05qwgg493"


@pytest.mark.parametrize(
    "text", ["05qwgg494", "5qwgg493", "grid.5335.0", "https://example.org/05qwgg493", "", None]
)
def test_what_is_no_ror_id_is_none(text: str | None) -> None:
    assert ror_url(text) is None


@pytest.mark.parametrize(
    ("identifier", "source", "pair"),
    [
        ("05qwgg493", "ROR", ("https://ror.org/05qwgg493", "ROR")),
        ("https://ror.org/05qwgg493", None, ("https://ror.org/05qwgg493", "ROR")),
        ("501100003451", "FUNDREF", ("http://dx.doi.org/10.13039/501100003451", "FUNDREF")),
        (
            "https://doi.org/10.13039/501100003451",
            "fundref",
            ("http://dx.doi.org/10.13039/501100003451", "FUNDREF"),
        ),
        ("1846", "Ringgold", ("1846", "RINGGOLD")),
        ("grid.5335.0", "GRID", ("grid.5335.0", "GRID")),
        ("https://www.grid.ac/institutes/grid.5335.0", "GRID", ("grid.5335.0", "GRID")),
        ("529900t8bm49aursdo55", "LEI", ("529900T8BM49AURSDO55", "LEI")),
        ("grid.5335.0", "ROR", None),
        ("Q1232428", "WIKIDATA", None),
        ("", "ROR", None),
        (None, None, None),
    ],
)
def test_pairs_are_spelled_as_the_registry_holds_them(
    identifier: str | None, source: str | None, pair: tuple[str, str] | None
) -> None:
    assert disambiguated(identifier, source) == pair
