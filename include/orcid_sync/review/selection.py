"""Which changes a decision is about: named one by one, or all of a batch that pass a filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.ledger.session import key_array


@dataclass(frozen=True)
class ChangeFilter:
    """What of a batch is meant. Removals and changes with warnings are left out unless they are asked for."""

    removals: bool = False
    warnings: bool = False
    actions: frozenset[str] | None = None
    sections: frozenset[str] | None = None
    person_id: str | None = None
    cris_id: str | None = None

    def condition(self) -> tuple[str, dict[str, Any]]:
        """SQL over `change`, `item` and `researcher`, and its parameters."""
        parts: list[str] = []
        values: dict[str, Any] = {}
        if not self.removals:
            parts.append("change.action <> 'remove'")
        if not self.warnings:
            parts.append("cardinality(change.warnings) = 0")
        if self.actions is not None:
            parts.append("change.action = ANY (%(actions)s)")
            values["actions"] = sorted(self.actions)
        if self.sections is not None:
            parts.append("item.section = ANY (%(sections)s)")
            values["sections"] = sorted(self.sections)
        if self.person_id is not None:
            parts.append("researcher.person_id = %(person_id)s")
            values["person_id"] = self.person_id
        if self.cris_id is not None:
            parts.append("item.cris_id = %(cris_id)s")
            values["cris_id"] = self.cris_id
        return " AND ".join(parts) or "true", values


ADDITIONS_AND_UPDATES: Final = ChangeFilter()
EVERYTHING: Final = ChangeFilter(removals=True, warnings=True)


@dataclass(frozen=True)
class Selection:
    """A batch, changes or items by their internal keys; together they narrow it down. Not all may be empty."""

    batch: int | None = None
    change_ids: tuple[int, ...] | None = None
    item_ids: tuple[int, ...] | None = None

    @classmethod
    def of(
        cls, batch: int | None, change_ids: Sequence[int] | None, item_ids: Sequence[int] | None
    ) -> Selection:
        """With each key once."""
        return cls(
            batch,
            None if change_ids is None else tuple(dict.fromkeys(change_ids)),
            None if item_ids is None else tuple(dict.fromkeys(item_ids)),
        )

    @property
    def named(self) -> bool:
        """Whether changes are named one by one: then removals, warnings and changes of mind are meant."""
        return self.change_ids is not None or self.item_ids is not None

    def condition(self) -> tuple[str, dict[str, Any]]:
        """SQL over `change`, and its parameters."""
        parts: list[str] = []
        if self.batch is not None:
            parts.append(
                "EXISTS (SELECT FROM batch_change WHERE batch_change.batch_id = %(batch)s "
                "AND batch_change.change_id = change.id)"
            )
        if self.change_ids is not None:
            parts.append("change.id = ANY (%(change_ids)s::bigint[])")
        if self.item_ids is not None:
            # An item has a history of changes; at most one of them is not closed.
            parts.append(
                "change.item_id = ANY (%(item_ids)s::bigint[]) AND change.state IN ('open', 'writing')"
            )
        return " AND ".join(parts), {
            "batch": self.batch,
            "change_ids": key_array(self.change_ids or ()),
            "item_ids": key_array(self.item_ids or ()),
        }
