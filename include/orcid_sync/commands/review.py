"""Decisions from a shell: the same rows, by the same rules, as in the console and in Required Actions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from orcid_sync.commands import context
from orcid_sync.commands.context import As, AsJson, Note, UnitOption

if TYPE_CHECKING:
    from orcid_sync.ledger.session import Ledger
    from orcid_sync.review.decisions import Verdict

review = typer.Typer(help="Batches and the decisions on them.", no_args_is_help=True, rich_markup_mode=None)

Batch = Annotated[int | None, typer.Option("--batch", help="Number of the batch.", metavar="N")]
Items = Annotated[
    list[int] | None, typer.Option("--item", help="Number of an item; repeatable.", metavar="N")
]
Person = Annotated[str | None, typer.Option("--person", help="`person_id` of the item's researcher.")]
Section = Annotated[str | None, typer.Option("--section", help="Section of the item (work, employment...).")]
CrisId = Annotated[str | None, typer.Option("--cris-id", help="The item's key in the CRIS.")]
BatchState = Literal["open", "decided", "replaced", "closed"]
Undo = Annotated[bool, typer.Option("--undo", help="Take it back.")]


@dataclass(frozen=True)
class Choice:
    """What a command is about, and who asks: a batch, items, or both."""

    ledger: Ledger
    name: str
    batch: int | None
    items: list[int] | None
    note: str | None
    as_json: bool


def _choice(
    name: As,
    batch: Batch = None,
    items: Items = None,
    unit: UnitOption = None,
    person: Person = None,
    section: Section = None,
    cris_id: CrisId = None,
    note: Note = None,
    as_json: AsJson = False,
) -> Choice:
    """The options that every command on a batch or on items has."""
    from orcid_sync.review.items import find_items

    ledger = context.ledger()
    named = list(items or [])
    if any(part is not None for part in (unit, person, section, cris_id)):
        named += find_items(ledger, unit=unit, person_id=person, section=section, cris_id=cris_id)
    return Choice(ledger, name, batch, named or None, note, as_json)


def _choosing(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `_choice` before its own, in the place of its first parameter."""
    common = list(inspect.signature(_choice).parameters.values())
    own = list(inspect.signature(command).parameters.values())[1:]
    types = get_type_hints(_choice, include_extras=True) | get_type_hints(command, include_extras=True)

    def run(**options: Any) -> None:
        command(_choice(**{one.name: options.pop(one.name) for one in common}), **options)

    parameters = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=types[one.name])
        for one in (*common, *own)
    ]
    run.__doc__ = command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    review.command("list")(list_)
    review.command()(show)
    for command in (approve, reject, withdraw, suppress, assert_, restore):
        review.command(command.__name__.rstrip("_"))(_choosing(command))
    review.command()(emptied)
    app.add_typer(review, name="review")


