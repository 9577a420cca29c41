CREATE TABLE ledger.webhook (
    orcid TEXT NOT NULL,
    client_id TEXT NOT NULL,
    path TEXT NOT NULL,
    base TEXT NOT NULL,
    registered_at TIMESTAMP WITH TIME ZONE,
    called_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT webhook_pkey PRIMARY KEY (orcid, client_id),
    CONSTRAINT webhook_path_key UNIQUE (path),
    CONSTRAINT webhook_client_id_fkey FOREIGN KEY (client_id) REFERENCES ledger.api_client (client_id)
);

DO $$ BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.webhook TO %I', current_database() || '_app');
END $$;
