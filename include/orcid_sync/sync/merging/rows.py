"""Publications, posts, grants...: what items are made of, and whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orcid_sync.cris import staging
from orcid_sync.cris.rules import SectionRules, answer_sql, reason_sql
from orcid_sync.ledger.session import Connection
from orcid_sync.settings import Settings
from orcid_sync.sync.merging.posts import name_new_posts, split_posts
from orcid_sync.sync.merging.tally import Tally
from orcid_sync.sync.row_relations import ROW_RELATIONS, RowRelation
from orcid_sync.sync.unchanged import PARALLEL

# What was never seen good has content of no hash.
NEVER_GOOD: Final = "'00000000-0000-0000-0000-000000000000'::uuid"


@dataclass(frozen=True)
class Content:
    """How the content of a section's row is made: SQL over the staged row `t`.

    `joins` may bring in what `row_hash` needs; `changed` compares with the known row `known` (NULL: a new one);
    `source` gives one row a key.
    """

    data: str
    row_hash: str
    changed: str
    claims: str
    source: str
    joins: str = ""


def _children(relation: str, place: str) -> str:
    return (
        f"(SELECT json_agg({staging.row_json(relation, 'x', without=('publication_id',))} ORDER BY x.{place}) "
        f"FROM staging.{relation} x WHERE x.publication_id = t.publication_id)"
    )


# Built as text and parsed once: half the time of building it from binary parts.
_PUBLICATION_DATA: Final = (
    f"(left({staging.row_json('publications', 't')}::text, -1) "
    f"|| ',\"contributors\":' || coalesce({_children('publication_contributors', 'contributor_seq')}::text, '[]') "
    f"|| ',\"identifiers\":' || coalesce({_children('publication_identifiers', 'identifier_seq')}::text, '[]') "
    "|| '}')"
)

# The person's best share counts: an author who is an editor as well is one claim.
_PUBLICATION_CLAIMS: Final = """
SELECT DISTINCT ON (a.row_id, c.person_id) a.row_id, c.person_id, {answer} AS answer, {reason} AS reason,
       c.contributor_seq
FROM staging.arrived a
JOIN staging.publication_contributors c ON c.publication_id = a.cris_id
JOIN cris_staff person ON person.person_id = c.person_id
WHERE a.claims
ORDER BY a.row_id, c.person_id, CASE {answer} WHEN 'yes' THEN 1 WHEN 'cant_say' THEN 2 ELSE 3 END, c.contributor_seq
"""
_ROW_CLAIMS: Final = """
SELECT a.row_id, c.person_id, {{answer}} AS answer, {{reason}} AS reason, NULL::integer AS contributor_seq
FROM staging.arrived a
JOIN staging.{relation} c ON c.{key} = a.cris_id
JOIN cris_staff person ON person.person_id = c.person_id
WHERE a.claims
"""


def _row_content(section: str, relation: RowRelation) -> Content:
    return Content(
        data=relation.data,
        # What else a post depends on is added by `posts.finish_posts`.
        row_hash=relation.content_hash,
        changed=f"content.data IS DISTINCT FROM {relation.data}",
        claims=_ROW_CLAIMS.format(relation=relation.name, key=relation.key),
        joins=f"LEFT JOIN cris_row own ON own.section = '{section}' AND own.cris_id = t.{relation.key} "
        "LEFT JOIN cris_content content ON content.row_id = own.id",
        source=relation.source,
    )


CONTENTS: Final[Mapping[str, Content]] = {
    "work": Content(
        data=f"{_PUBLICATION_DATA}::jsonb",
        # What was left out of it changes what is made of it.
        row_hash="CASE WHEN dropped.keys IS NULL THEN h.source_hash "
        "ELSE md5(h.source_hash::text || dropped.keys)::uuid END",
        changed="known.row_hash IS DISTINCT FROM {row_hash}",
        claims=_PUBLICATION_CLAIMS,
        source="staging.publications",
        joins="JOIN staging.publication_hash h ON h.publication_id = t.publication_id "
        "LEFT JOIN (SELECT cris_id, string_agg(relation || key, ',' ORDER BY relation, key) AS keys "
        "FROM staging.flagged WHERE section = 'work' AND (effect = 'drop' OR check_name = 'orcid_valid') "
        "GROUP BY cris_id) dropped ON dropped.cris_id = t.publication_id",
    ),
    **{
        section: _row_content(section, relation)
        for relation in ROW_RELATIONS.values()
        for section in relation.sections
    },
}

_STATE: Final = (
    "answer", "reason", "not_before", "owning_unit_id", "unit_id", "after_leaving", "secondary",
)  # fmt: skip

_ARRIVING: Final = """
DROP TABLE IF EXISTS staging.arriving, staging.arrived;
CREATE UNLOGGED TABLE staging.arriving AS
SELECT t.*, known.id AS row_id, t.held AND (known.id IS NULL OR known.row_hash = {never_good}) AS never_good,
       t.content_changed OR known.gone IS NOT NULL OR known.quarantined
           OR ({known_state}) IS DISTINCT FROM ({new_state}) AS changed
