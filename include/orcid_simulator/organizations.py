"""The table of organisations that strict mode knows: a short list of its own, and a file of the user's."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from orcid_simulator.store import Store

SEED = Path(__file__).parent / "organizations.csv"
Row = tuple[str, str, str]


FORMS = {
    "ROR": re.compile(r"https://ror\.org/0[a-z0-9]{8}"),
    "FUNDREF": re.compile(r"http://dx\.doi\.org/10\.13039/\d+", re.ASCII),
    "RINGGOLD": re.compile(r"\d+", re.ASCII),
    "GRID": re.compile(r"grid\.\d+\.[0-9a-f]+", re.ASCII),
    "LEI": re.compile(r"[A-Z0-9]{20}"),
}
"""How the registry writes the identifiers of each source; what is written otherwise cannot be in its table."""


def is_well_formed(source: str, identifier: str) -> bool:
    """Whether an organisation could be known by this pair."""
    form = FORMS.get(source)
    return form is not None and form.fullmatch(identifier) is not None


def seed(store: Store, extra: Path | None) -> None:
    """Fill the table.

    Raises:
        OSError: the file cannot be read.
        ValueError: it lacks the columns source and identifier.
    """
    rows = read(SEED)
    if extra is not None:
        rows += read(extra)
    store.add_organizations(rows)


def read(path: Path) -> list[Row]:
    """The (source, identifier, name) rows of a CSV file; the name may be missing."""
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = {"source", "identifier"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(
                f"{path} has no column {', '.join(sorted(missing))}; it needs source, identifier and name"
            )
        return [(row["source"], row["identifier"], row.get("name") or "") for row in reader]
