"""Standing wishes about single items: never send, add our version too, propose again what was removed; and back.

None of them writes to a record: the next proposal takes them into account, and what it proposes is decided like
anything else. Each is recorded with who asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from psycopg.types.json import Jsonb

from orcid_sync.ledger.session import Connection, Ledger, actor_id
from orcid_sync.review.decisions import Role, Via
from orcid_sync.review.rights import (
    DecidingUnit,
    NothingSelected,
    act_as,
    act_as_application,
    check_librarian,
    deciding_unit,
    unit_by_code,
)

Wish = Literal["suppress", "unsuppress", "assert", "unassert", "restore", "unrestore", "decline"]

# The reasons that somebody may override for one item; all others have to be corrected where they come from.
ASSERTABLE: Final = frozenset(
    {
        "already_on_record",
        "other_copy_removed",
        "same_work_twice_in_cris",
        "held_by_other_unit",
        "refused_by_orcid",
        "record_full",
        "gave_up",
        "between_versions",
    }
)


_IS_SO: Final = {
    "suppress": "it is never sent already",
    "unsuppress": "it was not suppressed",
    "assert": "it is asserted already",
    "unassert": "it was not asserted",
    "decline": "it is declined already",
}


@dataclass(frozen=True)
class ItemCount:
    """How many items a wish was recorded for; `left` names the others with the reason, by item id."""

    unit: str
    wish: str
    items: int
    left: dict[int, str]

    @property
    def fulfilled(self) -> bool:
        """Whether each item is now as it was wished, be it that it was so before."""
        return all(why == _IS_SO.get(self.wish) for why in self.left.values())

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self) | {"left": {str(item): why for item, why in self.left.items()}}


@dataclass(frozen=True)
class _Asker:
    """Who asks, in which role and from where."""

    actor: int
    role: Role
    via: Via
    system: int | None
    note: str | None


_Handler = Callable[[Connection, DecidingUnit, list[Any], _Asker], None]


def suppress(ledger: Ledger, item_ids: Sequence[int], *, actor_name: str, **how: Any) -> ItemCount:
    """Never send these items. An open change is rejected; what stands on the record stays."""
    return _wish(ledger, "suppress", item_ids, actor_name=actor_name, **how)


def unsuppress(ledger: Ledger, item_ids: Sequence[int], *, actor_name: str, **how: Any) -> ItemCount:
    """Take "never send" back, and the rejection that came with it; rejections of their own stay."""
    return _wish(ledger, "unsuppress", item_ids, actor_name=actor_name, **how)


def assert_item(ledger: Ledger, item_ids: Sequence[int], *, actor_name: str, **how: Any) -> ItemCount:
    """Add our version too, or try it again, although the item is held for one of the ASSERTABLE reasons."""
    return _wish(ledger, "assert", item_ids, actor_name=actor_name, **how)


def unassert(ledger: Ledger, item_ids: Sequence[int], *, actor_name: str, **how: Any) -> ItemCount:
    """Take "add our version too" back."""
    return _wish(ledger, "unassert", item_ids, actor_name=actor_name, **how)


def decline(ledger: Ledger, item_ids: Sequence[int], *, actor_name: str, **how: Any) -> ItemCount:
    """The researcher's "don't send": an open change is rejected, what stands on the record stays."""
    return _wish(ledger, "decline", item_ids, actor_name=actor_name, **how)


def restore(ledger: Ledger, item_ids: Sequence[int], *, actor_name: str, **how: Any) -> ItemCount:
    """Propose again what the researcher removed or declined.

    The researcher outranks the librarian: as a librarian this records the researcher's request, and the note (when
    it was asked for) is required.
    """
    return _wish(ledger, "restore", item_ids, actor_name=actor_name, **how)


def unrestore(ledger: Ledger, item_ids: Sequence[int], *, actor_name: str, **how: Any) -> ItemCount:
    """Take a restore back: the item counts as removed or declined as before, unless it was written since."""
    return _wish(ledger, "unrestore", item_ids, actor_name=actor_name, **how)


def _wish(
    ledger: Ledger,
    wish: Wish,
    item_ids: Sequence[int],
    *,
    actor_name: str,
    role: Role = "librarian",
    via: Via = "cli",
    note: str | None = None,
    system_user: str | None = None,
) -> ItemCount:
    """Raises NotAllowed, or NothingSelected (no items, unknown ones, of several units, or a missing note)."""
    keys = sorted(set(item_ids))
    if wish == "restore" and role == "librarian" and not (note and note.strip()):
        raise NothingSelected(
            "Nothing was restored",
            why="only the researcher can take a removal back, and the request isn't recorded",
            remedy="Say in the note when the researcher asked for it (--note)",
        )
    with ledger.transaction() as connection:
        unit = _unit_of_items(connection, keys)
        if role == "librarian":
            check_librarian(connection, unit, actor_name)
        rows = connection.execute(_ITEMS, {"items": keys}).fetchall()
        left = {row.id: why for row in rows if (why := _left_because(wish, row)) is not None}
        chosen = [row for row in rows if row.id not in left]
        if chosen:
            system = actor_id(connection, f"system user {system_user}") if system_user else None
            asker = _Asker(actor_id(connection, actor_name), role, via, system, note)
            act_as(connection, unit)
            _HANDLERS[wish](connection, unit, chosen, asker)
            act_as_application(connection)
            _record(connection, wish, unit, chosen, asker)
    return ItemCount(unit.code, wish, len(chosen), left)


