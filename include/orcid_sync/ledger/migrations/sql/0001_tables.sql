-- Made from ledger/tables.py; a test keeps both equal.

CREATE TABLE ledger.actor (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    CONSTRAINT actor_pkey PRIMARY KEY (id),
    CONSTRAINT actor_name_key UNIQUE (name)
);

CREATE TABLE ledger.api_call (
    run_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    method TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    status SMALLINT NOT NULL,
    error_code INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    items INTEGER NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    CONSTRAINT api_call_pkey PRIMARY KEY (run_id, client_id, method, endpoint, status, error_code)
);

CREATE TABLE ledger.api_client (
    client_id TEXT NOT NULL,
    code TEXT,
    name TEXT,
    CONSTRAINT api_client_pkey PRIMARY KEY (client_id),
    CONSTRAINT api_client_code_key UNIQUE (code)
);

CREATE TABLE ledger.api_rate (
    client_id TEXT NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    rate DOUBLE PRECISION,
    penalty_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_rate_pkey PRIMARY KEY (client_id)
);

CREATE TABLE ledger.audit_event (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    what TEXT NOT NULL,
    actor_id BIGINT,
    unit_id INTEGER,
    researcher_id BIGINT,
    item_id BIGINT,
    change_id BIGINT,
    detail JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT audit_event_pkey PRIMARY KEY (id)
);

CREATE INDEX audit_event_item_id_idx ON ledger.audit_event (item_id);

CREATE TABLE ledger.audit_note (
    audit_event_id BIGSERIAL NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT audit_note_pkey PRIMARY KEY (audit_event_id)
);

CREATE TABLE ledger.cris_row (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    section TEXT NOT NULL,
    cris_id TEXT NOT NULL,
    row_hash UUID NOT NULL,
    answer TEXT NOT NULL,
    reason TEXT,
    not_before DATE,
    owning_unit_id TEXT,
    unit_id TEXT,
    ended BOOLEAN DEFAULT false NOT NULL,
    quarantined BOOLEAN DEFAULT false NOT NULL,
    gone TEXT,
    merged_into TEXT,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    input_hash UUID,
    payload_digest TEXT,
    refusal TEXT,
    refusal_field TEXT,
    refusal_message TEXT,
    warnings TEXT[] DEFAULT '{}' NOT NULL,
    is_preprint BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT cris_row_pkey PRIMARY KEY (id),
    CONSTRAINT cris_row_section_key UNIQUE (section, cris_id),
    CONSTRAINT cris_row_section_check CHECK (section ~ '^[a-z]+(-[a-z]+)*$'),
    CONSTRAINT cris_row_answer_check CHECK (answer IN ('yes', 'no', 'cant_say')),
    CONSTRAINT cris_row_gone_check CHECK (gone IN ('deleted', 'vanished', 'merged'))
);

CREATE TABLE ledger.cris_staff (
    person_id TEXT NOT NULL,
    family_names TEXT NOT NULL,
    given_names TEXT,
    credit_name TEXT,
    other_names TEXT[] DEFAULT '{}' NOT NULL,
    orcid_hint TEXT,
    orcid_assurance TEXT,
    email TEXT,
    is_current BOOLEAN NOT NULL,
    visible BOOLEAN NOT NULL,
    opted_out BOOLEAN NOT NULL,
    row_hash UUID NOT NULL,
    quarantined BOOLEAN DEFAULT false NOT NULL,
    gone TEXT,
    merged_into TEXT,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT cris_staff_pkey PRIMARY KEY (person_id),
    CONSTRAINT cris_staff_gone_check CHECK (gone IN ('deleted', 'vanished', 'merged'))
);

CREATE TABLE ledger.cris_unit (
    unit_id TEXT NOT NULL,
    path TEXT[] NOT NULL,
    data JSONB NOT NULL,
    row_hash UUID NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT cris_unit_pkey PRIMARY KEY (unit_id)
);

CREATE TABLE ledger.daily_snapshot (
    day DATE NOT NULL,
    unit TEXT NOT NULL,
    client TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    count BIGINT NOT NULL,
    CONSTRAINT daily_snapshot_pkey PRIMARY KEY (day, unit, client, kind, state)
);

