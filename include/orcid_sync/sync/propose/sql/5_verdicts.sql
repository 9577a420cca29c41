-- The decision table: for each wish an action, a reason to hold it, or nothing to do.
CREATE TEMP TABLE verdict ON COMMIT DROP AS
WITH taken_off AS (
    SELECT id AS item_id FROM item WHERE removal_asked_at IS NOT NULL
), judged AS (
    SELECT wish.*, on_record.free_put_code, on_record.elsewhere_near, on_record.elsewhere_of_us, on_record.elsewhere,
           unit.duplicates,
           twin.speaker_cris_id,
        CASE
            -- The researcher's word outranks the CRIS's.
            WHEN taken_off.item_id IS NOT NULL AND wish.put_code_id IS NOT NULL THEN 'take_off'
            WHEN wish.answer = 'no' AND wish.put_code_id IS NOT NULL THEN 'remove'
            WHEN wish.answer = 'no' THEN 'close'
            WHEN wish.answer <> 'yes' THEN 'hold:' || wish.answer
            WHEN wish.refused_by_person THEN 'close'
            WHEN twin.row_id IS NOT NULL THEN
                CASE WHEN twin.speaker_unit_id = wish.unit_id THEN 'hold:same_work_twice_in_cris'
                     ELSE 'hold:held_by_other_unit' END
            WHEN wish.no_permission IS NOT NULL THEN 'wait'
            -- What stands as it should needs nobody, whatever has become of its record; unless it vanished from there.
            WHEN wish.put_code_id IS NOT NULL AND wish.written_digest = wish.payload_digest
                 AND wish.record_status <> 'emptied' THEN 'stands'
            WHEN wish.record_status <> 'active' THEN 'block:record_' || wish.record_status
            WHEN wish.read_at IS NULL THEN 'unread'
            WHEN wish.put_code_id IS NOT NULL THEN
                CASE WHEN wish.written_digest = wish.payload_digest THEN 'stands' ELSE 'update' END
            WHEN wish.tombstone THEN 'close'
            WHEN wish.removed_as IS NOT NULL THEN 'hold:other_copy_removed'
            WHEN on_record.free_put_code IS NOT NULL AND on_record.claimed_by = 1 AND on_record.owner_item_id IS NULL
                THEN 'adopt'
            WHEN on_record.owner_unit_id <> wish.unit_id THEN 'hold:held_by_other_unit'
            WHEN on_record.owner_item_id IS NOT NULL OR on_record.free_put_code IS NOT NULL
                THEN 'hold:same_work_twice_in_cris'
            WHEN on_record.elsewhere_of_us THEN 'hold:already_on_record'
            WHEN on_record.elsewhere AND NOT wish.asserted
                 AND NOT (unit.duplicates = 'assert'
                          OR (unit.duplicates = 'assert_over_self_claimed' AND on_record.elsewhere_self_claimed))
                THEN 'hold:already_on_record'
            WHEN wish.other_copy_seen AND on_record.elsewhere IS NOT TRUE AND NOT wish.asserted
                THEN 'hold:other_copy_removed'
            WHEN wish.section = 'work' AND wish.record_full AND NOT wish.asserted THEN 'hold:record_full'
            ELSE 'add'
        END AS ruling
    FROM wish
    JOIN unit ON unit.id = wish.unit_id
    LEFT JOIN taken_off ON taken_off.item_id = wish.item_id
    LEFT JOIN on_record USING (researcher_id, row_id)
    LEFT JOIN twin USING (researcher_id, row_id)
    -- Keeps the ruling from being made anew wherever it is looked at below.
    OFFSET 0
)
SELECT decided.*,
       CASE WHEN action IS NOT NULL THEN
           change_digest(action, section, put_code, CASE WHEN action <> 'remove' THEN payload_digest END)
       END AS digest
