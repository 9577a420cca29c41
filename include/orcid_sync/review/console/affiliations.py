"""The page on which a unit uploads affiliations as a file: what it may upload, and how its rows stand."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from orcid_sync.ledger.imports import read_csv
from orcid_sync.ledger.uploads import (
    STATUS_COLUMNS,
    UploadReport,
    download_affiliations,
    upload_affiliations,
    uploaded_states,
)
from orcid_sync.model.sections import AFFILIATIONS
from orcid_sync.model.upload_rows import COLUMNS, NEEDED, shown_in_a_spreadsheet
from orcid_sync.review.console.visitor import Desk, SeenUnit, deciding
from orcid_sync.settings import Settings

Take = Literal["check", "all", "good"]
"""Only look at the file; take it if all rows are right; take the rows that are right."""

LARGEST: Final = 20_000_000
"""Characters of a file; ten thousand rows are three millions."""


@dataclass(frozen=True)
class UnitRows:
    """A unit that may own affiliations, how many of its uploaded rows are in which state, and who may upload."""

    unit: SeenUnit
    states: list[tuple[str, int]]

    @property
    def rows(self) -> int:
        return sum(count for _, count in self.states)


def units_with_rows(desk: Desk) -> list[UnitRows]:
    """The visitor's units that may own affiliations."""
    states = uploaded_states(desk.ledger)
    return [
        UnitRows(unit, sorted(states.get(unit.id, {}).items()))
        for unit in desk.visitor.units
        if AFFILIATIONS & set(unit.sections)
    ]


def upload(desk: Desk, unit: SeenUnit, text: str, take: Take, settings: Settings) -> dict[str, Any]:
    """Take over a file's text for a unit, or only check it. Raises Forbidden for who may not decide for the unit."""
    name = deciding(unit, desk.visitor.person)
    report = upload_affiliations(
        desk.ledger,
        read_csv(io.StringIO(text.removeprefix("\ufeff")), NEEDED, "affiliations", optional=COLUMNS),
        unit=unit.code,
        actor=name,
        today=dt.datetime.now(settings.zone).date(),
        good_rows_only=take == "good",
        check_only=take == "check",
    )
    return as_json(report)


def as_json(report: UploadReport) -> dict[str, Any]:
    """The report as scripts get it."""
    return {
        **{
            name: getattr(report, name)
            for name in ("rows", "applied", "new", "changed", "unchanged", "removed")
        },
        "not_connected": list(report.not_connected),
        "errors": [asdict(error) for error in report.errors],
    }


def rows_csv(desk: Desk, unit: SeenUnit) -> Iterator[str]:
    """The unit's uploaded rows with what became of each, as lines of CSV."""
    line = io.StringIO()
    writer = csv.DictWriter(line, STATUS_COLUMNS)
    writer.writeheader()
    for row in download_affiliations(desk.ledger, unit=unit.code):
        writer.writerow({name: shown_in_a_spreadsheet(value) for name, value in row.items()})
        if line.tell() > 1 << 16:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()
