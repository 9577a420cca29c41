"""What an import of rows came to: how many went in, and which did not, each with the reason and what to do."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TextIO

from orcid_sync.errors import Misconfigured

Row = Mapping[str, str]


class UnreadableFile(Misconfigured):
    """A file that can't be read as rows: nothing of it was taken."""

    kind = "unreadable_file"


@dataclass(frozen=True)
class RowError:
    """One row that did not go in. `line` counts from 1, the header included; no value of the row is quoted."""

    line: int
    field: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.reason}. {self.remedy}"


@dataclass(frozen=True)
class ImportReport:
    """`imported` rows are new or differ from what was there; `unchanged` ones stood there already."""

    imported: int
    unchanged: int
    errors: tuple[RowError, ...]


def read_csv(
    file: TextIO, columns: Sequence[str], what: str, *, optional: Sequence[str] = ()
) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV file with a header, each with its line number; missing values are empty texts.

    Commas or semicolons stand between the values, whichever the header has more of. More columns than asked for are left
    alone. Raises UnreadableFile where a column is missing that isn't `optional`, and where it is no CSV in UTF-8.
    """
    try:
        yield from _rows(file, columns, what, optional)
    except (csv.Error, UnicodeDecodeError) as error:
        why = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        remedy = "Save it as CSV UTF-8; nothing was taken over"
        raise UnreadableFile(f"The {what} can't be imported", why=why, remedy=remedy) from None


def _rows(
    file: TextIO, columns: Sequence[str], what: str, optional: Sequence[str]
) -> Iterator[tuple[int, Row]]:
    header = next(file, "")
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(chain((header,), file), delimiter=delimiter)
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise UnreadableFile(
            f"The {what} can't be imported",
            why=f"the file has no column {', '.join(missing)}",
            remedy=f"Its first line must be: {','.join(columns)}",
        )
    wanted = [*columns, *(column for column in optional if column not in columns)]
    for row in reader:
        yield reader.line_num, {column: (row.get(column) or "").strip() for column in wanted}
