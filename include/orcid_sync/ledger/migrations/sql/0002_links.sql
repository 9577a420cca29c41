-- Links for one person, one purpose, one use.
CREATE TABLE ledger.link (
    id bigint GENERATED ALWAYS AS IDENTITY,
    purpose text NOT NULL,
    researcher_id bigint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    wrong_answers smallint NOT NULL DEFAULT '0',
    CONSTRAINT link_pkey PRIMARY KEY (id),
    CONSTRAINT link_researcher_id_fkey FOREIGN KEY (researcher_id) REFERENCES ledger.researcher (id) ON DELETE CASCADE
);
CREATE INDEX link_researcher_id_idx ON ledger.link (researcher_id);

DO $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON ledger.link TO %I', current_database() || '_app');
    -- Whose link it is, what for and until when nobody changes once it was given out.
    EXECUTE format('GRANT UPDATE (used_at, wrong_answers) ON ledger.link TO %I', current_database() || '_app');
END
$$;