def list_(
    unit: UnitOption = None,
    state: Annotated[BatchState | None, typer.Option("--state", help="Only batches in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """All batches with their counts, the newest first."""
    from orcid_sync.review.batches import list_batches

    ledger = context.ledger()
    context.check_unit(ledger, unit)
    batches = list_batches(ledger, unit, state)

    def text() -> None:
        for batch in batches:
            figures = ", ".join(
                f"{batch[name]} {name}" for name in ("add", "update", "remove", "undecided", "written")
            )
            typer.echo(f"batch {batch['batch']} of {batch['unit']}, {batch['state']}: {figures}")
        if not batches:
            typer.echo("No batches.")

    context.emit({"batches": batches}, as_json, text)


def show(
    batch: Annotated[int, typer.Option("--batch", help="Number of the batch.", metavar="N")],
    as_json: AsJson = False,
) -> None:
    """The changes of a batch, and what of its unit is withheld."""
    from orcid_sync.review.batches import show_batch

    found = show_batch(context.ledger(), batch)

    def text() -> None:
        typer.echo(
            f"batch {found['batch']} of {found['unit']}, {found['state']}: {found['changes_total']} changes, "
            f"{found['undecided']} undecided"
        )
        for change in found["changes"]:
            warnings = f" [{', '.join(change['warnings'])}]" if change["warnings"] else ""
            decision = change["decision"] or ("undecided" if change["state"] == "open" else change["state"])
            typer.echo(
                f"item {change['item']}  {change['action']:6}  {decision:9}  {change['person_id']}  "
                f"{change['section']} {change['cris_id']}  {change['title'] or ''}{warnings} ({change['reason']})"
            )
        for item in found["withheld"]:
            typer.echo(
                f"item {item['item']}  withheld ({item['reason']})  {item['person_id']}  {item['section']} "
                f"{item['cris_id']}  {item['title'] or ''}"
            )

    context.emit(found, as_json, text)


def approve(
    choice: Choice,
    removals: Annotated[bool, typer.Option("--removals", help="Removals of the batch too.")] = False,
    warnings: Annotated[bool, typer.Option("--warnings", help="Changes with warnings too.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Removals and changes with warnings too.")
    ] = False,
) -> None:
    """Approve additions and updates of a batch, or the items that are named."""
    from orcid_sync.review.selection import ChangeFilter

    only = ChangeFilter(removals=removals or everything, warnings=warnings or everything)
    _decide(choice, "approve", None if choice.items else only)


def reject(choice: Choice) -> None:
    """Reject what is undecided in a batch, or the items that are named."""
    _decide(choice, "reject")


def withdraw(choice: Choice) -> None:
    """Take decisions back that are not written yet, of a batch or of the items that are named."""
    _decide(choice, "withdraw")


def suppress(choice: Choice, undo: Undo = False) -> None:
    """Never send these items."""
    _wish(choice, "unsuppress" if undo else "suppress")


def assert_(choice: Choice, undo: Undo = False) -> None:
    """Add our version too, although the items are withheld."""
    _wish(choice, "unassert" if undo else "assert_item")


def restore(choice: Choice, undo: Undo = False) -> None:
    """Propose again what the researcher removed or declined; the note records the researcher's request."""
    _wish(choice, "unrestore" if undo else "restore")


def emptied(
    orcid: Annotated[str | None, typer.Option("--orcid", help="iD of the record.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="`person_id` of its researcher.")] = None,
    answer: Annotated[
        Literal["removed", "lost"] | None,
        typer.Option(
            "--answer",
            help="What happened: the researcher `removed` them (they stay away), or they were `lost` (they are "
            "proposed again).",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--as", help="Airflow user name of whoever decides.", metavar="NAME")
    ] = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Records from which most of our entries vanished at once: list them, or say of one what happened."""
    from orcid_sync.review.emptied import decide_emptied, emptied_records

    ledger = context.ledger()
    if answer is None:
        waiting = emptied_records(ledger)

        def listed() -> None:
            for record in waiting:
                typer.echo(
                    f"{record['orcid']}  {', '.join(record['persons'])}: {record['vanished']} entries of "
                    f"{', '.join(record['units'])} gone, read {record['read_at']:%Y-%m-%d %H:%M}"
                )
            if not waiting:
                typer.echo("No record waits.")

        context.emit({"records": waiting}, as_json, listed)
        return
    if name is None:
        raise typer.BadParameter("an answer needs somebody who gives it", param_hint="--as")
    count = decide_emptied(
        ledger,
        answer=answer,
        actor_name=name,
        orcid=orcid,
        person_id=person,
        note=note,
        system_user=context.system_user(),
    )
    what = "stay away" if answer == "removed" else "are proposed again by the next run"
    context.emit(count.as_json(), as_json, lambda: typer.echo(f"{count.items} entries {what}"))


def _decide(choice: Choice, verdict: Verdict, only: Any = None) -> None:
    from orcid_sync.review.decisions import decide

    count = decide(
        choice.ledger,
        verdict=verdict,
        actor_name=choice.name,
        batch=choice.batch,
        item_ids=choice.items,
        only=only,
        note=choice.note,
        system_user=context.system_user(),
    )

    def text() -> None:
        typer.echo(
            f"{verdict}: {count.decided} changes of {count.unit} ({count.add} additions, {count.update} updates, "
            f"{count.remove} removals)"
        )
        for reason, number in count.left.items():
            typer.echo(f"left as they are: {number} ({_LEFT.get(reason, reason)})")

    context.emit(count.as_json(), choice.as_json, text)
    if choice.items and not count.decided and set(count.left) - {"decided_before"}:
        raise typer.Exit(1)


_LEFT = {
    "removals": "removals; add --removals or name the items",
    "warnings": "with warnings; add --warnings or name the items",
    "decided_before": "decided before",
    "undecided": "not decided, so there is nothing to take back",
    "written_or_closed": "being written, written or closed",
    "stopped_by_person": "suppressed, or declined by the researcher",
    "without_change": "items without an open change in this batch",
}

WishName = Literal["suppress", "unsuppress", "assert_item", "unassert", "restore", "unrestore"]


def _wish(choice: Choice, wish: WishName) -> None:
    from orcid_sync.review import items as wishes
    from orcid_sync.review.batches import check_same_unit

    items = choice.items or []
    if choice.batch is not None:
        check_same_unit(choice.ledger, choice.batch, items)
    count = getattr(wishes, wish)(
        choice.ledger, items, actor_name=choice.name, note=choice.note, system_user=context.system_user()
    )

    def text() -> None:
        typer.echo(f"{count.wish}: {count.items} items of {count.unit}")
        for item, why in count.left.items():
            typer.echo(f"item {item} left as it is: {why}")

    context.emit(count.as_json(), choice.as_json, text)
    if not count.items and not count.fulfilled:
        raise typer.Exit(1)
