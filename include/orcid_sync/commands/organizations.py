"""The institution's copy of ROR."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import AsJson

organizations = typer.Typer(
    help="The copy of ROR by which organisations are recognised.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    organizations.callback()(_alone)
    organizations.command("load")(load)
    app.add_typer(organizations, name="organisations")


def _alone() -> None:
    """Keeps `load` a command of its own although there is no other."""


def load(
    file: Annotated[Path, typer.Argument(help="ROR's data dump: the zip, or the JSON of schema version 2.")],
    name: Annotated[
        str | None, typer.Option("--as", help="Who does it; default: the system's user.", metavar="NAME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a dump of ROR in the place of the one before; proposals use it from the next run on."""
    from orcid_sync.ledger.organizations import load_organizations

    loaded = load_organizations(context.ledger(), file, actor=context.actor(name))

    def text() -> None:
        typer.echo(
            f"{loaded.organizations} organisations with {loaded.names} names; "
            f"{loaded.withdrawn} are withdrawn, {loaded.replaced} of these have a successor"
        )

    context.emit(asdict(loaded), as_json, text)