CREATE TABLE ledger.decision (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    change_id BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    unit_id INTEGER NOT NULL,
    digest TEXT NOT NULL,
    verdict TEXT NOT NULL,
    actor_id BIGINT NOT NULL,
    role TEXT NOT NULL,
    via TEXT NOT NULL,
    system_actor_id BIGINT,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT decision_pkey PRIMARY KEY (id),
    CONSTRAINT decision_verdict_check CHECK (verdict IN ('approve', 'reject', 'withdraw')),
    CONSTRAINT decision_role_check CHECK (role IN ('librarian', 'policy', 'researcher', 'standing'))
);

CREATE INDEX decision_change_id_idx ON ledger.decision (change_id, id);

CREATE INDEX decision_item_id_idx ON ledger.decision (item_id);

CREATE TABLE ledger.decision_note (
    decision_id BIGSERIAL NOT NULL,
    note TEXT NOT NULL,
    CONSTRAINT decision_note_pkey PRIMARY KEY (decision_id)
);

CREATE TABLE ledger.drift (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    run_id TEXT NOT NULL,
    class TEXT NOT NULL,
    unit_id INTEGER,
    item_id BIGINT,
    orcid TEXT,
    section TEXT,
    put_code BIGINT,
    detail TEXT NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    resolved_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT drift_pkey PRIMARY KEY (id)
);

CREATE TABLE ledger.intent (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    change_id BIGINT NOT NULL,
    item_id BIGINT NOT NULL,
    unit_id INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    action TEXT NOT NULL,
    phase SMALLINT DEFAULT '2' NOT NULL,
    digest TEXT NOT NULL,
    put_code BIGINT,
    sent_keys TEXT[] NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    settles_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT intent_pkey PRIMARY KEY (id)
);

CREATE INDEX intent_change_id_idx ON ledger.intent (change_id);

CREATE TABLE ledger.outcome (
    intent_id BIGSERIAL NOT NULL,
    change_id BIGINT NOT NULL,
    result TEXT NOT NULL,
    put_code BIGINT,
    status SMALLINT,
    error_code INTEGER,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT outcome_pkey PRIMARY KEY (intent_id),
    CONSTRAINT outcome_result_check CHECK (result IN ('written', 'adopted', 'removed', 'gone', 'refused', 'failed', 'not_sent', 'not_arrived'))
);

CREATE INDEX outcome_change_id_idx ON ledger.outcome (change_id);

CREATE TABLE ledger.payload (
    digest TEXT NOT NULL,
    section TEXT NOT NULL,
    content JSONB NOT NULL,
    title TEXT,
    type TEXT,
    year SMALLINT,
    self_keys TEXT[] NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT payload_pkey PRIMARY KEY (digest)
);

CREATE TABLE ledger.permission_event (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    permission_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    actor_id BIGINT,
    CONSTRAINT permission_event_pkey PRIMARY KEY (id)
);

CREATE INDEX permission_event_permission_id_idx ON ledger.permission_event (permission_id);

CREATE TABLE ledger.quarantine (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    relation TEXT NOT NULL,
    key TEXT NOT NULL,
    section TEXT,
    cris_id TEXT,
    check_name TEXT NOT NULL,
    message TEXT NOT NULL,
    row JSONB NOT NULL,
    run_id TEXT NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    resolved_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT quarantine_pkey PRIMARY KEY (id)
);

CREATE INDEX quarantine_cris_id_idx ON ledger.quarantine (section, cris_id);

CREATE UNIQUE INDEX quarantine_open_key ON ledger.quarantine (relation, key, check_name) WHERE resolved_at IS NULL;

CREATE TABLE ledger.record (
    orcid TEXT NOT NULL,
    client_id TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    merged_into TEXT,
    read_at TIMESTAMP WITH TIME ZONE,
    flagged_at TIMESTAMP WITH TIME ZONE,
    works_on_record INTEGER,
    CONSTRAINT record_pkey PRIMARY KEY (orcid, client_id)
);

CREATE TABLE ledger.record_item (
    orcid TEXT NOT NULL,
    section TEXT NOT NULL,
    put_code BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    source_client_id TEXT,
    self_claimed BOOLEAN NOT NULL,
    source_name TEXT,
    title TEXT,
    type TEXT,
    is_preprint BOOLEAN NOT NULL,
    visibility TEXT,
    created_on_record TIMESTAMP WITH TIME ZONE,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT record_item_pkey PRIMARY KEY (orcid, section, put_code, client_id)
);

