-- The payloads' place in the ledger. Two rows with equal meaning share one payload; what only rides along is refreshed.
ANALYZE made;
INSERT INTO payload (digest, section, content, title, type, year, self_keys)
SELECT DISTINCT ON (digest) digest, section, content, title, type, year, self_keys
FROM made WHERE digest IS NOT NULL ORDER BY digest, row_id
ON CONFLICT (digest) DO UPDATE SET content = EXCLUDED.content WHERE payload.content IS DISTINCT FROM EXCLUDED.content;

UPDATE cris_row SET input_hash = made.input_hash, payload_digest = made.digest, refusal = made.refusal,
       refusal_field = made.refusal_field, refusal_message = made.refusal_message, warnings = made.warnings,
       is_preprint = made.is_preprint
FROM made WHERE made.row_id = cris_row.id;

DELETE FROM cris_row_key known USING made
WHERE known.row_id = made.row_id AND NOT known.key = ANY (made.keys);
INSERT INTO cris_row_key (row_id, key)
SELECT made.row_id, wanted.key FROM made CROSS JOIN LATERAL unnest(made.keys) AS wanted (key)
ON CONFLICT DO NOTHING;
