"""Partial dates: what is valid, what the registry gets, what comes after what."""

from __future__ import annotations

from datetime import date

import pytest
from orcid_sync.model.dates import FuzzyDate, InvalidDateError, compare, from_json, from_parts


@pytest.mark.parametrize(
    ("parts", "json"),
    [
        ((2020,), {"year": {"value": "2020"}}),
        ((2020, 5), {"year": {"value": "2020"}, "month": {"value": "05"}}),
        ((2020, 2, 29), {"year": {"value": "2020"}, "month": {"value": "02"}, "day": {"value": "29"}}),
    ],
)
def test_a_date_goes_out_as_precise_as_it_is_known(parts: tuple[int, ...], json: dict[str, object]) -> None:
    found = from_parts(*parts)
    assert found is not None
    assert found.to_json() == json
    assert from_json(json) == found


@pytest.mark.parametrize(
    "parts",
    [(1899,), (2101,), (2020, 13), (2021, 2, 29), (2020, 4, 31), (2020, None, 5), (None, 5), (2020, -1)],
)
def test_parts_that_are_no_date_are_refused(parts: tuple[int | None, ...]) -> None:
    with pytest.raises(InvalidDateError):
        from_parts(*parts)


@pytest.mark.parametrize("parts", [(None,), (0,), (None, None, None), (0, 0, 0)])
def test_an_unknown_date_is_none(parts: tuple[int | None, ...]) -> None:
    assert from_parts(*parts) is None


def test_zero_parts_are_unknown_parts() -> None:
    assert from_parts(2020, 0, 0) == FuzzyDate(2020)


def test_the_day_of_an_import_is_an_unknown_date() -> None:
    placeholders = frozenset({"2015-07-20", "1900"})
    assert from_parts(2015, 7, 20, placeholder_dates=placeholders) is None
    assert from_parts(1900, placeholder_dates=placeholders) is None
    assert from_parts(2015, 7, 21, placeholder_dates=placeholders) == FuzzyDate(2015, 7, 21)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (FuzzyDate(2020), FuzzyDate(2021), -1),
        (FuzzyDate(2020, 5), FuzzyDate(2020), 0),
        (FuzzyDate(2020, 5), FuzzyDate(2020, 4, 30), 1),
        (FuzzyDate(2020, 5, 1), FuzzyDate(2020, 5), 0),
        (FuzzyDate(2020, 5, 1), FuzzyDate(2020, 5, 2), -1),
    ],
)
def test_dates_compare_on_the_parts_that_both_have(one: FuzzyDate, other: FuzzyDate, expected: int) -> None:
    assert compare(one, other) == expected
    assert compare(other, one) == -expected
    assert one.is_after(other) is (expected > 0)


def test_the_last_day_of_a_partial_date_is_the_latest_it_may_be() -> None:
    assert FuzzyDate(2020).last_day() == date(2020, 12, 31)
    assert FuzzyDate(2020, 2).last_day() == date(2020, 2, 29)
    assert FuzzyDate(2020, 2, 3).last_day() == date(2020, 2, 3)


@pytest.mark.parametrize(
    "json",
    [
        {"year": {"value": "20"}},
        {"year": {"value": "2020"}, "month": {"value": "5"}},
        {"month": {"value": "05"}},
        {"year": {"value": "2020"}, "month": {"value": "02"}, "day": {"value": "30"}},
        {"year": {"value": "\u0662\u0660\u0662\u0660"}},
    ],
)
def test_a_date_in_the_wrong_shape_is_refused(json: dict[str, dict[str, str]]) -> None:
    with pytest.raises(InvalidDateError):
        from_json(json)


def test_null_parts_of_a_date_that_was_read_are_unknown_parts() -> None:
    assert from_json({"year": {"value": "2020"}, "month": None, "day": None}) == FuzzyDate(2020)
    assert from_json(None) is None
