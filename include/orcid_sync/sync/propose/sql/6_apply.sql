-- From verdicts to items, put codes and changes. What is as it was is not touched.
INSERT INTO item (unit_id, researcher_id, section, cris_id, client_id, held, reason, detail, held_since, other_copy_seen_at)
SELECT unit_id, researcher_id, section, cris_id, client_id, held, reason, detail,
       CASE WHEN held IS NOT NULL THEN now() END, CASE WHEN other_copy_seen THEN now() END
FROM verdict WHERE item_id IS NULL
-- In the order of the key that they are told by.
ORDER BY researcher_id, section, cris_id
ON CONFLICT (researcher_id, section, cris_id, unit_id) DO NOTHING;
UPDATE verdict SET item_id = item.id
FROM item
WHERE verdict.item_id IS NULL AND item.unit_id = verdict.unit_id AND item.researcher_id = verdict.researcher_id
  AND item.section = verdict.section AND item.cris_id = verdict.cris_id;
UPDATE item SET held = verdict.held, reason = verdict.reason, detail = verdict.detail,
       held_since = CASE WHEN verdict.held IS NULL THEN NULL
                         WHEN item.held = verdict.held AND item.reason = verdict.reason THEN item.held_since
                         ELSE now() END,
       other_copy_seen_at = CASE WHEN verdict.other_copy_seen THEN coalesce(item.other_copy_seen_at, now())
                                 ELSE item.other_copy_seen_at END
FROM verdict
WHERE item.id = verdict.item_id AND verdict.ruling <> 'unread'
  AND ((item.held, item.reason, item.detail) IS DISTINCT FROM (verdict.held, verdict.reason, verdict.detail)
       OR (verdict.other_copy_seen AND item.other_copy_seen_at IS NULL))
  -- On one that is being written it is the writer's to say.
  AND NOT EXISTS (SELECT FROM change WHERE change.item_id = item.id AND change.state = 'writing');

INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, origin)
SELECT item_id, unit_id, client_id, orcid, section, put_code, 'adopted' FROM verdict
-- An entry that arrived without an answer is for the writer to link, with the approval that it was sent on.
WHERE ruling = 'adopt'
  AND NOT EXISTS (SELECT FROM change WHERE change.item_id = verdict.item_id AND change.state = 'writing')
ON CONFLICT DO NOTHING;

-- An undo that was rejected is over, and so is the rejection of the content that it spoke of. The digests of a proposal
-- bear its own moment.
CREATE TEMP TABLE ended_undo ON COMMIT DROP AS
SELECT change.id, change.item_id, change.created_at FROM change
WHERE change.kind = 'undo' AND change.state = 'open' AND change.verdict = 'reject'
  AND EXISTS (SELECT FROM verdict WHERE verdict.item_id = change.item_id);
DELETE FROM standing_rejection USING ended_undo
WHERE standing_rejection.item_id = ended_undo.item_id AND standing_rejection.since = ended_undo.created_at;
UPDATE change SET state = 'withdrawn' FROM ended_undo WHERE change.id = ended_undo.id;

-- Changes of other content, or of an item that is not to be changed any more. One that waits for a permission, for its
-- record or for room on it is kept as long as its content is still what the CRIS says; one that is being written
-- belongs to the writer.
CREATE TEMP TABLE closing ON COMMIT DROP AS
SELECT change.id,
       CASE WHEN verdict.action IS NOT NULL OR verdict.ruling IN ('wait', 'unread') OR verdict.held IS NOT DISTINCT FROM 'blocked'
            THEN 'superseded' ELSE 'withdrawn' END AS becomes
FROM change JOIN verdict ON verdict.item_id = change.item_id
WHERE change.state = 'open' AND change.kind = 'sync'
  AND (change.digest IS DISTINCT FROM verdict.digest
       -- The item passed on to another unit after its approval: the new owner is asked.
       OR (change.verdict = 'approve' AND change.unit_id <> (
           SELECT decision.unit_id FROM decision WHERE decision.change_id = change.id ORDER BY id DESC LIMIT 1)))
  AND NOT ((verdict.ruling IN ('wait', 'unread', 'hold:record_full') OR verdict.held IS NOT DISTINCT FROM 'blocked')
           AND change.payload_digest IS NOT DISTINCT FROM
               CASE WHEN change.action = 'remove' THEN NULL ELSE verdict.payload_digest END
           AND (change.action <> 'remove' OR verdict.answer = 'no'));
UPDATE change SET state = closing.becomes FROM closing WHERE closing.id = change.id;

-- Looked up beforehand: the planner knows nothing of what this transaction wrote into the ledger's own tables.
CREATE TEMP TABLE busy ON COMMIT DROP AS
SELECT item_id FROM change WHERE state IN ('open', 'writing');
ANALYZE busy;

CREATE TEMP TABLE proposed ON COMMIT DROP AS
WITH added AS (
    INSERT INTO change (item_id, unit_id, action, digest, payload_digest, put_code, replaces_digest, warnings, why, run_id)
    SELECT verdict.item_id, verdict.unit_id, verdict.action, verdict.digest,
           CASE WHEN verdict.action <> 'remove' THEN verdict.payload_digest END,
           CASE WHEN verdict.action <> 'add' THEN verdict.put_code END,
           verdict.written_digest, verdict.warnings, verdict.why, current_setting('orcid_sync.run_id')
    FROM verdict
    WHERE verdict.action IS NOT NULL
      AND NOT EXISTS (SELECT FROM busy WHERE busy.item_id = verdict.item_id)
    RETURNING id, item_id, unit_id, action, digest
)
SELECT * FROM added;
ANALYZE proposed;

-- A rejection outlives its change.
INSERT INTO actor (name) VALUES ('standing rejection') ON CONFLICT DO NOTHING;
INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via)
SELECT proposed.id, proposed.item_id, proposed.unit_id, proposed.digest, 'reject',
       (SELECT id FROM actor WHERE name = 'standing rejection'), 'standing', 'policy'
FROM proposed JOIN standing_rejection USING (item_id, digest);