CREATE TABLE ledger.record_item_key (
    orcid TEXT NOT NULL,
    section TEXT NOT NULL,
    put_code BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    key TEXT NOT NULL,
    relationship TEXT NOT NULL,
    CONSTRAINT record_item_key_pkey PRIMARY KEY (orcid, section, put_code, client_id, key)
);

CREATE INDEX record_item_key_key_idx ON ledger.record_item_key (orcid, key);

CREATE TABLE ledger.researcher (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    person_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT researcher_pkey PRIMARY KEY (id),
    CONSTRAINT researcher_person_id_key UNIQUE (person_id)
);

CREATE TABLE ledger.run (
    run_id TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT run_pkey PRIMARY KEY (run_id)
);

CREATE TABLE ledger.unit (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    role_name TEXT NOT NULL,
    sections TEXT[] NOT NULL,
    default_for TEXT[] DEFAULT '{}' NOT NULL,
    subtree TEXT[] DEFAULT '{}' NOT NULL,
    client TEXT NOT NULL,
    approval TEXT NOT NULL,
    duplicates TEXT NOT NULL,
    contacts JSONB DEFAULT '{}' NOT NULL,
    pilot TEXT[] DEFAULT '{}' NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    paused_at TIMESTAMP WITH TIME ZONE,
    applied_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT unit_pkey PRIMARY KEY (id),
    CONSTRAINT unit_code_check CHECK (code ~ '^[a-z][a-z0-9_]{0,30}$' AND code NOT IN ('owner', 'app', 'unit')),
    CONSTRAINT unit_approval_check CHECK (approval IN ('librarian', 'researcher', 'automatic')),
    CONSTRAINT unit_duplicates_check CHECK (duplicates IN ('skip', 'assert_over_self_claimed', 'assert')),
    CONSTRAINT unit_code_key UNIQUE (code),
    CONSTRAINT unit_role_name_key UNIQUE (role_name)
);

CREATE TABLE ledger.watermark (
    relation TEXT NOT NULL,
    value TIMESTAMP WITH TIME ZONE NOT NULL,
    rows BIGINT NOT NULL,
    run_id TEXT NOT NULL,
    CONSTRAINT watermark_pkey PRIMARY KEY (relation)
);

CREATE TABLE ledger.batch (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    unit_id INTEGER NOT NULL,
    kind TEXT DEFAULT 'sync' NOT NULL,
    undoes BIGINT,
    state TEXT DEFAULT 'open' NOT NULL,
    run_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE,
    lapsed_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT batch_pkey PRIMARY KEY (id),
    CONSTRAINT batch_kind_check CHECK (kind IN ('sync', 'undo')),
    CONSTRAINT batch_state_check CHECK (state IN ('open', 'decided', 'replaced', 'closed')),
    CONSTRAINT batch_unit_id_fkey FOREIGN KEY(unit_id) REFERENCES ledger.unit (id)
);

CREATE UNIQUE INDEX batch_open_key ON ledger.batch (unit_id, kind) WHERE state = 'open' AND kind = 'sync';

CREATE TABLE ledger.cris_claim (
    row_id BIGINT NOT NULL,
    person_id TEXT NOT NULL,
    answer TEXT NOT NULL,
    reason TEXT,
    contributor_seq INTEGER,
    CONSTRAINT cris_claim_pkey PRIMARY KEY (row_id, person_id),
    CONSTRAINT cris_claim_answer_check CHECK (answer IN ('yes', 'no', 'cant_say')),
    CONSTRAINT cris_claim_row_id_fkey FOREIGN KEY(row_id) REFERENCES ledger.cris_row (id) ON DELETE CASCADE
);

CREATE INDEX cris_claim_person_id_idx ON ledger.cris_claim (person_id);

CREATE TABLE ledger.cris_content (
    row_id BIGINT NOT NULL,
    data JSONB NOT NULL,
    CONSTRAINT cris_content_pkey PRIMARY KEY (row_id),
    CONSTRAINT cris_content_row_id_fkey FOREIGN KEY(row_id) REFERENCES ledger.cris_row (id) ON DELETE CASCADE
);

CREATE TABLE ledger.cris_row_key (
    row_id BIGINT NOT NULL,
    key TEXT NOT NULL,
    CONSTRAINT cris_row_key_pkey PRIMARY KEY (row_id, key),
    CONSTRAINT cris_row_key_row_id_fkey FOREIGN KEY(row_id) REFERENCES ledger.cris_row (id) ON DELETE CASCADE
);

