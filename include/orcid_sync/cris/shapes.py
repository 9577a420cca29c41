"""What a contract view is made of: columns, keys, and the columns that many views share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Column:
    """A column of a contract view; `default` is an SQL literal that stands in where the column is missing."""

    name: str
    type: str
    required: bool
    description: str
    default: str = "NULL"


@dataclass(frozen=True)
class Relation:
    """A contract view: its columns in order, the key of its rows, the column that says when a row changed."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    optional: bool = False
    watermark: str = "updated_at"

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")

    @property
    def column_names(self) -> tuple[str, ...]:
        """All names, in the contract's order."""
        return tuple(column.name for column in self.columns)


def required(name: str, description: str, kind: str = "text") -> Column:
    """A column that the view has to have."""
    return Column(name, kind, required=True, description=description)


def optional(name: str, description: str, kind: str = "text", default: str = "NULL") -> Column:
    """A column that may be missing."""
    return Column(name, kind, required=False, description=description, default=default)


def partial_date(prefix: str, what: str) -> tuple[Column, ...]:
    """Three columns, year, month and day."""
    return tuple(
        optional(f"{prefix}_{part}", f"{what}: {part}, NULL where unknown", "smallint")
        for part in ("year", "month", "day")
    )


UPDATED: Final = required("updated_at", "Last change of the row or of anything it shows", "timestamptz")
OWNING_UNIT: Final = optional("owning_unit_id", "Unit that curates and owns the row")
VISIBILITY: Final = required("visibility", "public | internal | hidden")
