"""Everything a librarian wants to know about one change before deciding on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Connection
from orcid_sync.review.console.diff import Field, diff
from orcid_sync.review.console.visitor import Desk, NotFound, SeenUnit

_CHANGE: Final = """
SELECT change.id, change.action AS kind, change.warnings, change.why, change.state AS change_state, change.verdict,
       change.put_code, change.last_error, change.created_at, change.run_id,
       CASE WHEN change.state = 'written' THEN 'written' WHEN change.state = 'writing' THEN 'writing'
            WHEN change.state <> 'open' THEN 'closed' ELSE coalesce(change.verdict, 'undecided') END AS state,
       item.id AS item_id, item.section, item.cris_id, item.client_id, item.researcher_id, item.suppressed_at,
       item.declined_at, researcher.person_id, staff.family_names, staff.given_names, staff.credit_name,
       staff.other_names, staff.is_current,
       coalesce(nullif(coalesce(staff.credit_name, concat_ws(' ', staff.given_names, staff.family_names)), ''),
                researcher.person_id) AS person,
       after.content AS after, before.content AS before, live.id AS put_code_id, live.origin AS put_code_origin,
       coalesce(after.title, before.title, '') AS title, coalesce(after.type, before.type, '') AS type,
       coalesce(after.year, before.year) AS year, cris_row.id AS row_id, cris_row.warnings AS row_warnings,
       cris_row.changed_at, content.data,
       NOT EXISTS (SELECT FROM put_code wrote JOIN item other ON other.id = wrote.item_id
                   WHERE other.researcher_id = item.researcher_id) AS first_write,
       (SELECT max(batch_id) FROM batch_change WHERE change_id = change.id) AS batch
FROM change JOIN item ON item.id = change.item_id JOIN researcher ON researcher.id = item.researcher_id
LEFT JOIN cris_staff staff ON staff.person_id = researcher.person_id
LEFT JOIN put_code live ON live.item_id = item.id AND live.closed_at IS NULL
LEFT JOIN payload after ON after.digest = change.payload_digest
LEFT JOIN payload before ON before.digest = coalesce(change.replaces_digest, live.digest) AND change.action <> 'add'
LEFT JOIN cris_row ON cris_row.section = item.section AND cris_row.cris_id = item.cris_id
LEFT JOIN cris_content content ON content.row_id = cris_row.id
WHERE change.id = %s
"""

_DECISIONS: Final = """
SELECT decision.id, decision.verdict, decision.at, decision.role, decision.via, actor.name AS by, decision_note.note
FROM decision LEFT JOIN actor ON actor.id = decision.actor_id
LEFT JOIN decision_note ON decision_note.decision_id = decision.id
WHERE decision.change_id = %s ORDER BY decision.id DESC
"""

# What stands on the same record and shares an identifier with the row, as readers see it: the first one first.
_STANDING: Final = """
SELECT found.put_code, found.title, found.type, found.source_name, found.self_claimed, found.visibility,
       coalesce(found.display_index, 0) AS display_index,
       found.source_client_id IS NOT DISTINCT FROM %(client)s AS ours, bool_or(standing.relationship = 'self') AS same
FROM cris_row_key wanted
JOIN record_item_key standing ON standing.key = wanted.key AND standing.orcid = %(orcid)s
    AND standing.client_id = %(client)s AND standing.section = %(section)s
JOIN record_item found USING (orcid, section, put_code, client_id)
WHERE wanted.row_id = %(row)s
GROUP BY found.put_code, found.title, found.type, found.source_name, found.self_claimed, found.visibility,
         found.display_index, found.source_client_id, found.created_on_record
ORDER BY found.display_index DESC NULLS LAST, found.created_on_record NULLS LAST, found.put_code LIMIT 20
"""

_SHARED: Final = """
SELECT item.id AS item_id, change.id AS change_id, state.state,
       coalesce(nullif(coalesce(staff.credit_name, concat_ws(' ', staff.given_names, staff.family_names)), ''),
                researcher.person_id) AS person, researcher.person_id
