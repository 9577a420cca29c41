-- Affiliations that a unit uploads as a file are rows of its own.
ALTER TABLE ledger.cris_row ADD COLUMN uploaded_by integer;
ALTER TABLE ledger.cris_row ADD CONSTRAINT cris_row_uploaded_by_fkey FOREIGN KEY (uploaded_by) REFERENCES ledger.unit (id);