FROM (
    SELECT t.{key} AS cris_id, {row_hash} AS row_hash, {answer} AS answer, {reason} AS reason,
           {not_before} AS not_before, {owning_unit} AS owning_unit_id, {unit} AS unit_id,
           {after_leaving} AS after_leaving, {secondary} AS secondary, {belongs} AS belongs,
           held.key IS NOT NULL AS held, {changed} AS content_changed
    FROM {source} t
    {joins}
    LEFT JOIN held ON held.relation = '{relation}' AND held.key = t.{key}
    LEFT JOIN cris_row known ON known.section = '{section}' AND known.cris_id = t.{key}
) t
LEFT JOIN cris_row known ON known.section = '{section}' AND known.cris_id = t.cris_id;
ANALYZE staging.arriving;
"""

_TALLY: Final = """
SELECT count(*) AS staged,
       count(*) FILTER (WHERE belongs AND NOT held AND row_id IS NULL) AS new,
       count(*) FILTER (WHERE belongs AND NOT held AND row_id IS NOT NULL AND changed) AS changed,
       count(*) FILTER (WHERE held) AS quarantined
FROM staging.arriving
"""

_INSERT: Final = f"""
INSERT INTO cris_row (section, cris_id, row_hash, quarantined, {", ".join(_STATE)})
SELECT %(section)s, cris_id, CASE WHEN held THEN {NEVER_GOOD} ELSE row_hash END, held,
       CASE WHEN held THEN 'cant_say' ELSE answer END, CASE WHEN held THEN 'quarantined' ELSE reason END,
       not_before, owning_unit_id, unit_id, after_leaving, secondary
FROM staging.arriving WHERE row_id IS NULL AND belongs
ORDER BY cris_id
"""

_UPDATE: Final = f"""
UPDATE cris_row SET row_hash = CASE WHEN a.content_changed THEN a.row_hash ELSE cris_row.row_hash END,
       {", ".join(f"{name} = a.{name}" for name in _STATE)},
       quarantined = false, gone = NULL, merged_into = NULL, changed_at = now()
FROM staging.arriving a WHERE cris_row.id = a.row_id AND a.changed AND NOT a.held
"""

# The last good content stays; only that it waits, and that it is there, is news.
_HOLD: Final = """
UPDATE cris_row SET quarantined = true, gone = NULL, merged_into = NULL, changed_at = now()
FROM staging.arriving a
WHERE cris_row.id = a.row_id AND a.held AND (NOT cris_row.quarantined OR cris_row.gone IS NOT NULL)
"""

_ARRIVED: Final = """
CREATE UNLOGGED TABLE staging.arrived AS
SELECT r.id AS row_id, a.cris_id, NOT a.held AND (a.row_id IS NULL OR a.content_changed) AS content,
       NOT a.held OR a.never_good AS claims
