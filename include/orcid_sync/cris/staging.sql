-- What every extraction finds or makes in schema `staging`, as the application role. Idempotent.

-- Logged, unlike the tables of rows: after a crash of the server it says what should stand there.
CREATE TABLE IF NOT EXISTS staging.extraction (
    run_id text PRIMARY KEY,
    full_read boolean NOT NULL,
    confirmed boolean NOT NULL,
    extracted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    validated_at timestamptz,
    merged jsonb
);
CREATE TABLE IF NOT EXISTS staging.extracted (
    relation text PRIMARY KEY,
    -- rows of the view, whether read or not
    source_rows bigint NOT NULL,
    -- rows that wait in staging, and rows that were read and found unchanged
    staged bigint NOT NULL,
    unchanged bigint NOT NULL,
    -- the newest change that was read: from here the next extraction goes on
    watermark timestamptz NOT NULL
);
-- The source's hash of rows whose merged content is another one: held, or merged without a part of theirs. Read again
-- without a change, they say nothing new either.
CREATE TABLE IF NOT EXISTS staging.seen (
    relation text NOT NULL,
    key text NOT NULL,
    source_hash uuid NOT NULL,
    PRIMARY KEY (relation, key)
);

-- Rows that a check found wanting, with what follows for the merge.
DROP TABLE IF EXISTS staging.flagged;
CREATE UNLOGGED TABLE staging.flagged (
    relation text NOT NULL,
    key text NOT NULL,
    -- section and CRIS id of what waits for the correction
    section text,
    cris_id text,
    check_name text NOT NULL,
    effect text NOT NULL,
    message text NOT NULL,
    data jsonb NOT NULL
);

-- The sixteen characters of an ORCID iD in any usual spelling, or NULL.
CREATE OR REPLACE FUNCTION staging.orcid_characters(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN value ~ '^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$' THEN replace(value, '-', '')
    ELSE substring(
        upper(regexp_replace(
            regexp_replace(
                normalize(value, NFKC),
                '^[\s<(["'']*(orcid(?!\.org)([\s._-]*id)?\s*[:=]?\s*)?((https?:)?/{0,2}([a-z0-9-]+\.)*orcid\.org/+)?', '', 'i'
            ),
            '([/?#].*|[\s>)\]"''.,;]+)$', ''
        )::text COLLATE "C")
        FROM '^(?:[\s\u00AD\u200B-\u200F\u2010-\u2015\u2060\u2212\uFEFF_-]*[0-9X]){16}[\s\u00AD\u200B-\u200F\u2010-\u2015\u2060\u2212\uFEFF_-]*$'
    ) END;

-- The canonical 0000-0000-0000-000X of an ORCID iD whose check digit holds (ISO 7064 MOD 11-2), or NULL.
CREATE OR REPLACE FUNCTION staging.orcid_of(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    c text := regexp_replace(staging.orcid_characters(value), '[^0-9X]', '', 'g');
    b bytea;
    total integer;
BEGIN
    IF c IS NULL OR c !~ '^[0-9]{15}[0-9X]$' THEN
        RETURN NULL;
    END IF;
    b := c::bytea;
    -- Each digit times a power of two; the character '0' is 48.
    total := (get_byte(b, 0) - 48) * 32768 + (get_byte(b, 1) - 48) * 16384 + (get_byte(b, 2) - 48) * 8192
        + (get_byte(b, 3) - 48) * 4096 + (get_byte(b, 4) - 48) * 2048 + (get_byte(b, 5) - 48) * 1024
        + (get_byte(b, 6) - 48) * 512 + (get_byte(b, 7) - 48) * 256 + (get_byte(b, 8) - 48) * 128
        + (get_byte(b, 9) - 48) * 64 + (get_byte(b, 10) - 48) * 32 + (get_byte(b, 11) - 48) * 16
        + (get_byte(b, 12) - 48) * 8 + (get_byte(b, 13) - 48) * 4 + (get_byte(b, 14) - 48) * 2;
    IF (12 - total % 11) % 11 <> (CASE WHEN substr(c, 16) = 'X' THEN 10 ELSE get_byte(b, 15) - 48 END) THEN
        RETURN NULL;
    END IF;
    RETURN substr(c, 1, 4) || '-' || substr(c, 5, 4) || '-' || substr(c, 9, 4) || '-' || substr(c, 13, 4);
END
$$;

-- Whether a DOI can be seen in the value once the damage that cleaning undoes is thought away.
CREATE OR REPLACE FUNCTION staging.holds_doi(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN value ~ '10\.[0-9]{4,9}(\.[0-9]+)*/[^\s"]' THEN true
    ELSE translate(
        CASE WHEN value ~ '[^\u0001-\u007f]' THEN normalize(value, NFKC) ELSE value END,
        E'\u00AD\u200B\u200C\u200D\u200E\u200F\u2060\uFEFF\\', ''
    ) ~* '10\.[0-9]{4,9}(\.[0-9]+)*(/|%2f)\s*[^\s"]' END;

-- Whether anything is left of a title without tags, entities of blanks, and blanks.
CREATE OR REPLACE FUNCTION staging.says_something(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN value ~ '^[[:alpha:]]' THEN true
    ELSE regexp_replace(
        regexp_replace(value, '</?[A-Za-z][^<>]*>', '', 'g'), '&(nbsp|#160|#xa0|ensp|emsp|thinsp|zwnj|shy);', '', 'gi'
    ) ~ '[[:alnum:]]' END;

-- Whether the parts make a date that can be: unknown parts are NULL, and a day without a month says nothing.
CREATE OR REPLACE FUNCTION staging.can_be_a_date(year integer, month integer, day integer) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    (month IS NULL OR month BETWEEN 1 AND 12)
    AND (month IS NULL OR day IS NULL OR day BETWEEN 1 AND CASE
        WHEN month IN (4, 6, 9, 11) THEN 30
        WHEN month <> 2 THEN 31
        WHEN year IS NULL OR (year % 4 = 0 AND (year % 100 <> 0 OR year % 400 = 0)) THEN 29
        ELSE 28 END);