FROM item JOIN item_state state ON state.item_id = item.id JOIN researcher ON researcher.id = item.researcher_id
LEFT JOIN cris_staff staff ON staff.person_id = researcher.person_id
LEFT JOIN change ON change.item_id = item.id AND change.state IN ('open', 'writing')
WHERE item.section = %(section)s AND item.cris_id = %(cris_id)s AND item.id <> %(item)s ORDER BY person LIMIT 50
"""

_POSTS: Final = """
SELECT DISTINCT content.data ->> 'role_title' AS role,
       coalesce(content.data ->> 'department_name', cris_unit.data ->> 'name') AS unit, cris_row.ended
FROM cris_claim JOIN cris_row ON cris_row.id = cris_claim.row_id AND cris_row.section <> 'work'
JOIN cris_content content ON content.row_id = cris_row.id
LEFT JOIN cris_unit ON cris_unit.unit_id = content.data ->> 'unit_id'
WHERE cris_claim.person_id = %s AND cris_row.gone IS NULL ORDER BY ended, role LIMIT 4
"""

_SIMILAR: Final = """
SELECT other.person_id, coalesce(other.credit_name, concat_ws(' ', other.given_names, other.family_names)) AS name,
       other.is_current,
       (SELECT coalesce(content.data ->> 'department_name', cris_unit.data ->> 'name')
        FROM cris_claim JOIN cris_row ON cris_row.id = cris_claim.row_id AND cris_row.section <> 'work'
        JOIN cris_content content ON content.row_id = cris_row.id
        LEFT JOIN cris_unit ON cris_unit.unit_id = content.data ->> 'unit_id'
        WHERE cris_claim.person_id = other.person_id AND cris_row.gone IS NULL ORDER BY cris_row.ended LIMIT 1) AS unit
FROM cris_staff me JOIN cris_staff other ON lower(other.family_names) = lower(me.family_names)
    AND left(lower(other.given_names), 1) IS NOT DISTINCT FROM left(lower(me.given_names), 1)
