"""Writing what was approved, exactly once as seen from the record."""

from orcid_sync.sync.write.stage import run_error, write

__all__ = ["run_error", "write"]
