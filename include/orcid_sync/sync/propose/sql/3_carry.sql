-- A put code follows its content: to the survivor of a merge in the CRIS, and to another item of the same researcher
-- that wants the same identifier where its owner wants it no longer. One live put code an item, one item a put code.
CREATE TEMP TABLE carry ON COMMIT DROP AS
SELECT DISTINCT ON (loser.put_code_id) loser.put_code_id, loser.item_id AS from_item, heir.row_id AS to_row,
       heir.researcher_id, heir.section, heir.cris_id, coalesce(heir.item_id, 0) AS to_item, loser.unit_id
FROM wish loser
JOIN wish heir
    ON heir.researcher_id = loser.researcher_id AND heir.section = loser.section AND heir.client_id = loser.client_id
    AND heir.put_code_id IS NULL AND heir.answer <> 'no' AND heir.row_id IS DISTINCT FROM loser.row_id
LEFT JOIN unit ON unit.id = loser.unit_id
WHERE loser.answer = 'no' AND loser.put_code_id IS NOT NULL AND NOT heir.tombstone AND NOT heir.refused_by_person
  AND (heir.cris_id = loser.merged_into OR (heir.answer = 'yes' AND EXISTS (
        SELECT FROM cris_row_key ours JOIN cris_row_key theirs ON theirs.key = ours.key
        WHERE ours.row_id = loser.row_id AND theirs.row_id = heir.row_id AND NOT ours.key LIKE 'near:%')))
  AND NOT EXISTS (SELECT FROM change WHERE change.item_id IN (loser.item_id, heir.item_id) AND change.state = 'writing')
ORDER BY loser.put_code_id, (heir.cris_id = loser.merged_into) DESC NULLS LAST, heir.row_id;
-- An heir takes one.
DELETE FROM carry doubled USING carry kept
WHERE kept.to_row = doubled.to_row AND kept.researcher_id = doubled.researcher_id
  AND kept.put_code_id < doubled.put_code_id;

INSERT INTO item (unit_id, researcher_id, section, cris_id, client_id)
SELECT wish.unit_id, wish.researcher_id, wish.section, wish.cris_id, wish.client_id
FROM carry JOIN wish ON wish.researcher_id = carry.researcher_id AND wish.row_id = carry.to_row
WHERE wish.item_id IS NULL
ON CONFLICT DO NOTHING;
UPDATE wish SET item_id = item.id
FROM item
WHERE wish.item_id IS NULL AND item.unit_id = wish.unit_id AND item.researcher_id = wish.researcher_id
  AND item.section = wish.section AND item.cris_id = wish.cris_id
  AND EXISTS (SELECT FROM carry WHERE carry.to_row = wish.row_id AND carry.researcher_id = wish.researcher_id);

WITH closed AS (
    UPDATE put_code SET closed_at = now(), closed_because = 'moved'
    FROM carry WHERE put_code.id = carry.put_code_id
    RETURNING put_code.*, carry.to_row, carry.researcher_id
), moved AS (
    INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, digest, origin, written_at)
    SELECT wish.item_id, wish.unit_id, closed.client_id, closed.orcid, closed.section, closed.put_code, closed.digest,
           'moved', closed.written_at
    FROM closed JOIN wish ON wish.row_id = closed.to_row AND wish.researcher_id = closed.researcher_id
    RETURNING id, item_id, put_code, orcid, digest, written_at
)
UPDATE wish SET put_code_id = moved.id, put_code = moved.put_code, put_code_orcid = moved.orcid,
       written_digest = moved.digest, written_at = moved.written_at
FROM moved WHERE moved.item_id = wish.item_id;
UPDATE wish SET put_code_id = NULL, put_code = NULL, written_digest = NULL
FROM carry WHERE wish.item_id = carry.from_item;
INSERT INTO audit_event (what, item_id, detail)
SELECT 'put_code_moved', carry.from_item, jsonb_build_object('to_cris_row', carry.to_row) FROM carry;
