-- The same rows, without going over everything that was ever removed to tell of one item whether it was: each part can
-- be looked up by an index.
CREATE OR REPLACE VIEW ledger.removed_from_record WITH (security_invoker = true) AS
WITH for_all AS NOT MATERIALIZED (
    SELECT item.id AS item_id, item.researcher_id, item.client_id, item.section, item.cris_id
    FROM ledger.item WHERE item.tombstone_at IS NOT NULL
    UNION ALL
    SELECT item.id, theirs.researcher_id, item.client_id, item.section, item.cris_id
    FROM ledger.item
    JOIN ledger.permission ours ON ours.researcher_id = item.researcher_id AND ours.client_id = item.client_id
    JOIN ledger.permission theirs ON theirs.orcid = ours.orcid AND theirs.client_id = ours.client_id
        AND theirs.researcher_id <> ours.researcher_id
    WHERE item.tombstone_at IS NOT NULL
)
SELECT item_id, researcher_id, client_id, section, section AS removed_section, cris_id FROM for_all
UNION ALL
SELECT for_all.item_id, for_all.researcher_id, for_all.client_id, other.section, for_all.section, for_all.cris_id
FROM for_all
JOIN ledger.cris_row filed ON filed.section = for_all.section AND filed.cris_id = for_all.cris_id
    AND filed.reason = 'other_section'
JOIN ledger.cris_row other ON other.cris_id = filed.cris_id AND other.row_hash = filed.row_hash
    AND other.section <> filed.section;
