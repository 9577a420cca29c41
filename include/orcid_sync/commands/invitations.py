"""Invitations: plan a campaign, send what is due, links for another mailer, what came of it."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import AsJson

OptionalName = Annotated[
    str | None, typer.Option("--as", help="Who does it; default: the system's user.", metavar="NAME")
]
Campaign = Annotated[str, typer.Option("--campaign", help="Name of the campaign.")]
invitations = typer.Typer(
    help="Invite researchers to connect their iD.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (plan, send, links, figures, close):
        invitations.command()(command)
    app.add_typer(invitations, name="invitations")


def plan(
    campaign: Campaign,
    unit: Annotated[str, typer.Option("--unit", help="Code of the unit that invites.")],
    channel: Annotated[
        Literal["mail", "inbox", "file"],
        typer.Option("--channel", help="E-mail, the ORCID inbox, or a file of links for another mailer."),
    ] = "mail",
    language: Annotated[str, typer.Option("--language", help="Language of the messages: en, de, fr.")] = "en",
    reminders: Annotated[int, typer.Option("--reminders", min=0, max=5)] = 2,
    remind_after: Annotated[int, typer.Option("--remind-after", min=1, help="Days between them.")] = 14,
    refused_too: Annotated[
        bool, typer.Option("--refused-too", help="Also those who said no or took a permission back.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also those who were invited before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the list, keep nothing.")] = False,
    name: OptionalName = None,
    as_json: AsJson = False,
) -> None:
    """Plan a campaign: who is invited, who is not and why. Nothing is sent."""
    from orcid_sync.consent.invitations.campaigns import plan_campaign
    from orcid_sync.consent.invitations.messages import load_words

    found = context.settings()
    for kind in ("invitation", "reminder"):
        load_words(language, kind, found.invitation_templates)
    made = plan_campaign(
        context.ledger(),
        unit,
        campaign,
        channel=channel,
        language=language,
        reminders=reminders,
        remind_after=dt.timedelta(days=remind_after),
        domains=found.invitation_domains,
        actor=context.actor(name),
        refused_too=refused_too,
        again=again,
        dry_run=dry_run,
    )

    def text() -> None:
        for person in made.invited:
            typer.echo(f"invite {person}")
        for reason, people in made.left_out.items():
            typer.echo(f"not invited, {reason.replace('_', ' ')}: {len(people)}")
        typer.echo(f"{len(made.invited)} to invite{'; nothing was kept (--dry-run)' if dry_run else ''}")

    left_out = {reason: list(people) for reason, people in made.left_out.items()}
    context.emit(
        {"campaign": campaign, "dry_run": dry_run, "invited": list(made.invited), "left_out": left_out},
        as_json,
        text,
    )


def send(
    campaign: Annotated[str | None, typer.Option("--campaign", help="Only this campaign.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many messages.")] = None,
    resend_doubtful: Annotated[
        bool,
        typer.Option("--resend-doubtful", help="Send again what is in doubt; some may arrive twice."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send the invitations and reminders that are due; run it daily."""
    from orcid_sync.connections import connection
    from orcid_sync.consent.invitations import sending
    from orcid_sync.consent.invitations.outgoing import refuse_stopped, send_all
    from orcid_sync.environment import variable
    from orcid_sync.errors import Misconfigured

    found, ledger = context.settings(), context.ledger()
    if resend_doubtful:
        if campaign is None:
            raise Misconfigured(
                "Nothing is sent again", why="no campaign is named", remedy="Name it with --campaign"
            )
        sending.resend_doubtful(ledger, campaign)
    smtp = connection("smtp_default") if variable("AIRFLOW_CONN_SMTP_DEFAULT") else None
    with context.registry(found, ledger) as registry:
        counts = send_all(ledger, registry, found, smtp, campaign=campaign, limit=limit)
    if "mail" not in counts:
        context.say("No e-mail is sent: ORCID_SYNC_MAIL_FROM or the connection smtp_default is not set.")
    context.emit(counts, as_json)
    refuse_stopped(counts)


def links(
    campaign: Campaign,
    file: Annotated[Path | None, typer.Argument(help="CSV file, private to you; default: stdout.")] = None,
) -> None:
    """The due links of a campaign of channel `file` as CSV, for another mailer; each call gives what is due then."""
    from orcid_sync.consent.invitations.sending import FILE_COLUMNS, Letter, links_for_file
    from orcid_sync.vault.keys import key_ring

    found = context.settings()
    with (
        links_for_file(context.ledger(), key_ring(found), campaign, Letter.from_settings(found)) as rows,
        context.written_to(file, private=True) as stream,
    ):
        writer = csv.DictWriter(stream, FILE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def figures(as_json: AsJson = False) -> None:
    """What came of each campaign: invited, reminded, connected, said no, opted out."""
    from orcid_sync.consent.invitations.campaigns import adoption

    context.emit({"campaigns": adoption(context.ledger())}, as_json)


def close(campaign: Campaign, name: OptionalName = None, as_json: AsJson = False) -> None:
    """End a campaign: nothing more of it is sent."""
    from orcid_sync.consent.invitations.campaigns import close_campaign

    ended = close_campaign(context.ledger(), campaign, actor=context.actor(name))
    context.emit({"campaign": campaign, "ended": ended}, as_json)
