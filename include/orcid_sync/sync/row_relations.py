"""The contract relations whose rows are items by themselves: all but publications, which have children.

SQL over a staged row `t`: what its content is, and which section it belongs to. Extraction, merge and the comparison
with what is known are written once, over these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orcid_sync.cris import staging
from orcid_sync.cris.contract import CONTRACT
from orcid_sync.model.sections import SECTIONS, section_sql, sections_of


@dataclass(frozen=True)
class RowRelation:
    """One such relation. `holder` are the columns that say something of one person's share alone.

    A relation that has them shows one row a person, and all rows with one key are one thing.
    """

    name: str
    key: str
    holder: tuple[str, ...] = ()

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections its rows belong to."""
        return tuple(section.name for section in sections_of(self.name))

    @property
    def source(self) -> str:
        """The staged rows, one a key."""
        if not self.holder:
            return f"staging.{self.name}"
        return f"(SELECT DISTINCT ON ({self.key}) * FROM staging.{self.name} ORDER BY {self.key}, person_id)"

    @property
    def data(self) -> str:
        """The content as jsonb, without what is NULL; `holders` lists the shares of a shared thing."""
        own = f"({staging.row_json(self.name, 't', without=self.holder)}::jsonb)"
        if not self.holder:
            return own
        share = ", ".join(f"'{column}', x.{column}" for column in self.holder)
        holders = (
            f"(SELECT jsonb_agg(jsonb_build_object({share}) ORDER BY x.person_id) "
            f"FROM staging.{self.name} x WHERE x.{self.key} = t.{self.key})"
        )
        return f"{own} || jsonb_build_object('holders', {holders})"

    @property
    def content_hash(self) -> str:
        """Of the content as the source shows it."""
        return f"md5(({self.data})::text)::uuid"

    @property
    def section_of(self) -> str:
        """The section of the row; what is of none counts for the first."""
        return section_sql(self.name)


ROW_RELATIONS: Final[dict[str, RowRelation]] = {
    name: RowRelation(
        name,
        sections_of(name)[0].key,
        ("person_id", "funding_role", "visibility") if name == "fundings" else (),
    )
    for name in dict.fromkeys(section.relation for section in SECTIONS.values())
    if name != "publications" and name in CONTRACT
}