WHERE me.person_id = %s AND other.person_id <> me.person_id AND other.gone IS DISTINCT FROM 'merged'
ORDER BY other.is_current DESC, name LIMIT 8
"""


@dataclass(frozen=True)
class Printed:
    """A contributor as the publication prints it; `ours` marks the researcher whom the change is about."""

    name: str
    role: str
    affiliation: str
    confirmed: str
    ours: bool
    staff: bool
    place: int


# What the registry gives an entry that a client adds; what a researcher typed in has 0 until they prefer it.
_INDEX_OF_ADDED: Final = 1


@dataclass(frozen=True)
class First:
    """The entry that readers see first of those about the same thing; `now` before the change, `then` after it.

    None: ours, or nothing of it stands there.
    """

    now: Any
    then: Any

    @property
    def changes(self) -> bool:
        """Whether the change puts another entry first."""
        return self.now is not None and self.then is None


def _first(kind: str, standing: list[Any]) -> First | None:
    """None where nothing of other sources stands there, so that there is no choice."""
    others = [one for one in standing if not one.ours]
    if not others:
        return None
    now = None if standing[0].ours else standing[0]
    if kind == "add":
        return First(now, None if others[0].display_index < _INDEX_OF_ADDED else others[0])
    return First(now, others[0] if kind == "remove" else now)


@dataclass(frozen=True)
class ChangePage:
    """One change with everything around it. Rows are named tuples as the queries above select them."""

    change: Any
    fields: list[Field]
    before_known: bool
    orcid: str | None
    permission: str | None
    decisions: list[Any]
    elsewhere: list[Any]
    first: First | None
    shared: list[Any]
    posts: list[Any]
    similar: list[Any]
    quarantined: list[Any]
    contributors: list[Printed]
    me: Printed | None
    source: list[tuple[str, str]]
    identifiers: list[tuple[str, str]]

    @property
    def decision(self) -> int | None:
        """The latest decision: what somebody who decides now has seen."""
        return self.decisions[0].id if self.decisions else None


def change_page(desk: Desk, unit: SeenUnit, key: int) -> ChangePage:
    """Raises NotFound for a change that isn't the unit's."""
    with desk.open(unit) as connection:
        change: Any = connection.execute(_CHANGE, (key,)).fetchone()
        if change is None:
            raise NotFound(f"There is no change {key}", why="it does not exist or it is not your unit's")
    # Permissions and the journal are closed to units; these questions are asked about keys that the unit's role showed.
    with desk.ledger.transaction() as connection:
        permission = _permission(connection, change)
        quarantined = connection.execute(
            "SELECT check_name, message, last_seen FROM quarantine WHERE section = %s AND cris_id = %s "
            "AND resolved_at IS NULL ORDER BY check_name LIMIT 20",
            (change.section, change.cris_id),
        ).fetchall()
        adopted = connection.execute(
            "SELECT content FROM adopted_content WHERE put_code_id = %s", (change.put_code_id,)
        ).fetchone()
    orcid = permission.orcid if permission else None
    with desk.open(unit) as connection:
        around = {
            "orcid": orcid,
            "client": change.client_id,
            "section": change.section,
            "row": change.row_id,
            "cris_id": change.cris_id,
            "item": change.item_id,
        }
        decisions = connection.execute(_DECISIONS, (key,)).fetchall()
        standing = connection.execute(_STANDING, around).fetchall() if orcid else []
        shared = connection.execute(_SHARED, around).fetchall()
        posts = connection.execute(_POSTS, (change.person_id,)).fetchall()
        similar = connection.execute(_SIMILAR, (change.person_id,)).fetchall()
    before = change.before or (adopted.content if adopted and change.kind != "add" else None)
    data = change.data or {}
    contributors = _printed(data, change.person_id)
    return ChangePage(
        change=change,
        fields=diff(before, change.after),
        before_known=before is not None or change.kind == "add",
        orcid=orcid,
        permission=permission.state if permission else None,
        decisions=decisions,
        elsewhere=[one for one in standing if not one.ours],
        first=_first(change.kind, standing),
        shared=shared,
        posts=posts,
        similar=similar,
        quarantined=quarantined,
        contributors=contributors,
        me=next((one for one in contributors if one.ours), None),
        source=_source(data),
        identifiers=_identifiers(data),
    )


def _permission(connection: Connection, change: Any) -> Any:
    return connection.execute(
        "SELECT orcid, state FROM permission WHERE researcher_id = %s AND client_id = %s",
        (change.researcher_id, change.client_id),
    ).fetchone()


def _printed(data: dict[str, Any], person_id: str) -> list[Printed]:
    rows = sorted(data.get("contributors") or (), key=lambda one: one.get("contributor_seq") or 0)
    return [
        Printed(
            name=str(one.get("credit_name") or "(no name)"),
            role=str(one.get("contributor_role") or ""),
            affiliation=str(one.get("affiliation_name") or one.get("affiliation_unit_id") or ""),
            confirmed=str(one.get("claim_status") or ""),
            ours=one.get("person_id") == person_id,
            staff=bool(one.get("person_id")),
            place=place,
        )
        for place, one in enumerate(rows, start=1)
    ]


_HIDDEN: Final = frozenset({"contributors", "identifiers", "contributor_email", "email"})


def _source(data: dict[str, Any]) -> list[tuple[str, str]]:
    """The row of the CRIS as it came, without what is empty."""
    return [
        (name, str(value))
        for name, value in data.items()
        if name not in _HIDDEN and value not in (None, "", [], {})
    ]


def _identifiers(data: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            str(one.get("external_id_type") or ""),
            f"{one.get('external_id_value') or ''} ({one.get('external_id_relationship') or 'self'})",
        )
        for one in data.get("identifiers") or ()
    ]
