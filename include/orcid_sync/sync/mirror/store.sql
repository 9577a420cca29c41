-- Takes over what was read: `read_record`, `read_item`, `read_key` hold complete readings of records that are active.

-- A reading that began before the one that is stored is old news.
DELETE FROM read_record USING record
WHERE record.orcid = read_record.orcid AND record.client_id = read_record.client_id
  AND record.read_at > read_record.started;
DELETE FROM read_item WHERE NOT EXISTS (
    SELECT FROM read_record WHERE read_record.orcid = read_item.orcid AND read_record.client_id = read_item.client_id);
DELETE FROM read_key WHERE NOT EXISTS (
    SELECT FROM read_record WHERE read_record.orcid = read_key.orcid AND read_record.client_id = read_key.client_id);
-- What we removed after the reading began is not there any more.
DELETE FROM read_item USING read_record, put_code
WHERE read_record.orcid = read_item.orcid AND read_record.client_id = read_item.client_id
  AND put_code.orcid = read_item.orcid AND put_code.client_id = read_item.client_id
  AND put_code.section = read_item.section AND put_code.put_code = read_item.put_code
  AND put_code.closed_because = 'removed' AND put_code.closed_at >= read_record.started;
DELETE FROM read_key WHERE NOT EXISTS (
    SELECT FROM read_item WHERE read_item.orcid = read_key.orcid AND read_item.client_id = read_key.client_id
    AND read_item.section = read_key.section AND read_item.put_code = read_key.put_code);
CREATE INDEX ON read_item (orcid, client_id, section, put_code);
ANALYZE read_record, read_item, read_key;

-- What was not read says nothing of what stands there.
CREATE TEMP TABLE not_read ON COMMIT DROP AS
SELECT orcid, client_id, section
FROM read_record CROSS JOIN unnest(string_to_array(current_setting('orcid_sync.of_person'), ',')) AS person (section)
WHERE NOT of_person;

-- Ours that should stand there and doesn't. What was written after the reading began proves nothing, and what is being
-- written (a removal above all) is for the writer to say.
CREATE TEMP TABLE vanished ON COMMIT DROP AS
SELECT put_code.id, put_code.item_id, put_code.unit_id, put_code.orcid, put_code.client_id
FROM read_record
JOIN put_code ON put_code.orcid = read_record.orcid AND put_code.client_id = read_record.client_id
    AND put_code.closed_at IS NULL AND put_code.written_at < read_record.started
LEFT JOIN read_item ON read_item.orcid = put_code.orcid AND read_item.client_id = put_code.client_id
    AND read_item.section = put_code.section AND read_item.put_code = put_code.put_code
WHERE read_item.put_code IS NULL
  AND NOT EXISTS (SELECT FROM change WHERE change.item_id = put_code.item_id AND change.state = 'writing')
  AND (put_code.orcid, put_code.client_id, put_code.section) NOT IN (SELECT orcid, client_id, section FROM not_read);

-- Most of them at once is hardly what a researcher does one by one: a person has to look.
CREATE TEMP TABLE emptied ON COMMIT DROP AS
SELECT orcid, client_id
FROM vanished
JOIN LATERAL (
    SELECT count(*) AS live FROM put_code JOIN read_record USING (orcid, client_id)
    WHERE put_code.orcid = vanished.orcid AND put_code.client_id = vanished.client_id
      AND put_code.closed_at IS NULL AND put_code.written_at < read_record.started
) AS ours ON true
GROUP BY orcid, client_id, live HAVING count(*) > 5 AND count(*) * 2 > live;

-- Removed by the researcher: absent now, from a record that was active at this and at the reading before.
CREATE TEMP TABLE removed ON COMMIT DROP AS
SELECT vanished.*
FROM vanished
JOIN record ON record.orcid = vanished.orcid AND record.client_id = vanished.client_id
    AND record.status = 'active' AND record.read_at IS NOT NULL
WHERE NOT EXISTS (
    SELECT FROM emptied WHERE emptied.orcid = vanished.orcid AND emptied.client_id = vanished.client_id);
WITH closed AS (
    UPDATE put_code SET closed_at = now(), closed_because = 'removed_by_researcher'
    FROM removed WHERE put_code.id = removed.id AND put_code.closed_at IS NULL RETURNING put_code.id
)
DELETE FROM removed WHERE id NOT IN (SELECT id FROM closed);
UPDATE item SET tombstone_at = coalesce(tombstone_at, now()), held = NULL, reason = NULL, detail = NULL,
       held_since = NULL, asserted_at = NULL