CREATE INDEX cris_row_key_key_idx ON ledger.cris_row_key (key);

CREATE TABLE ledger.hold (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    unit_id INTEGER,
    researcher_id BIGINT,
    actor_id BIGINT NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    note TEXT,
    CONSTRAINT hold_pkey PRIMARY KEY (id),
    CONSTRAINT hold_unit_id_fkey FOREIGN KEY(unit_id) REFERENCES ledger.unit (id),
    CONSTRAINT hold_actor_id_fkey FOREIGN KEY(actor_id) REFERENCES ledger.actor (id)
);

CREATE TABLE ledger.item (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    unit_id INTEGER NOT NULL,
    researcher_id BIGINT NOT NULL,
    section TEXT NOT NULL,
    cris_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    held TEXT,
    reason TEXT,
    detail TEXT,
    held_since TIMESTAMP WITH TIME ZONE,
    suppressed_at TIMESTAMP WITH TIME ZONE,
    declined_at TIMESTAMP WITH TIME ZONE,
    tombstone_at TIMESTAMP WITH TIME ZONE,
    removed_at TIMESTAMP WITH TIME ZONE,
    asserted_at TIMESTAMP WITH TIME ZONE,
    other_copy_seen_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT item_pkey PRIMARY KEY (id),
    CONSTRAINT item_identity_key UNIQUE (researcher_id, section, cris_id, unit_id),
    CONSTRAINT item_owner_key UNIQUE (id, unit_id),
    CONSTRAINT item_section_check CHECK (section ~ '^[a-z]+(-[a-z]+)*$'),
    CONSTRAINT item_held_check CHECK (held IN ('withheld', 'on_hold', 'waiting_permission', 'blocked')),
    CONSTRAINT item_unit_id_fkey FOREIGN KEY(unit_id) REFERENCES ledger.unit (id),
    CONSTRAINT item_researcher_id_fkey FOREIGN KEY(researcher_id) REFERENCES ledger.researcher (id) ON DELETE CASCADE
);

CREATE INDEX item_cris_id_idx ON ledger.item (section, cris_id);

CREATE TABLE ledger.permission (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    researcher_id BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    orcid TEXT,
    state TEXT NOT NULL,
    scopes TEXT[] DEFAULT '{}' NOT NULL,
    suspect_since TIMESTAMP WITH TIME ZONE,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT permission_pkey PRIMARY KEY (id),
    CONSTRAINT permission_researcher_id_key UNIQUE (researcher_id, client_id),
    CONSTRAINT permission_state_check CHECK (state IN ('never_asked', 'invited', 'granted', 'denied', 'revoked', 'delete_only', 'expired', 'merged', 'paused_by_researcher', 'left')),
    CONSTRAINT permission_orcid_check CHECK (orcid ~ '^(\d{4}-){3}\d{3}[\dX]$'),
    CONSTRAINT permission_researcher_id_fkey FOREIGN KEY(researcher_id) REFERENCES ledger.researcher (id) ON DELETE CASCADE,
    CONSTRAINT permission_client_id_fkey FOREIGN KEY(client_id) REFERENCES ledger.api_client (client_id)
);

CREATE INDEX permission_orcid_idx ON ledger.permission (orcid);

CREATE TABLE ledger.stage_run (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    run_id TEXT NOT NULL,
    stage TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    counts JSONB DEFAULT '{}' NOT NULL,
    error TEXT,
    CONSTRAINT stage_run_pkey PRIMARY KEY (id),
    CONSTRAINT stage_run_run_id_fkey FOREIGN KEY(run_id) REFERENCES ledger.run (run_id) ON DELETE CASCADE
);

CREATE INDEX stage_run_run_id_idx ON ledger.stage_run (run_id);

CREATE TABLE ledger.unit_librarian (
    unit_id INTEGER NOT NULL,
    user_name TEXT NOT NULL,
    CONSTRAINT unit_librarian_pkey PRIMARY KEY (unit_id, user_name),
    CONSTRAINT unit_librarian_unit_id_fkey FOREIGN KEY(unit_id) REFERENCES ledger.unit (id) ON DELETE CASCADE
);

