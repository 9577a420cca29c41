-- The researchers' side: sessions, requests for a permission, what was granted, choices about items, the way to a disconnection.
ALTER TABLE ledger.permission
    ADD COLUMN write_after timestamptz,
    ADD COLUMN leaving_since timestamptz,
    DROP CONSTRAINT permission_state_check,
    ADD CONSTRAINT permission_state_check CHECK (state IN ('never_asked', 'invited', 'reminded', 'granted', 'denied', 'revoked',
        'delete_only', 'expired', 'merged', 'wider_scope_needed', 'paused_by_researcher', 'left'));
ALTER TABLE ledger.item
    ADD COLUMN chosen_at timestamptz,
    ADD COLUMN removal_asked_at timestamptz;

CREATE TABLE ledger.permission_grant (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    permission_id bigint NOT NULL,
    scopes text[] NOT NULL,
    wording text NOT NULL,
    language text NOT NULL,
    signed_in_by text NOT NULL,
    CONSTRAINT permission_grant_pkey PRIMARY KEY (id)
);
CREATE INDEX permission_grant_permission_id_idx ON ledger.permission_grant (permission_id);

CREATE TABLE ledger.portal_session (
    key text NOT NULL,
    researcher_id bigint NOT NULL,
    signed_in_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    CONSTRAINT portal_session_pkey PRIMARY KEY (key),
    CONSTRAINT portal_session_researcher_id_fkey FOREIGN KEY (researcher_id) REFERENCES ledger.researcher (id) ON DELETE CASCADE
);
CREATE INDEX portal_session_researcher_id_idx ON ledger.portal_session (researcher_id);

CREATE TABLE ledger.consent_request (
    state_key text NOT NULL,
    session_key text NOT NULL,
    researcher_id bigint NOT NULL,
    client_id text NOT NULL,
    scopes text[] NOT NULL,
    wording text NOT NULL,
    language text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT consent_request_pkey PRIMARY KEY (state_key),
    CONSTRAINT consent_request_researcher_id_fkey FOREIGN KEY (researcher_id) REFERENCES ledger.researcher (id) ON DELETE CASCADE,
    CONSTRAINT consent_request_client_id_fkey FOREIGN KEY (client_id) REFERENCES ledger.api_client (client_id)
);
CREATE INDEX consent_request_researcher_id_idx ON ledger.consent_request (researcher_id);

CREATE TABLE ledger.portal_try (
    subject text NOT NULL,
    hour timestamptz NOT NULL,
    tries integer NOT NULL,
    CONSTRAINT portal_try_pkey PRIMARY KEY (subject, hour)
);

-- For the CRIS team: which iDs were authenticated. Made to be read by a login of theirs that sees nothing else.
CREATE SCHEMA IF NOT EXISTS orcid_return;
CREATE VIEW orcid_return.authenticated_ids AS
SELECT researcher.person_id, permission.orcid, 'https://orcid.org/' || permission.orcid AS orcid_uri,
       permission.state = 'granted' AS connected,
       first_grant.at AS authenticated_at, permission.changed_at,
       cris_staff.orcid_hint IS NOT NULL AND cris_staff.orcid_hint <> permission.orcid AS differs_from_cris
FROM ledger.permission
JOIN ledger.researcher ON researcher.id = permission.researcher_id
LEFT JOIN ledger.cris_staff ON cris_staff.person_id = researcher.person_id
LEFT JOIN LATERAL (
    SELECT min(permission_event.at) AS at FROM ledger.permission_event
    WHERE permission_event.permission_id = permission.id AND permission_event.state = 'granted'
) first_grant ON true
WHERE permission.orcid IS NOT NULL AND permission.state <> 'merged';

DO $$
DECLARE
    app text := current_database() || '_app';
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['portal_session', 'consent_request', 'portal_try'] LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.%I TO %I', name, app);
    END LOOP;
    -- What was granted, with which words before the eyes, nobody changes afterwards.
    EXECUTE format('GRANT SELECT, INSERT (permission_id, scopes, wording, language, signed_in_by) ON ledger.permission_grant TO %I', app);
    EXECUTE format('GRANT USAGE ON SCHEMA orcid_return TO %I', app);
    EXECUTE format('GRANT SELECT ON orcid_return.authenticated_ids TO %I', app);
END
$$;
