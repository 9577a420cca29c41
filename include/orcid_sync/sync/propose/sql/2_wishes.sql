-- What the CRIS wants for whom: one row for each researcher's share in each CRIS row, and one for each item whose share
-- has gone. `answer` is yes, no, or the reason why it can't say. Beside it the permission, and the record as last read.
INSERT INTO researcher (person_id)
SELECT DISTINCT cris_claim.person_id
FROM cris_claim LEFT JOIN researcher ON researcher.person_id = cris_claim.person_id
WHERE researcher.id IS NULL;

-- One item a share; were there ever two owners, the one with a live put code speaks for it.
CREATE TEMP TABLE known_item ON COMMIT DROP AS
SELECT DISTINCT ON (item.researcher_id, item.section, item.cris_id)
       item.id, item.researcher_id, item.section, item.cris_id, item.unit_id, item.client_id,
       item.suppressed_at IS NOT NULL OR item.declined_at IS NOT NULL AS refused_by_person,
       item.tombstone_at IS NOT NULL AS tombstone, item.asserted_at IS NOT NULL AS asserted,
       item.other_copy_seen_at IS NOT NULL AS other_copy_seen,
       put_code.id AS put_code_id, put_code.put_code, put_code.orcid AS put_code_orcid,
       put_code.digest AS written_digest, put_code.written_at
FROM item
LEFT JOIN put_code ON put_code.item_id = item.id AND put_code.closed_at IS NULL
WHERE NOT item.by_broker
ORDER BY item.researcher_id, item.section, item.cris_id, put_code.id NULLS LAST, item.id;
ANALYZE known_item;

CREATE TEMP TABLE wish ON COMMIT DROP AS
SELECT share.researcher_id, share.person_id, share.row_id, share.section, share.cris_id, share.is_preprint,
       share.payload_digest, share.warnings, share.ended, share.merged_into, share.refusal_field, share.refusal_message,
       share.item_id, share.unit_id, coalesce(share.client_id, api_client.client_id) AS client_id,
       share.refused_by_person, share.tombstone, share.asserted, share.other_copy_seen, share.put_code_id,
       share.put_code, share.put_code_orcid, share.written_digest, share.written_at,
       -- Two answers that need the unit's policy: who is in the pilot, and what still goes out for somebody who left: the
       -- end of a post that stands on the record, and what the institution vouches for (a degree); nothing else.
       CASE WHEN wanted.answer = 'yes'
                 AND ((cardinality(unit.pilot) > 0 AND NOT share.person_id = ANY (unit.pilot))
                   OR (NOT share.is_current AND NOT share.after_leaving
                       AND NOT (share.ended AND share.put_code_id IS NOT NULL)))
            THEN CASE WHEN share.is_current THEN 'not_in_pilot' ELSE 'left_institution' END
            ELSE wanted.answer
       END AS answer,
       permission.id AS permission_id, permission.orcid, permission.state AS permission_state,
       record.status AS record_status,
       CASE WHEN record.person_read OR NOT person.section THEN record.read_at END AS read_at,
       record.works_on_record >= 10000 OR record.works_when_full IS NOT NULL AS record_full,
       CASE
           WHEN permission.state IS NULL THEN 'never_asked'
           WHEN permission.state <> 'granted' THEN permission.state
           WHEN permission.suspect_since IS NOT NULL THEN 'being_checked'
           -- What the institution says of a person needs a permission of its own.
           WHEN person.section AND NOT '/person/update' = ANY (permission.scopes) THEN 'less_granted'
       END AS no_permission,
       NULL::text AS removed_as
