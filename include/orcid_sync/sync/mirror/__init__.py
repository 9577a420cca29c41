"""The mirror stage: what stands on the records, as our API clients see it."""

from __future__ import annotations

from orcid_sync.sync.mirror.changed import flag_changed
from orcid_sync.sync.mirror.stage import mirror, reads_person, refresh_record, search_and_mirror
from orcid_sync.sync.mirror.trouble import mark_trouble
from orcid_sync.sync.mirror.webhooks import record_called, register_webhooks

__all__ = [
    "flag_changed",
    "mark_trouble",
    "mirror",
    "reads_person",
    "record_called",
    "refresh_record",
    "register_webhooks",
    "search_and_mirror",
]
