-- What follows the bulk load: the extraction's indexes, and the triggers that keep changed_at honest.

-- Every fifth grant came with time at a facility of its funder.
INSERT INTO cris_base.allocation
SELECT 'T' || substr(a.award_id, 2), min(h.person_id), 'Measurements for: ' || a.title, 'BT-' || substr(a.award_id, 2),
       a.funder, a.funder_city, a.funder_country, a.funder_ror, 'Beamline 7', 'BL7', a.started, a.ended, a.profile,
       a.managing_org, a.changed_at
FROM cris_base.award a JOIN cris_base.award_holder h USING (award_id)
WHERE right(a.award_id, 1) IN ('0', '5') GROUP BY a.award_id;

CREATE INDEX ON cris_base.organisation (changed_at, org_id);
CREATE INDEX ON cris_base.person (changed_at, person_id);
CREATE INDEX ON cris_base.appointment (changed_at, appointment_id);
CREATE INDEX ON cris_base.appointment (person_id);
CREATE INDEX ON cris_base.output (changed_at, output_id);
CREATE INDEX ON cris_base.output_author (changed_at, output_id, place);
CREATE INDEX ON cris_base.output_author (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX ON cris_base.output_identifier (changed_at, output_id, place);
CREATE INDEX ON cris_base.removed (removed_at);

CREATE FUNCTION cris_base.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.organisation
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.person
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.appointment
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.output
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.output_author
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.output_identifier
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.award
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.allocation
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.review
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();
CREATE TRIGGER stamp BEFORE UPDATE ON cris_base.degree
    FOR EACH ROW EXECUTE FUNCTION cris_base.stamp();

-- A publication's changed_at covers its authors and identifiers.
CREATE FUNCTION cris_base.touch_output() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cris_base.output o SET changed_at = clock_timestamp()
    FROM (SELECT DISTINCT output_id FROM touched) t
    WHERE o.output_id = t.output_id;
    RETURN NULL;
END $$;

CREATE TRIGGER added AFTER INSERT ON cris_base.output_author REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION cris_base.touch_output();
CREATE TRIGGER changed AFTER UPDATE ON cris_base.output_author REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION cris_base.touch_output();
CREATE TRIGGER dropped AFTER DELETE ON cris_base.output_author REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION cris_base.touch_output();
CREATE TRIGGER added AFTER INSERT ON cris_base.output_identifier REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION cris_base.touch_output();
CREATE TRIGGER changed AFTER UPDATE ON cris_base.output_identifier REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION cris_base.touch_output();
CREATE TRIGGER dropped AFTER DELETE ON cris_base.output_identifier REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION cris_base.touch_output();

ANALYZE;
