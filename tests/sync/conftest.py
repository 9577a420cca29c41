"""The small CRIS is for the tests of the stages that read it."""

from tests.fixtures.small_cris import cris, stages

__all__ = ["cris", "stages"]
