"""What to propose: payloads, the decision table, guards, batches."""

from orcid_sync.sync.propose.guards import GuardStopped
from orcid_sync.sync.propose.stage import propose

__all__ = ["GuardStopped", "propose"]
