"""What time and promotion do to posts: one that has ended, one that became another, units that were renamed."""

from __future__ import annotations

from typing import Final

from orcid_sync.ledger.session import Connection
from orcid_sync.settings import Settings
from orcid_sync.sync.row_relations import ROW_RELATIONS

_SECTIONS: Final = ", ".join(f"'{name}'" for name in ROW_RELATIONS["employments"].sections)

# A post's payload depends on its units and on whether it has ended, which time alone may bring about.
_FINISH: Final = f"""
WITH unit_hash AS (
    SELECT own.unit_id, string_agg(above.row_hash::text, '' ORDER BY step.n) AS hashes
    FROM cris_unit own CROSS JOIN LATERAL unnest(own.path) WITH ORDINALITY AS step (unit_id, n)
    JOIN cris_unit above ON above.unit_id = step.unit_id
    GROUP BY own.unit_id
), dated AS (
    SELECT r.id, r.unit_id, content.data, (content.data ->> 'end_year')::integer AS year,
           (content.data ->> 'end_month')::integer AS month, (content.data ->> 'end_day')::integer AS day
    FROM cris_row r JOIN cris_content content ON content.row_id = r.id
    WHERE r.section IN ({_SECTIONS}) AND (r.gone IS NULL OR r.gone = 'vanished')
), judged AS (
    SELECT *, coalesce(CASE
        WHEN month IS NULL THEN year < extract(year FROM current_date)
        WHEN day IS NULL THEN make_date(year, month, 1) + interval '1 month' <= current_date
        ELSE make_date(year, month, day) < current_date END, false) AS ended
    FROM dated
), wanted AS (
    SELECT judged.id, judged.ended,
           md5(judged.data::text || judged.ended::text || coalesce(unit_hash.hashes, ''))::uuid AS row_hash
    FROM judged LEFT JOIN unit_hash ON unit_hash.unit_id = judged.unit_id
)
UPDATE cris_row SET ended = wanted.ended, row_hash = wanted.row_hash, changed_at = now()
FROM wanted WHERE wanted.id = cris_row.id AND (cris_row.ended, cris_row.row_hash)
    IS DISTINCT FROM (wanted.ended, wanted.row_hash)
"""

_DIFFERS: Final = {
    "title": "content.data ->> 'role_title' IS DISTINCT FROM t.role_title",
    "department": "(content.data ->> 'department_name', content.data ->> 'unit_id') "
    "IS DISTINCT FROM (t.department_name, t.unit_id)",
}
# A later start of its own tells a promotion from a correction. The former post ends the day before; where its successor's
# start is known less exactly, as exactly as that. An import's day is nobody's start.
_PROMOTED: Final = """
CREATE TEMP TABLE promoted ON COMMIT DROP AS
SELECT former.*, ends.year, ends.month, ends.day,
       -- It had come to an end of its own before.
       coalesce(make_date((data ->> 'end_year')::integer, coalesce((data ->> 'end_month')::integer, 1),
                          coalesce((data ->> 'end_day')::integer, 1)) < begins, false) AS had_ended
FROM (
    SELECT a.row_id, a.cris_id, t.start_month, t.start_day, content.data,
           (SELECT count(*) FROM cris_row before WHERE before.former_of = a.cris_id) + 1 AS n,
           CASE WHEN staging.can_be_a_date(t.start_year, t.start_month, t.start_day)
               THEN make_date(t.start_year, coalesce(t.start_month, 1), coalesce(t.start_day, 1)) END AS begins
    FROM staging.arriving a
    JOIN staging.employments t ON t.employment_id = a.cris_id
    JOIN cris_row known ON known.id = a.row_id AND known.gone IS NULL
    JOIN cris_content content ON content.row_id = a.row_id
    WHERE a.belongs AND NOT a.held AND a.content_changed AND ({differs})
      AND content.data ->> 'person_id' = t.person_id
) former
CROSS JOIN LATERAL (
    SELECT extract(year FROM last)::integer AS year,
           CASE WHEN start_month IS NOT NULL THEN extract(month FROM last)::integer END AS month,
           CASE WHEN start_day IS NOT NULL THEN extract(day FROM last)::integer END AS day
    FROM (SELECT begins - CASE WHEN start_day IS NULL THEN 0 ELSE 1 END AS last) AS moment
) ends
WHERE begins > make_date((data ->> 'start_year')::integer, coalesce((data ->> 'start_month')::integer, 1),
                         coalesce((data ->> 'start_day')::integer, 1))
  AND NOT (start_day IS NOT NULL AND begins = ANY (%s::date[]))
"""
_SPLIT: Final = """
UPDATE cris_content SET data = promoted.data - '{end_year,end_month,end_day}'::text[] || jsonb_strip_nulls(
    jsonb_build_object('end_year', promoted.year, 'end_month', promoted.month, 'end_day', promoted.day))
FROM promoted WHERE cris_content.row_id = promoted.row_id AND NOT had_ended;
UPDATE item SET cris_id = promoted.cris_id || '~' || promoted.n
FROM promoted WHERE item.section = 'employment' AND item.cris_id = promoted.cris_id;
UPDATE cris_row SET cris_id = promoted.cris_id || '~' || promoted.n, former_of = promoted.cris_id,
       uri_key = coalesce(cris_row.uri_key, promoted.cris_id), quarantined = false, changed_at = now()
FROM promoted WHERE cris_row.id = promoted.row_id;
UPDATE staging.arriving SET row_id = NULL, never_good = false FROM promoted WHERE arriving.cris_id = promoted.cris_id;
"""
# The link of the former post stays its own.
_NAME: Final = """
UPDATE cris_row SET uri_key = promoted.cris_id || '~' || promoted.n + 1
FROM promoted WHERE cris_row.section = 'employment' AND cris_row.cris_id = promoted.cris_id
"""
# What the CRIS says of a post as a whole, it says of what its holder was before as well.
_FOLLOW: Final = f"""
UPDATE cris_row former SET gone = today.gone, answer = today.answer, reason = today.reason, changed_at = now()
FROM cris_row today
WHERE former.former_of = today.cris_id AND former.section = today.section AND today.section IN ({_SECTIONS})
  AND today.reason IS DISTINCT FROM 'other_section' AND NOT today.quarantined AND today.gone IS DISTINCT FROM 'merged'
  AND (former.gone, former.answer, former.reason) IS DISTINCT FROM (today.gone, today.answer, today.reason)
"""


def split_posts(connection: Connection, section: str, settings: Settings) -> None:
    """Turn what arrives of a post that became another into a new one, and end the former; staging.arriving is filled."""
    if section == "employment" and settings.new_post_by:
        differs = " OR ".join(_DIFFERS[what] for what in settings.new_post_by)
        connection.execute(_PROMOTED.format(differs=differs), (list(settings.unknown_dates),))
        connection.execute(_SPLIT)


def name_new_posts(connection: Connection, section: str, settings: Settings) -> None:
    """Give posts that took another's place a key of their own for their stable link, once they are inserted."""
    if section == "employment" and settings.new_post_by:
        connection.execute(_NAME)


def finish_posts(connection: Connection) -> None:
    """Let changes of units, the passing of an end date, and what became of a post reach all that depends on them."""
    connection.execute(_FOLLOW)
    connection.execute(_FINISH)
