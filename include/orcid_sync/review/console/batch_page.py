"""One page of a batch: its changes as filtered, grouped and sorted, with the counts beside every filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from orcid_sync.ledger.session import Connection
from orcid_sync.review.console.filters import PAGE_SIZE, Filter, View

# Every change of the batch as the pages know it. What isn't asked of it, the planner leaves out, joins included.
_ROWS: Final = """
SELECT change.id, change.item_id, change.action AS kind, change.warnings, change.why,
       CASE WHEN change.state = 'written' THEN 'written'
            WHEN change.state = 'writing' THEN 'writing'
            WHEN change.state <> 'open' THEN 'closed'
            ELSE coalesce(change.verdict, 'undecided') END AS state,
       cardinality(change.warnings) > 0 AS warned, before.researcher_id IS NULL AS first_write,
       item.section, item.cris_id, item.section || '/' || item.cris_id AS work, item.researcher_id,
       item.suppressed_at IS NOT NULL AS never_send, item.declined_at IS NOT NULL AS declined,
       researcher.person_id,
       coalesce(nullif(coalesce(staff.credit_name, concat_ws(' ', staff.given_names, staff.family_names)), ''),
                researcher.person_id) AS person,
       coalesce(payload.title, '') AS title, coalesce(payload.type, '') AS type,
       coalesce(payload.year::text, '') AS year, payload.self_keys AS keys
FROM batch_change JOIN change ON change.id = batch_change.change_id
JOIN item ON item.id = change.item_id JOIN researcher ON researcher.id = item.researcher_id
LEFT JOIN cris_staff staff ON staff.person_id = researcher.person_id
LEFT JOIN put_code ON put_code.item_id = item.id AND put_code.closed_at IS NULL
LEFT JOIN payload ON payload.digest = coalesce(change.payload_digest, change.replaces_digest, put_code.digest)
LEFT JOIN (
    SELECT DISTINCT written.researcher_id FROM put_code JOIN item written ON written.id = put_code.item_id
) before ON before.researcher_id = item.researcher_id
WHERE batch_change.batch_id = %(batch)s
"""
# What a row has to be for each filter. Only those that are set stand in a query: the planner guesses each of them wrong.
_CONDITIONS: Final = {
    "state": "state = ANY (%(state)s)",
    "kind": "kind = ANY (%(kind)s)",
    "care": "('warned' = ANY (%(care)s) AND warned OR 'plain' = ANY (%(care)s) AND NOT warned "
    "OR 'first_write' = ANY (%(care)s) AND first_write)",
    "type": "type = ANY (%(type)s)",
    "year": "year = ANY (%(year)s)",
    "person": "person_id = ANY (%(person)s)",
    "why": "why = ANY (%(why)s)",
    "work": "work = ANY (%(work)s)",
    "text": "(title ILIKE %(text)s OR person ILIKE %(text)s OR person_id ILIKE %(text)s OR cris_id ILIKE %(text)s "
    "OR array_to_string(keys, ' ') ILIKE %(text)s)",
}

_GROUP: Final = {"publication": "work", "researcher": "person_id", "kind": "kind"}
_ORDER: Final = {
    "attention": "group_attention DESC, group_title",
    "title": "group_title",
    "newest": "group_year DESC, group_title",
    "shared": "group_size DESC, group_title",
}
_BY_PERSON: Final = "group_person"
# The groups in order, each with how many changes stand before it, so that a page sorts its own groups' changes only.
_GROUPS: Final = """
ordered AS MATERIALIZED (
    SELECT *, (sum(group_size) OVER (ORDER BY {order}, group_key ROWS UNBOUNDED PRECEDING) - group_size)::bigint AS ahead
    FROM (SELECT {group} AS group_key, count(*) AS group_size,
                 count(*) FILTER (WHERE state = 'undecided') AS group_undecided,
                 count(*) FILTER (WHERE state = 'undecided' AND kind = 'remove') AS group_removals,
                 count(*) FILTER (WHERE state = 'undecided' AND warned AND kind <> 'remove') AS group_warned,
                 bool_or(kind = 'remove' OR warned) AS group_attention,
                 min(title) AS group_title, max(year) AS group_year, min(person) AS group_person
          FROM base WHERE {matching} GROUP BY {group}) grouped
)
"""
_PLACED: Final = """
SELECT base.*, ordered.*, ahead + row_number() OVER (PARTITION BY group_key ORDER BY person, title, id) AS place
FROM ordered JOIN base ON {group} = group_key WHERE {matching} AND {within}
"""

# One statement, so that the joins are done once. The counts ride on the first row, which is there on an empty page too.
_PAGE: Final = """
WITH {base}, {groups}, page AS (
    SELECT * FROM ({placed}) placed WHERE place > %(skip)s AND place <= %(skip)s + {size}
), facets AS (
    SELECT jsonb_agg(jsonb_build_array(facet, value, label, n)) AS counted FROM ({facets}) counts
)
SELECT page.*, decided.id AS decision, decided.by, decided.at AS decided_at, decided.note, decided.role,
       CASE WHEN row_number() OVER (ORDER BY page.place) = 1 THEN facets.counted END AS counted
