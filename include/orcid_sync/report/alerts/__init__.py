"""Alerts to the people who keep the sync running: what happened, what to do, whose move it is, where to look.

Each cause is told once, by e-mail to the technical contact of the unit (of all units where it concerns no single one)
and by a webhook, and again only when it comes back after it had gone. What was told, and what could not be delivered, is
in the ledger. No alert names a person.
"""

from __future__ import annotations

from orcid_sync.report.alerts.delivery import Channels, deliver, tell_without_ledger
from orcid_sync.report.alerts.failures import LEDGER_AWAY, Failure, failure_alerts
from orcid_sync.report.alerts.store import (
    Alert,
    open_alerts,
    raise_alerts,
    run_is_told,
    settle_task,
    settle_tasks,
    undelivered_alerts,
)
from orcid_sync.report.alerts.watch import look

__all__ = [
    "LEDGER_AWAY",
    "Alert",
    "Channels",
    "Failure",
    "deliver",
    "failure_alerts",
    "look",
    "open_alerts",
    "raise_alerts",
    "run_is_told",
    "settle_task",
    "settle_tasks",
    "tell_without_ledger",
    "undelivered_alerts",
]
