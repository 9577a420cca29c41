"""People whose CRIS entry has another iD than the one they signed in with, and whose move that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.errors import Who
from orcid_sync.review.console.visitor import Desk

# The iD that came by ORCID's sign-in is the researcher's; the CRIS's is a hint. Somebody of whom no unit has an item yet is
# shown to the units that are there for whatever no other unit owns.
_DIFFERING: Final = """
SELECT researcher.person_id, staff.orcid_hint AS in_cris, permission.orcid AS signed_in, permission.state,
       coalesce(nullif(concat_ws(' ', staff.given_names, staff.family_names), ''), researcher.person_id) AS person,
       permission.changed_at, staff.orcid_assurance = 'authenticated' AS assured,
       (SELECT min(other.person_id) FROM permission theirs JOIN researcher other ON other.id = theirs.researcher_id
        WHERE theirs.orcid = staff.orcid_hint AND other.id <> researcher.id) AS signed_in_by,
       (SELECT min(other.person_id) FROM cris_staff other
        WHERE other.orcid_hint = permission.orcid AND other.gone IS NULL
        AND other.person_id <> staff.person_id) AS entered_at
FROM permission JOIN researcher ON researcher.id = permission.researcher_id
JOIN cris_staff staff ON staff.person_id = researcher.person_id
WHERE staff.gone IS NULL AND permission.orcid IS NOT NULL AND permission.state <> 'merged'
  AND staff.orcid_hint <> permission.orcid
  AND (%(all)s OR EXISTS (SELECT FROM item WHERE item.researcher_id = researcher.id AND item.unit_id = ANY (%(units)s))
       OR (%(default)s AND NOT EXISTS (SELECT FROM item WHERE item.researcher_id = researcher.id)))
ORDER BY person, researcher.person_id, permission.orcid
"""


@dataclass(frozen=True)
class DifferingId:
    """One person's two iDs: what stands in the CRIS, what they signed in with, what to do and who can."""

    person_id: str
    person: str
    in_cris: str
    signed_in: str
    connected: bool
    changed_at: Any
    what: str
    remedy: str
    who: Who


def differing_ids(desk: Desk) -> list[DifferingId]:
    """Everybody of the visitor's units whose two iDs differ, by name."""
    units = desk.visitor.units
    with desk.ledger.transaction() as connection:
        rows = connection.execute(
            _DIFFERING,
            {
                "all": desk.visitor.sees_all,
                "units": [unit.id for unit in units],
                "default": any(unit.default_for for unit in units),
            },
        ).fetchall()
    return [
        DifferingId(
            row.person_id,
            row.person,
            row.in_cris,
            row.signed_in,
            row.state in ("granted", "paused_by_researcher"),
            row.changed_at,
            *_explained(row),
        )
        for row in rows
    ]


def _explained(row: Any) -> tuple[str, str, Who]:
    """What is the matter, what to do, and whose move it is; the likeliest cause first."""
    if row.signed_in_by is not None:
        return (
            f"the iD in the CRIS was signed in with by another person, {row.signed_in_by}",
            "Look at both entries of the staff list: they are one person, or were mixed up. Then have the CRIS corrected",
            Who.US,
        )
    if row.entered_at is not None:
        return (
            f"the CRIS has the iD that they signed in with at another entry, {row.entered_at}",
            "Merge the two entries of the CRIS if they are one person; else give each their own iD",
            Who.CRIS_TEAM,
        )
    if row.assured:
        return (
            "the CRIS says that its iD came from ORCID's sign-in, too",
            "Ask them whether they have two records: ORCID merges them, in the settings of the record to keep",
            Who.RESEARCHER,
        )
    return (
        "the iD in the CRIS was typed or matched, not signed in with",
        "Put the iD that they signed in with into the CRIS",
        Who.CRIS_TEAM,
    )
