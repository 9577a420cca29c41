"""The researchers' side: the portal, links to it, and what comes back for the CRIS team."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from orcid_sync.commands import context

people = typer.Typer(
    help="Researchers: links, authenticated iDs.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(portal)
    people.command("export-ids")(export_ids)
    people.command("link")(link)
    app.add_typer(people, name="people")


def portal(
    port: Annotated[int | None, typer.Option(help="Port; default: that of ORCID_SYNC_PORTAL_URL.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Run the researchers' portal until it is ended."""
    import uvicorn

    from orcid_sync.consent.portal.app import create_app
    from orcid_sync.consent.portal.setup import portal_from

    settings = context.settings()
    made = portal_from(settings, context.ledger())
    context.say(f"The portal is at {settings.portal_url}")
    # No access log: an address may hold a link that works or a one-time code.
    uvicorn.run(
        create_app(made),
        host=host,
        port=port or urlsplit(settings.portal_url).port or 8070,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_level="warning",
    )


def export_ids(
    file: Annotated[Path | None, typer.Argument(help="CSV file; default: stdout.")] = None,
) -> None:
    """The iDs that were authenticated here, for the CRIS: what the view orcid_return.authenticated_ids has."""
    from orcid_sync.consent.feed import ID_COLUMNS, authenticated_ids

    with context.written_to(file, private=True) as stream:
        writer = csv.DictWriter(stream, ID_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(authenticated_ids(context.ledger()))


def link(
    person: Annotated[str, typer.Option("--person", help="`person_id` of a researcher.")],
    days: Annotated[int, typer.Option(min=1, max=365, help="Days for which it works.")] = 30,
) -> None:
    """Print a link with which this person can connect, once: to be given to nobody else."""
    from orcid_sync.consent.links import address, make_links
    from orcid_sync.consent.people import find_staff
    from orcid_sync.review.rights import NothingSelected

    settings, ledger = context.settings(), context.ledger()
    with context.registry(settings, ledger) as registry, ledger.transaction() as connection:
        staff = find_staff(connection, person, "person_id")
        if staff is None:
            raise NothingSelected(
                "There is no current member of staff of that person id",
                why="no extraction brought one",
                remedy="Name the `person_id` of the CRIS, or run `orcid-sync extract`",
            )
        made = make_links(
            connection, registry.keys, "connect", [staff.researcher_id], valid=dt.timedelta(days=days)
        )
    typer.echo(address(settings.portal_url, "connect", made[staff.researcher_id]).reveal())
