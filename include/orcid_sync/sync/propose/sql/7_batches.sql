-- One batch a unit, made when there is something new to decide, or when the last question ended without an answer. It
-- takes over what is still open: that is how decisions carry over.
CREATE TEMP TABLE asking ON COMMIT DROP AS
SELECT change.unit_id
FROM change LEFT JOIN proposed ON proposed.id = change.id
WHERE change.state = 'open' AND change.kind = 'sync' AND change.verdict IS NULL
GROUP BY change.unit_id
HAVING count(proposed.id) > 0
    OR EXISTS (SELECT FROM batch WHERE batch.unit_id = change.unit_id AND batch.kind = 'sync' AND batch.state = 'open'
               AND batch.lapsed_at IS NOT NULL)
    OR NOT EXISTS (SELECT FROM batch WHERE batch.unit_id = change.unit_id AND batch.kind = 'sync' AND batch.state = 'open');

UPDATE batch SET state = 'replaced', closed_at = now()
FROM asking
WHERE batch.unit_id = asking.unit_id AND batch.kind = 'sync' AND batch.state = 'open';

CREATE TEMP TABLE new_batch ON COMMIT DROP AS
WITH made AS (
    INSERT INTO batch (unit_id, run_id)
    SELECT unit_id, current_setting('orcid_sync.run_id') FROM asking ORDER BY unit_id
    RETURNING id, unit_id
)
SELECT * FROM made;
INSERT INTO batch_change (batch_id, change_id)
SELECT new_batch.id, change.id
FROM new_batch JOIN change ON change.unit_id = new_batch.unit_id
WHERE change.state = 'open' AND change.kind = 'sync' AND change.verdict IS DISTINCT FROM 'reject';

-- What the researcher said in the portal decides by itself: a removal that was asked for, and, where the unit leaves it to
-- them, each version of an item that they chose to send.
INSERT INTO actor (name) VALUES ('researcher') ON CONFLICT DO NOTHING;
INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via)
SELECT change.id, change.item_id, change.unit_id, change.digest, 'approve',
       (SELECT id FROM actor WHERE name = 'researcher'), 'researcher', 'portal'
FROM change JOIN item ON item.id = change.item_id JOIN unit ON unit.id = change.unit_id
WHERE change.state = 'open' AND change.verdict IS NULL AND change.kind = 'sync'
  AND ((change.action = 'remove' AND item.removal_asked_at IS NOT NULL)
    OR (change.action <> 'remove' AND item.chosen_at IS NOT NULL AND unit.approval = 'researcher'
        AND item.declined_at IS NULL AND item.suppressed_at IS NULL));

-- An undo whose question ended without an answer is asked again too, as a batch that takes its place.
CREATE TEMP TABLE lapsed_undo ON COMMIT DROP AS
SELECT batch.id, batch.unit_id, batch.undoes FROM batch
WHERE batch.kind = 'undo' AND batch.state = 'open' AND batch.lapsed_at IS NOT NULL
  AND EXISTS (SELECT FROM verdict WHERE verdict.unit_id = batch.unit_id)
  AND EXISTS (SELECT FROM batch_change JOIN change ON change.id = batch_change.change_id
              WHERE batch_change.batch_id = batch.id AND change.state = 'open' AND change.verdict IS NULL);
UPDATE batch SET state = 'replaced', closed_at = now() FROM lapsed_undo WHERE batch.id = lapsed_undo.id;
INSERT INTO batch (unit_id, kind, undoes, run_id)
SELECT unit_id, 'undo', undoes, current_setting('orcid_sync.run_id') FROM lapsed_undo ORDER BY id;
INSERT INTO batch_change (batch_id, change_id)
SELECT asked.id, batch_change.change_id
FROM lapsed_undo
JOIN batch asked ON asked.kind = 'undo' AND asked.state = 'open' AND asked.undoes = lapsed_undo.undoes
    AND asked.run_id = current_setting('orcid_sync.run_id') AND asked.lapsed_at IS NULL
JOIN batch_change ON batch_change.batch_id = lapsed_undo.id
JOIN change ON change.id = batch_change.change_id
WHERE change.state = 'open' AND change.verdict IS DISTINCT FROM 'reject';

-- Units whose policy decides: the policy is recorded as who decided.
INSERT INTO actor (name) VALUES ('policy:automatic') ON CONFLICT DO NOTHING;
INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via)
SELECT change.id, change.item_id, change.unit_id, change.digest, 'approve',
       (SELECT id FROM actor WHERE name = 'policy:automatic'), 'policy', 'policy'
FROM change JOIN unit ON unit.id = change.unit_id
WHERE unit.approval = 'automatic' AND change.state = 'open' AND change.verdict IS NULL AND change.kind = 'sync';
