-- What of each wish stands on the record already.
CREATE TEMP TABLE same ON COMMIT DROP AS
SELECT DISTINCT wish.researcher_id, wish.row_id, wish.client_id, wish.orcid, wish.section,
       found.put_code,
       found.source_client_id IS NOT DISTINCT FROM wish.client_id AS ours,
       found.self_claimed, bool_and(wanted.key LIKE 'near:%') OVER (PARTITION BY wish.researcher_id, wish.row_id, found.orcid, found.section,
                                                       found.put_code) AS near,
       coalesce(found.title, found.type) || CASE WHEN found.self_claimed THEN ', entered by the researcher'
                                                 ELSE coalesce(', from ' || found.source_name, '') END AS shown,
       found.source_client_id IN (SELECT client_id FROM api_client) AS of_us,
       owner.item_id AS owner_item_id, owner.unit_id AS owner_unit_id
FROM wish
JOIN cris_row_key wanted ON wanted.row_id = wish.row_id
JOIN record_item_key standing ON standing.orcid = wish.orcid AND standing.key = wanted.key
    AND standing.client_id = wish.client_id AND standing.section = wish.section
JOIN record_item found ON found.orcid = standing.orcid AND found.section = standing.section
    AND found.put_code = standing.put_code AND found.client_id = standing.client_id
LEFT JOIN put_code owner ON owner.client_id = wish.client_id AND owner.orcid = wish.orcid
    AND owner.section = found.section AND owner.put_code = found.put_code AND owner.closed_at IS NULL
WHERE wish.answer = 'yes' AND wish.put_code_id IS NULL AND wish.no_permission IS NULL
  AND standing.relationship IN ('self', 'near')
  -- By content only what has no identifier of its own, and from our own client only the very same post.
  AND NOT (wanted.key LIKE 'near:%' AND found.source_client_id IS NOT DISTINCT FROM wish.client_id)
  AND NOT (wanted.key LIKE 'content:%' AND found.source_client_id IS NOT DISTINCT FROM wish.client_id AND EXISTS (
        SELECT FROM record_item_key other WHERE other.orcid = standing.orcid AND other.section = standing.section
        AND other.put_code = standing.put_code AND other.client_id = standing.client_id AND other.key LIKE 'uri:%'))
  -- A preprint and its published version are two works, even where one identifier was given to both.
  AND (found.is_preprint = wish.is_preprint OR found.source_client_id IS NOT DISTINCT FROM wish.client_id);

CREATE TEMP TABLE on_record ON COMMIT DROP AS
WITH claims AS (
    SELECT client_id, orcid, section, put_code, count(*) AS claimed_by FROM same
    WHERE ours AND owner_item_id IS NULL GROUP BY client_id, orcid, section, put_code
)
SELECT same.researcher_id, same.row_id,
       min(same.put_code) FILTER (WHERE ours AND owner_item_id IS NULL) AS free_put_code,
       coalesce(max(claims.claimed_by), 0) AS claimed_by,
       min(owner_item_id) FILTER (WHERE ours) AS owner_item_id,
       min(owner_unit_id) FILTER (WHERE ours) AS owner_unit_id,
       bool_or(NOT ours) AS elsewhere,
       bool_or(NOT ours AND of_us) AS elsewhere_of_us,
       bool_and(self_claimed) FILTER (WHERE NOT ours) AS elsewhere_self_claimed,
       -- Only alike, not the same in every word: a person wants to see what it is.
       CASE WHEN bool_and(near) FILTER (WHERE NOT ours) THEN min(shown) FILTER (WHERE NOT ours) END AS elsewhere_near
FROM same LEFT JOIN claims USING (client_id, orcid, section, put_code)
GROUP BY same.researcher_id, same.row_id;
ANALYZE on_record;

-- Several persons of the CRIS may have connected one record: the first of them stands for all.
CREATE TEMP TABLE holder ON COMMIT DROP AS
SELECT researcher_id, client_id, first_value(researcher_id) OVER (PARTITION BY client_id, orcid ORDER BY researcher_id) AS holder
FROM permission
WHERE (client_id, orcid) IN (SELECT client_id, orcid FROM permission GROUP BY client_id, orcid HAVING count(*) > 1);
ANALYZE holder;
-- What its researcher removed is removed for all of them, and under whatever kind the CRIS files it now.
UPDATE wish SET removed_as = removed.removed_section
FROM removed_from_record removed
WHERE removed.researcher_id = wish.researcher_id AND removed.client_id = wish.client_id
  AND removed.section = wish.section AND removed.cris_id = wish.cris_id AND removed.item_id IS DISTINCT FROM wish.item_id;

-- Of several CRIS rows for one record that share a self identifier, one speaks: the one that stands on the record with
-- that identifier, else one that stands there, else the one first seen. The registry would refuse the second (409),
-- whatever their types are.
CREATE TEMP TABLE shared_key ON COMMIT DROP AS
SELECT key FROM cris_row_key WHERE NOT key LIKE 'near:%' GROUP BY key HAVING count(*) > 1;
ANALYZE shared_key;
CREATE TEMP TABLE twin ON COMMIT DROP AS
WITH keyed AS (
    -- Only what two rows have in common, or what two persons with one record have, can be there twice.
    SELECT wish.researcher_id, wish.client_id, wish.row_id, wish.section, cris_row_key.key,
           coalesce(holder.holder, wish.researcher_id) AS holder
    FROM shared_key JOIN cris_row_key USING (key) JOIN wish USING (row_id)
    LEFT JOIN holder USING (researcher_id, client_id)
    WHERE wish.answer = 'yes'
    UNION
    SELECT researcher_id, client_id, wish.row_id, wish.section, cris_row_key.key, holder.holder
    FROM holder JOIN wish USING (researcher_id, client_id) JOIN cris_row_key USING (row_id)
    WHERE wish.answer = 'yes' AND NOT cris_row_key.key LIKE 'near:%'
), shared AS (
    SELECT holder, client_id, section, key FROM keyed
    GROUP BY holder, client_id, section, key HAVING count(*) > 1
), ranked AS (
    SELECT keyed.researcher_id, keyed.row_id,
           first_value(keyed.row_id) OVER speaking AS speaker, first_value(keyed.researcher_id) OVER speaking AS person
    FROM keyed
    JOIN shared USING (holder, client_id, section, key)
    JOIN wish ON wish.researcher_id = keyed.researcher_id AND wish.row_id = keyed.row_id
    LEFT JOIN payload written ON written.digest = wish.written_digest
    WINDOW speaking AS (
        PARTITION BY keyed.holder, keyed.client_id, keyed.section, keyed.key
        ORDER BY wish.put_code_id IS NULL, NOT coalesce(keyed.key = ANY (written.self_keys), false), NOT wish.asserted, wish.refused_by_person OR wish.tombstone, keyed.row_id, keyed.researcher_id
    )
)
SELECT DISTINCT ON (ranked.researcher_id, ranked.row_id) ranked.researcher_id, ranked.row_id, ranked.speaker,
       speaker.cris_id AS speaker_cris_id, speaker.unit_id AS speaker_unit_id
FROM ranked JOIN wish speaker ON speaker.researcher_id = ranked.person AND speaker.row_id = ranked.speaker
WHERE (ranked.row_id, ranked.researcher_id) <> (ranked.speaker, ranked.person)
ORDER BY ranked.researcher_id, ranked.row_id, ranked.speaker;
ANALYZE twin;