CREATE TABLE ledger.change (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    item_id BIGINT NOT NULL,
    unit_id INTEGER NOT NULL,
    action TEXT NOT NULL,
    digest TEXT NOT NULL,
    payload_digest TEXT,
    put_code BIGINT,
    replaces_digest TEXT,
    warnings TEXT[] DEFAULT '{}' NOT NULL,
    why TEXT NOT NULL,
    kind TEXT DEFAULT 'sync' NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    verdict TEXT,
    attempts SMALLINT DEFAULT '0' NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    run_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT change_pkey PRIMARY KEY (id),
    CONSTRAINT change_item_id_fkey FOREIGN KEY(item_id, unit_id) REFERENCES ledger.item (id, unit_id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT change_action_check CHECK (action IN ('add', 'update', 'remove')),
    CONSTRAINT change_state_check CHECK (state IN ('open', 'writing', 'written', 'superseded', 'withdrawn', 'refused')),
    CONSTRAINT change_verdict_check CHECK (verdict IN ('approve', 'reject')),
    CONSTRAINT change_kind_check CHECK (kind IN ('sync', 'undo')),
    CONSTRAINT change_payload_check CHECK ((action = 'remove') = (payload_digest IS NULL)),
    CONSTRAINT change_put_code_check CHECK ((action = 'add') = (put_code IS NULL))
);

CREATE INDEX change_item_id_idx ON ledger.change (item_id);

CREATE UNIQUE INDEX change_open_key ON ledger.change (item_id) WHERE state IN ('open', 'writing');

CREATE INDEX change_pending_idx ON ledger.change (unit_id, verdict) WHERE state IN ('open', 'writing');

CREATE TABLE ledger.put_code (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    item_id BIGINT NOT NULL,
    unit_id INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    orcid TEXT NOT NULL,
    section TEXT NOT NULL,
    put_code BIGINT NOT NULL,
    digest TEXT,
    origin TEXT NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_because TEXT,
    CONSTRAINT put_code_pkey PRIMARY KEY (id),
    CONSTRAINT put_code_item_id_fkey FOREIGN KEY(item_id, unit_id) REFERENCES ledger.item (id, unit_id) ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT put_code_closed_because_check CHECK (closed_because IN ('removed', 'removed_by_researcher', 'record_merged', 'record_emptied', 'orcid_changed', 'moved', 'not_found'))
);

CREATE INDEX put_code_item_id_idx ON ledger.put_code (item_id);

CREATE UNIQUE INDEX put_code_live_item_key ON ledger.put_code (item_id) WHERE closed_at IS NULL;

CREATE UNIQUE INDEX put_code_live_owner_key ON ledger.put_code (client_id, orcid, section, put_code) WHERE closed_at IS NULL;

CREATE TABLE ledger.standing_rejection (
    item_id BIGINT NOT NULL,
    digest TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT standing_rejection_pkey PRIMARY KEY (item_id, digest),
    CONSTRAINT standing_rejection_item_id_fkey FOREIGN KEY(item_id) REFERENCES ledger.item (id) ON DELETE CASCADE
);

CREATE TABLE ledger.token (
    permission_id BIGINT NOT NULL,
    access_key_id TEXT NOT NULL,
    access_sealed BYTEA NOT NULL,
    refresh_key_id TEXT,
    refresh_sealed BYTEA,
    expires_at TIMESTAMP WITH TIME ZONE,
    stored_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    provenance TEXT NOT NULL,
    CONSTRAINT token_pkey PRIMARY KEY (permission_id),
    CONSTRAINT token_permission_id_fkey FOREIGN KEY(permission_id) REFERENCES ledger.permission (id) ON DELETE CASCADE
);

CREATE TABLE ledger.adopted_content (
    put_code_id BIGINT NOT NULL,
    content JSONB NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT adopted_content_pkey PRIMARY KEY (put_code_id),
    CONSTRAINT adopted_content_put_code_id_fkey FOREIGN KEY(put_code_id) REFERENCES ledger.put_code (id) ON DELETE CASCADE
);

CREATE TABLE ledger.batch_change (
    batch_id BIGINT NOT NULL,
    change_id BIGINT NOT NULL,
    CONSTRAINT batch_change_pkey PRIMARY KEY (batch_id, change_id),
    CONSTRAINT batch_change_batch_id_fkey FOREIGN KEY(batch_id) REFERENCES ledger.batch (id) ON DELETE CASCADE,
    CONSTRAINT batch_change_change_id_fkey FOREIGN KEY(change_id) REFERENCES ledger.change (id) ON DELETE CASCADE
);

CREATE INDEX batch_change_change_id_idx ON ledger.batch_change (change_id);
