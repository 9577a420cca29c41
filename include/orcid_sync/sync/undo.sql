-- What stands of a written batch, and what would take it back. An item that was changed or removed since is left alone:
-- taking it back would undo somebody else's decision.
CREATE TEMP TABLE undo ON COMMIT DROP AS
SELECT done.id AS change_id, done.item_id, done.unit_id, item.section, done.digest AS undone_digest,
       done.payload_digest AS undone_payload, live.put_code, live.digest AS standing_digest,
       CASE
           WHEN done.action = 'add' AND live.digest = done.payload_digest THEN 'remove'
           WHEN done.action = 'update' AND live.digest = done.payload_digest
                AND coalesce(former.digest, adopted.digest) IS NOT NULL THEN 'update'
           WHEN done.action = 'remove' AND live.id IS NULL AND former.digest IS NOT NULL
                AND item.tombstone_at IS NULL THEN 'add'
       END AS action,
       coalesce(former.digest, adopted.digest) AS former_payload
FROM batch_change
JOIN change done ON done.id = batch_change.change_id AND done.state = 'written'
JOIN item ON item.id = done.item_id
LEFT JOIN put_code live ON live.item_id = item.id AND live.closed_at IS NULL
LEFT JOIN payload former ON former.digest = done.replaces_digest
LEFT JOIN as_read adopted ON adopted.change_id = done.id AND adopted.put_code_id = live.id
WHERE batch_change.batch_id = current_setting('orcid_sync.batch')::bigint;

-- One open change an item: what else was proposed for these items gives way.
UPDATE change SET state = 'superseded'
FROM undo WHERE undo.item_id = change.item_id AND undo.action IS NOT NULL AND change.state = 'open';
UPDATE undo SET action = NULL
FROM change WHERE change.item_id = undo.item_id AND change.state = 'writing';

CREATE TEMP TABLE undo_batch ON COMMIT DROP AS
WITH made AS (
    INSERT INTO batch (unit_id, kind, undoes, run_id)
    SELECT unit_id, 'undo', id, current_setting('orcid_sync.run_id')
    FROM batch WHERE id = current_setting('orcid_sync.batch')::bigint
    RETURNING id
)
SELECT id FROM made;

WITH made AS (
    INSERT INTO change (item_id, unit_id, action, digest, payload_digest, put_code, replaces_digest, why, kind, run_id)
    SELECT item_id, unit_id, action,
           change_digest(action, section, CASE WHEN action <> 'add' THEN put_code END,
                         CASE WHEN action <> 'remove' THEN former_payload END),
           CASE WHEN action <> 'remove' THEN former_payload END, CASE WHEN action <> 'add' THEN put_code END,
           standing_digest, 'taken back by an undo', 'undo', current_setting('orcid_sync.run_id')
    FROM undo WHERE action IS NOT NULL
    RETURNING id
)
INSERT INTO batch_change (batch_id, change_id) SELECT undo_batch.id, made.id FROM made CROSS JOIN undo_batch;

-- The undone content does not come back by itself: neither as the same change nor as an add after its removal.
INSERT INTO standing_rejection (item_id, digest)
SELECT item_id, undone_digest FROM undo WHERE action IS NOT NULL
UNION
SELECT item_id, change_digest('add', section, NULL, undone_payload) FROM undo WHERE action = 'remove'
ON CONFLICT DO NOTHING;
