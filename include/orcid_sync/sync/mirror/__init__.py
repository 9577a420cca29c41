"""The mirror stage: what stands on the records, as our API clients see it."""

from __future__ import annotations

from orcid_sync.sync.mirror.changed import flag_changed
from orcid_sync.sync.mirror.stage import mirror, refresh_record
from orcid_sync.sync.mirror.trouble import mark_trouble
from orcid_sync.sync.mirror.webhooks import record_called, register_webhooks

__all__ = [
    "flag_changed",
    "mark_trouble",
    "mirror",
    "record_called",
    "refresh_record",
    "register_webhooks",
]
