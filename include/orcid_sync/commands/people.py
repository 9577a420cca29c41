"""The vault: keys and researchers' tokens."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Annotated

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import AsJson
from orcid_sync.secret import Secret

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
    """Encrypt every token with the vault's first key; the others can go afterwards."""
    from orcid_sync.vault.keys import key_ring
    from orcid_sync.vault.store import rotate_keys

    ring = key_ring(context.settings())
    count = rotate_keys(context.ledger(), ring, actor=context.actor(name))
    context.emit({"rotated": count, "key": ring.current}, as_json)


def generate(
    key_id: Annotated[str | None, typer.Option("--id", help="Id of the key; default: today's date.")] = None,
) -> None:
    """Print a new random key, to be put first among the vault's keys."""
    from orcid_sync.vault.crypto import KeyRing

    entry = f"{key_id or f'k{dt.datetime.now(dt.UTC):%Y%m%d}'}:{KeyRing.generate_key().reveal()}"
    KeyRing.parse(entry)
    typer.echo(entry)


PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File whose first line is the passphrase of a sealed file."),
]


def import_tokens(
    file: Annotated[Path, typer.Argument(help="CSV file, or a sealed file of `tokens export`; - is stdin.")],
    passphrase_file: PassphraseFile = None,
    name: OptionalName = None,
    as_json: AsJson = False,
) -> None:
    """Store tokens of another system, each one proved to belong to its iD first."""
    from orcid_sync.commands.imports import tell
    from orcid_sync.ledger.imports import read_csv
    from orcid_sync.vault.sealed_file import is_sealed, read_sealed
    from orcid_sync.vault.store import SEALED_COLUMNS, TOKEN_COLUMNS
    from orcid_sync.vault.store import import_tokens as take_over

    ledger = context.ledger()
    with context.registry(context.settings(), ledger) as registry, context.read_from(file) as stream:
        first = stream.readline()
        if is_sealed(first):
            columns: tuple[str, ...] = SEALED_COLUMNS
            opened = read_sealed(first + stream.read(), _passphrase(passphrase_file), registry=_environment())
        else:
            columns, opened = TOKEN_COLUMNS, io.StringIO(first + stream.read(), newline="")
        rows = read_csv(opened, columns, "tokens")
        report = take_over(ledger, registry.clients, registry.keys, rows, actor=context.actor(name))
    tell(report, as_json)


def export_tokens(
    file: Annotated[
        Path | None, typer.Argument(help="File, made readable for you alone; default: stdout.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    name: OptionalName = None,
) -> None:
    """All tokens: sealed with a passphrase, or in clear as CSV. Whoever can read them can write to these records."""
    from orcid_sync.vault.keys import key_ring
    from orcid_sync.vault.sealed_file import write_sealed
    from orcid_sync.vault.store import SEALED_COLUMNS, TOKEN_COLUMNS
    from orcid_sync.vault.store import export_tokens as rows

    ring = key_ring(context.settings())
    passphrase = _passphrase(passphrase_file)
    found = rows(context.ledger(), ring, actor=context.actor(name))
    with context.written_to(file, private=True) as stream:
        if passphrase is not None:
            count = write_sealed(stream, found, SEALED_COLUMNS, passphrase, registry=_environment())
            context.say(f"{count} tokens, sealed")
            return
        context.say("The tokens are written in clear; --passphrase-file seals them.")
        writer = csv.DictWriter(stream, TOKEN_COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def _passphrase(path: Path | None) -> Secret | None:
    if path is None:
        return None
    with context.read_from(path) as stream:
        return Secret(stream.readline().rstrip("\r\n"))


def _environment() -> str:
    from orcid_sync.connections import connection, environment_name

    return environment_name(connection("orcid"))
