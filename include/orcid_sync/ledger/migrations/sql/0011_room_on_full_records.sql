-- Made from ledger/tables.py; a test keeps both equal.
ALTER TABLE ledger.record ADD COLUMN works_when_full INTEGER;

-- An item's state: that of its open change, else what stands on the record. What is approved and can't go out yet (no
-- permission, no room on the record) says that.
CREATE OR REPLACE VIEW ledger.item_state WITH (security_invoker = true) AS
SELECT item.id AS item_id, item.unit_id, item.researcher_id, item.section, item.cris_id, item.client_id,
       item.held, item.reason, item.detail, item.tombstone_at,
       change.id AS change_id, change.action, change.state AS change_state, change.verdict,
       put_code.put_code, put_code.orcid, put_code.digest AS written_digest,
       CASE
           WHEN item.declined_at IS NOT NULL THEN 'declined_by_researcher'
           WHEN item.suppressed_at IS NOT NULL THEN 'suppressed'
           WHEN item.held = 'blocked' THEN 'blocked'
           WHEN change.state = 'writing' OR (change.verdict = 'approve' AND change.attempts > 0) THEN 'retrying'
           WHEN change.verdict = 'approve' AND item.held IN ('waiting_permission', 'withheld') THEN item.held
           WHEN change.verdict = 'approve' THEN 'approved'
           WHEN change.verdict = 'reject' AND put_code.id IS NULL THEN 'rejected'
           WHEN change.verdict = 'reject' THEN 'written'
           WHEN change.id IS NOT NULL THEN 'proposed'
           WHEN item.held IS NOT NULL AND NOT (item.held = 'withheld' AND put_code.id IS NOT NULL) THEN item.held
           WHEN put_code.id IS NOT NULL THEN 'written'
           WHEN item.tombstone_at IS NOT NULL THEN 'removed_by_researcher'
           WHEN merged.id IS NOT NULL THEN 'record_merged'
           WHEN item.removed_at IS NOT NULL THEN 'removed'
           ELSE 'none'
       END AS state
FROM ledger.item
LEFT JOIN ledger.change ON change.item_id = item.id AND change.state IN ('open', 'writing')
LEFT JOIN ledger.put_code ON put_code.item_id = item.id AND put_code.closed_at IS NULL
LEFT JOIN LATERAL (
    SELECT closed.id FROM ledger.put_code closed
    WHERE closed.item_id = item.id AND closed.closed_because = 'record_merged' AND put_code.id IS NULL LIMIT 1
) merged ON true;