FROM facets LEFT JOIN page ON true LEFT JOIN LATERAL (
    SELECT decision.id, decision.at, decision.role, actor.name AS by, decision_note.note
    FROM decision LEFT JOIN actor ON actor.id = decision.actor_id
    LEFT JOIN decision_note ON decision_note.decision_id = decision.id
    WHERE decision.change_id = page.id ORDER BY decision.id DESC LIMIT 1
) decided ON true
ORDER BY place
"""
_ON_PAGE: Final = "ahead < %(skip)s + {size} AND ahead + group_size > %(skip)s"

_BESIDE: Final = """
WITH {base}, {groups}, mine AS (
    SELECT ahead, group_size FROM ordered JOIN base ON {group} = group_key WHERE base.id = %(change)s
), beside AS (
    SELECT id, lag(id) OVER w AS before, lead(id) OVER w AS after FROM ({placed}) placed WINDOW w AS (ORDER BY place)
)
SELECT before, after FROM beside WHERE id = %(change)s
"""
# Its own group, the one before and the one after.
_AROUND: Final = (
    "EXISTS (SELECT FROM mine WHERE ordered.ahead <= mine.ahead + mine.group_size "
    "AND ordered.ahead + ordered.group_size >= mine.ahead)"
)

# Each filter's column, and how many of its values are shown at most.
_FACETS: Final[dict[str, tuple[str, int]]] = {
    "state": ("state", 10),
    "kind": ("kind", 10),
    "type": ("type", 15),
    "year": ("year", 12),
    "person": ("person_id", 12),
    "why": ("why", 20),
}
_CARES: Final = {"warned": "warned", "plain": "NOT warned", "first_write": "first_write"}
ORDER: Final = ("state", "kind", "care", "type", "year", "person", "why")


@dataclass(frozen=True)
class FacetValue:
    value: str
    label: str
    count: int


@dataclass(frozen=True)
class BatchRows:
    """The rows of one page and the counts by filter and value.

    `total` match in all; `undecided` of them are; `plain` of these an approval covers without being asked for more.
    """

    rows: list[Any]
    total: int
    undecided: int
    plain: int
    facets: dict[str, list[FacetValue]]

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))


def batch_rows(connection: Connection, batch: int, view: View) -> BatchRows:
    """One page of a batch, read as the unit's role."""
    values = view.filter.parameters() | {"batch": batch, "skip": (view.page - 1) * PAGE_SIZE}
    statement = _PAGE.format(
        base=_base(view.filter),
        groups=_groups(view),
        placed=_placed(view, _ON_PAGE.format(size=PAGE_SIZE)),
        size=PAGE_SIZE,
        facets=_facets(view.filter),
    )
    rows = connection.execute(statement, values).fetchall()
    totals = {"total": 0, "undecided": 0, "plain": 0}
    facets: dict[str, list[FacetValue]] = {name: [] for name in ORDER}
    for facet, value, label, count in rows[0].counted:
        if facet in totals:
            totals[facet] = count
        elif value and count:
            facets[facet].append(FacetValue(value, label, count))
    if rows[0].id is None:
        rows = []
    return BatchRows(rows, facets=facets, **totals)


def _base(filter: Filter) -> str:
    """The changes of the batch, each with the answer to every filter that is set, asked once."""
    asked = "".join(f", {text} AS is_{name}" for name, text in _CONDITIONS.items() if filter.chosen(name))
    return f"base AS MATERIALIZED (SELECT every.*{asked} FROM ({_ROWS}) every)"


def _matching(filter: Filter, *, but: str = "") -> str:
    """What a row of `base` has to be to pass the filter; `but` names a field that is left out."""
    return " AND ".join(f"is_{name}" for name in _CONDITIONS if name != but and filter.chosen(name)) or "true"