def find_items(
    ledger: Ledger, *, unit: str | None, person_id: str | None, section: str | None, cris_id: str | None
) -> list[int]:
    """The item that is named by what it is; the unit may be left out where only one owns it. Raises NothingSelected."""
    if person_id is None or section is None or cris_id is None:
        raise NothingSelected(
            "The item is not named completely",
            why="a person, a section and a key in the CRIS together name an item",
            remedy="Give --unit, --person, --section and --cris-id, or --item",
        )
    with ledger.transaction() as connection:
        if unit is not None:
            unit_by_code(connection, unit)
        rows = connection.execute(
            "SELECT item.id, unit.code FROM item JOIN unit ON unit.id = item.unit_id "
            "JOIN researcher ON researcher.id = item.researcher_id "
            "WHERE researcher.person_id = %s AND section = %s AND cris_id = %s ORDER BY unit.code",
            (person_id, section, cris_id),
        ).fetchall()
    found = [row.id for row in rows if unit in (None, row.code)]
    if len(found) != 1:
        owners = ", ".join(row.code for row in rows)
        raise NothingSelected(
            f"Several units own {section} {cris_id} of that person"
            if found
            else f"There is no item for {section} {cris_id} of that person"
            + (f" in unit {unit}" if unit else ""),
            why=f"they are {owners}"
            if found
            else f"it is held by {owners}"
            if owners
            else "it was never proposed",
            remedy="Name one by --unit" if owners else "`orcid-sync review show --batch N` names items",
        )
    return found


# Locked like changes are, in the order of their keys.
_ITEMS: Final = """
SELECT item.id, item.held, item.reason, item.suppressed_at, item.asserted_at, item.tombstone_at, item.declined_at,
       EXISTS (SELECT FROM put_code WHERE put_code.item_id = item.id AND put_code.closed_at IS NULL) AS on_record,
       (SELECT jsonb_build_array(detail ->> 'removed', detail ->> 'declined') FROM audit_event
        WHERE audit_event.item_id = item.id AND what = 'restore' ORDER BY id DESC LIMIT 1) AS restored
FROM item WHERE item.id = ANY (%(items)s) ORDER BY item.id FOR UPDATE OF item
"""


def _unit_of_items(connection: Connection, keys: list[int]) -> DecidingUnit:
    rows = connection.execute("SELECT id, unit_id FROM item WHERE id = ANY (%s)", (keys,)).fetchall()
    missing = sorted(set(keys) - {row.id for row in rows})
    if missing or not keys:
        raise NothingSelected(
            f"There is no item {', '.join(map(str, missing[:5]))}" if missing else "No item was named",
            why="the ledger has no such number"
            if missing
            else "this is said of single items, never of a batch",
            remedy="Name items by --item, or by --unit, --person, --section and --cris-id",
        )
    units = {row.unit_id for row in rows}
    if len(units) > 1:
        raise NothingSelected(
            "The items that were named belong to several units",
            why="this is said for one unit",
            remedy="Name those of one unit at a time",
        )
    return deciding_unit(connection, units.pop())


def _left_because(wish: Wish, row: Any) -> str | None:
    """Why a wish makes no sense for an item; None: it does."""
    match wish:
        case "suppress":
            return _IS_SO[wish] if row.suppressed_at else None
        case "unsuppress":
            return None if row.suppressed_at else _IS_SO[wish]
        case "assert":
            if row.asserted_at:
                return _IS_SO[wish]
            if row.held not in ("withheld", "blocked"):
                return "it is not withheld"
            return None if row.reason in ASSERTABLE else f"{row.reason} has to be corrected, not overridden"
        case "unassert":
            return None if row.asserted_at else _IS_SO[wish]
        case "decline":
            return _IS_SO[wish] if row.declined_at else None
        case "restore":
            return None if row.tombstone_at or row.declined_at else "it was neither removed nor declined"
        case "unrestore":
            if row.tombstone_at or row.declined_at or not row.restored:
                return "it was not restored"
            return "it is on the record again" if row.on_record else None


