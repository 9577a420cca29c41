"""What the tests of the stages share: the small CRIS and the campus."""

from tests.fixtures.campus import campus
from tests.fixtures.small_cris import cris, stages

__all__ = ["campus", "cris", "stages"]
