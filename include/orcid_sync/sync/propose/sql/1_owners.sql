-- Who may own what: for every section the unit nearest to a CRIS unit, and the default.
CREATE TEMP TABLE nearest_owner ON COMMIT DROP AS
SELECT DISTINCT ON (has.section, cris_unit.unit_id)
       has.section, cris_unit.unit_id AS cris_unit_id, unit.id AS unit_id
FROM cris_unit
CROSS JOIN LATERAL unnest(cris_unit.path) WITH ORDINALITY AS step (ancestor, distance)
JOIN unit ON unit.active AND step.ancestor = ANY (unit.subtree)
CROSS JOIN LATERAL unnest(unit.sections) AS has (section)
ORDER BY has.section, cris_unit.unit_id, step.distance, unit.id;

CREATE TEMP TABLE default_owner ON COMMIT DROP AS
SELECT has.section, min(unit.id) AS unit_id
FROM unit CROSS JOIN LATERAL unnest(unit.default_for) AS has (section)
WHERE unit.active AND has.section = ANY (unit.sections)
GROUP BY has.section;

CREATE TEMP TABLE row_owner ON COMMIT DROP AS
SELECT cris_row.id AS row_id,
       coalesce(cris_row.uploaded_by, by_owner.unit_id, by_unit.unit_id, default_owner.unit_id) AS unit_id
FROM cris_row
LEFT JOIN nearest_owner by_owner
    ON by_owner.section = cris_row.section AND by_owner.cris_unit_id = cris_row.owning_unit_id
LEFT JOIN nearest_owner by_unit
    ON by_unit.section = cris_row.section AND by_unit.cris_unit_id = cris_row.unit_id
LEFT JOIN default_owner ON default_owner.section = cris_row.section;
CREATE INDEX ON row_owner (row_id);
ANALYZE row_owner;

-- The owner is fixed at the first proposal. It passes on by itself only where the owner can't own any more.
WITH without_owner AS MATERIALIZED (
    SELECT item.id, item.section, item.cris_id
    FROM item JOIN unit ON unit.id = item.unit_id
    WHERE NOT (unit.active AND item.section = ANY (unit.sections))
)
UPDATE item SET unit_id = row_owner.unit_id
FROM without_owner, cris_row, row_owner
WHERE item.id = without_owner.id
  AND cris_row.section = without_owner.section AND cris_row.cris_id = without_owner.cris_id
  AND row_owner.row_id = cris_row.id AND row_owner.unit_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM change WHERE change.item_id = item.id AND change.state IN ('open', 'writing'));
