"""A researcher's word on their own items: send it, don't send it, take it off the record, bring it back.

The researcher outranks the librarian. Each word is recorded like any other decision, in the role `researcher`; none is
about anybody else's items, which don't exist as far as this module tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from orcid_sync.errors import SyncError, Who
from orcid_sync.ledger.session import Connection, Ledger, actor_id, audit
from orcid_sync.review.decisions import decide
from orcid_sync.review.items import decline, restore

Choice = Literal["send", "keep_off", "take_off", "bring_back"]
ACTOR: Final = "researcher"


class NoSuchItem(SyncError):
    """No item of this researcher."""

    kind: ClassVar[str] = "no_such_item"
    default_remedy: ClassVar[str] = "Open the list again"
    default_who: ClassVar[Who] = Who.RESEARCHER


class BeingWritten(SyncError):
    """A call about the item is under way."""

    kind: ClassVar[str] = "being_written"
    default_remedy: ClassVar[str] = "Try again in a few minutes"
    default_who: ClassVar[Who] = Who.RESEARCHER


@dataclass(frozen=True)
class Entry:
    """One item as its researcher sees it. `choices` are what they can say about it now."""

    id: int
    section: str
    title: str
    type: str | None
    year: int | None
    unit: str
    state: str
    reason: str | None
    detail: str | None
    action: str | None
    being_taken_off: bool
    choices: tuple[Choice, ...]


_ENTRIES: Final = """
SELECT item.id, item.section, item.cris_id, unit.name AS unit, unit.approval, item_state.state, item_state.reason,
       item_state.detail, item_state.action, item_state.change_state, item_state.verdict,
       item_state.put_code IS NOT NULL AS on_record, item.removal_asked_at IS NOT NULL AS removal_asked,
       item.declined_at IS NOT NULL AS declined,
       EXISTS (SELECT FROM permission WHERE permission.researcher_id = item.researcher_id
               AND permission.client_id = item.client_id AND permission.state = 'granted') AS permitted,
       coalesce(payload.title, cris_content.data ->> 'title', cris_content.data ->> 'role_title', item.cris_id) AS title,
       payload.type, coalesce(payload.year, (cris_content.data ->> 'publication_year')::int) AS year
FROM item JOIN item_state ON item_state.item_id = item.id JOIN unit ON unit.id = item.unit_id
LEFT JOIN change ON change.id = item_state.change_id
LEFT JOIN cris_row ON cris_row.section = item.section AND cris_row.cris_id = item.cris_id
LEFT JOIN cris_content ON cris_content.row_id = cris_row.id
LEFT JOIN payload ON payload.digest = coalesce(change.payload_digest, item_state.written_digest, cris_row.payload_digest)
WHERE item.researcher_id = %s AND item_state.state NOT IN ('none', 'removed')
ORDER BY item.section <> 'work', year DESC NULLS LAST, title, item.id
"""


def entries(connection: Connection, researcher_id: int) -> list[Entry]:
    """All of a researcher's items that anything can be said about, publications first, newest first."""
    return [_entry(row) for row in connection.execute(_ENTRIES, (researcher_id,)).fetchall()]


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        section=row.section,
        title=row.title,
        type=row.type,
        year=row.year,
        unit=row.unit,
        # Said before they connected; the next proposal says something else.
        state="permission_given" if row.state == "waiting_permission" and row.permitted else row.state,
        reason=row.reason,
        detail=row.detail,
        action=row.action,
        being_taken_off=row.on_record and row.removal_asked,
        choices=_choices(row),
    )


def _choices(row: Any) -> tuple[Choice, ...]:
    if row.change_state == "writing":
        return ()
    if row.declined or row.state == "removed_by_researcher":
        return ("bring_back",)
    if row.state in ("suppressed", "record_merged", "blocked"):
        return ()
    if row.on_record:
        return ("take_off",)
    if row.approval == "researcher" and row.state in ("proposed", "rejected"):
        return ("send", "keep_off")
    return ("keep_off",)


def choose(ledger: Ledger, researcher_id: int, choice: Choice, item_ids: Sequence[int]) -> int:
    """Record the researcher's word on these items; returns how many it changed.

    Raises NoSuchItem for any that isn't theirs (nothing is recorded then), BeingWritten, NotAllowed.
    """
    keys = sorted(set(item_ids))
    with ledger.transaction() as connection:
        units = _own_items(connection, researcher_id, keys)
    done = 0
    for items in units.values():
        done += _HANDLERS[choice](ledger, items)
    return done