def _facets(filter: Filter) -> str:
    """The counts beside each value of each filter, which leave that filter itself out; and the totals."""
    plain = "state = 'undecided' AND NOT never_send AND NOT declined"
    if not filter.names_removals:
        plain += " AND kind <> 'remove'"
    if not filter.names_warnings:
        plain += " AND (kind = 'remove' OR NOT warned)"
    every, any_care = _matching(filter), _matching(filter, but="care")
    counted = {
        ("total", ""): every,
        ("undecided", ""): f"{every} AND state = 'undecided'",
        ("plain", ""): f"{every} AND {plain}",
        **{("care", name): f"{any_care} AND {text}" for name, text in _CARES.items()},
    }
    return f"{_counted(counted)} UNION ALL {_values(filter)}"


def _counted(conditions: dict[tuple[str, str], str]) -> str:
    """Several counts by one scan, each as a row of its own: (facet, value, label, n)."""
    rows = ", ".join(f"('{facet}', '{value}', '', n{at})" for at, (facet, value) in enumerate(conditions))
    counts = ", ".join(
        f"count(*) FILTER (WHERE {text}) AS n{at}" for at, text in enumerate(conditions.values())
    )
    return (
        f"SELECT counted.* FROM (SELECT {counts} FROM base) once "
        f"CROSS JOIN LATERAL (VALUES {rows}) counted (facet, value, label, n)"
    )


def _values(filter: Filter) -> str:
    """The most frequent values of each filter, and the latest years, by one scan: (facet, value, label, n)."""
    columns = [column for column, _ in _FACETS.values()]
    cases = {name: f"WHEN grouping({column}) = 0 THEN" for name, (column, _) in _FACETS.items()}
    facet = " ".join(f"{case} '{name}'" for name, case in cases.items())
    value = " ".join(f"{cases[name]} {column}" for name, (column, _) in _FACETS.items())
    label = f"CASE {cases['person']} min(person) ELSE '' END"
    # Only where a filter is set do its own counts differ from what matches.
    own = " ".join(
        f"{cases[name]} count(*) FILTER (WHERE {_matching(filter, but=name)})"
        for name in _FACETS
        if filter.chosen(name)
    )
    every = f"count(*) FILTER (WHERE {_matching(filter)})"
    n = f"CASE {own} ELSE {every} END" if own else every
    most = " ".join(f"WHEN '{name}' THEN {limit}" for name, (_, limit) in _FACETS.items())
    return (
        "SELECT facet, value, label, n FROM (SELECT *, row_number() OVER (PARTITION BY facet "
        "ORDER BY CASE WHEN facet = 'year' THEN value END DESC, n DESC, value) AS place "
        f"FROM (SELECT CASE {facet} END AS facet, CASE {value} END AS value, {label} AS label, {n} AS n "
        f"FROM base GROUP BY GROUPING SETS ({', '.join(f'({column})' for column in columns)})) valued "
        f"WHERE n > 0) placed WHERE place <= CASE facet {most} END"
    )


def matching_changes(connection: Connection, batch: int, filter: Filter) -> list[Any]:
    """Every change of a batch that passes the filter: id, kind, state, warned, researcher and latest decision."""
    passed = " AND ".join(text for name, text in _CONDITIONS.items() if filter.chosen(name)) or "true"
    return connection.execute(
        "SELECT id, kind, state, warned, researcher_id, never_send OR declined AS stopped, latest.decision "
        f"FROM ({_ROWS}) every LEFT JOIN (SELECT change_id, max(decision.id) AS decision FROM decision "
        "JOIN batch_change USING (change_id) WHERE batch_id = %(batch)s GROUP BY change_id) latest "
        f"ON latest.change_id = every.id WHERE {passed} ORDER BY id",
        filter.parameters() | {"batch": batch},
    ).fetchall()


def neighbours(connection: Connection, batch: int, view: View, change: int) -> tuple[int | None, int | None]:
    """The changes before and after one, as the view orders them."""
    found = connection.execute(
        _BESIDE.format(
            base=_base(view.filter),
            groups=_groups(view),
            group=_GROUP[view.group],
            placed=_placed(view, _AROUND),
        ),
        view.filter.parameters() | {"batch": batch, "change": change},
    ).fetchone()
    return (found.before, found.after) if found else (None, None)


def _groups(view: View) -> str:
    order = _BY_PERSON if view.group == "researcher" and view.sort == "attention" else _ORDER[view.sort]
    return _GROUPS.format(matching=_matching(view.filter), group=_GROUP[view.group], order=order)


def _placed(view: View, within: str) -> str:
    return _PLACED.format(group=_GROUP[view.group], matching=_matching(view.filter), within=within)
