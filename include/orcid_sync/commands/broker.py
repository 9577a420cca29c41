"""The broker for other units' systems: their credentials, its description, and the broker alone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import AsJson

if TYPE_CHECKING:
    from orcid_sync.vault.registry import Registry

OptionalName = Annotated[
    str | None, typer.Option("--as", help="Who does it; default: the system's user.", metavar="NAME")
]
Unit = Annotated[str, typer.Option("--unit", help="Code of the unit.")]
System = Annotated[str, typer.Option("--name", help="Name of the unit's system.")]
broker = typer.Typer(
    help="Permissions for other units' systems.", no_args_is_help=True, rich_markup_mode=None
)
clients = typer.Typer(help="Credentials of units' systems.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    clients.command("add")(add)
    clients.command("list")(list_)
    clients.command("revoke")(revoke)
    broker.add_typer(clients, name="clients")
    broker.command("openapi")(openapi)
    broker.command("serve")(serve)
    app.add_typer(broker, name="broker")


def add(unit: Unit, system: System, name: OptionalName = None, as_json: AsJson = False) -> None:
    """Make a credential for a system of a unit. It is shown once."""
    from orcid_sync.consent.broker.clients import add_client

    secret = add_client(context.ledger(), unit, system, actor=context.actor(name))
    credential = secret.reveal()

    def text() -> None:
        context.say("Give it to the unit's system; it is not shown again:")
        typer.echo(credential)

    context.emit({"unit": unit, "name": system, "credential": credential}, as_json, text)


def list_(as_json: AsJson = False) -> None:
    """Every credential that was given, with its last use."""
    from orcid_sync.consent.broker.clients import list_clients

    found = list_clients(context.ledger())

    def text() -> None:
        for client in found:
            state = f"revoked {client['revoked_at']:%Y-%m-%d}" if client["revoked_at"] else "good"
            last = f"last use {client['last_use']:%Y-%m-%d %H:%M}" if client["last_use"] else "never used"
            typer.echo(f"{client['unit']}: {client['name']}, {state}, {client['uses']} uses, {last}")

    context.emit({"clients": found}, as_json, text)


def revoke(unit: Unit, system: System, name: OptionalName = None, as_json: AsJson = False) -> None:
    """End a credential at once."""
    from orcid_sync.consent.broker.clients import revoke_client

    ended = revoke_client(context.ledger(), unit, system, actor=context.actor(name))
    context.emit({"revoked": int(ended)}, as_json)


def openapi(
    file: Annotated[Path | None, typer.Argument(help="File; default: stdout.")] = None,
) -> None:
    """The API's description (OpenAPI, JSON)."""
    from orcid_sync.consent.broker.app import openapi_text

    with context.written_to(file) as stream:
        stream.write(openapi_text())


def serve(
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8095,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Run the broker alone, below /broker/v1; put a proxy with TLS before it."""
    import uvicorn

    from orcid_sync.consent.broker.app import serve_app

    ledger, found = context.ledger(), context.settings()
    made: list[Registry] = []
    lock = threading.Lock()

    def registry() -> Registry:
        from orcid_sync.consent.broker.app import interactive
        from orcid_sync.vault.registry import registry_from

        with lock:
            if not made:
                made.append(interactive(registry_from(found, ledger)))
            return made[0]

    # A credential or a person's key is in no access log of ours.
    uvicorn.run(serve_app(ledger, registry), host=host, port=port, access_log=False, server_header=False)
