-- A change's row is updated several times in its life: decided, written, closed. Where its page has room and no index holds
-- what changed, an update touches no index; a librarian decides ten thousand at once.
ALTER TABLE ledger.change SET (fillfactor = 50);
DROP INDEX ledger.change_pending_idx;
CREATE INDEX change_pending_idx ON ledger.change (unit_id) WHERE state IN ('open', 'writing');