FROM staging.arriving a JOIN cris_row r ON r.section = %(section)s AND r.cris_id = a.cris_id;
"""

_CONTENT: Final = """
DROP TABLE IF EXISTS staging.arriving_content;
CREATE UNLOGGED TABLE staging.arriving_content AS
SELECT a.row_id, {data} AS data
FROM {source} t JOIN staging.arrived a ON a.cris_id = t.{key} AND a.content;
INSERT INTO cris_content (row_id, data) SELECT row_id, data FROM staging.arriving_content ORDER BY row_id
ON CONFLICT (row_id) DO UPDATE SET data = EXCLUDED.data;
DROP TABLE staging.arriving_content;
"""

_CLAIMS: Final = """
DROP TABLE IF EXISTS staging.wanted_claim;
CREATE UNLOGGED TABLE staging.wanted_claim AS {claims};
ANALYZE staging.wanted_claim;
DELETE FROM cris_claim USING staging.arrived a
WHERE cris_claim.row_id = a.row_id AND a.claims AND NOT EXISTS (
    SELECT FROM staging.wanted_claim w WHERE w.row_id = cris_claim.row_id AND w.person_id = cris_claim.person_id);
UPDATE cris_claim SET answer = w.answer, reason = w.reason, contributor_seq = w.contributor_seq
FROM staging.wanted_claim w
WHERE cris_claim.row_id = w.row_id AND cris_claim.person_id = w.person_id
  AND (cris_claim.answer, cris_claim.reason, cris_claim.contributor_seq)
      IS DISTINCT FROM (w.answer, w.reason, w.contributor_seq);
INSERT INTO cris_claim (row_id, person_id, answer, reason, contributor_seq)
SELECT row_id, person_id, answer, reason, contributor_seq FROM staging.wanted_claim w
WHERE NOT EXISTS (SELECT FROM cris_claim c WHERE c.row_id = w.row_id AND c.person_id = w.person_id)
ORDER BY row_id;
DROP TABLE staging.wanted_claim, staging.arrived, staging.arriving;
"""


def merge_section(connection: Connection, rules: SectionRules, settings: Settings) -> Tally:
    """Staging into `cris_row`, `cris_content` and `cris_claim`; rows that say nothing new are not touched."""
    content = CONTENTS[rules.section]
    staged = staging.count(connection, rules.relation)
    if not staged:
        return Tally.of(0, new=0, changed=0, quarantined=0)
    connection.execute(
        _ARRIVING.format(
            never_good=NEVER_GOOD,
            known_state=", ".join(f"known.{name}" for name in _STATE),
            new_state=", ".join(f"t.{name}" for name in _STATE),
            key=rules.key,
            row_hash=content.row_hash,
            answer=answer_sql(rules.rules),
            reason=reason_sql(rules.rules),
            not_before=rules.not_before,
            owning_unit=rules.owning_unit,
            unit=rules.unit,
            after_leaving=rules.after_leaving,
            secondary=rules.secondary,
            belongs=rules.belongs,
            changed=content.changed.format(row_hash=content.row_hash),
            relation=rules.relation,
            joins=content.joins,
            source=content.source,
            section=rules.section,
        )
    )
    split_posts(connection, rules.section, settings)
    counted = connection.execute(_TALLY).fetchone()
    assert counted is not None
    section = {"section": rules.section}
    connection.execute(_INSERT, section)
    name_new_posts(connection, rules.section, settings)
    connection.execute(_UPDATE)
    connection.execute(_HOLD)
    connection.execute(_ARRIVED, section)
    connection.execute("ANALYZE staging.arrived")
    connection.execute(PARALLEL)
    connection.execute(_CONTENT.format(data=content.data, source=content.source, key=rules.key))
    claims = content.claims.format(
        answer=answer_sql(rules.claim_rules) if rules.claim_rules else "'yes'::text",
        reason=reason_sql(rules.claim_rules) if rules.claim_rules else "NULL::text",
    )
    connection.execute(_CLAIMS.format(claims=claims))
    return Tally.of(
        counted.staged,
        new=counted.new,
        changed=counted.changed,
        quarantined=counted.quarantined,
    )
