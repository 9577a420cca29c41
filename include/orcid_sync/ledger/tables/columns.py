"""What the declarations of all tables share."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, MetaData, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = MetaData(
    schema="ledger",
    naming_convention={
        "ix": "%(column_0_label)s_idx",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    },
)

NOW = text("now()")
SECTION_CHECK = "section ~ '^[a-z]+(-[a-z]+)*$'"


def row_id() -> Column[int]:
    """The internal key that the database gives."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def moment(name: str, *, now: bool = False, nullable: bool = True) -> Column[object]:
    """A point in time; `now`: that of the row's making."""
    if now:
        return Column(name, TIMESTAMP(timezone=True), nullable=False, server_default=NOW)
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def one_of(name: str, column: str, *values: str) -> CheckConstraint:
    """Only these values, under the constraint's name."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)
