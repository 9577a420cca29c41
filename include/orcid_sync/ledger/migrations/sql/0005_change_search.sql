CREATE TABLE ledger.change_search (
    client_id TEXT NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT change_search_pkey PRIMARY KEY (client_id),
    CONSTRAINT change_search_client_id_fkey FOREIGN KEY (client_id) REFERENCES ledger.api_client (client_id)
);

DO $$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.change_search TO %I', current_database() || '_app');
END $$;
