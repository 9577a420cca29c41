-- CRIS rows whose payload has to be made anew: the row, its units, its contributors' authenticated iDs or our rules
-- changed; for some sections also the day, since an end date goes out only once it is past, and our copy of ROR.
CREATE TEMP TABLE to_make ON COMMIT DROP AS
WITH authenticated AS (
    SELECT claim.row_id, string_agg(permission.orcid, ',' ORDER BY permission.orcid) AS orcids
    FROM permission
    JOIN researcher ON researcher.id = permission.researcher_id
    JOIN cris_claim claim ON claim.person_id = researcher.person_id
    WHERE permission.orcid IS NOT NULL AND permission.state IN ('granted', 'paused_by_researcher', 'left')
    GROUP BY claim.row_id
), unit_path AS (
    SELECT unit.unit_id, unit.path,
           string_agg(above.row_hash::text, ',' ORDER BY array_position(unit.path, above.unit_id)) AS hashes
    FROM cris_unit unit JOIN cris_unit above ON above.unit_id = ANY (unit.path)
    GROUP BY unit.unit_id, unit.path
), input AS (
    SELECT cris_row.id, cris_row.input_hash AS known, unit_path.path,
           md5(concat_ws('|', cris_row.row_hash, authenticated.orcids, unit_path.hashes,
                         current_setting('orcid_sync.payload_version'),
                         CASE WHEN cris_row.section = ANY (string_to_array(current_setting('orcid_sync.dated_sections'), ','))
                              THEN current_date END,
                         CASE WHEN cris_row.section = ANY (string_to_array(
                                  current_setting('orcid_sync.sections_with_organizations'), ','))
                              THEN current_setting('orcid_sync.organizations') END))::uuid AS fresh
    FROM cris_row
    LEFT JOIN authenticated ON authenticated.row_id = cris_row.id
    LEFT JOIN unit_path ON unit_path.unit_id = cris_row.unit_id
    WHERE NOT cris_row.quarantined AND cris_row.gone IS NULL
)
SELECT id AS row_id, fresh AS input_hash, path FROM input WHERE fresh IS DISTINCT FROM known;
CREATE INDEX ON to_make (row_id);
ANALYZE to_make;

CREATE TEMP TABLE made (
    row_id bigint, input_hash uuid, digest text, refusal text, refusal_field text, refusal_message text,
    warnings text[], is_preprint boolean, section text, content jsonb, title text, type text, year smallint,
    self_keys text[], keys text[]
) ON COMMIT DROP;
