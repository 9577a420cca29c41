"""The vault: keys and researchers' tokens."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import AsJson

OptionalName = Annotated[
    str | None, typer.Option("--as", help="Who does it; default: the system's user.", metavar="NAME")
]
keys = typer.Typer(help="The keys that encrypt the tokens.", no_args_is_help=True, rich_markup_mode=None)
tokens = typer.Typer(help="Researchers' tokens, in and out.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    keys.command("rotate")(rotate)
    keys.command("generate")(generate)
    app.add_typer(keys, name="keys")
    tokens.command("import")(import_tokens)
    tokens.command("export")(export_tokens)
    app.add_typer(tokens, name="tokens")


def rotate(name: OptionalName = None, as_json: AsJson = False) -> None:
    """Encrypt every token with the first key of ORCID_SYNC_KEYS; the others can go afterwards."""
    from orcid_sync.vault.crypto import KeyRing
    from orcid_sync.vault.store import rotate_keys

    ring = KeyRing.parse(context.settings().vault_keys)
    count = rotate_keys(context.ledger(), ring, actor=context.actor(name))
    context.emit({"rotated": count, "key": ring.current}, as_json)


def generate(
    key_id: Annotated[str | None, typer.Option("--id", help="Id of the key; default: today's date.")] = None,
) -> None:
    """Print a new random key, to be put first in ORCID_SYNC_KEYS."""
    from orcid_sync.vault.crypto import KeyRing

    entry = f"{key_id or f'k{dt.datetime.now(dt.UTC):%Y%m%d}'}:{KeyRing.generate_key().reveal()}"
    KeyRing.parse(entry)
    typer.echo(entry)


def import_tokens(
    file: Annotated[Path, typer.Argument(help="CSV file; - is stdin.")],
    name: OptionalName = None,
    as_json: AsJson = False,
) -> None:
    """Store tokens of another system, each one proved to belong to its iD first."""
    from orcid_sync.commands.imports import tell
    from orcid_sync.ledger.imports import read_csv
    from orcid_sync.vault.store import TOKEN_COLUMNS
    from orcid_sync.vault.store import import_tokens as take_over

    ledger = context.ledger()
    with context.registry(context.settings(), ledger) as registry, context.read_from(file) as stream:
        rows = read_csv(stream, TOKEN_COLUMNS, "tokens")
        report = take_over(ledger, registry.clients, registry.keys, rows, actor=context.actor(name))
    tell(report, as_json)


def export_tokens(
    file: Annotated[
        Path | None, typer.Argument(help="CSV file, made readable for you alone; default: stdout.")
    ] = None,
    name: OptionalName = None,
) -> None:
    """All tokens in clear, as CSV. Whoever has this file can write to these records."""
    from orcid_sync.vault.crypto import KeyRing
    from orcid_sync.vault.store import TOKEN_COLUMNS
    from orcid_sync.vault.store import export_tokens as rows

    ring = KeyRing.parse(context.settings().vault_keys)
    with context.written_to(file, private=True) as stream:
        writer = csv.DictWriter(stream, TOKEN_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(context.ledger(), ring, actor=context.actor(name)))
