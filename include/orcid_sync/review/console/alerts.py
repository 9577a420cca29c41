"""Alerts that last, as the console shows them: what happened, what to do, whose move it is, and who has been told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.report.alerts import open_alerts, undelivered_alerts
from orcid_sync.review.console.visitor import Desk

_OURS: Final = "/orcid-review/"
_REMEDIES: Final = {
    "mail": "Check the connection `smtp_default` and the unit's technical contact in the units file",
    "webhook": "Check ORCID_SYNC_ALERT_WEBHOOK_URL and what listens there",
}


@dataclass(frozen=True)
class Failed:
    """A message that did not get through: by which way, why, how often it was tried, what to do."""

    channel: str
    unit: str | None
    why: str
    attempts: int
    tried_at: Any
    remedy: str


@dataclass(frozen=True)
class OpenAlert:
    """`page` is a page of the console, `url` one of the host; an alert leads to one of them at most.

    `delivered` counts the messages that got through; `failed` are the others.
    """

    what: str
    remedy: str
    who: str
    unit_name: str | None
    first_seen: Any
    page: str | None
    url: str | None
    delivered: int
    failed: tuple[Failed, ...]


def alerts(desk: Desk, page_url: Callable[[str], str | None], run_id: str | None = None) -> list[OpenAlert]:
    """The lasting alerts of the visitor's units; those of no unit for who sees them all. `page_url` is the host's.

    With `run_id` only what that run last met.
    """
    units = {unit.code for unit in desk.visitor.units}
    with desk.ledger.transaction() as connection:
        found = open_alerts(connection)
        undelivered = undelivered_alerts(connection)
    return [
        _shown(row, undelivered, page_url)
        for row in found
        if (row["unit"] in units or (row["unit"] is None and desk.visitor.sees_all))
        and run_id in (None, row["run_id"])
    ]


def _shown(
    row: dict[str, Any], undelivered: Iterable[dict[str, Any]], page_url: Callable[[str], str | None]
) -> OpenAlert:
    path = str(row["path"])
    ours = path.startswith(_OURS)
    return OpenAlert(
        what=row["what"],
        remedy=row["remedy"],
        who=row["who"],
        unit_name=row["unit_name"],
        first_seen=row["first_seen"],
        page=path.removeprefix(_OURS) if ours else None,
        url=page_url(path) if path and not ours else None,
        delivered=row["delivered"],
        failed=tuple(
            Failed(
                one["channel"],
                one["unit"],
                one["why"],
                one["attempts"],
                one["tried_at"],
                _REMEDIES[one["channel"]],
            )
            for one in undelivered
            if one["cause"] == row["cause"]
        ),
    )
