"""Writing what was approved, exactly once as seen from the record."""

from orcid_sync.sync.write.approved import Shard
from orcid_sync.sync.write.shards import plan_shards
from orcid_sync.sync.write.stage import run_error, write

__all__ = ["Shard", "plan_shards", "run_error", "write"]
