-- Invitations: who is asked by which unit, each message before it is sent, and who wants none.
CREATE TABLE ledger.campaign (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    unit_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    channel TEXT NOT NULL,
    language TEXT NOT NULL,
    reminders SMALLINT NOT NULL,
    remind_after INTERVAL NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT campaign_pkey PRIMARY KEY (id),
    CONSTRAINT campaign_name_key UNIQUE (name),
    CONSTRAINT campaign_channel_check CHECK (channel IN ('mail', 'inbox', 'file')),
    CONSTRAINT campaign_unit_id_fkey FOREIGN KEY(unit_id) REFERENCES ledger.unit (id)
);

CREATE TABLE ledger.invitation (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    campaign_id INTEGER NOT NULL,
    researcher_id BIGINT NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_because TEXT,
    CONSTRAINT invitation_pkey PRIMARY KEY (id),
    CONSTRAINT invitation_campaign_id_researcher_id_key UNIQUE (campaign_id, researcher_id),
    CONSTRAINT invitation_ended_because_check CHECK (ended_because IN ('answered', 'opted_out', 'undeliverable', 'closed', 'done')),
    CONSTRAINT invitation_campaign_id_fkey FOREIGN KEY(campaign_id) REFERENCES ledger.campaign (id),
    CONSTRAINT invitation_researcher_id_fkey FOREIGN KEY(researcher_id) REFERENCES ledger.researcher (id) ON DELETE CASCADE
);
-- Two units never invite somebody at the same time.
CREATE UNIQUE INDEX invitation_open_key ON ledger.invitation (researcher_id) WHERE ended_at IS NULL;

CREATE TABLE ledger.invitation_message (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    invitation_id BIGINT NOT NULL,
    number SMALLINT NOT NULL,
    state TEXT DEFAULT 'sending' NOT NULL,
    why TEXT,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT invitation_message_pkey PRIMARY KEY (id),
    CONSTRAINT invitation_message_state_check CHECK (state IN ('sending', 'sent', 'failed', 'refused', 'doubt')),
    CONSTRAINT invitation_message_invitation_id_fkey FOREIGN KEY(invitation_id) REFERENCES ledger.invitation (id) ON DELETE CASCADE
);
-- The invitation and each reminder once; what certainly did not go out may be tried again.
CREATE UNIQUE INDEX invitation_message_once_key ON ledger.invitation_message (invitation_id, number) WHERE state <> 'failed';

CREATE TABLE ledger.invitation_opt_out (
    researcher_id BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT invitation_opt_out_pkey PRIMARY KEY (researcher_id),
    CONSTRAINT invitation_opt_out_researcher_id_fkey FOREIGN KEY(researcher_id) REFERENCES ledger.researcher (id) ON DELETE CASCADE
);

DO $$
DECLARE
    app text := quote_ident(current_database() || '_app');
BEGIN
    EXECUTE format('GRANT SELECT, INSERT ON ledger.campaign, ledger.invitation, ledger.invitation_message TO %s', app);
    EXECUTE format('GRANT UPDATE (closed_at) ON ledger.campaign TO %s', app);
    EXECUTE format('GRANT UPDATE (ended_at, ended_because), DELETE ON ledger.invitation TO %s', app);
    EXECUTE format('GRANT UPDATE (state, why), DELETE ON ledger.invitation_message TO %s', app);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON ledger.invitation_opt_out TO %s', app);
END
$$;
