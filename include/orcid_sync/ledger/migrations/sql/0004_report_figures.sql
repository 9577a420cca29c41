-- Which of several entries about the same thing readers of a record see first: the highest, of equals the oldest.
ALTER TABLE ledger.record_item ADD COLUMN display_index INTEGER;

-- How many calls a run sent in each second in which it sent any: the share of the registry's rate that was used.
CREATE TABLE ledger.api_call_second (
    run_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    second TIMESTAMP WITH TIME ZONE NOT NULL,
    calls INTEGER NOT NULL,
    CONSTRAINT api_call_second_pkey PRIMARY KEY (run_id, client_id, second)
);
DO $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.api_call_second TO %I', current_database() || '_app');
END
$$;
