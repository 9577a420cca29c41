-- Rows that go out although their person isn't here any more.
ALTER TABLE ledger.cris_row ADD COLUMN after_leaving boolean NOT NULL DEFAULT false;

-- Peer-review groups that the registry is known to have.
CREATE TABLE ledger.peer_review_group (
    client_id text NOT NULL,
    group_id text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT peer_review_group_pkey PRIMARY KEY (client_id, group_id)
);

DO $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON ledger.peer_review_group TO %I', current_database() || '_app');
END
$$;
