"""Members of staff as the portal needs them: name and e-mail for prefilling, and whether a name is theirs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from orcid_sync.ledger.session import Connection

MatchBy = Literal["person_id", "email"]

_STAFF: Final = """
SELECT staff.person_id, staff.given_names, staff.family_names, staff.credit_name, staff.other_names, staff.email,
       staff.orcid_hint, staff.is_current, staff.opted_out, researcher.id AS researcher_id
FROM cris_staff staff {join} JOIN researcher ON researcher.person_id = staff.person_id
"""
_SPLIT: Final = re.compile(r"[^\w]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_PARTICLES: Final = frozenset({"van", "von", "der", "den", "del", "della", "dos", "das", "the", "bin", "ibn"})


@dataclass(frozen=True)
class Staff:
    """Somebody the CRIS knows. Names come from the CRIS: they are shown escaped and never put into a header as they are."""

    researcher_id: int
    person_id: str
    given_names: str = field(repr=False)
    family_names: str = field(repr=False)
    other_names: tuple[str, ...] = field(repr=False)
    email: str | None = field(repr=False)
    orcid_hint: str | None = field(repr=False)
    is_current: bool = True

    @property
    def name(self) -> str:
        """As people write it."""
        return one_line(f"{self.given_names} {self.family_names}")

    def is_called(self, name: str) -> bool:
        """Whether a name that somebody typed, or that stands on a record, can be this person's.

        One of their family names has to be in it, whatever its accents, case and order; particles alone don't count.
        """
        said = words(name)
        return any(family and family <= said for family in self._families())

    def _families(self) -> list[frozenset[str]]:
        # A double name is often used by halves; other names are written "Given Family" or "Family, Given".
        families = [frozenset({word}) for word in words(self.family_names)]
        for other in self.other_names:
            family = other.partition(",")[0] if "," in other else other.rpartition(" ")[2]
            families += [frozenset({word}) for word in words(family)]
        return families


def researcher_keys(connection: Connection, person_ids: Sequence[str]) -> dict[str, int]:
    """The ledger's keys of these people, made where there were none; by `person_id`, in its order."""
    connection.execute(
        "INSERT INTO researcher (person_id) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
        (list(person_ids),),
    )
    rows = connection.execute(
        "SELECT person_id, id FROM researcher WHERE person_id = ANY (%s) ORDER BY person_id",
        (list(person_ids),),
    ).fetchall()
    return {row.person_id: row.id for row in rows}


def words(name: str) -> frozenset[str]:
    """The words of a name for comparing: without accents, case, particles and single letters."""
    plain = unicodedata.normalize(
        "NFKD", name.replace("ß", "ss").replace("ø", "o").replace("Ø", "o").replace("ł", "l")
    )
    bare = "".join(char for char in plain if not unicodedata.combining(char)).casefold()
    found = [word for word in _SPLIT.split(bare) if word]
    long = [word for word in found if (len(word) > 1 or not word.isascii()) and word not in _PARTICLES]
    return frozenset(long or found)


def one_line(text: str) -> str:
    """Without line breaks and control characters, so that it can stand in a header or an address."""
    return " ".join(_CONTROL.sub(" ", text).split())


def staff_of(connection: Connection, researcher_id: int) -> Staff | None:
    """The member of staff behind a researcher; None where the CRIS doesn't know them any more."""
    row = connection.execute(
        _STAFF.format(join="") + "WHERE researcher.id = %s AND staff.gone IS NULL", (researcher_id,)
    ).fetchone()
    return None if row is None else _staff(row)


def find_staff(connection: Connection, value: str, by: MatchBy) -> Staff | None:
    """The current member of staff whom the university's sign-in named; None for nobody, and for more than one."""
    column = {"person_id": "staff.person_id = %s", "email": "lower(staff.email) = lower(%s)"}[by]
    rows = connection.execute(
        _STAFF.format(join="LEFT") + f"WHERE {column} AND staff.gone IS NULL AND staff.is_current", (value,)
    ).fetchall()
    if len(rows) != 1:
        return None
    row = rows[0]
    if row.researcher_id is None:
        connection.execute(
            "INSERT INTO researcher (person_id) VALUES (%s) ON CONFLICT (person_id) DO NOTHING",
            (row.person_id,),
        )
        return find_staff(connection, row.person_id, "person_id")
    return _staff(row)


def _staff(row: Any) -> Staff:
    other = tuple(filter(None, (row.credit_name, *(row.other_names or ()))))
    return Staff(
        researcher_id=row.researcher_id,
        person_id=row.person_id,
        given_names=row.given_names or "",
        family_names=row.family_names,
        other_names=other,
        email=row.email,
        orcid_hint=row.orcid_hint,
        is_current=row.is_current,
    )
