"""A batch in Markdown: what a librarian reads before answering in Required Actions. No names, no iDs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any, Final

from orcid_sync.ledger.session import Connection, Ledger
from orcid_sync.model.sections import SECTIONS
from orcid_sync.review.batches import batch_counts

_FIRST: Final = 10
_LONGEST_TITLE: Final = 160
_MARKUP: Final = re.compile(r"([\\`*_\[\]|<>&~$])")
# A renderer may turn a bare address into a link: an invisible joiner keeps it plain text.
_ADDRESS: Final = re.compile(r"(?i)(www|://|@)")
_JOINER: Final = "\u2060"

_BY_SECTION: Final = """
SELECT item.section,
       count(*) FILTER (WHERE action = 'add' AND cardinality(warnings) = 0) AS add,
       count(*) FILTER (WHERE action = 'update' AND cardinality(warnings) = 0) AS update,
       count(*) FILTER (WHERE action = 'remove') AS remove,
       count(*) FILTER (WHERE action <> 'remove' AND cardinality(warnings) > 0) AS warned
FROM batch_change JOIN change ON change.id = batch_change.change_id JOIN item ON item.id = change.item_id
WHERE batch_change.batch_id = %s AND change.state = 'open' AND change.verdict IS NULL
GROUP BY item.section ORDER BY item.section
"""
_TITLES: Final = """
SELECT change.action, item.section, payload.title, payload.type, payload.year, change.warnings, count(*) AS researchers
FROM batch_change JOIN change ON change.id = batch_change.change_id JOIN item ON item.id = change.item_id
LEFT JOIN put_code ON put_code.item_id = item.id AND put_code.closed_at IS NULL
LEFT JOIN payload ON payload.digest = coalesce(change.payload_digest, change.replaces_digest, put_code.digest)
WHERE batch_change.batch_id = %s AND change.state = 'open' AND change.verdict IS NULL AND {condition}
GROUP BY change.action, item.section, item.cris_id, payload.title, payload.type, payload.year, change.warnings
ORDER BY min(change.id) LIMIT {limit}
"""


def batch_summary(
    ledger: Ledger, batch_id: int, *, next_write: dt.datetime | None = None, console_url: str | None = None
) -> str:
    """The summary: what is undecided by section and kind, removals and warnings apart, first titles, what follows.

    `next_write` is shown in its own time zone. Text of the CRIS is escaped: it can neither format nor link.
    """
    with ledger.transaction() as connection:
        batch = batch_counts(connection, batch_id)
        sections = connection.execute(_BY_SECTION, (batch_id,)).fetchall()
        removals = _titles(connection, batch_id, "change.action = 'remove'")
        warned = _titles(
            connection, batch_id, "change.action <> 'remove' AND cardinality(change.warnings) > 0"
        )
        plain = _titles(
            connection, batch_id, "change.action <> 'remove' AND cardinality(change.warnings) = 0"
        )
        researchers: Any = connection.execute(
            "SELECT count(DISTINCT item.researcher_id) AS n FROM batch_change "
            "JOIN change ON change.id = batch_change.change_id JOIN item ON item.id = change.item_id "
            "WHERE batch_id = %s AND change.state = 'open' AND change.verdict IS NULL",
            (batch_id,),
        ).fetchone()
    lines = [_headline(batch, researchers.n), ""]
    lines += _table(sections)
    lines += _listed("Removals", "only *Approve all, removals included* covers them", removals)
    lines += _listed("With warnings", "only *Approve all, removals included* covers them", warned)
    lines += _listed("Additions and updates", "the first ones", plain)
    lines += ["", _ending(batch, next_write)]
    if console_url:
        lines += ["", f"[Look at each change, decide singly]({console_url})"]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text as Markdown that shows just this text, anywhere but at the start of a line."""
    single = " ".join(text.split())
    return _ADDRESS.sub(rf"\1{_JOINER}", _MARKUP.sub(r"\\\1", single))


def _headline(batch: dict[str, Any], researchers: int) -> str:
    what = (
        f"Batch {batch['batch']} takes batch {batch['undoes']} back"
        if batch["kind"] == "undo"
        else (f"Batch {batch['batch']}")
    )
    return (
        f"**{what}** for {escape(batch['unit_name'])}: {_number(batch['undecided'], 'change')} to decide, "
        f"on the records of {_number(researchers, 'researcher')}. Nothing is sent until you decide."
    )


def _table(sections: list[Any]) -> list[str]:
    lines = ["| | additions | updates | removals | with warnings |", "|---|--:|--:|--:|--:|"]
    for row in sections:
        label = SECTIONS[row.section].label if row.section in SECTIONS else row.section
        lines.append(f"| {escape(label)} | {row.add} | {row.update} | {row.remove} | {row.warned} |")
    return lines if sections else []


def _titles(connection: Connection, batch_id: int, condition: str) -> list[Any]:
    return connection.execute(_TITLES.format(condition=condition, limit=_FIRST + 1), (batch_id,)).fetchall()


def _listed(heading: str, remark: str, rows: list[Any]) -> list[str]:
    if not rows:
        return []
    lines = ["", f"**{heading}** ({remark})", ""]
    lines += [f"- {_line(row)}" for row in rows[:_FIRST]]
    if len(rows) > _FIRST:
        lines.append("- and more")
    return lines


def _line(row: Any) -> str:
    title = row.title or "(an entry whose content we do not keep)"
    if len(title) > _LONGEST_TITLE:
        title = title[:_LONGEST_TITLE].rstrip() + "…"
    details = [row.type.replace("-", " ") if row.type else "", str(row.year or "")]
    if row.researchers > 1:
        details.append(f"{row.researchers} researchers")
    shown = ", ".join(filter(None, details))
    warnings = f": {_joined(row.warnings)}" if row.warnings else ""
    return f"{row.action} {escape(title)}" + (f" ({escape(shown)})" if shown else "") + warnings


def _joined(words: Iterable[str]) -> str:
    return ", ".join(escape(word.replace("_", " ")) for word in words)


def _ending(batch: dict[str, Any], next_write: dt.datetime | None) -> str:
    decided = batch["approved"] + batch["rejected"] + batch["written"]
    kept = f"{_number(decided, 'change')} decided before stay as they are. " if decided else ""
    when = (
        f"What is approved is written on {next_write:%A, %d %B %Y at %H:%M %Z}."
        if next_write
        else "What is approved is written by the next run."
    )
    return kept + when


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
