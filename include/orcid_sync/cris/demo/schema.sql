-- A plausible CRIS: its own tables in cris_base, the contract's views over them in orcid_feed.
-- Keys that real systems don't enforce (an author's person, a post's unit) aren't enforced here either.

CREATE SCHEMA cris_base;
CREATE SCHEMA orcid_feed;

CREATE TABLE cris_base.organisation (
    org_id text PRIMARY KEY,
    parent_id text,
    name text NOT NULL,
    short_name text,
    kind text NOT NULL,
    city text,
    country text,
    ror text,
    opened smallint,
    closed smallint,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE cris_base.person (
    person_id text PRIMARY KEY,
    surname text NOT NULL,
    forenames text,
    published_as text,
    orcid text,
    orcid_origin text,
    mail text,
    left_on date,
    profile text NOT NULL DEFAULT 'FREE',
    export_to_orcid boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE cris_base.name_variant (
    person_id text NOT NULL,
    place integer NOT NULL,
    variant text NOT NULL,
    PRIMARY KEY (person_id, place)
);

CREATE TABLE cris_base.appointment (
    appointment_id text PRIMARY KEY,
    person_id text NOT NULL,
    org_id text NOT NULL,
    kind text NOT NULL DEFAULT 'staff',
    job_title text,
    department_label text,
    started text,  -- YYYY, YYYY-MM or YYYY-MM-DD
    ended text,
    main boolean,
    fte numeric(3, 2),
    profile text NOT NULL DEFAULT 'FREE',
    web text,
    managing_org text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE cris_base.output (
    output_id text PRIMARY KEY,
    headline text NOT NULL,
    subtitle text,
    translated_headline text,
    translated_language text,
    kind text NOT NULL,
    subkind text,
    kind_scheme text NOT NULL,
    container text,
    volume text,
    number text,
    pages text,
    publisher text,
    year smallint,
    month smallint,
    day smallint,
    stage text,
    language text,
    country text,
    abstract text,
    link text,
    profile text NOT NULL DEFAULT 'FREE',
    workflow text NOT NULL DEFAULT 'validated',
    embargo_until date,
    confidential boolean NOT NULL DEFAULT false,
    managing_org text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE cris_base.output_author (
    output_id text NOT NULL,
    place integer NOT NULL,
    role text NOT NULL DEFAULT 'author',
    person_id text,
    is_group boolean NOT NULL DEFAULT false,
    printed_name text NOT NULL,
    surname text,
    forenames text,
    orcid text,
    mail text,
    corresponding boolean,
    affiliation text,
    org_id text,
    claim text NOT NULL DEFAULT 'approved',
    listed boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (output_id, place)
);

CREATE TABLE cris_base.output_identifier (
    output_id text NOT NULL,
    place integer NOT NULL,
    scheme text NOT NULL,
    value text NOT NULL,
    link text,
    relation text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (output_id, place)
);

CREATE TABLE cris_base.removed (
    entity text NOT NULL,
    entity_id text NOT NULL,
    reason text NOT NULL,
    survivor_id text,
    removed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (entity, entity_id)
);

CREATE TABLE cris_base.award (
    award_id text PRIMARY KEY,
    kind text NOT NULL,
    title text NOT NULL,
    number text,
    doi text,
    amount numeric,
    currency text,
    started text,
    ended text,
    funder text NOT NULL,
    funder_city text,
    funder_country text,
    funder_ror text,
    profile text NOT NULL DEFAULT 'FREE',
    workflow text NOT NULL DEFAULT 'validated',
    managing_org text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE cris_base.award_holder (
    award_id text NOT NULL,
    person_id text NOT NULL,
    role text,
    PRIMARY KEY (award_id, person_id)
);

-- Time at somebody else's instrument.
CREATE TABLE cris_base.allocation (
    allocation_id text PRIMARY KEY,
    person_id text NOT NULL,
    title text NOT NULL,
    number text NOT NULL,
    host text NOT NULL,
    host_city text,
    host_country text,
    host_ror text,
    facility text NOT NULL,
    facility_code text NOT NULL,
    started text,
    ended text,
    profile text NOT NULL DEFAULT 'FREE',
    managing_org text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE cris_base.review (
    review_id text PRIMARY KEY,
    person_id text NOT NULL,
    issn text NOT NULL,
    journal text NOT NULL,
    completed text NOT NULL,
    publisher text NOT NULL,
    publisher_city text,
    publisher_country text,
    profile text NOT NULL DEFAULT 'FREE',
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE cris_base.degree (
    degree_id text PRIMARY KEY,
    person_id text NOT NULL,
    kind text NOT NULL,
    title text,
    department text,
    organisation text NOT NULL,
    city text,
    country text,
    ror text,
    started text,
    ended text,
    own boolean NOT NULL DEFAULT false,  -- from the university's own student registry
    profile text NOT NULL DEFAULT 'FREE',
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION cris_base.shown(profile text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE profile WHEN 'FREE' THEN 'public' WHEN 'CAMPUS' THEN 'internal' ELSE 'hidden' END;

CREATE FUNCTION cris_base.curated(workflow text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE workflow WHEN 'validated' THEN 'approved' WHEN 'approved' THEN 'approved'
                     WHEN 'rejected' THEN 'rejected' WHEN 'withdrawn' THEN 'withdrawn' ELSE 'pending' END;

-- The year (1), month (2) or day (3) of a date that may be partial.
CREATE FUNCTION cris_base.date_part(value text, part integer) RETURNS smallint LANGUAGE sql IMMUTABLE
RETURN nullif(split_part(value, '-', part), '')::smallint;

CREATE VIEW orcid_feed.staff AS
SELECT person_id,
       surname AS family_names,
       forenames AS given_names,
       published_as AS credit_name,
       ARRAY(SELECT v.variant FROM cris_base.name_variant v WHERE v.person_id = p.person_id ORDER BY v.place)
           AS other_names,
       orcid,
       CASE orcid_origin WHEN 'oauth' THEN 'authenticated' WHEN 'typed' THEN 'self-asserted'
                         WHEN 'import' THEN 'matched' END AS orcid_assurance,
       mail AS email,
       left_on IS NULL AS is_current,
       cris_base.shown(profile) AS visibility,
       NOT export_to_orcid AS orcid_sync_opt_out,
       changed_at AS updated_at
FROM cris_base.person p;

CREATE VIEW orcid_feed.units AS
SELECT org_id AS unit_id, parent_id AS parent_unit_id, name, 'en'::text AS name_language, short_name AS acronym,
       kind AS unit_type, city, NULL::text AS region, country, ror AS ror_id,
       ror AS disambiguated_organization_identifier,
       CASE WHEN ror IS NOT NULL THEN 'ROR' END AS disambiguation_source,
       true AS is_internal, opened AS start_year, closed AS end_year, changed_at AS updated_at
FROM cris_base.organisation;

CREATE VIEW orcid_feed.employments AS
SELECT appointment_id AS employment_id, person_id, org_id AS unit_id,
       CASE kind WHEN 'visitor' THEN 'invited-position' WHEN 'committee' THEN 'service' WHEN 'academy' THEN 'membership'
                 WHEN 'medal' THEN 'distinction' ELSE 'employment' END AS affiliation_type,
       job_title AS role_title, department_label AS department_name,
       cris_base.date_part(started, 1) AS start_year,
       cris_base.date_part(started, 2) AS start_month,
       cris_base.date_part(started, 3) AS start_day,
       cris_base.date_part(ended, 1) AS end_year,
       cris_base.date_part(ended, 2) AS end_month,
       cris_base.date_part(ended, 3) AS end_day,
       main AS is_primary, fte, cris_base.shown(profile) AS visibility, web AS url,
       managing_org AS owning_unit_id, changed_at AS updated_at
FROM cris_base.appointment;

CREATE VIEW orcid_feed.publications AS
SELECT output_id AS publication_id, headline AS title, subtitle,
       translated_headline AS translated_title, translated_language AS translated_title_language,
       kind AS source_type, subkind AS source_subtype, kind_scheme AS source_type_scheme,
       NULL::text AS work_type,
       container AS journal_title, volume, number AS issue,
       nullif(split_part(pages, '-', 1), '') AS start_page, nullif(split_part(pages, '-', 2), '') AS end_page,
       publisher, year AS publication_year, month AS publication_month, day AS publication_day,
       stage AS publication_status, language AS language_code, country, abstract AS short_description,
       link AS url, NULL::text AS citation_type, NULL::text AS citation_value,
       cris_base.shown(profile) AS visibility, cris_base.curated(workflow) AS curation_status,
       embargo_until, confidential AS is_confidential, managing_org AS owning_unit_id,
       changed_at AS updated_at
FROM cris_base.output;

CREATE VIEW orcid_feed.publication_contributors AS
SELECT output_id AS publication_id, place AS contributor_seq, role AS contributor_role, person_id, is_group,
       printed_name AS credit_name, surname AS family_names, forenames AS given_names,
       orcid AS contributor_orcid, mail AS contributor_email, corresponding AS is_corresponding,
       affiliation AS affiliation_name, org_id AS affiliation_unit_id, claim AS claim_status,
       CASE WHEN listed THEN 'public' ELSE 'hidden' END AS visibility, changed_at AS updated_at
FROM cris_base.output_author;

CREATE VIEW orcid_feed.publication_identifiers AS
SELECT output_id AS publication_id, place AS identifier_seq, scheme AS external_id_type,
       value AS external_id_value, link AS external_id_url,
       coalesce(relation, 'self') AS external_id_relationship, changed_at AS updated_at
FROM cris_base.output_identifier;

CREATE VIEW orcid_feed.tombstones AS
SELECT entity, entity_id, reason, survivor_id AS merged_into_id, removed_at AS deleted_at
FROM cris_base.removed;

CREATE VIEW orcid_feed.fundings AS
SELECT a.award_id AS funding_id, h.person_id, h.role AS funding_role, a.kind AS funding_type, a.title,
       NULL::text AS translated_title, NULL::text AS translated_title_language,
       a.number AS grant_number, a.doi AS grant_doi, NULL::text AS url, NULL::text AS short_description,
       a.amount, a.currency AS currency_code,
       cris_base.date_part(a.started, 1) AS start_year,
       cris_base.date_part(a.started, 2) AS start_month,
       cris_base.date_part(a.started, 3) AS start_day,
       cris_base.date_part(a.ended, 1) AS end_year,
       cris_base.date_part(a.ended, 2) AS end_month,
       cris_base.date_part(a.ended, 3) AS end_day,
       a.funder AS funder_name, a.funder_city, a.funder_country, a.funder_ror AS funder_identifier,
       CASE WHEN a.funder_ror IS NOT NULL THEN 'ROR' END AS funder_identifier_source,
       cris_base.shown(a.profile) AS visibility, cris_base.curated(a.workflow) AS curation_status,
       a.managing_org AS owning_unit_id, a.changed_at AS updated_at
FROM cris_base.award a
JOIN cris_base.award_holder h USING (award_id);

CREATE VIEW orcid_feed.peer_reviews AS
SELECT review_id, person_id, 'reviewer'::text AS reviewer_role, 'review'::text AS review_type,
       cris_base.date_part(completed, 1) AS completion_year,
       cris_base.date_part(completed, 2) AS completion_month,
       cris_base.date_part(completed, 3) AS completion_day,
       'issn:' || issn AS review_group_id,
       'source-work-id'::text AS review_identifier_type, review_id AS review_identifier_value,
       NULL::text AS review_url,
       NULL::text AS subject_external_id_type, NULL::text AS subject_external_id_value,
       NULL::text AS subject_container_name,
       publisher AS convening_organization_name, publisher_city AS convening_city,
       publisher_country AS convening_country, NULL::text AS convening_identifier,
       NULL::text AS convening_identifier_source,
       cris_base.shown(profile) AS visibility, NULL::text AS owning_unit_id, changed_at AS updated_at
FROM cris_base.review;

CREATE VIEW orcid_feed.qualifications AS
SELECT degree_id AS qualification_id, person_id, kind AS affiliation_type, title AS role_title,
       department AS department_name, organisation AS organization_name, city AS organization_city,
       NULL::text AS organization_region, country AS organization_country, ror AS disambiguated_organization_identifier,
       CASE WHEN ror IS NOT NULL THEN 'ROR' END AS disambiguation_source,
       cris_base.date_part(started, 1) AS start_year,
       cris_base.date_part(started, 2) AS start_month,
       cris_base.date_part(started, 3) AS start_day,
       cris_base.date_part(ended, 1) AS end_year,
       cris_base.date_part(ended, 2) AS end_month,
       cris_base.date_part(ended, 3) AS end_day,
       NULL::text AS url, NULL::text AS external_id_type, NULL::text AS external_id_value,
       NULL::text AS external_id_url, NULL::text AS external_id_relationship, own AS given_here,
       cris_base.shown(profile) AS visibility, NULL::text AS owning_unit_id, changed_at AS updated_at
FROM cris_base.degree;

CREATE VIEW orcid_feed.research_resources AS
SELECT allocation_id AS resource_id, person_id, title AS proposal_title, 'proposal-id'::text AS proposal_id_type,
       number AS proposal_id_value, NULL::text AS proposal_url,
       cris_base.date_part(started, 1) AS start_year,
       cris_base.date_part(started, 2) AS start_month,
       cris_base.date_part(started, 3) AS start_day,
       cris_base.date_part(ended, 1) AS end_year,
       cris_base.date_part(ended, 2) AS end_month,
       cris_base.date_part(ended, 3) AS end_day,
       host AS host_name, host_city, host_country, host_ror AS host_identifier,
       CASE WHEN host_ror IS NOT NULL THEN 'ROR' END AS host_identifier_source,
       ARRAY[facility] AS resource_names, ARRAY['facility'] AS resource_types,
       ARRAY[facility_code] AS resource_id_values, ARRAY['other-id'] AS resource_id_types,
       cris_base.shown(profile) AS visibility, managing_org AS owning_unit_id, changed_at AS updated_at
FROM cris_base.allocation;

-- What the institution itself says of its people: their page, and the number they have here.
CREATE VIEW orcid_feed.researcher_urls AS
SELECT 'page-' || person_id AS url_id, person_id, 'https://people.university.example/' || person_id AS url,
       'Profile at the university'::text AS url_name, cris_base.shown(profile) AS visibility,
       NULL::text AS owning_unit_id, changed_at AS updated_at
FROM cris_base.person;

CREATE VIEW orcid_feed.person_identifiers AS
SELECT 'number-' || person_id AS identifier_id, person_id, 'University person id'::text AS external_id_type,
       person_id AS external_id_value, 'https://people.university.example/' || person_id AS external_id_url,
       cris_base.shown(profile) AS visibility, NULL::text AS owning_unit_id, changed_at AS updated_at
FROM cris_base.person;

-- Which flaws the generator put in, and where: for tests, not part of the CRIS.
CREATE TABLE cris_base.seeded_dirt (
    entity text NOT NULL,
    entity_id text NOT NULL,
    kind text NOT NULL
);
