-- What a researcher removed from a record, for whom and as what it must not come back: for every person of the CRIS who
-- has connected that record, and under each kind that the CRIS has filed the row as since.
CREATE VIEW ledger.removed_from_record WITH (security_invoker = true) AS
WITH removed AS (
    SELECT item.id AS item_id, item.researcher_id, item.client_id, item.section, item.cris_id
    FROM ledger.item WHERE item.tombstone_at IS NOT NULL
), for_all AS (
    SELECT item_id, researcher_id, client_id, section, section AS removed_section, cris_id FROM removed
    UNION
    SELECT removed.item_id, theirs.researcher_id, removed.client_id, removed.section, removed.section, removed.cris_id
    FROM removed
    JOIN ledger.permission ours ON ours.researcher_id = removed.researcher_id AND ours.client_id = removed.client_id
    JOIN ledger.permission theirs ON theirs.orcid = ours.orcid AND theirs.client_id = ours.client_id
)
SELECT item_id, researcher_id, client_id, section, removed_section, cris_id FROM for_all
UNION
SELECT for_all.item_id, for_all.researcher_id, for_all.client_id, other.section, for_all.section, for_all.cris_id
FROM for_all
JOIN ledger.cris_row filed ON filed.section = for_all.section AND filed.cris_id = for_all.cris_id
    AND filed.reason = 'other_section'
JOIN ledger.cris_row other ON other.cris_id = filed.cris_id AND other.row_hash = filed.row_hash
    AND other.section <> filed.section;

DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON ledger.removed_from_record TO %I', current_database() || '_app');
END
$$;