FROM removed WHERE item.id = removed.item_id;
INSERT INTO audit_event (what, unit_id, researcher_id, item_id)
SELECT 'removed_by_researcher', removed.unit_id, item.researcher_id, item.id
FROM removed JOIN item ON item.id = removed.item_id;
INSERT INTO audit_event (what, researcher_id, detail)
SELECT 'record_emptied', permission.researcher_id, jsonb_build_object('vanished', (
    SELECT count(*) FROM vanished WHERE vanished.orcid = emptied.orcid AND vanished.client_id = emptied.client_id))
FROM emptied
JOIN read_record USING (orcid, client_id)
JOIN permission ON permission.id = read_record.permission_id
LEFT JOIN record ON record.orcid = read_record.orcid AND record.client_id = read_record.client_id
WHERE record.status IS DISTINCT FROM 'emptied';

UPDATE read_record SET known = record.read_at IS NOT NULL
FROM record WHERE record.orcid = read_record.orcid AND record.client_id = read_record.client_id;
INSERT INTO record AS known (orcid, client_id, status, read_at, works_on_record, person_read)
SELECT orcid, client_id, CASE WHEN emptied.orcid IS NULL THEN 'active' ELSE 'emptied' END, started, works, of_person
FROM read_record LEFT JOIN emptied USING (orcid, client_id)
ON CONFLICT (orcid, client_id) DO UPDATE SET
    status = excluded.status, merged_into = NULL, read_at = excluded.read_at, works_on_record = excluded.works_on_record,
    person_read = excluded.person_read,
    -- A full record has room again when there are fewer works on it than there were.
    works_when_full = CASE WHEN excluded.works_on_record >= known.works_when_full THEN excluded.works_on_record END,
    flagged_at = CASE WHEN known.flagged_at > excluded.read_at THEN known.flagged_at END;

-- Only what differs is touched.
CREATE TEMP TABLE touched (orcid text, client_id text) ON COMMIT DROP;
WITH gone AS (
    DELETE FROM record_item old USING read_record
    WHERE old.orcid = read_record.orcid AND old.client_id = read_record.client_id
      AND (old.orcid, old.client_id, old.section) NOT IN (SELECT orcid, client_id, section FROM not_read)
      AND NOT EXISTS (SELECT FROM read_item new WHERE new.orcid = old.orcid AND new.client_id = old.client_id
                      AND new.section = old.section AND new.put_code = old.put_code)
    RETURNING old.orcid, old.client_id
)
INSERT INTO touched SELECT * FROM gone;
WITH gone AS (
    DELETE FROM record_item_key old USING read_record
    WHERE old.orcid = read_record.orcid AND old.client_id = read_record.client_id
      AND (old.orcid, old.client_id, old.section) NOT IN (SELECT orcid, client_id, section FROM not_read)
      AND NOT EXISTS (SELECT FROM read_key new WHERE new.orcid = old.orcid AND new.client_id = old.client_id
                      AND new.section = old.section AND new.put_code = old.put_code AND new.key = old.key)
    RETURNING old.orcid, old.client_id
)
INSERT INTO touched SELECT * FROM gone;
WITH come AS (
    INSERT INTO record_item AS old (orcid, section, put_code, client_id, source_client_id, self_claimed, source_name,
        title, type, is_preprint, visibility, created_on_record, display_index)
    SELECT orcid, section, put_code, client_id, source_client_id, self_claimed, source_name,
        title, type, is_preprint, visibility, created_on_record, display_index
    FROM read_item
    ON CONFLICT (orcid, section, put_code, client_id) DO UPDATE SET
        source_client_id = excluded.source_client_id, self_claimed = excluded.self_claimed,
        source_name = excluded.source_name, title = excluded.title, type = excluded.type,
        is_preprint = excluded.is_preprint, visibility = excluded.visibility,
        created_on_record = excluded.created_on_record, display_index = excluded.display_index, seen_at = now()
    WHERE (old.source_client_id, old.self_claimed, old.source_name, old.title, old.type, old.is_preprint, old.visibility,
           old.created_on_record, old.display_index)
        IS DISTINCT FROM (excluded.source_client_id, excluded.self_claimed, excluded.source_name, excluded.title,
           excluded.type, excluded.is_preprint, excluded.visibility, excluded.created_on_record, excluded.display_index)
    RETURNING orcid, client_id
)
INSERT INTO touched SELECT * FROM come;
WITH come AS (
    INSERT INTO record_item_key AS old (orcid, section, put_code, client_id, key, relationship)
    SELECT orcid, section, put_code, client_id, key, relationship FROM read_key
    ON CONFLICT (orcid, section, put_code, client_id, key) DO UPDATE SET relationship = excluded.relationship
    WHERE old.relationship <> excluded.relationship
    RETURNING orcid, client_id
)
INSERT INTO touched SELECT * FROM come;
