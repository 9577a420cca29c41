-- What the database itself promises: who may do what, what is append-only, what a decision binds.

-- ---- the rules about changes, decisions and outcomes -----------------------------------------------------------

-- A decision stands on the digest of an open change. Recording one locks the change, so that a decision and the start
-- of writing can never pass each other.
CREATE FUNCTION ledger.bind_decision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    decided ledger.change;
BEGIN
    SELECT * INTO decided FROM change WHERE id = NEW.change_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'decision refused: there is no change %', NEW.change_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF decided.state <> 'open' THEN
        RAISE EXCEPTION 'decision refused: change % is %, only an open change can be decided', decided.id, decided.state
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF decided.digest <> NEW.digest THEN
        RAISE EXCEPTION 'decision refused: change % has other content than the one that was decided on', decided.id
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF NEW.unit_id IS DISTINCT FROM decided.unit_id THEN
        RAISE EXCEPTION 'decision refused: change % belongs to another unit', decided.id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.item_id := decided.item_id;
    UPDATE change SET verdict = nullif(NEW.verdict, 'withdraw') WHERE id = decided.id;
    IF NEW.verdict = 'reject' THEN
        INSERT INTO standing_rejection (item_id, digest) VALUES (decided.item_id, decided.digest) ON CONFLICT DO NOTHING;
    ELSIF decided.verdict = 'reject' THEN
        DELETE FROM standing_rejection WHERE item_id = decided.item_id AND digest = decided.digest;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER decision_binds BEFORE INSERT ON ledger.decision
    FOR EACH ROW EXECUTE FUNCTION ledger.bind_decision();

CREATE FUNCTION ledger.guard_change_state() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    latest ledger.decision;
BEGIN
    IF NEW.state = OLD.state THEN
        RETURN NEW;
    END IF;
    IF OLD.state NOT IN ('open', 'writing') THEN
        RAISE EXCEPTION 'change % is closed (%), it can not become %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF NEW.state = 'writing' THEN
        SELECT * INTO latest FROM decision WHERE change_id = NEW.id ORDER BY id DESC LIMIT 1;
        -- An approval of the unit that owned the item before doesn't bind the one that owns it now.
        IF latest.verdict IS DISTINCT FROM 'approve' OR latest.digest IS DISTINCT FROM NEW.digest
            OR latest.unit_id IS DISTINCT FROM NEW.unit_id THEN
            RAISE EXCEPTION 'change % may not be written: its latest decision does not approve this content', NEW.id
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
    ELSIF NEW.state = 'written' THEN
        -- The last call's outcome says it, and no call is still without one.
        IF OLD.state <> 'writing' OR EXISTS (
            SELECT FROM intent WHERE change_id = NEW.id
            AND NOT EXISTS (SELECT FROM outcome WHERE outcome.intent_id = intent.id)
        ) OR coalesce((
            SELECT outcome.result NOT IN ('written', 'adopted', 'removed', 'gone')
            FROM intent JOIN outcome ON outcome.intent_id = intent.id
            WHERE intent.change_id = NEW.id ORDER BY intent.id DESC LIMIT 1
        ), true) THEN
            RAISE EXCEPTION 'change % may not be called written: no outcome of an intent says so', NEW.id
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
    ELSIF OLD.state = 'writing' AND EXISTS (
        SELECT FROM intent WHERE change_id = NEW.id
        AND NOT EXISTS (SELECT FROM outcome WHERE outcome.intent_id = intent.id)
    ) THEN
        RAISE EXCEPTION 'change % can not become %: an intent of it has no outcome yet', NEW.id, NEW.state
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF NEW.state NOT IN ('open', 'writing') THEN
        NEW.closed_at := coalesce(NEW.closed_at, now());
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER change_state_guard BEFORE UPDATE OF state ON ledger.change
    FOR EACH ROW EXECUTE FUNCTION ledger.guard_change_state();

CREATE FUNCTION ledger.bind_intent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    -- Shared lock: the change can't leave the state while the intent is being recorded.
    PERFORM FROM change WHERE id = NEW.change_id AND state = 'writing' AND digest = NEW.digest FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'intent refused: change % is not being written with this content', NEW.change_id
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER intent_binds BEFORE INSERT ON ledger.intent
    FOR EACH ROW EXECUTE FUNCTION ledger.bind_intent();

