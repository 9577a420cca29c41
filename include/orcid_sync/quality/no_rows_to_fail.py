"""The one expectation of ours. Importing this module imports Great Expectations: do so where it is used."""

from __future__ import annotations

from great_expectations.expectations.core.expect_column_sum_to_be_between import (
    ExpectColumnSumToBeBetween,
)


class ExpectNoRowsToFail(ExpectColumnSumToBeBetween):
    """Each row holds 1 under the check that it fails, else 0: the sum is the number of bad rows.

    All checks of a relation are counted in one pass, and no value of a row is read.
    """

    min_value: float = 0
    max_value: float = 0