FROM (
    SELECT researcher.id AS researcher_id, claim.person_id, cris_row.id AS row_id, cris_row.section, cris_row.cris_id,
           cris_row.is_preprint, cris_row.payload_digest, cris_row.warnings, cris_row.ended, cris_row.after_leaving,
           cris_row.secondary, cris_row.merged_into,
           cris_row.refusal_field, cris_row.refusal_message,
           coalesce(staff.is_current, false) AS is_current,
           known_item.id AS item_id, coalesce(known_item.unit_id, row_owner.unit_id) AS unit_id, known_item.client_id,
           coalesce(known_item.refused_by_person, false) AS refused_by_person,
           coalesce(known_item.tombstone, false) AS tombstone, coalesce(known_item.asserted, false) AS asserted,
           coalesce(known_item.other_copy_seen, false) AS other_copy_seen,
           known_item.put_code_id, known_item.put_code, known_item.put_code_orcid, known_item.written_digest,
           known_item.written_at,
           CASE
               WHEN cris_row.gone IN ('deleted', 'merged') OR cris_row.answer = 'no' OR claim.answer = 'no' THEN 'no'
               WHEN cris_row.gone = 'vanished' THEN 'vanished_from_cris'
               WHEN cris_row.quarantined THEN 'quarantined'
               WHEN cris_row.answer = 'cant_say' THEN coalesce(cris_row.reason, 'pending_in_cris')
               WHEN claim.answer = 'cant_say' THEN coalesce(claim.reason, 'pending_in_cris')
               WHEN cris_row.not_before > current_date THEN 'pending_in_cris'
               -- Who was uploaded need not be on the staff: an alumna isn't.
               WHEN (staff.person_id IS NULL AND cris_row.uploaded_by IS NULL) OR staff.gone IS NOT NULL THEN 'vanished_from_cris'
               WHEN staff.quarantined THEN 'quarantined'
               WHEN staff.opted_out OR NOT staff.visible THEN 'opted_out'
               WHEN cris_row.refusal IS NOT NULL THEN cris_row.refusal
               ELSE 'yes'
           END AS answer
    FROM cris_claim claim
    JOIN cris_row ON cris_row.id = claim.row_id
    JOIN row_owner ON row_owner.row_id = claim.row_id
    JOIN researcher ON researcher.person_id = claim.person_id
    LEFT JOIN cris_staff staff ON staff.person_id = claim.person_id
    LEFT JOIN known_item
        ON known_item.researcher_id = researcher.id AND known_item.section = cris_row.section
        AND known_item.cris_id = cris_row.cris_id
    UNION ALL
    -- Items whose share has gone: the author was taken off (no), or nothing is known of the row any more (can't say).
    SELECT item.researcher_id, researcher.person_id, cris_row.id, item.section, item.cris_id,
           coalesce(cris_row.is_preprint, false), cris_row.payload_digest, '{}', false, false, false, cris_row.merged_into, NULL, NULL, true,
           item.id, item.unit_id, item.client_id, item.refused_by_person, item.tombstone, item.asserted,
           item.other_copy_seen, item.put_code_id, item.put_code, item.put_code_orcid, item.written_digest, item.written_at,
           CASE
               WHEN cris_row.id IS NULL OR cris_row.gone = 'vanished' THEN 'vanished_from_cris'
               WHEN cris_row.gone IN ('deleted', 'merged') OR cris_row.answer = 'no' THEN 'no'
               WHEN cris_row.quarantined THEN 'quarantined'
               ELSE 'no'
           END
    FROM known_item item
    JOIN researcher ON researcher.id = item.researcher_id
    LEFT JOIN cris_row ON cris_row.section = item.section AND cris_row.cris_id = item.cris_id
    WHERE NOT EXISTS (
        SELECT FROM cris_claim claim WHERE claim.row_id = cris_row.id AND claim.person_id = researcher.person_id
    )
) share
-- Where nobody owns a section, nothing can be said about it, and nothing stands for it.
JOIN unit ON unit.id = share.unit_id
LEFT JOIN api_client ON api_client.code = unit.client
LEFT JOIN permission ON permission.researcher_id = share.researcher_id
    AND permission.client_id = coalesce(share.client_id, api_client.client_id)
LEFT JOIN record ON record.orcid = permission.orcid AND record.client_id = permission.client_id
CROSS JOIN LATERAL (
    -- A sub-select, so that the list is made once and not for each row.
    SELECT share.section = ANY ((SELECT string_to_array(current_setting('orcid_sync.of_person'), ','))::text[]) AS section
) AS person
-- A unit that adds main posts alone keeps those that stand true to their end, whatever they were since.
CROSS JOIN LATERAL (
    SELECT CASE WHEN share.answer = 'yes' AND unit.posts = 'primary' AND share.secondary AND share.put_code_id IS NULL
                THEN 'no' ELSE share.answer END AS answer
) wanted
-- Not wanted and never an item: nothing to keep.
WHERE NOT (wanted.answer = 'no' AND share.item_id IS NULL);
ANALYZE wish;
