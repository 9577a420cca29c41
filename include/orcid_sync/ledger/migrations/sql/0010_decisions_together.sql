-- A decision stands on the digest of an open change. Recording one locks the change, so that a decision and the start
-- of writing can never pass each other. All decisions of a statement are bound together: a librarian approves ten
-- thousand changes at once.
CREATE FUNCTION ledger.bind_decisions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    PERFORM FROM change WHERE id IN (SELECT change_id FROM made) ORDER BY id FOR UPDATE;
    SELECT made.change_id, change.id, change.state, change.unit_id IS DISTINCT FROM made.unit_id AS foreign_unit,
           change.digest IS DISTINCT FROM made.digest AS other_content INTO wrong
    FROM made LEFT JOIN change ON change.id = made.change_id
    WHERE change.id IS NULL OR change.state <> 'open' OR change.digest <> made.digest
        OR change.unit_id <> made.unit_id OR change.item_id <> made.item_id
    ORDER BY made.change_id LIMIT 1;
    IF FOUND THEN
        IF wrong.id IS NULL THEN
            RAISE EXCEPTION 'decision refused: there is no change %', wrong.change_id USING ERRCODE = 'foreign_key_violation';
        ELSIF wrong.state <> 'open' THEN
            RAISE EXCEPTION 'decision refused: change % is %, only an open change can be decided', wrong.id, wrong.state
                USING ERRCODE = 'object_not_in_prerequisite_state';
        ELSIF wrong.other_content THEN
            RAISE EXCEPTION 'decision refused: change % has other content than the one that was decided on', wrong.id
                USING ERRCODE = 'object_not_in_prerequisite_state';
        ELSIF wrong.foreign_unit THEN
            RAISE EXCEPTION 'decision refused: change % belongs to another unit', wrong.id
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RAISE EXCEPTION 'decision refused: change % is of another item', wrong.id USING ERRCODE = 'foreign_key_violation';
    END IF;
    UPDATE change SET verdict = nullif(latest.verdict, 'withdraw')
    FROM (SELECT DISTINCT ON (change_id) change_id, verdict FROM made ORDER BY change_id, id DESC) latest
    WHERE change.id = latest.change_id;
    DELETE FROM standing_rejection USING made
    WHERE made.verdict <> 'reject' AND standing_rejection.item_id = made.item_id AND standing_rejection.digest = made.digest;
    INSERT INTO standing_rejection (item_id, digest)
    SELECT item_id, digest FROM made WHERE verdict = 'reject' ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER decisions_bind AFTER INSERT ON ledger.decision REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.bind_decisions();
DROP TRIGGER decision_binds ON ledger.decision;
DROP FUNCTION ledger.bind_decision();