FROM (
SELECT item_id, unit_id, researcher_id, row_id, section, cris_id, client_id, orcid, payload_digest, written_digest,
       warnings, put_code_id, ruling, answer,
       CASE WHEN ruling = 'adopt' THEN free_put_code ELSE put_code END AS put_code,
       CASE ruling WHEN 'adopt' THEN 'update' WHEN 'add' THEN 'add' WHEN 'update' THEN 'update' WHEN 'remove' THEN 'remove'
                   WHEN 'take_off' THEN 'remove'
       END AS action,
       CASE
           WHEN ruling LIKE 'hold:%' AND put_code_id IS NOT NULL AND answer <> 'yes' THEN 'on_hold'
           WHEN ruling LIKE 'hold:%' THEN 'withheld'
           WHEN ruling = 'wait' THEN 'waiting_permission'
           WHEN ruling LIKE 'block:%' THEN 'blocked'
       END AS held,
       CASE
           WHEN ruling LIKE '%:%' THEN split_part(ruling, ':', 2)
           WHEN ruling = 'wait' THEN no_permission
       END AS reason,
       CASE
           WHEN ruling IN ('hold:same_work_twice_in_cris', 'hold:held_by_other_unit') AND speaker_cris_id IS NOT NULL
               THEN 'sent as ' || speaker_cris_id
           WHEN removed_as IS NOT NULL AND ruling = 'hold:other_copy_removed'
               THEN 'removed by the researcher, as ' || removed_as || '; restoring that one proposes it again'
           WHEN ruling = 'hold:already_on_record' AND elsewhere_of_us THEN 'written by another client of ours'
           WHEN ruling = 'hold:already_on_record' AND elsewhere_near IS NOT NULL THEN 'looks like: ' || elsewhere_near
           WHEN ruling LIKE 'hold:%' AND refusal_message IS NOT NULL THEN
               coalesce(refusal_field || ': ', '') || refusal_message
       END AS detail,
       CASE ruling
           WHEN 'add' THEN 'new in the CRIS'
           WHEN 'adopt' THEN 'our existing entry is taken over'
           WHEN 'update' THEN 'changed in the CRIS'
           WHEN 'remove' THEN 'no longer wanted by the CRIS'
           WHEN 'take_off' THEN 'asked for by the researcher'
       END AS why,
       ruling = 'hold:already_on_record' AS other_copy_seen
FROM judged
) decided;
CREATE INDEX ON verdict (item_id);
ANALYZE verdict;

-- What the registry refused, and what failed for good, is not asked for again until something that matters is another:
-- its content, a librarian's word, or, where an identifier stands on another of our entries, that entry.
CREATE TEMP TABLE barred ON COMMIT DROP AS
SELECT verdict.item_id, verdict.digest, refused.last_error, word.put_code, coalesce(word.result, 'failed') AS result,
       (SELECT owner.item_id FROM put_code owner WHERE owner.orcid = verdict.orcid AND owner.client_id = verdict.client_id
        AND owner.section = verdict.section AND owner.put_code = word.put_code AND owner.closed_at IS NULL) AS holder
FROM change refused
JOIN verdict ON verdict.item_id = refused.item_id AND verdict.digest = refused.digest
JOIN item ON item.id = refused.item_id
LEFT JOIN LATERAL (
    SELECT outcome.put_code, outcome.result, outcome.at FROM outcome
    WHERE outcome.change_id = refused.id AND outcome.result = 'refused' ORDER BY outcome.intent_id DESC LIMIT 1
) word ON true
WHERE refused.state = 'refused' AND item.asserted_at IS NULL
  AND NOT EXISTS (SELECT FROM change later WHERE later.item_id = refused.item_id AND later.digest = refused.digest
                  AND later.id > refused.id AND later.state IN ('written', 'refused'))
  AND (word.put_code IS NULL
       OR (EXISTS (SELECT FROM record_item other WHERE other.orcid = verdict.orcid AND other.client_id = verdict.client_id
                   AND other.section = verdict.section AND other.put_code = word.put_code)
           AND NOT EXISTS (SELECT FROM put_code owner WHERE owner.orcid = verdict.orcid
                           AND owner.client_id = verdict.client_id AND owner.section = verdict.section
                           AND owner.put_code = word.put_code
                           AND (owner.written_at > word.at OR owner.closed_at > word.at))));
-- The other item is to change: what it holds may become free.
DELETE FROM barred USING verdict other
WHERE other.item_id = barred.holder AND other.action IS NOT NULL
  AND NOT EXISTS (SELECT FROM barred itself WHERE itself.item_id = other.item_id)
  AND NOT EXISTS (SELECT FROM standing_rejection refused
                  WHERE refused.item_id = other.item_id AND refused.digest = other.digest);
-- The writer's own words on the item say most; they are gone where something else held it meanwhile.
UPDATE verdict SET action = NULL,
       held = CASE WHEN known.kept THEN known.held WHEN known.result = 'refused' THEN 'withheld' ELSE 'blocked' END,
       reason = CASE WHEN known.kept THEN known.reason WHEN known.put_code IS NOT NULL THEN 'same_work_twice_in_cris'
                     WHEN known.result = 'refused' THEN 'refused_by_orcid' ELSE 'gave_up' END,
       detail = CASE WHEN known.kept THEN known.detail ELSE known.last_error END
FROM (
    SELECT barred.*, item.held, item.reason, item.detail, coalesce(item.reason IN (
        'refused_by_orcid', 'gave_up', 'between_versions', 'same_work_twice_in_cris', 'held_by_other_unit'), false) AS kept
    FROM barred JOIN item ON item.id = barred.item_id
) known
WHERE verdict.item_id = known.item_id;
