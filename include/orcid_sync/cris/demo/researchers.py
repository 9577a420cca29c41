"""Who of a demo CRIS can have an ORCID record."""

from __future__ import annotations

import re
from typing import Final

import psycopg

from orcid_sync.cris.demo import check_digits

_NOT_A_DIGIT: Final = re.compile(r"[^0-9Xx]")


def demo_researchers(dsn: str) -> list[tuple[str, str]]:
    """(person_id, hyphenated iD) of everybody whose iD is valid, by person_id; a shared iD goes to the first."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT person_id, orcid FROM orcid_feed.staff WHERE orcid IS NOT NULL ORDER BY person_id"
        ).fetchall()
    owners: dict[str, str] = {}
    for person_id, entered in rows:
        orcid = _normalised(entered)
        if orcid is not None:
            owners.setdefault(orcid, person_id)
    return [(person_id, orcid) for orcid, person_id in owners.items()]


def _normalised(entered: str) -> str | None:
    compact = _NOT_A_DIGIT.sub("", entered.rsplit("/", 1)[-1]).upper()
    if len(compact) != 16 or not compact[:15].isdigit() or check_digits.mod_11_2(compact[:15]) != compact[15]:
        return None
    return "-".join(compact[start : start + 4] for start in range(0, 16, 4))
