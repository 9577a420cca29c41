-- Our own entries on the records that no put code points to, and the items without a live put code that they fit: by an
-- identifier of what was last written, or of what the CRIS says now. Certain is what fits one to one.
CREATE TEMP TABLE match ON COMMIT DROP AS
WITH homeless AS (
    SELECT found.orcid, found.client_id, found.section, found.put_code
    FROM record_item found
    LEFT JOIN put_code owner ON owner.client_id = found.client_id AND owner.orcid = found.orcid
        AND owner.section = found.section AND owner.put_code = found.put_code AND owner.closed_at IS NULL
    WHERE found.source_client_id = found.client_id AND owner.id IS NULL
      -- What is being written there, or whose answer was lost, the writer links.
      AND NOT EXISTS (
        SELECT FROM change JOIN item ON item.id = change.item_id
        JOIN permission ON permission.researcher_id = item.researcher_id AND permission.client_id = item.client_id
        WHERE change.state = 'writing' AND permission.orcid = found.orcid AND permission.client_id = found.client_id)
), vacant AS (
    SELECT item.id AS item_id, item.unit_id, item.researcher_id, item.section, item.cris_id, item.client_id,
           permission.orcid
    FROM item
    JOIN permission ON permission.researcher_id = item.researcher_id AND permission.client_id = item.client_id
        AND permission.state = 'granted'
    LEFT JOIN put_code live ON live.item_id = item.id AND live.closed_at IS NULL
    WHERE live.id IS NULL AND item.tombstone_at IS NULL
      AND EXISTS (SELECT FROM change WHERE change.item_id = item.id AND change.state = 'written')
), vacant_key AS (
    SELECT vacant.item_id, written.key
    FROM vacant JOIN LATERAL (
        SELECT unnest(payload.self_keys) AS key FROM change JOIN payload ON payload.digest = change.payload_digest
        WHERE change.item_id = vacant.item_id AND change.state = 'written'
    ) written ON true
    UNION
    SELECT vacant.item_id, cris_row_key.key
    FROM vacant JOIN cris_row ON cris_row.section = vacant.section AND cris_row.cris_id = vacant.cris_id
    JOIN cris_row_key ON cris_row_key.row_id = cris_row.id
    WHERE NOT cris_row_key.key LIKE 'near:%'
), pair AS (
    SELECT DISTINCT vacant.*, homeless.put_code
    FROM homeless
    JOIN record_item_key standing USING (orcid, client_id, section, put_code)
    JOIN vacant ON vacant.orcid = homeless.orcid AND vacant.client_id = homeless.client_id
        AND vacant.section = homeless.section
    JOIN vacant_key ON vacant_key.item_id = vacant.item_id AND vacant_key.key = standing.key
    WHERE standing.relationship = 'self'
)
SELECT pair.*,
       count(*) OVER (PARTITION BY item_id) = 1
       AND count(*) OVER (PARTITION BY client_id, orcid, section, put_code) = 1 AS certain
FROM pair;