CREATE FUNCTION ledger.bind_outcome() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM intent WHERE id = NEW.intent_id AND change_id = NEW.change_id) THEN
        RAISE EXCEPTION 'outcome refused: change % has no intent %', NEW.change_id, NEW.intent_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER outcome_binds BEFORE INSERT ON ledger.outcome
    FOR EACH ROW EXECUTE FUNCTION ledger.bind_outcome();

-- What a decision stands on: action, section, put code or none, and the digest of the payload's meaning (none for a removal).
CREATE FUNCTION ledger.change_digest(action text, section text, put_code bigint, content text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT encode(sha256(convert_to(
        action || E'\n' || section || E'\n' || coalesce(put_code::text, 'none') || E'\n' || coalesce(content, 'none'), 'UTF8'
    )), 'hex')
$$;

-- What the planner knows of tables that a stage has just filled: the application does not own them, so it may not ask.
CREATE FUNCTION ledger.refresh_statistics(tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ANALYZE ledger.%I', name);
    END LOOP;
END
$$;

-- ---- grants ----------------------------------------------------------------------------------------------------

CREATE FUNCTION ledger.current_unit() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT id FROM unit WHERE role_name = session_user OR role_name = current_setting('role', true)
    ORDER BY (role_name = current_setting('role', true)) DESC LIMIT 1
$$;

DO $$
DECLARE
    app text := quote_ident(current_database() || '_app');
    units text := quote_ident(current_database() || '_unit');
    name text;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA ledger TO %s, %s', app, units);
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS staging');
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA staging TO %s', app);

    -- Read by everything that runs as the application; units see what their pages need, never tokens or permissions' events.
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO %s', app);
    EXECUTE format('GRANT SELECT ON ledger.unit, ledger.unit_librarian, ledger.actor, ledger.researcher, ledger.cris_staff,
        ledger.cris_unit, ledger.cris_row, ledger.cris_content, ledger.cris_claim, ledger.cris_row_key, ledger.record,
        ledger.record_item, ledger.record_item_key, ledger.payload, ledger.item, ledger.change, ledger.batch,
        ledger.batch_change, ledger.decision, ledger.decision_note, ledger.put_code, ledger.hold TO %s', units);

    -- Append-only.
    EXECUTE format('GRANT INSERT ON ledger.intent, ledger.outcome, ledger.audit_event, ledger.permission_event TO %s', app);
    EXECUTE format('GRANT INSERT ON ledger.decision_note, ledger.actor, ledger.audit_event TO %s', units);
    -- Without id and time: the latest decision counts, so nobody may choose when it was.
    EXECUTE format('GRANT INSERT (change_id, item_id, unit_id, digest, verdict, actor_id, role, via, system_actor_id)
        ON ledger.decision TO %s, %s', app, units);

    -- Everything else the application keeps; content that a decision stands on can be neither changed nor invented.
    FOREACH name IN ARRAY ARRAY['unit_librarian', 'actor', 'hold', 'run', 'stage_run', 'api_call', 'api_rate',
        'daily_snapshot', 'researcher', 'permission', 'token', 'cris_staff', 'cris_unit', 'cris_row', 'cris_content',
        'cris_claim', 'cris_row_key', 'watermark', 'quarantine', 'record', 'record_item', 'record_item_key', 'payload',
        'item', 'batch', 'batch_change', 'standing_rejection', 'decision_note', 'audit_note', 'adopted_content', 'drift', 'api_client']
    LOOP
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON ledger.%I TO %s', name, app);
    END LOOP;
    EXECUTE format('GRANT INSERT (item_id, unit_id, action, digest, payload_digest, put_code, replaces_digest,
        warnings, why, kind, run_id, created_at) ON ledger.change TO %s, %s', app, units);
    EXECUTE format('GRANT UPDATE (state, attempts, next_attempt_at, last_error, closed_at, warnings) ON ledger.change TO %s', app);
    EXECUTE format('GRANT INSERT ON ledger.put_code TO %s, %s', app, units);
    EXECUTE format('GRANT UPDATE (digest, written_at, closed_at, closed_because) ON ledger.put_code TO %s, %s', app, units);
    EXECUTE format('GRANT UPDATE (held, reason, detail, held_since, suppressed_at, tombstone_at, asserted_at) ON ledger.item TO %s', units);
    EXECUTE format('GRANT UPDATE (state, closed_at) ON ledger.batch TO %s', units);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ledger TO %s, %s', app, units);
    EXECUTE format('GRANT TRUNCATE ON ledger.record_item, ledger.record_item_key TO %s', app);

    -- ---- each unit sees its own ----------------------------------------------------------------------------------
    FOREACH name IN ARRAY ARRAY['item', 'change', 'put_code', 'decision', 'batch'] LOOP
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY application ON ledger.%I TO %s USING (true) WITH CHECK (true)', name, app);
        -- In a sub-select, so that it is evaluated once a query and not once a row.
        EXECUTE format('CREATE POLICY own_unit ON ledger.%I TO %s USING (unit_id = (SELECT ledger.current_unit()))
            WITH CHECK (unit_id = (SELECT ledger.current_unit()))', name, units);
    END LOOP;
    EXECUTE 'ALTER TABLE ledger.batch_change ENABLE ROW LEVEL SECURITY';
    EXECUTE format('CREATE POLICY application ON ledger.batch_change TO %s USING (true) WITH CHECK (true)', app);
    EXECUTE format('CREATE POLICY own_unit ON ledger.batch_change TO %s USING (batch_id IN (SELECT id FROM ledger.batch))', units);
    EXECUTE 'ALTER TABLE ledger.decision_note ENABLE ROW LEVEL SECURITY';
    EXECUTE format('CREATE POLICY application ON ledger.decision_note TO %s USING (true) WITH CHECK (true)', app);
    EXECUTE format('CREATE POLICY own_unit ON ledger.decision_note TO %s
        USING (decision_id IN (SELECT id FROM ledger.decision)) WITH CHECK (decision_id IN (SELECT id FROM ledger.decision))', units);
END
$$;

-- ---- views -----------------------------------------------------------------------------------------------------

-- An item's state: that of its open change, else what stands on the record.
CREATE VIEW ledger.item_state WITH (security_invoker = true) AS
SELECT item.id AS item_id, item.unit_id, item.researcher_id, item.section, item.cris_id, item.client_id,
       item.held, item.reason, item.detail, item.tombstone_at,
       change.id AS change_id, change.action, change.state AS change_state, change.verdict,
       put_code.put_code, put_code.orcid, put_code.digest AS written_digest,
       CASE
           WHEN item.declined_at IS NOT NULL THEN 'declined_by_researcher'
           WHEN item.suppressed_at IS NOT NULL THEN 'suppressed'
           WHEN item.held = 'blocked' THEN 'blocked'
           WHEN change.state = 'writing' OR (change.verdict = 'approve' AND change.attempts > 0) THEN 'retrying'
           WHEN change.verdict = 'approve' AND item.held = 'waiting_permission' THEN 'waiting_permission'
           WHEN change.verdict = 'approve' THEN 'approved'
           WHEN change.verdict = 'reject' AND put_code.id IS NULL THEN 'rejected'
           WHEN change.verdict = 'reject' THEN 'written'
           WHEN change.id IS NOT NULL THEN 'proposed'
           WHEN item.held IS NOT NULL AND NOT (item.held = 'withheld' AND put_code.id IS NOT NULL) THEN item.held
           WHEN put_code.id IS NOT NULL THEN 'written'
           WHEN item.tombstone_at IS NOT NULL THEN 'removed_by_researcher'
           WHEN merged.id IS NOT NULL THEN 'record_merged'
           WHEN item.removed_at IS NOT NULL THEN 'removed'
           ELSE 'none'
       END AS state
FROM ledger.item
LEFT JOIN ledger.change ON change.item_id = item.id AND change.state IN ('open', 'writing')
LEFT JOIN ledger.put_code ON put_code.item_id = item.id AND put_code.closed_at IS NULL
LEFT JOIN LATERAL (
    SELECT closed.id FROM ledger.put_code closed
    WHERE closed.item_id = item.id AND closed.closed_because = 'record_merged' AND put_code.id IS NULL LIMIT 1
) merged ON true;
DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON ledger.item_state TO %I, %I', current_database() || '_app', current_database() || '_unit');
END
$$;
