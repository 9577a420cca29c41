"""How an import of rows is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from orcid_sync.commands import context

if TYPE_CHECKING:
    from orcid_sync.ledger.imports import ImportReport

SHOWN = 50


def tell(report: ImportReport, as_json: bool) -> None:
    """Print what went in, and the rows that did not; exit code 1 if there were any of those."""

    def text() -> None:
        typer.echo(f"imported {report.imported}, unchanged {report.unchanged}, refused {len(report.errors)}")
        for error in report.errors[:SHOWN]:
            context.say(str(error))
        if len(report.errors) > SHOWN:
            context.say(f"and {len(report.errors) - SHOWN} more; --json names them all")

    errors = [
        {"line": error.line, "field": error.field, "reason": error.reason, "remedy": error.remedy}
        for error in report.errors
    ]
    context.emit(
        {"imported": report.imported, "unchanged": report.unchanged, "errors": errors}, as_json, text
    )
    if report.errors:
        raise typer.Exit(1)