def _suppress(connection: Connection, unit: DecidingUnit, rows: list[Any], asker: _Asker) -> None:
    keys = [row.id for row in rows]
    connection.execute("UPDATE item SET suppressed_at = now() WHERE id = ANY (%s)", (keys,))
    _decide_open(connection, keys, "reject", asker, "verdict IS DISTINCT FROM 'reject'")


def _unsuppress(connection: Connection, unit: DecidingUnit, rows: list[Any], asker: _Asker) -> None:
    keys = [row.id for row in rows]
    _take_back_rejection(connection, unit, keys, asker, "suppressed_at")
    connection.execute("UPDATE item SET suppressed_at = NULL WHERE id = ANY (%s)", (keys,))


def _take_back_rejection(
    connection: Connection, unit: DecidingUnit, keys: list[int], asker: _Asker, moment: str
) -> None:
    # What the wish rejected bears the wish's own moment: that tells it from rejections before and after.
    _decide_open(
        connection,
        keys,
        "withdraw",
        asker,
        f"verdict = 'reject' AND (SELECT decision.at = item.{moment} FROM decision "
        "WHERE decision.change_id = change.id ORDER BY decision.id DESC LIMIT 1)",
    )
    act_as_application(connection)
    connection.execute(
        "DELETE FROM standing_rejection USING item WHERE item.id = standing_rejection.item_id "
        f"AND standing_rejection.since = item.{moment} AND item.id = ANY (%s)",
        (keys,),
    )
    act_as(connection, unit)


def _decline(connection: Connection, unit: DecidingUnit, rows: list[Any], asker: _Asker) -> None:
    keys = [row.id for row in rows]
    _decide_open(connection, keys, "reject", asker, "verdict IS DISTINCT FROM 'reject'")
    # Not a unit's to change.
    act_as_application(connection)
    connection.execute("UPDATE item SET declined_at = now(), chosen_at = NULL WHERE id = ANY (%s)", (keys,))
    act_as(connection, unit)


def _decide_open(
    connection: Connection, keys: list[int], verdict: str, asker: _Asker, condition: str
) -> None:
    connection.execute(
        "INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via, system_actor_id) "
        "SELECT change.id, change.item_id, change.unit_id, change.digest, %s, %s, %s, %s, %s "
        "FROM change JOIN item ON item.id = change.item_id "
        f"WHERE item.id = ANY (%s) AND change.state = 'open' AND {condition} ORDER BY change.id",
        (verdict, asker.actor, asker.role, asker.via, asker.system, keys),
    )


def _set(assignment: str) -> _Handler:
    def handler(connection: Connection, unit: DecidingUnit, rows: list[Any], asker: _Asker) -> None:
        connection.execute(f"UPDATE item SET {assignment} WHERE id = ANY (%s)", ([row.id for row in rows],))

    return handler


def _restore(connection: Connection, unit: DecidingUnit, rows: list[Any], asker: _Asker) -> None:
    keys = [row.id for row in rows]
    _take_back_rejection(connection, unit, keys, asker, "declined_at")
    connection.execute("UPDATE item SET tombstone_at = NULL WHERE id = ANY (%s)", (keys,))
    # The researcher's own "don't send" is not a unit's to change; the recorded request is what allows it.
    act_as_application(connection)
    connection.execute("UPDATE item SET declined_at = NULL WHERE id = ANY (%s)", (keys,))
    act_as(connection, unit)


def _unrestore(connection: Connection, unit: DecidingUnit, rows: list[Any], asker: _Asker) -> None:
    act_as_application(connection)
    for row in rows:
        removed, declined = row.restored
        connection.execute(
            "UPDATE item SET tombstone_at = %s, declined_at = %s WHERE id = %s", (removed, declined, row.id)
        )
    act_as(connection, unit)


_HANDLERS: Final[dict[Wish, _Handler]] = {
    "suppress": _suppress,
    "unsuppress": _unsuppress,
    "assert": _set("asserted_at = now()"),
    "unassert": _set("asserted_at = NULL"),
    "restore": _restore,
    "unrestore": _unrestore,
    "decline": _decline,
}


def _record(connection: Connection, wish: Wish, unit: DecidingUnit, rows: list[Any], asker: _Asker) -> None:
    for row in rows:
        detail = {
            "via": asker.via,
            "role": asker.role,
            "system_actor": asker.system,
            "removed": _stamp(row.tombstone_at),
            "declined": _stamp(row.declined_at),
        }
        event = connection.execute(
            "INSERT INTO audit_event (what, actor_id, unit_id, item_id, detail) VALUES (%s, %s, %s, %s, %s) "
            "RETURNING id",
            (
                wish,
                asker.actor,
                unit.id,
                row.id,
                Jsonb({key: value for key, value in detail.items() if value}),
            ),
        ).fetchone()
        assert event is not None
        if asker.note:
            connection.execute(
                "INSERT INTO audit_note (audit_event_id, note) VALUES (%s, %s)", (event.id, asker.note)
            )


def _stamp(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()
