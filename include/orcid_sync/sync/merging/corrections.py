"""What validation found, applied to staging: after this, whatever stands there may be used."""

from __future__ import annotations

from typing import Final

from orcid_sync.ledger.session import Connection

_HELD: Final = """
CREATE TEMP TABLE held ON COMMIT DROP AS
SELECT DISTINCT CASE section WHEN 'work' THEN 'publications' ELSE relation END AS relation, cris_id AS key
FROM staging.flagged WHERE effect = 'hold' AND cris_id IS NOT NULL;
CREATE INDEX ON held (relation, key);
ANALYZE held;
"""

# The keys that stand as text in `flagged` are made as the suites make them.
_CORRECTIONS: Final = """
-- Left out alone: the publication goes on without it.
DELETE FROM staging.publication_identifiers t USING staging.flagged f
WHERE f.relation = 'publication_identifiers' AND f.effect = 'drop' AND t.publication_id = f.cris_id
  AND coalesce(t.publication_id || ':' || t.identifier_seq, '?') = f.key;
DELETE FROM staging.publication_contributors t USING staging.flagged f
WHERE f.relation = 'publication_contributors' AND f.effect = 'drop' AND t.publication_id = f.cris_id
  AND coalesce(t.publication_id || ':' || t.contributor_seq, '?') = f.key;
-- Values that are not used.
UPDATE staging.staff t SET orcid = NULL FROM staging.flagged f
WHERE f.relation = 'staff' AND f.check_name IN ('orcid_valid', 'orcid_on_one_person') AND f.cris_id = t.person_id;
UPDATE staging.publication_contributors t SET contributor_orcid = NULL FROM staging.flagged f
WHERE f.relation = 'publication_contributors' AND f.check_name = 'orcid_valid'
  AND t.publication_id = f.cris_id AND t.publication_id || ':' || t.contributor_seq = f.key;
-- A tombstone that says nothing usable, and one of a row which the view still shows.
DELETE FROM staging.tombstones t USING staging.flagged f
WHERE f.relation = 'tombstones' AND f.effect = 'hold' AND coalesce(t.entity || ':' || t.entity_id, '?') = f.key;
DELETE FROM staging.tombstones WHERE still_there OR entity_id IS NULL;
"""


def apply_corrections(connection: Connection) -> None:
    """Take out of staging what was dropped or is to be ignored, and list what is held in `held`."""
    connection.execute(_HELD)
    connection.execute(_CORRECTIONS)
