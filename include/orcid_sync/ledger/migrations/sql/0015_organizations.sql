-- The institution's copy of ROR.
CREATE TABLE ledger.organization (
    ror_id text NOT NULL,
    name text NOT NULL,
    city text,
    country text,
    status text NOT NULL,
    -- Which stands in a withdrawn one's place.
    instead text,
    funder_id text,
    CONSTRAINT organization_pkey PRIMARY KEY (ror_id)
);

-- What an organisation is found by: a folded name or alias, an identifier.
CREATE TABLE ledger.organization_key (
    key text NOT NULL,
    ror_id text NOT NULL,
    kind text NOT NULL,
    CONSTRAINT organization_key_pkey PRIMARY KEY (key, ror_id),
    CONSTRAINT organization_key_ror_id_fkey FOREIGN KEY (ror_id) REFERENCES ledger.organization (ror_id),
    CONSTRAINT organization_key_known_kind_check CHECK (kind IN ('name', 'alias', 'identifier'))
);

CREATE TABLE ledger.organization_load (
    single boolean NOT NULL DEFAULT true,
    version text NOT NULL,
    organizations integer NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT organization_load_pkey PRIMARY KEY (single),
    CONSTRAINT organization_load_one_row_check CHECK (single)
);

DO $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON ledger.organization, ledger.organization_key, ledger.organization_load TO %I',
                   current_database() || '_app');
END
$$;