def _own_items(connection: Connection, researcher_id: int, keys: list[int]) -> dict[int, list[int]]:
    rows = connection.execute(
        "SELECT id, unit_id FROM item WHERE researcher_id = %s AND id = ANY (%s)", (researcher_id, keys)
    ).fetchall()
    if len(rows) != len(keys) or not rows:
        raise NoSuchItem("There is no such entry in your list")
    units: dict[int, list[int]] = {}
    for row in rows:
        units.setdefault(row.unit_id, []).append(row.id)
    return units


def _send(ledger: Ledger, items: list[int]) -> int:
    with ledger.transaction() as connection:
        left_to_them = connection.execute(
            "UPDATE item SET chosen_at = now() FROM unit WHERE unit.id = item.unit_id AND item.id = ANY (%s) "
            "AND unit.approval = 'researcher' AND item.declined_at IS NULL RETURNING item.id",
            (items,),
        ).fetchall()
    if not left_to_them:
        return 0
    return decide(
        ledger,
        verdict="approve",
        actor_name=ACTOR,
        role="researcher",
        via="portal",
        item_ids=[row.id for row in left_to_them],
    ).decided


def _keep_off(ledger: Ledger, items: list[int]) -> int:
    return decline(ledger, items, actor_name=ACTOR, role="researcher", via="portal").items


def _take_off(ledger: Ledger, items: list[int]) -> int:
    """Decline, and remove what stands: the removal is approved by the one whose record it is."""
    with ledger.transaction() as connection:
        busy = connection.execute(
            "SELECT FROM change WHERE item_id = ANY (%s) AND state = 'writing'", (items,)
        ).fetchone()
        if busy is not None:
            raise BeingWritten("Nothing was changed", why="this entry is being written at this moment")
    done = _keep_off(ledger, items)
    with ledger.transaction() as connection:
        take_off(connection, items)
    return done


def take_off(connection: Connection, items: Sequence[int]) -> int:
    """Ask for the removal of what stands on the record for these items; returns how many removals were approved."""
    keys = sorted(items)
    connection.execute(
        "UPDATE item SET removal_asked_at = now() WHERE id = ANY (%s) AND removal_asked_at IS NULL", (keys,)
    )
    connection.execute(
        "UPDATE change SET state = 'withdrawn' WHERE item_id = ANY (%s) AND state = 'open' AND action <> 'remove'",
        (keys,),
    )
    connection.execute(
        "INSERT INTO change (item_id, unit_id, action, digest, put_code, replaces_digest, why, run_id) "
        "SELECT item.id, item.unit_id, 'remove', change_digest('remove', item.section, put_code.put_code, NULL), "
        "put_code.put_code, put_code.digest, 'asked for by the researcher', 'portal' "
        "FROM item JOIN put_code ON put_code.item_id = item.id AND put_code.closed_at IS NULL "
        "WHERE item.id = ANY (%s) "
        "AND NOT EXISTS (SELECT FROM change WHERE change.item_id = item.id AND change.state IN ('open', 'writing'))",
        (keys,),
    )
    approved = connection.execute(
        "INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via) "
        "SELECT id, item_id, unit_id, digest, 'approve', %s, 'researcher', 'portal' FROM change "
        "WHERE item_id = ANY (%s) AND state = 'open' AND action = 'remove' AND verdict IS DISTINCT FROM 'approve' "
        "ORDER BY id",
        (actor_id(connection, ACTOR), keys),
    ).rowcount
    audit(connection, "taken_off", actor=actor_id(connection, ACTOR), items=len(keys), removals=approved)
    return approved


def _bring_back(ledger: Ledger, items: list[int]) -> int:
    with ledger.transaction() as connection:
        connection.execute(
            "UPDATE change SET state = 'withdrawn' FROM item WHERE change.item_id = item.id AND item.id = ANY (%s) "
            "AND change.state = 'open' AND change.action = 'remove' AND item.removal_asked_at IS NOT NULL",
            (items,),
        )
        connection.execute("UPDATE item SET removal_asked_at = NULL WHERE id = ANY (%s)", (items,))
    return restore(ledger, items, actor_name=ACTOR, role="researcher", via="portal").items


_HANDLERS: Final = {"send": _send, "keep_off": _keep_off, "take_off": _take_off, "bring_back": _bring_back}
