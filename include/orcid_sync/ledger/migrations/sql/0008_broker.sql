-- Other units' systems: their credentials, what they may do, and each use they made of a permission.
ALTER TABLE ledger.unit ADD COLUMN broker JSONB;
-- Written by a unit's own system through the broker: the CRIS says nothing about it, and no proposal touches it.
ALTER TABLE ledger.item ADD COLUMN by_broker BOOLEAN DEFAULT false NOT NULL;

CREATE TABLE ledger.broker_client (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    unit_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    secret_digest BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT broker_client_pkey PRIMARY KEY (id),
    CONSTRAINT broker_client_unit_id_name_key UNIQUE (unit_id, name),
    CONSTRAINT broker_client_key_id_key UNIQUE (key_id),
    CONSTRAINT broker_client_unit_id_fkey FOREIGN KEY(unit_id) REFERENCES ledger.unit (id)
);

CREATE TABLE ledger.broker_use (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    broker_client_id INTEGER NOT NULL,
    unit_id INTEGER NOT NULL,
    researcher_id BIGINT NOT NULL,
    what TEXT NOT NULL,
    method TEXT,
    endpoint TEXT,
    section TEXT,
    put_code BIGINT,
    sent_keys TEXT[] DEFAULT '{}' NOT NULL,
    CONSTRAINT broker_use_pkey PRIMARY KEY (id),
    CONSTRAINT broker_use_what_check CHECK (what IN ('id', 'token', 'call'))
);
CREATE INDEX broker_use_researcher_id_idx ON ledger.broker_use (researcher_id);

CREATE TABLE ledger.broker_outcome (
    use_id BIGINT NOT NULL,
    unit_id INTEGER NOT NULL,
    result TEXT NOT NULL,
    status SMALLINT,
    error_code INTEGER,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT broker_outcome_pkey PRIMARY KEY (use_id),
    CONSTRAINT broker_outcome_result_check CHECK (result IN ('done', 'refused', 'failed', 'doubt'))
);

DO $$
DECLARE
    app text := quote_ident(current_database() || '_app');
    units text := quote_ident(current_database() || '_unit');
    name text;
BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON ledger.broker_client TO %s', app);
    EXECUTE format('GRANT UPDATE (revoked_at) ON ledger.broker_client TO %s', app);
    EXECUTE format('GRANT SELECT (id, unit_id, name, created_at, revoked_at) ON ledger.broker_client TO %s', units);
    -- Append-only.
    EXECUTE format('GRANT SELECT, INSERT ON ledger.broker_use, ledger.broker_outcome TO %s, %s', app, units);
    EXECUTE format('GRANT INSERT (unit_id, researcher_id, section, cris_id, client_id, by_broker) ON ledger.item TO %s', units);
    FOREACH name IN ARRAY ARRAY['broker_client', 'broker_use', 'broker_outcome'] LOOP
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY application ON ledger.%I TO %s USING (true) WITH CHECK (true)', name, app);
        EXECUTE format('CREATE POLICY own_unit ON ledger.%I TO %s USING (unit_id = (SELECT ledger.current_unit()))
            WITH CHECK (unit_id = (SELECT ledger.current_unit()))', name, units);
    END LOOP;
END
$$;
