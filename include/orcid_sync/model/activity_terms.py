"""Which term of ORCID's a source's own type or role is, for fundings, peer reviews and research resources.

The table is `activity_terms.csv` beside this module: vocabulary, source term, ORCID term. Case, dashes and underscores
don't count. A term that is not in the table is not guessed at.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from importlib import resources
from typing import Final

VERSION: Final = 2
"""Raised with every change of the table: a new mapping can touch every item."""

_APART: Final = re.compile(r"[\W_]+")


def map_term(vocabulary: str, term: str | None) -> str | None:
    """The ORCID term of a source's term, or None. Vocabularies: funding-type, funding-role, reviewer-role, review-type,
    resource-type.
    """
    return _table().get((vocabulary, _folded(term or "")))


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], str]:
    text = (resources.files("orcid_sync.model") / "activity_terms.csv").read_text(encoding="utf-8")
    return {
        (row["vocabulary"], _folded(row["source_term"])): row["orcid_term"]
        for row in csv.DictReader(text.splitlines())
    }


def _folded(term: str) -> str:
    return _APART.sub(" ", term).strip().casefold()
