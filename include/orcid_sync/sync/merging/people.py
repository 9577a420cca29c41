"""Staff and units: merged by key, untouched where nothing changed."""

from __future__ import annotations

from typing import Final

from orcid_sync.cris import staging
from orcid_sync.ledger.session import Connection
from orcid_sync.sync.merging.tally import Tally
from orcid_sync.sync.unchanged import row_hash

_VALUES: Final = (
    "family_names", "given_names", "credit_name", "other_names", "orcid_hint", "orcid_assurance", "email",
    "is_current", "visible", "opted_out", "row_hash", "quarantined",
)  # fmt: skip

_ARRIVING_STAFF: Final = f"""
CREATE TEMP TABLE arriving_staff ON COMMIT DROP AS
SELECT t.person_id, coalesce(t.family_names, '') AS family_names, t.given_names, t.credit_name,
       coalesce(t.other_names, '{{}}') AS other_names, staging.orcid_of(t.orcid) AS orcid_hint, t.orcid_assurance,
       t.email, coalesce(t.is_current, false) AS is_current, coalesce(t.visibility = 'public', false) AS visible,
       coalesce(t.orcid_sync_opt_out, false) AS opted_out,
       coalesce(source.row_hash, {row_hash("staff", "t")}) AS row_hash,
       held.key IS NOT NULL AS quarantined
FROM staging.staff t
LEFT JOIN held ON held.relation = 'staff' AND held.key = t.person_id
LEFT JOIN staff_source source ON source.person_id = t.person_id
"""

_UPDATE_STAFF: Final = f"""
UPDATE cris_staff known
SET {", ".join(f"{name} = a.{name}" for name in _VALUES)}, gone = NULL, merged_into = NULL, changed_at = now()
FROM arriving_staff a
WHERE known.person_id = a.person_id AND NOT a.quarantined
  AND (known.gone IS NOT NULL OR ({", ".join(f"known.{name}" for name in _VALUES)})
       IS DISTINCT FROM ({", ".join(f"a.{name}" for name in _VALUES)}))
"""

# The last good content stays; only that it waits is news.
_HOLD_STAFF: Final = """
UPDATE cris_staff known SET quarantined = true, gone = NULL, merged_into = NULL, changed_at = now()
FROM arriving_staff a
WHERE known.person_id = a.person_id AND a.quarantined AND (NOT known.quarantined OR known.gone IS NOT NULL)
"""

_INSERT_STAFF: Final = f"""
INSERT INTO cris_staff (person_id, {", ".join(_VALUES)})
SELECT a.person_id, {", ".join(f"a.{name}" for name in _VALUES)} FROM arriving_staff a
WHERE NOT EXISTS (SELECT FROM cris_staff known WHERE known.person_id = a.person_id)
"""


def remember_source_hashes(connection: Connection) -> None:
    """Keep the hashes of people as the source shows them, before values are taken out of staging."""
    connection.execute(
        "CREATE TEMP TABLE staff_source ON COMMIT DROP AS "
        f"SELECT t.person_id, {row_hash('staff', 't')} AS row_hash FROM staging.staff t "
        "WHERE t.person_id IN (SELECT cris_id FROM staging.flagged WHERE relation = 'staff')"
    )


def merge_staff(connection: Connection) -> Tally:
    """Staging into `cris_staff`."""
    connection.execute(_ARRIVING_STAFF)
    connection.execute("ANALYZE arriving_staff")
    held = connection.execute("SELECT count(*) AS n FROM arriving_staff WHERE quarantined").fetchone()
    staged = connection.execute("SELECT count(*) AS n FROM arriving_staff").fetchone()
    assert held is not None
    assert staged is not None
    changed = connection.execute(_UPDATE_STAFF).rowcount
    connection.execute(_HOLD_STAFF)
    fresh = connection.execute(
        "SELECT count(*) AS n FROM arriving_staff a WHERE NOT a.quarantined "
        "AND NOT EXISTS (SELECT FROM cris_staff known WHERE known.person_id = a.person_id)"
    ).fetchone()
    assert fresh is not None
    connection.execute(_INSERT_STAFF)
    return Tally.of(staged.n, new=fresh.n, changed=changed, quarantined=held.n)


_ARRIVING_UNITS: Final = f"""
CREATE TEMP TABLE arriving_unit ON COMMIT DROP AS
SELECT t.unit_id, {staging.row_json("units", "t")}::jsonb AS data,
       {row_hash("units", "t")} AS row_hash, known.unit_id IS NULL AS new
FROM staging.units t
LEFT JOIN cris_unit known ON known.unit_id = t.unit_id
WHERE NOT EXISTS (SELECT FROM held WHERE held.relation = 'units' AND held.key = t.unit_id)
  AND known.row_hash IS DISTINCT FROM {row_hash("units", "t")}
"""

# A circle of units ends where it closes; a unit above that nobody knows ends the path as well.
_PATHS: Final = """
WITH RECURSIVE climb AS (
    SELECT unit_id, ARRAY[unit_id] AS path, data ->> 'parent_unit_id' AS above FROM cris_unit
    UNION ALL
    SELECT climb.unit_id, climb.path || parent.unit_id, parent.data ->> 'parent_unit_id'
    FROM climb JOIN cris_unit parent ON parent.unit_id = climb.above
    WHERE parent.unit_id <> ALL (climb.path)
), longest AS (
    SELECT DISTINCT ON (unit_id) unit_id, path FROM climb ORDER BY unit_id, cardinality(path) DESC
)
UPDATE cris_unit SET path = longest.path, changed_at = now()
FROM longest WHERE longest.unit_id = cris_unit.unit_id AND longest.path <> cris_unit.path
"""

# Once a full extraction no longer shows it, or a tombstone says so: unless something still refers to it.
_REMOVE_UNITS: Final = """
DELETE FROM cris_unit gone
WHERE {gone} AND NOT EXISTS (SELECT FROM staging.units t WHERE t.unit_id = gone.unit_id)
  AND NOT EXISTS (SELECT FROM cris_row WHERE cris_row.unit_id = gone.unit_id OR cris_row.owning_unit_id = gone.unit_id)
  AND NOT EXISTS (SELECT FROM cris_unit below WHERE below.unit_id <> gone.unit_id AND gone.unit_id = ANY (below.path))
"""


def merge_units(connection: Connection, *, full: bool) -> Tally:
    """Staging into `cris_unit`, with each unit's path up to the root. Returns the counts; `changed` covers paths."""
    staged = staging.count(connection, "units")
    held = connection.execute("SELECT count(*) AS n FROM held WHERE relation = 'units'").fetchone()
    connection.execute(_ARRIVING_UNITS)
    counted = connection.execute(
        "SELECT count(*) FILTER (WHERE new) AS new, count(*) FILTER (WHERE NOT new) AS changed FROM arriving_unit"
    ).fetchone()
    assert held is not None
    assert counted is not None
    connection.execute(
        "INSERT INTO cris_unit (unit_id, path, data, row_hash) "
        "SELECT unit_id, ARRAY[unit_id], data, row_hash FROM arriving_unit "
        "ON CONFLICT (unit_id) DO UPDATE SET data = EXCLUDED.data, row_hash = EXCLUDED.row_hash, changed_at = now()"
    )
    connection.execute(_PATHS)
    buried = (
        "EXISTS (SELECT FROM staging.tombstones t WHERE t.entity = 'units' AND t.entity_id = gone.unit_id)"
    )
    removed = connection.execute(_REMOVE_UNITS.format(gone="true" if full else buried)).rowcount
    return Tally.of(staged, new=counted.new, changed=counted.changed, quarantined=held.n, gone=removed)
