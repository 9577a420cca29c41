"""What the tests of the stages share: the small CRIS, the campus, and the office for those that write."""

from tests.fixtures.campus import campus
from tests.fixtures.office import office, simulator
from tests.fixtures.small_cris import cris, stages

__all__ = ["campus", "cris", "office", "simulator", "stages"]
