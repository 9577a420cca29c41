-- Run by `orcid-sync migrate` before the migrations, by a role that may create roles. Idempotent.
-- {database}_owner owns the tables, {database}_app is what everything else runs as, {database}_unit is the group of
-- the units' roles. None of them may log in: a login gets them by membership and does SET ROLE.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['owner', 'app', 'unit'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = current_database() || '_' || name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', current_database() || '_' || name);
        END IF;
    END LOOP;
    EXECUTE format('GRANT %I TO CURRENT_USER', current_database() || '_owner');
    -- Where one login does everything, it works as the application too; having made the role doesn't allow that yet.
    EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', current_database() || '_app');
    EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO %I', current_database(), current_database() || '_owner');
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I, %I', current_database(), current_database() || '_app', current_database() || '_unit');
END
$$;
