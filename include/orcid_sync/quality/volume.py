"""Guards on the size of the views: an empty or shrunken one is more often a failed refresh than a wish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orcid_sync.errors import Misconfigured, Who
from orcid_sync.ledger.session import Connection
from orcid_sync.settings import Settings

NEVER_EMPTY: Final = frozenset({"staff", "units", "publications"})
# Old tombstones may be cleared away at any time.
UNGUARDED: Final = frozenset({"tombstones"})


class ViewShrunk(Misconfigured):
    """A view is empty or has lost more rows than is plausible; nothing of the extraction is merged."""

    kind = "view_shrunk"


@dataclass(frozen=True)
class Volume:
    """The rows of one view now and at the last merge; None if there was none."""

    relation: str
    rows: int
    before: int | None

    def alarm(self, settings: Settings) -> str | None:
        """Why this can't be meant, or None."""
        if self.rows == 0 and (self.before or (self.before is None and self.relation in NEVER_EMPTY)):
            return f"{settings.cris_schema}.{self.relation} is empty" + (
                f" and had {self.before} rows at the last run" if self.before else ""
            )
        lost = (self.before or 0) - self.rows
        if lost > max(settings.guard_shrink, (self.before or 0) * settings.guard_shrink_percent / 100):
            return f"{settings.cris_schema}.{self.relation} has {self.rows} rows, {lost} fewer than at the last run"
        return None


def volumes(connection: Connection) -> list[Volume]:
    """The sizes of all views, from the record of the extraction."""
    rows = connection.execute(
        "SELECT now.relation, now.source_rows, before.rows FROM staging.extracted now "
        "LEFT JOIN watermark before USING (relation) ORDER BY now.relation"
    )
    return [Volume(row.relation, row.source_rows, row.rows) for row in rows if row.relation not in UNGUARDED]


def stop_if_shrunk(found: list[Volume], settings: Settings) -> None:
    """Raises ViewShrunk naming every view that is empty or shrunken, with the figures."""
    alarms = [alarm for volume in found if (alarm := volume.alarm(settings)) is not None]
    if alarms:
        raise ViewShrunk(
            "The CRIS shows far less than before; nothing of it was merged",
            why="; ".join(alarms),
            remedy="Look whether the views were refreshed completely; if it is meant, extract again with "
            "confirm_shrink (`orcid-sync extract --confirm-shrink`)",
            who=Who.CRIS_TEAM,
        )
