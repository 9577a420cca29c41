"""Decisions from a shell: the same rows, by the same rules, as in the console and in Required Actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

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


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    review.command("list")(list_)
    for command in (show, approve, reject, withdraw, suppress, restore):
        review.command()(command)
    review.command("assert")(assert_)
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
    name: As,
    batch: Batch = None,
    items: Items = None,
    unit: UnitOption = None,
    person: Person = None,
    section: Section = None,
    cris_id: CrisId = None,
    removals: Annotated[bool, typer.Option("--removals", help="Removals of the batch too.")] = False,
    warnings: Annotated[bool, typer.Option("--warnings", help="Changes with warnings too.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Removals and changes with warnings too.")
    ] = False,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Approve additions and updates of a batch, or the items that are named."""
    from orcid_sync.review.selection import ChangeFilter

    ledger = context.ledger()
    named = _items(ledger, items, unit, person, section, cris_id)
    only = ChangeFilter(removals=removals or everything, warnings=warnings or everything)
    _decide(ledger, "approve", name, batch, named, note, as_json, None if named else only)


def reject(
    name: As,
    batch: Batch = None,
    items: Items = None,
    unit: UnitOption = None,
    person: Person = None,
    section: Section = None,
    cris_id: CrisId = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Reject what is undecided in a batch, or the items that are named."""
    ledger = context.ledger()
    _decide(
        ledger, "reject", name, batch, _items(ledger, items, unit, person, section, cris_id), note, as_json
    )


def withdraw(
    name: As,
    batch: Batch = None,
    items: Items = None,
    unit: UnitOption = None,
    person: Person = None,
    section: Section = None,
    cris_id: CrisId = None,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Take decisions back that are not written yet, of a batch or of the items that are named."""
    ledger = context.ledger()
    _decide(
        ledger, "withdraw", name, batch, _items(ledger, items, unit, person, section, cris_id), note, as_json
    )


def suppress(
    name: As,
    batch: Batch = None,
    items: Items = None,
    unit: UnitOption = None,
    person: Person = None,
    section: Section = None,
    cris_id: CrisId = None,
    undo: Undo = False,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Never send these items."""
    ledger = context.ledger()
    named = _items(ledger, items, unit, person, section, cris_id)
    _wish(ledger, "unsuppress" if undo else "suppress", name, batch, named, note, as_json)


def assert_(
    name: As,
    batch: Batch = None,
    items: Items = None,
    unit: UnitOption = None,
    person: Person = None,
    section: Section = None,
    cris_id: CrisId = None,
    undo: Undo = False,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Add our version too, although the items are withheld."""
    ledger = context.ledger()
    named = _items(ledger, items, unit, person, section, cris_id)
    _wish(ledger, "unassert" if undo else "assert_item", name, batch, named, note, as_json)


def restore(
    name: As,
    batch: Batch = None,
    items: Items = None,
    unit: UnitOption = None,
    person: Person = None,
    section: Section = None,
    cris_id: CrisId = None,
    undo: Undo = False,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Propose again what the researcher removed or declined; the note records the researcher's request."""
    ledger = context.ledger()
    named = _items(ledger, items, unit, person, section, cris_id)
    _wish(ledger, "unrestore" if undo else "restore", name, batch, named, note, as_json)


def _items(
    ledger: Ledger,
    items: list[int] | None,
    unit: str | None,
    person: str | None,
    section: str | None,
    cris_id: str | None,
) -> list[int] | None:
    """The items that are named, by number or by what they are; None where none is."""
    from orcid_sync.review.items import find_items

    named = list(items or [])
    if any(part is not None for part in (unit, person, section, cris_id)):
        named += find_items(ledger, unit=unit, person_id=person, section=section, cris_id=cris_id)
    return named or None


def _decide(
    ledger: Ledger,
    verdict: Verdict,
    name: str,
    batch: int | None,
    items: list[int] | None,
    note: str | None,
    as_json: bool,
    only: Any = None,
) -> None:
    from orcid_sync.review.decisions import decide

    count = decide(
        ledger,
        verdict=verdict,
        actor_name=name,
        batch=batch,
        item_ids=items,
        only=only,
        note=note,
        system_user=context.system_user(),
    )

    def text() -> None:
        typer.echo(
            f"{verdict}: {count.decided} changes of {count.unit} ({count.add} additions, {count.update} updates, "
            f"{count.remove} removals)"
        )
        for reason, number in count.left.items():
            typer.echo(f"left as they are: {number} ({_LEFT.get(reason, reason)})")

    context.emit(count.as_json(), as_json, text)
    if items and not count.decided and set(count.left) - {"decided_before"}:
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


def _wish(
    ledger: Ledger,
    wish: WishName,
    name: str,
    batch: int | None,
    items: list[int] | None,
    note: str | None,
    as_json: bool,
) -> None:
    from orcid_sync.review import items as wishes
    from orcid_sync.review.batches import check_same_unit

    if batch is not None:
        check_same_unit(ledger, batch, items or [])
    count = getattr(wishes, wish)(
        ledger, items or [], actor_name=name, note=note, system_user=context.system_user()
    )

    def text() -> None:
        typer.echo(f"{count.wish}: {count.items} items of {count.unit}")
        for item, why in count.left.items():
            typer.echo(f"item {item} left as it is: {why}")

    context.emit(count.as_json(), as_json, text)
    if not count.items and not count.fulfilled:
        raise typer.Exit(1)
