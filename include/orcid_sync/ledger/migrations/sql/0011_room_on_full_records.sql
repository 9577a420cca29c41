-- Made from ledger/tables.py; a test keeps both equal.
ALTER TABLE ledger.record ADD COLUMN works_when_full INTEGER;
